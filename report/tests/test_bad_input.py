# SPDX-License-Identifier: GPL-2.0-only
"""Bad input, all commands: a clear message or a marked row, no traceback, no wrong number."""
from __future__ import annotations

import pytest
from make_campaign import make, reindex

pytestmark = pytest.mark.usefixtures("no_plots")
NAME = "demo-20260101T000000Z"
RECORDS = "slots/01-lazy-ipi/records.jsonl"
FORMATS = ("benchstat", "csv", "kcidb", "openmetrics", "hlog", "hgrm")


def text_of(directory, change):
    """Change the records of one slot."""
    path = directory / RECORDS
    path.write_text(change(path.read_text()))


def truncated(directory):
    text_of(directory, lambda text: text[:-100])
    reindex(directory, slots=True)


def tampered(directory):
    text_of(directory, lambda text: text.replace('"value": 600', '"value": 1'))


def other_schema(directory):
    text_of(directory, lambda text: text.replace('"schema": 1', '"schema": 2'))
    reindex(directory, slots=True)


def not_a_number(directory):
    text_of(directory, lambda text: text.replace('"value": 600', '"value": NaN'))
    reindex(directory, slots=True)


def mixed_units(kind, record):
    if kind == "repetition" and record["kernel"] == "lazy-ipi":
        for metric in record["metrics"]:
            metric["unit"] = "furlongs"


def other_machine(kind, record):
    if kind == "boot" and record["kernel"] == "lazy-ipi":
        record["audit"]["cpu_model"] = "another"


CRASHED = {i: ("crashed", "panic", []) for i in (1, 2, 5, 6)}
TABLE = {
    "truncated": (truncated, {}, 1, "line 4: the last line is cut"),
    "tampered": (tampered, {}, 1, "its sha256 is not the one in index.sha256"),
    "other schema": (other_schema, {}, 1, "schema version 2, this tlbreport reads 1"),
    "NaN": (not_a_number, {}, 1, "NaN is not a number that can be used"),
    "mixed units": (None, {"edit": mixed_units}, 0, "the records disagree on what it is"),
    "one kernel missing": (None, {"states": CRASHED}, 1, "4 of 8 slots are not in the numbers"),
    "one boot only": (None, {"pairs": 1}, 0, "not judged: 1 complete pair of boots, 4 needed"),
    "different machines": (None, {"edit": other_machine}, 0,
                           "void: the kernels also differ in cpu_model"),
}


def write(tmp_path, what):
    damage, options, status, said = TABLE[what]
    directory = make(tmp_path / NAME, "kvm", **options)
    if damage:
        damage(directory)
    return directory, status, said


@pytest.mark.parametrize("what", TABLE)
def test_compare(run, tmp_path, what):
    directory, status, said = write(tmp_path, what)
    result = run("compare", directory)
    assert (result.status, result.err) == (status, "") and said in result.flat, result.out
    verdicts = {row["verdict"] for row in result.rows}
    assert verdicts == {"void" if what == "different machines" else "none"}
    assert said.replace("'", "&#39;") in " ".join(result.html.split())
    for name in "report.md", "mail.txt":
        assert (directory / name).read_text()


@pytest.mark.parametrize("what", TABLE)
@pytest.mark.parametrize("form", FORMATS)
def test_export(run, tmp_path, what, form):
    directory, status, _ = write(tmp_path, what)
    result = run("export", directory, "--format", form)
    assert (result.status, result.err) == (status, "") and result.out


@pytest.mark.parametrize("what", TABLE)
def test_the_rest(run, tmp_path, what):
    directory, status, _ = write(tmp_path, what)
    assert run("show", directory).status == status
    assert run("plot", directory, "--term", "dumb", "--only", "ipis").status == status
    assert run("list", tmp_path).status == 0
    assert run("trend", tmp_path).status in (0, 2)


def test_nothing_ended(run, tmp_path):
    """No boot at all: every command says so and none fails."""
    directory = make(tmp_path / NAME, states={i: ("timeout", "slow", []) for i in range(8)})
    for command, *options in (("compare",), ("show",), ("plot",), ("export", "--format", "csv"),
                              ("export", "--format", "kcidb")):
        result = run(command, directory, *options)
        assert result.status == 1 and result.err == "", (command, result.err)
    result = run("export", directory, "--format", "hgrm")
    assert result.status == 2 and "no repetition ended well" in result.err
