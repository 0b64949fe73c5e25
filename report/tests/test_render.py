# SPDX-License-Identifier: GPL-2.0-only
"""What a reader sees: golden text, widths, escaping, files, images.

After an intended change: make_campaign.py DIR/demo-20250101T000000Z, run compare, copy to golden/.
"""
from __future__ import annotations

import json
import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from make_campaign import make

from tlbreport import figures, tables

GOLDEN = Path(__file__).parent / "golden"
NAME = "demo-20250101T000000Z"
EVIL = "<script>alert(1)</script>'\"`touch pwned`%n@x\u00e9"


def test_golden(run, tmp_path, no_plots):
    result = run("compare", make(tmp_path / NAME))
    assert result.out == (GOLDEN / "report.txt").read_text()
    assert result.out == (result.directory / "report.txt").read_text()
    expected = json.loads((GOLDEN / "compare.json").read_text())
    assert len(result.rows) == len(expected)
    for row, other in zip(result.rows, expected):
        assert row == pytest.approx(other, rel=1e-6)


@pytest.mark.parametrize("accel", ["exact", "kvm"])
@pytest.mark.parametrize("long", [False, True])
def test_widths(run, tmp_path, no_plots, accel, long):
    def edit(kind, record):
        if long and kind in ("boot", "repetition"):
            record["caveats"] = ["a long caveat " * 20, "x" * 200]
        if long and kind == "repetition":
            for metric in record["metrics"]:
                metric.update(name=metric["name"] * 3, reason="reason" * 30,
                              status="scaled" if metric["value"] is not None else "absent")
    cases = {"case/" * 30: "w", "b" * 100: "w"} if long else {"one": "w"}
    kernels = ("k" * 50, "other-" * 8, "third") if long else ("a", "b")
    directory = make(tmp_path / NAME, accel, kernels, cases=cases, edit=edit,
                     states={5: ("crashed", "why " * 50, ["log " * 60])})
    for command in "compare", "show":
        out = run(command, directory).out
        assert max(map(len, out.splitlines())) <= 78
        assert out.isascii()
    mail = (directory / "report.txt").read_text().split("For a mail\n")[1]
    assert max(map(len, mail.splitlines())) <= 72


class Page(HTMLParser):
    """Collect the tags, ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in ("href", "src", "xlink:href"):
                self.links.add(value)
            assert not key.startswith("on")


def evil(kind, record):
    """Put markup, quotes and shell into every free text of a record."""
    if kind == "plan":
        record["cases"] = [{"case": EVIL, "workload": EVIL}]
        record["kernels"][1]["name"] = EVIL
        record["campaign"] = EVIL
        for slot in record["slots"][1::2]:
            slot["kernel"] = EVIL
        return
    record["campaign"] = EVIL
    if record["slot"] % 2:
        record["kernel"] = EVIL
    if kind == "boot":
        record["audit"] = {"cpu_model": EVIL, EVIL: str(record["slot"] % 2)}
        record["caveats"] = [EVIL]
    if kind == "repetition":
        record.update(case=EVIL, workload=EVIL, caveats=[EVIL], params={EVIL: EVIL})
        for metric in record["metrics"][3:]:
            metric.update(name=EVIL + metric["name"], unit=EVIL)


def evil_campaign(tmp_path):
    """Make the campaign; slots of either kernel keep the id of the fixture's kernel there."""
    def edit(kind, record):
        if kind == "plan":
            for slot in record["slots"]:
                slot["kernel"] = ("baseline", "lazy-ipi")[slot["slot"] % 2]
        evil(kind, record)
    ids = {"baseline": "baseline", "lazy-ipi": "lazy-ipi"}
    return make(tmp_path / NAME, kernels=tuple(ids), cases={"x": "x"}, edit=edit,
                states={6: ("crashed", EVIL, [EVIL])})


def test_injection(run, tmp_path):
    directory = evil_campaign(tmp_path)
    result = run("compare", directory)
    page = Page(result.html)
    assert "script" not in page.tags and "svg" in page.tags
    assert EVIL not in result.html and "&lt;script&gt;alert(1)" in result.html
    assert all(link.startswith("#") for link in page.links)
    assert len(set(page.ids)) == len(page.ids)
    assert not list(directory.rglob("pwned")) and not Path("pwned").exists()
    assert "gnuplot" not in result.out and result.out.isascii() and "x\\xe9" in result.out


def test_html_needs_nothing_else(run, tmp_path):
    result = run("compare", make(tmp_path / NAME))
    page = Page(result.html)
    assert result.html.startswith("<!DOCTYPE html>") and result.html.count("<svg") == 5
    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert not re.findall(r"url\((?!#)|@import", result.html)
    for row in result.rows:
        assert row["metric"] in result.html


