# SPDX-License-Identifier: GPL-2.0-only
"""Exported files, and whether HdrHistogram itself (Debian's, in Java) reads the same in them."""
from __future__ import annotations

import doctest
import math
import os
import random
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from make_campaign import make

NAME = "demo-20260102T030405Z"
CASE = "munmap/cpus=2"
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1)
LIMIT = 1 << 40
JARS = [Path("/usr/share/java", name) for name in ("bsh.jar", "hdrhistogram.jar")]
ROOT = Path(__file__).resolve().parents[2]
TLBBENCH = Path(os.environ.get("TLBBENCH") or ROOT / "build/tlbbench")


@dataclass(frozen=True)
class Line:
    """What Java says of one line of a log."""

    tag: str
    count: int
    min: int
    max: int
    percentiles: tuple[int, ...]
    start_s: float
    stamp_ms: float


def read(log: Path) -> tuple[list[Line], dict[str, str]]:
    """Let Java read a log. Returns its lines, and the percentile text of each tag less its slot."""
    if not shutil.which("java") or not all(jar.exists() for jar in JARS):
        pytest.skip("needs default-jre-headless, libbsh-java and libhdrhistogram-java (make setup)")
    script = Path(__file__).with_name("read_hlog.bsh")
    out = subprocess.run(["java", "-cp", ":".join(map(str, JARS)), "bsh.Interpreter", script, log],
                         check=True, capture_output=True, text=True, timeout=120)
    assert "rror" not in out.stdout[:200] + out.stderr, out
    first, *pools = re.split(r"^pool\t.*\t", out.stdout, flags=re.M)
    lines = []
    for _, _, tag, count, low, high, *values in map(str.split, first.splitlines()):
        *percentiles, start, stamp = map(float, values)
        lines.append(Line(tag, int(count), int(low), int(high), tuple(map(int, percentiles)), start,
                          stamp))
    return lines, dict(pool.split("\n", 1) for pool in pools)


def low_of(cost: int) -> int:
    """Return the lower bound of tlbbench's bucket, as bench/base/hist.h describes it."""
    shift = max(0, cost.bit_length() - 8)
    return cost >> shift << shift


def histogram(costs: list[int], unit: str = "ns") -> dict[str, Any]:
    """Return the histogram that tlbbench would record."""
    buckets: dict[int, int] = {}
    for cost in sorted(c for c in costs if c < LIMIT):
        buckets[low_of(cost)] = buckets.get(low_of(cost), 0) + 1
    return {"unit": unit, "count": len(costs), "min": min(costs, default=0),
            "max": max(costs, default=0), "sum": sum(costs),
            "overflow": sum(c >= LIMIT for c in costs), "buckets": list(map(list, buckets.items()))}


def random_costs(rng: random.Random) -> list[int]:
    """Return costs of one of several shapes; some overflow."""
    kind, nr = rng.randrange(4), rng.choice((1, 2, 3, 64, 200, 1000))
    if kind == 0:
        return [int(2 ** rng.uniform(0, 40)) for _ in range(nr)]
    if kind == 1:
        return [int(2 ** rng.uniform(0, 43)) for _ in range(nr)]
    middle = 2 ** rng.uniform(1, 30)
    if kind == 2:
        return [max(0, int(rng.gauss(middle, middle / 20))) for _ in range(nr)]
    return [rng.choice((1, 1, 1, 50)) * int(middle) for _ in range(nr)]


EDGES = [[], [0], [1], [0, 0, 5], [127, 128, 129], [2047, 2048, 2049], [LIMIT - 1], [LIMIT],
         [LIMIT - 1, LIMIT], [3, LIMIT * 2, LIMIT * 4], [LIMIT + 7, LIMIT * 3 + 1],
         [(1 << 52) + 12345], [700] * 100000]


def campaign(path: Path, many: list[list[int]], **options: Any) -> Path:
    """Write a campaign of two kernels with one case, whose repetitions have these costs in turn.

    Every fifth repetition has a responder too, with the costs of the initiator in reverse order
    of the list.
    """
    nr = 0

    def edit(kind: str, record: dict[str, Any]) -> None:
        nonlocal nr
        if kind != "repetition":
            return
        timed = record["passes"]["timed"]
        timed["histogram"] = histogram(many[nr % len(many)])
        timed["elapsed_ns"] = 2_000_000_000
        if nr % 5 == 0:
            timed["roles"] = {"responder": {"ops": 1, "histogram": histogram(many[-nr - 1])}}
        nr += 1

    return make(path / NAME, "kvm", cases={CASE: "munmap"}, edit=edit, **options)


