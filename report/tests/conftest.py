# SPDX-License-Identifier: GPL-2.0-only
"""Make the package and the fixture generator importable; run the command in this process."""
from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]


@pytest.fixture
def run(capsys):
    """Return a function that runs tlbreport and returns status, out, err and rows."""
    from tlbreport.__main__ import main

    def call(command: str, directory: Path, *options: str) -> SimpleNamespace:
        status = main([command, str(directory), *options])
        printed = capsys.readouterr()
        rows = directory / "compare.json"
        return SimpleNamespace(
            status=status, out=printed.out, err=printed.err, directory=directory,
            flat=" ".join(printed.out.split()),
            html=(directory / "report.html").read_text() if rows.exists() else "",
            rows=json.loads(rows.read_text()) if rows.exists() else [])
    return call


@pytest.fixture
def no_plots(monkeypatch):
    """Leave gnuplot out where a test is about something else."""
    from tlbreport import figures
    monkeypatch.setattr(figures, "draw", lambda campaign, tables: ([], ""))
