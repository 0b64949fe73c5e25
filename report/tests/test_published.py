# SPDX-License-Identifier: GPL-2.0-only
"""The report of the published campaign is what is kept beside it; `make published` writes it."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

PUBLISHED = sorted((Path(__file__).parents[2] / "results/published").glob("*-*Z"))
EXPORTS = {"benchstat": "benchstat.txt", "csv": "values.csv", "kcidb": "kcidb.json",
           "openmetrics": "tlbbench.prom"}


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the campaign without its report, and the original."""
    original, = PUBLISHED
    directory = tmp_path / original.name
    directory.mkdir()
    for name in "campaign.conf", "plan.json", "index.sha256":
        shutil.copy(original / name, directory)
    shutil.copytree(original / "slots", directory / "slots")
    return directory, original


def test_report(run, copy):
    directory, original = copy
    result = run("compare", directory)
    assert result.status == 0
    for name in "report.txt", "report.md", "mail.txt", "compare.json":
        assert (directory / name).read_text() == (original / name).read_text(), name
    # Images are packed, and not the same with another gnuplot or zlib.
    now, then = (re.sub(r'data-svg="[^"]*"', "", (path / "report.html").read_text())
                 for path in copy)
    assert now == then


@pytest.mark.parametrize("form", EXPORTS)
def test_exports(run, copy, form):
    directory, original = copy
    assert run("export", directory, "--format", form).status == 0
    name = f"export/{EXPORTS[form]}"
    assert (directory / name).read_text() == (original / name).read_text()


def test_histograms(run, copy):
    directory, original = copy
    kept = sorted((original / "export").glob("*.hgrm"))
    run("export", directory, "--format", "hgrm")
    assert kept and [p.name for p in kept] == sorted(
        p.name for p in (directory / "export").glob("*.hgrm"))
    for path in kept:
        assert path.read_text() == (directory / "export" / path.name).read_text()


def test_nothing_of_the_machine_is_published():
    for path in PUBLISHED[0].rglob("*"):
        text = path.read_text() if path.is_file() else ""
        assert not re.search(r"/root/|/home/|/tmp/", text), path