def exported(run, directory: Path, form: str, *options: str) -> list[Path]:
    """Export and return the paths that were printed."""
    result = run("export", directory, "--format", form, *options)
    assert result.status == 0 and result.err == ""
    return [Path(line) for line in result.out.splitlines()]


def assert_same(line: Line, costs: list[int]) -> None:
    """Compare what Java says with the costs: bucket by bucket, and 0.1 % for Java's own buckets."""
    assert line.count == len(costs)
    if not costs:
        assert line.min == line.max == 0
        return
    lowest, highest = min(costs), max(costs)
    assert line.min <= lowest <= line.min * (1 + 1 / 1024)
    assert highest <= line.max <= highest * (1 + 1 / 1024)
    for q, got in zip(QUANTILES, line.percentiles):
        exact = sorted(costs)[math.ceil(q * len(costs)) - 1]
        if exact >= LIMIT:
            assert got == line.max or exact == lowest
        else:
            assert low_of(exact) <= got <= max(exact, lowest) * (1 + 1 / 1024)


def test_java_reads_what_was_recorded(run, tmp_path):
    rng = random.Random(20260102)
    many = EDGES + [random_costs(rng) for _ in range(240 - len(EDGES))]
    directory = campaign(tmp_path, many, pairs=4, repetitions=30)
    [log] = exported(run, directory, "hlog")
    assert log == directory / "export" / "01-munmap-cpus-2.hlog"
    lines, pools = read(log)

    initiators = [line for line in lines if line.tag.endswith(":initiator")]
    responders = [line for line in lines if line.tag.endswith(":responder")]
    assert len(initiators) == 240 and len(responders) == 48 == len(lines) - 240
    for i, line in enumerate(initiators):
        assert_same(line, many[i])
        assert line.tag == f"{'baseline' if i // 30 % 4 in (0, 3) else 'lazy-ipi'}:{CASE}" \
                           f":slot{i // 30}:initiator"
        assert line.start_s == 1767323045
        assert line.stamp_ms == line.start_s * 1000 + 2000 * i
    for i, line in enumerate(responders):
        assert_same(line, many[-5 * i - 1])

    texts = {}
    for path in exported(run, directory, "hgrm"):
        kernel, role = re.fullmatch(r"01-munmap-cpus-2\.(.*)\.(.*)\.ns\.hgrm", path.name).groups()
        texts[f"{kernel}:{CASE}:{role}"] = path.read_text()
    assert texts.keys() == pools.keys()
    for tag, text in texts.items():
        assert text.startswith(pools[tag])
        assert all(re.fullmatch(r"#\[.*\]", note) for note in text[len(pools[tag]):].splitlines())


def test_exact_values_are_not_lost(run, tmp_path):
    many = [[1001, 1002, 5003], [LIMIT + 7, 999, LIMIT * 3 + 1]]
    directory = campaign(tmp_path, many, kernels=("k",), pairs=1, repetitions=2)
    [log] = exported(run, directory, "hlog")
    notes = [line for line in log.read_text().splitlines() if "exact min" in line]
    assert "count 3, exact min 1001, max 5003, sum 7006, overflow 0;" in notes[0]
    assert f"count 3, exact min 999, max {LIMIT * 3 + 1}, sum {LIMIT * 4 + 1007}," \
           " overflow 2;" in notes[-1]
    assert f",{LIMIT * 3 + 1}.000,HISTFAAA" in log.read_text()
    [text] = [p.read_text() for p in exported(run, directory, "hgrm") if "initiator" in p.name]
    assert f"#[unit ns, count 6, exact min 999, max {LIMIT * 3 + 1}, sum {LIMIT * 4 + 8013}," \
           " overflow 2]\n" in text


