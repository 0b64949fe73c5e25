# SPDX-License-Identifier: GPL-2.0-only
"""What a reader sees: widths, escaping, files, images; whole reports are in test_published.py."""
from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from make_campaign import make

from tlbreport import tables

SCRIPT = (Path(__file__).parents[1] / "tlbreport/templates/report.js").read_text()
NAME = "demo-20250101T000000Z"
EVIL = "<script>alert(1)</script>'\"`touch pwned`%n@x\u00e9"


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
        assert max(map(len, out.splitlines())) <= 72
        assert out.isascii()
    mail = (directory / "mail.txt").read_text()
    assert max(map(len, mail.splitlines())) <= 72 and mail.isascii()
    assert (directory / "report.txt").read_text().endswith("For a mail\n\n" + mail)


class Page(HTMLParser):
    """Collect the tags, ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.packed: list[str] = []
        self.links: set[str] = set()
        self.scripts: list[str] = []
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key == "data-svg":
                self.packed.append(value)
            if key in ("href", "src", "xlink:href"):
                self.links.add(value)
            assert not key.startswith("on")
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"]

    def handle_data(self, data):
        if self.lasttag == "script" and data.strip():
            self.scripts.append(data)

    @property
    def images(self) -> list[str]:
        """Return the images that are in the page, as SVG."""
        return [zlib.decompress(base64.b64decode(packed)).decode() for packed in self.packed]


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
    assert page.scripts == [SCRIPT] and result.html.count("<script") == 1
    assert EVIL not in result.html and "&lt;script&gt;alert(1)" in result.html
    assert all(link.startswith("#") for link in page.links)
    assert "<script" not in (directory / "report.md").read_text().replace("\\<", "")
    for image in page.images:
        assert "<script" not in image
    assert len(set(page.ids)) == len(page.ids)
    assert not list(directory.rglob("pwned")) and not Path("pwned").exists()
    assert "gnuplot" not in result.out and result.out.isascii() and "x\\xe9" in result.out


def test_html_needs_nothing_else(run, tmp_path):
    """No link leads out, and a policy lets nothing run but the one script that sorts."""
    result = run("compare", make(tmp_path / NAME))
    page = Page(result.html)
    assert result.html.startswith("<!DOCTYPE html>") and len(page.images) == 8
    assert all("<svg" in image and image.rstrip().endswith("</svg>") for image in page.images)
    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert not page.tags & {"link", "iframe", "object", "embed", "base"}
    assert not re.findall(r"url\((?!#)|@import|https?://", result.html)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert page.policy == ("default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
                           f"script-src 'sha256-{digest}'")
    for row in result.rows:
        assert row["metric"] in result.html


def test_images_can_be_drawn_again(run, tmp_path):
    directory = make(tmp_path / NAME)
    run("compare", directory)
    plots = directory / "plots"
    names = sorted(path.stem for path in plots.glob("*.gp"))
    cases = ["01-lazy-idle-woken-cpus-4", "02-lazy-idle-asleep-cpus-4"]
    assert names == [f"boots-{case}" for case in cases] + ["flushes"] + [
        f"histogram-{case}" for case in cases] + ["ipis"] + [f"percentiles-{c}" for c in cases]
    for name in names:
        before = (plots / f"{name}.svg").read_text()
        (plots / f"{name}.svg").unlink()
        done = subprocess.run(["gnuplot", f"{name}.gp"], cwd=plots, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        # Of a colour that does not change gnuplot writes only the first use.
        now, then = (re.sub(r'(stroke|color)="[^"]*"', "", text) for text in (
            (plots / f"{name}.svg").read_text(), before))
        assert now == then


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


def test_no_gnuplot(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    result = run("compare", make(tmp_path / NAME))
    assert result.status == 0 and "gnuplot is not installed" in result.flat
    assert "gnuplot is not installed" in result.html and not Page(result.html).images
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


def test_mail(run, tmp_path, no_plots):
    """Baseline left, raw change with its word, interval, boots, IPIs, machine, command."""
    directory = make(tmp_path / NAME, "kvm", pairs=5)
    run("compare", directory)
    mail = (directory / "mail.txt").read_text()
    flat = " ".join(mail.split())
    assert flat.startswith("tlbbench 0.1.0: demo 2025-01-01 A baseline 6.12.117-baseline-")
    assert "5 boots, unchecked" in flat and "boots A B | B A | A B | B A | A B" in flat
    assert "QEMU TCG CPU version 2.5+, 4 CPUs; turbo -, governor -, THP -, meltdown -" in flat
    assert "$ tlbbench campaign demo.conf" in flat
    assert re.search(r"lazy_idle-woken/cpus=4 +baseline +lazy-ipi\n"
                     r" +op p50, ns +\d+ \+- [\d.]+ +\d+ \+- [\d.]+  \(\+\d.\d%\)\n"
                     r" +worse: 95% CI \[\+[\d.]+,\+[\d.]+\], 5 boots each, lower is better", mail)
    assert "mechanism: IPIs received/op 0 -> 3" in flat


def test_markdown(run, tmp_path, no_plots):
    directory = make(tmp_path / NAME, states={1: ("crashed", "panic_a|b", [])})
    run("compare", directory)
    text = (directory / "report.md").read_text()
    tables_of = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables_of} <= {8, 6}
    assert r"crashed: panic\_a\|b" in text and "**1 of 8 slots are not in the numbers**" in text
    assert r"| ipis\_received\_per\_op |" in text


def test_noise_is_shown(run, tmp_path, no_plots):
    result = run("compare", make(tmp_path / NAME, "kvm", pairs=6, repetitions=2))
    assert re.search(r"noise +sd of boots +of runs +sees +boots\n +op_p50_ns +[\d.]+%", result.out)
    assert "sd of boots" in result.html
    assert "sd of boots |" in (result.directory / "report.md").read_text()


def test_list(run, tmp_path, no_plots):
    make(tmp_path / NAME)
    make(tmp_path / "other-20250102T000000Z", kernels=("a",)).joinpath(
        "slots/00-a/slot.json").unlink()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "plan.json").write_text("{")
    (tmp_path / "link").symlink_to(NAME)
    result = run("list", tmp_path)
    assert result.status == 0 and "demo-20250101T000000Z exact 8/8 baseline lazy-ipi" in result.flat
    assert "other-20250102T000000Z exact 3/4 a" in result.flat and "link" not in result.flat
    assert "broken Expecting property name" in result.flat


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


def test_mail_names_absent_costs_in_one_line(run, tmp_path, no_plots):
    """What neither kernel has takes no rows; equivalent says by which interval."""
    def edit(kind, record):
        for m in record["metrics"] if kind == "repetition" else ():
            if m["name"] in ("op_p99_ns", "op_p999_ns"):
                m.update(status="absent", value=None, reason="needs 1000 ops")
            elif m["name"] == "op_p50_ns":
                m["value"] = 1000 + record["pair"]
    result = run("compare", make(tmp_path / "c", "kvm", edit=edit))
    sent = (result.directory / "mail.txt").read_text()
    assert "absent: op p99, ns (needs 1000 ops); op p999, ns (needs 1000 ops)" in sent
    assert "equivalent (90% CI within +-2%): 95% CI" in sent and "0 boots" not in sent


def test_mail_says_why_nothing_is_compared(run, tmp_path, no_plots):
    """Of a metric whose records disagree there is no value, but a reason."""
    def edit(kind, record):
        for m in record["metrics"] if kind == "repetition" and record["slot"] == 1 else ():
            if m["name"] == "op_p50_ns":
                m["unit"] = "us"
    run("compare", make(tmp_path / "c", "kvm", edit=edit))
    sent = " ".join((tmp_path / "c/mail.txt").read_text().split())
    assert "absent: op p50 ns, mixed (not compared: the records disagree on what it is" in sent