def test_images_can_be_drawn_again(run, tmp_path):
    directory = make(tmp_path / NAME)
    run("compare", directory)
    plots = directory / "plots"
    names = sorted(path.stem for path in plots.glob("*.gp"))
    assert names == ["boots-01-lazy-idle-woken-cpus-4", "boots-02-lazy-idle-asleep-cpus-4",
                     "costs-01-lazy-idle-woken-cpus-4", "costs-02-lazy-idle-asleep-cpus-4", "ipis"]
    for name in names:
        before = (plots / f"{name}.svg").read_text()
        (plots / f"{name}.svg").unlink()
        done = subprocess.run(["gnuplot", f"{name}.gp"], cwd=plots, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert (plots / f"{name}.svg").read_text() == before


def test_data_behind_the_images(run, tmp_path):
    directory = make(tmp_path / NAME)
    run("compare", directory)
    plots = directory / "plots"
    bars = [line.split() for line in (plots / "ipis.dat").read_text().splitlines()[1:]]
    assert [(bar[0], bar[1], bar[4]) for bar in bars] == [
        ("0", "0", "0"), ("0", "1", "3"), ("1", "0", "0"), ("1", "1", "0")]
    blocks = (plots / "boots-01-lazy-idle-woken-cpus-4.dat").read_text().split("\n\n")
    slots = [[line.split()[0] for line in b.splitlines() if line and line[0] != "#"]
             for b in blocks]
    assert slots[:2] == [["0", "3", "4", "7"], ["1", "2", "5", "6"]]


def test_distribution_by_hand():
    first = figures.Histogram("ns", 3, 0, ((10, 2), (20, 1)), 10, 21, 42)
    second = figures.Histogram("ns", 5, 1, ((10, 4),), 10, 1 << 41, 1 << 42)
    assert figures._tail([first, second]) == "10 1\n10 0.25\n20 0.125\n"


def test_long_tails_get_a_logarithmic_axis():
    assert figures._decades([100.0, 500]) == "" == figures._decades([0.0, 500])
    assert figures._decades([60.0, 900]).endswith("[50:1080]\nset xtics (50, 100, 200, 500, 1000)")


def test_no_gnuplot(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    result = run("compare", make(tmp_path / NAME))
    assert result.status == 0 and "gnuplot is not installed" in result.flat
    assert "gnuplot is not installed" in result.html and "<svg" not in result.html
    assert not list(result.directory.glob(".*"))


def test_files_are_replaced_at_once(run, tmp_path, no_plots, monkeypatch):
    directory = make(tmp_path / NAME)
    run("compare", directory)
    (directory / "report.txt").write_text("old")
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(
        OSError(28, "No space left on device", str(b))))
    result = run("compare", directory)
    assert result.status == 1 and "No space left on device" in result.err
    assert (directory / "report.txt").read_text() == "old"
    assert not list(directory.glob(".*"))


def test_show(run, tmp_path):
    directory = make(tmp_path / NAME, "kvm")
    result = run("show", directory)
    assert result.status == 0 and not (directory / "report.txt").exists()
    assert "lazy_idle-woken/cpus=4: lazy-ipi" in result.out
    assert "ipis_received_per_op 4 3 3 3" in result.flat
    assert "irq_tlb cpu 4 600 600 600" in result.flat
    assert "nr_tlb_remote_flush system 0 -[1]" in result.flat and "verdict" not in result.out


def test_script_runs_from_anywhere(tmp_path):
    directory = make(tmp_path / NAME)
    script = Path(__file__).parents[1] / "run"
    link = tmp_path / "link"
    link.symlink_to(directory)
    done = subprocess.run([script, "compare", "link"], cwd=tmp_path, capture_output=True,
                          text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (directory / "report.txt").read_text()
    done = subprocess.run([script], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("usage: tlbreport")


@pytest.mark.parametrize("value, text", [
    (None, "-"), (0.0, "0"), (3.0, "3"), (15010.0, "15010"), (1629.7, "1630"), (0.12345, "0.1235"),
    (2.0 ** 64, "1.845e+19"), (-4.0, "-4")])
def test_number(value, text):
    assert tables.number(value) == text


@pytest.mark.parametrize("value, text", [
    (None, "-"), (0.0, "0.0%"), (-0.0, "0.0%"), (0.001, "0.0%"), (0.05, "+0.05%"), (-7.94, "-7.9%"),
    (133.33, "+133%"), (1e9, "+1000000000%")])
def test_percent(value, text):
    assert tables.percent(value) == text