def test_instructions_and_caveats_are_said(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition":
            record["caveats"] = ["somebody else runs there"]
    directory = make(tmp_path / NAME, edit=edit)
    paths = exported(run, directory, "hgrm") + exported(run, directory, "hlog")
    assert len(paths) == 2 * 2 + 2
    assert all(".instructions." in path.name for path in paths if path.suffix == ".hgrm")
    for path in paths:
        text = path.read_text()
        assert "unit instructions, count" in text and "#[caveat: somebody else runs there]" in text
        assert "soundness unchecked" in text


def test_one_case_to_another_place(run, tmp_path):
    directory = make(tmp_path / NAME)
    out = tmp_path / "a" / "b"
    options = "--case", "lazy_idle-asleep/cpus=4", "--out", str(out)
    assert exported(run, directory, "hlog", *options) == [out / "02-lazy-idle-asleep-cpus-4.hlog"]
    assert [path.name for path in out.iterdir()] == ["02-lazy-idle-asleep-cpus-4.hlog"]
    assert not (directory / "export").exists()
    result = run("export", directory, "--format", "hlog", "--case", "none")
    assert result.status == 2 and "lazy_idle-woken/cpus=4" in result.err


def test_only_what_is_believed(run, tmp_path):
    directory = make(tmp_path / NAME)
    whole = exported(run, directory, "hlog")[0].read_text()
    path = directory / "slots" / "03-baseline" / "records.jsonl"
    path.write_text(path.read_text().replace('"dropped": 0', '"dropped": 1', 1))
    result = run("export", directory, "--format", "hlog")
    assert result.status == 1
    text = Path(result.out.splitlines()[0]).read_text()
    assert "slot3:" in whole and "slot3:" not in text and "slot4:" in text


def test_nothing_to_export(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition":
            record.update(state="skipped", reasons=["too few CPUs"])
    result = run("export", make(tmp_path / NAME, edit=edit), "--format", "hgrm")
    assert result.status == 2 and "nothing to export" in result.err


@pytest.mark.parametrize("change", [{"min": 16000}, {"max": 14000}, {"count": 201}])
@pytest.mark.parametrize("where", ["initiator", "responder"])
def test_histograms_that_contradict_themselves(run, tmp_path, change, where):
    def edit(kind, record):
        if kind != "repetition":
            return
        timed = record["passes"]["timed"]
        timed["roles"] = {"responder": {"ops": 200, "histogram": {**timed["histogram"]}}}
        if record["slot"] == 0:
            (timed if where == "initiator" else timed["roles"]["responder"])["histogram"].update(
                change)
    result = run("export", make(tmp_path / NAME, pairs=1, edit=edit), "--format", "hlog")
    assert result.status == 1
    assert {line.split(":slot")[1][0] for line in
            Path(result.out.splitlines()[0]).read_text().splitlines() if ":slot" in line} == {"1"}


CONF = """\
[campaign]
name = tiny
boots = 1

[case one]
workload = munmap
cpus = 1
ops = 10000
repetitions = 2
"""


def test_real_campaign(run, tmp_path):
    if not TLBBENCH.exists():
        pytest.skip(f"{TLBBENCH} is not built")
    (tmp_path / "tiny.conf").write_text(CONF)
    done = subprocess.run([TLBBENCH, "campaign", "--results", tmp_path, tmp_path / "tiny.conf"],
                          check=True, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TLBBENCH_HOME": str(ROOT)})
    directory = Path(done.stdout.strip())
    [log] = exported(run, directory, "hlog")
    [text] = [p.read_text() for p in exported(run, directory, "hgrm") if "initiator" in p.name]
    lines, pools = read(log)
    lines = [line for line in lines if line.tag.endswith(":initiator")]
    assert len(lines) == 2
    from tlbreport.load import load
    [(_, boot)] = load(directory).boots(load(directory).kernels[0].name)
    for line, repetition in zip(lines, boot.repetitions):
        assert line.count == repetition.timed.count == 10000
        for name, got in zip(("p50", "p99", "p999"), line.percentiles[::2][:2] +
                             line.percentiles[3:4]):
            ours = repetition.metrics[f"op_{name}_ns"].value
            assert abs(got - ours) <= ours / 128 + 2, name
    assert text.startswith(pools[lines[0].tag.replace(":slot0:", ":")])


def test_examples_in_docstrings():
    from tlbreport import export, hdr, model
    for module in export, hdr, model:
        result = doctest.testmod(module)
        assert result.attempted and not result.failed
