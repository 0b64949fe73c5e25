# SPDX-License-Identifier: GPL-2.0-only
"""Bad files are named and left out; they make no traceback and no number."""
from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator
from make_campaign import make, reindex

from tlbreport import load, records

pytestmark = pytest.mark.usefixtures("no_plots")
RECORDS = "slots/01-lazy-ipi/records.jsonl"


def change(directory, old: str, new: str, name: str = RECORDS, slots: bool = True) -> None:
    """Replace text in a file and correct all sums, so that only the change itself is bad."""
    path = directory / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    reindex(directory, slots)


def left_out(result, reason: str, file: str = RECORDS) -> None:
    """Check that exactly one slot of lazy-ipi is gone, that the report says why, and the exit."""
    assert result.status == 1
    assert result.err == ""
    assert file in result.flat and reason in result.flat, result.out
    assert "1 of 8 slots are not in the numbers" in result.flat
    assert {(row["boots_a"], row["boots_b"]) for row in result.rows if row["value_a"] is not None
            } == {(4, 3)}
    assert {row["verdict"] for row in result.rows} == {"none"}


def test_good_campaign(run, tmp_path):
    result = run("compare", make(tmp_path / "c"))
    assert result.status == 0 and "Not in the numbers" not in result.out
    assert len(result.rows) == 14


def test_tampered(run, tmp_path):
    directory = make(tmp_path / "c")
    path = directory / RECORDS
    path.write_text(path.read_text().replace('"value": 600', '"value": 1', 1))
    left_out(run("compare", directory), "its sha256 is not the one in index.sha256")


def test_not_in_index(run, tmp_path):
    directory = make(tmp_path / "c")
    index = directory / "index.sha256"
    index.write_text("".join(line for line in index.read_text().splitlines(True)
                             if RECORDS not in line))
    left_out(run("compare", directory), "not in index.sha256")


def test_slot_json_tampered(run, tmp_path):
    directory = make(tmp_path / "c", states={1: ("crashed", "panic", [])})
    path = directory / "slots/01-lazy-ipi/slot.json"
    path.write_text(path.read_text().replace("crashed", "ok"))
    left_out(run("compare", directory), "its sha256 is not the one", "slots/01-lazy-ipi/slot.json")


def test_index_vouches_but_slot_json_does_not(run, tmp_path):
    directory = make(tmp_path / "c")
    change(directory, '"value": 600', '"value": 1', slots=False)
    left_out(run("compare", directory), "not the file that slot.json describes")


def test_two_hashes_for_one_file(run, tmp_path):
    directory = make(tmp_path / "c")
    with open(directory / "index.sha256", "a") as index:
        index.write(f"{'0' * 64}  {RECORDS}\n")
    result = run("compare", directory)
    left_out(result, "its sha256 is not the one")
    assert "index.sha256, line 17: second hash" in result.flat


def test_index_missing(run, tmp_path):
    directory = make(tmp_path / "c")
    (directory / "index.sha256").unlink()
    result = run("compare", directory)
    assert result.status == 1 and result.rows == []
    assert "index.sha256: missing, so no file can be believed" in result.flat


def test_index_garbage(run, tmp_path):
    directory = make(tmp_path / "c")
    with open(directory / "index.sha256", "ab") as index:
        index.write(b"what\n")
    result = run("compare", directory)
    assert result.status == 1 and "index.sha256, line 17: not a line of sha256sum" in result.flat
    assert {row["verdict"] for row in result.rows} > {"worse"}
    (directory / "index.sha256").write_bytes(b"\xff\xfe")
    assert "index.sha256: cannot be read" in run("compare", directory).flat


def test_cut_last_line(run, tmp_path):
    directory = make(tmp_path / "c")
    path = directory / RECORDS
    path.write_bytes(path.read_bytes()[:-20])
    reindex(directory, slots=True)
    left_out(run("compare", directory), "line 4: the last line is cut")


@pytest.mark.parametrize("old, new, reason", [
    ('"observer_ratio": 1.02', '"observer_ratio": NaN', "line 2: NaN is not a number"),
    ('"observer_ratio": 1.02', '"observer_ratio": -Infinity', "line 2: -Infinity is not a number"),
    ('"observer_ratio": 1.02', '"observer_ratio": 1e999', "line 2: 1e999 is not a number"),
    ('"observer_ratio": 1.02', '"observer_ratio": 1' + "0" * 5000, "is not a number"),
    ('"observer_ratio": 1.02', '"observer_ratio": ' + "[" * 20000, "nested too deeply"),
    ('"observer_ratio": 1.02', '"observer_ratio": 1, "case": "x"', "a key stands twice"),
    ('"schema": 1', '"schema": 2', "line 1: schema version 2, this tlbreport reads 1"),
    ('"type": "boot"', '"type": "repetition"', "line 1: not a boot record: type"),
    ('"better": "lower"', '"better": "less"', "metrics/0/better: 'less' is not one of"),
    ('"seed": 1', '"seed": 2', "line 1: seed is 2, the plan says 1"),
    ('"release": "6.12.117-lazy-ipi', '"release": "6.12.117-other', "release is 6.12.117-other"),
    ('"kernel_id": "lazy-ipi-', '"kernel_id": "baseline-', "kernel_id is baseline-"),
    ('"count": 200', '"count": 201', "buckets do not add up"),
    ('"name": "ipis_received"', '"name": "flushes_per_op"', "a metric is recorded twice"),
    ('"case": "lazy_idle-asleep', '"case": "lazy_idle-woken', "is recorded twice"),
    ('{"schema"', '["schema"', "line 1: "),
    ('{"schema"', '{"schéma"', "line 1: schema version None"),
    ('"status": "absent", "value": null', '"status": "absent", "value": 0', "counters/1/value"),
    ('"status": "ok", "value": 600', '"status": "ok", "value": null', "None is not of type"),
    ('"drift": []', '"drift": 3', "line 4: not a audit_end record: drift"),
    ('"type": "audit_end"', '"type": "boot"', "line 4: not a repetition record"),
])
def test_bad_line(run, tmp_path, old, new, reason):
    directory = make(tmp_path / "c")
    change(directory, old, new)
    left_out(run("compare", directory), reason)


def test_unknown_record_types_are_passed_over(run, tmp_path):
    """What a later tlbbench adds to a slot does not make its numbers unreadable."""
    directory = make(tmp_path / "c")
    change(directory, '"type": "audit_end"', '"type": "thermal"')
    result = run("compare", directory)
    assert result.status == 0 and "Not in the numbers" not in result.out


def test_not_utf8(run, tmp_path):
    directory = make(tmp_path / "c")
    path = directory / RECORDS
    path.write_bytes(path.read_bytes().replace(b"tsc", b"\xff\xff\xff", 1))
    reindex(directory, slots=True)
    left_out(run("compare", directory), "line 2: 'utf-8' codec")


def test_empty_records(run, tmp_path):
    directory = make(tmp_path / "c")
    (directory / RECORDS).write_bytes(b"")
    reindex(directory, slots=True)
    left_out(run("compare", directory), "empty")


def test_case_missing_from_a_good_slot(run, tmp_path):
    directory = make(tmp_path / "c")
    path = directory / RECORDS
    path.write_text("".join(path.read_text().splitlines(True)[:2]))  # neither the audit_end
    reindex(directory, slots=True)
    result = run("compare", directory)
    assert result.status == 1
    assert f"{RECORDS}: no record of case lazy_idle-asleep/cpus=4" in result.flat


@pytest.mark.parametrize("state", ["crashed", "timeout", "refused", "failed", "interrupted"])
def test_slot_that_is_not_ok(run, tmp_path, state):
    tail = ["[    1.5] BUG: <b>bad\x1b[31m", "Kernel panic\x00 - not syncing"]
    directory = make(tmp_path / "c", states={1: (state, "no END frame", tail)})
    result = run("compare", directory)
    left_out(result, f"slot 1 (lazy-ipi): {state}: no END frame (4 records kept, not pooled)", "")
    assert "| [    1.5] BUG: <b>bad\n" in result.out
    assert "| Kernel panic - not syncing\n" in result.out
    assert "BUG: &lt;b&gt;bad\nKernel panic - not syncing" in result.html


def test_slot_not_run_and_slot_cut_off(run, tmp_path):
    directory = make(tmp_path / "c")
    home = directory / "slots/01-lazy-ipi"
    (home / "slot.json").unlink()
    (home / "console.log").write_bytes(b"one\r\n\xfftwo\x07")
    result = run("compare", directory)
    left_out(result, "slot 1 (lazy-ipi): cut off: it ended before", "")
    assert "| one\n" in result.out and "two\n" in result.out
    for path in home.iterdir():
        path.unlink()
    home.rmdir()
    left_out(run("compare", directory), "slot 1 (lazy-ipi): not run", "")


def test_directory_outside_the_plan(run, tmp_path):
    directory = make(tmp_path / "c")
    (directory / "slots/77-extra").mkdir()
    (directory / "slots/01-again").mkdir()
    result = run("compare", directory)
    assert result.status == 1
    for name in "77-extra", "01-lazy-ipi":  # 01-again comes first and is cut off
        assert f"slots/{name}: not in plan.json, or a second directory" in result.flat
    assert "slot 1 (lazy-ipi): cut off" in result.flat


def test_bad_repetition(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition" and record["slot"] == 1 and "asleep" in record["case"]:
            record.update(state="timeout", reasons=["responder 2 did not leave WARMUP"])
    result = run("compare", make(tmp_path / "c", edit=edit))
    assert result.status == 1
    assert ("slot 1 (lazy-ipi): lazy_idle-asleep/cpus=4, repetition 0: timeout: responder 2 did"
            " not leave WARMUP") in result.flat
    verdicts = {row["verdict"] for row in result.rows if "asleep" in row["case"]}
    assert verdicts == {"none"}
    assert "worse" in {row["verdict"] for row in result.rows if "woken" in row["case"]}


def test_skipped_is_said_but_not_lost(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition" and "asleep" in record["case"]:
            keep = {k: v for k, v in record.items() if k not in ("passes", "metrics", "counters")}
            record.clear()
            record.update(keep, state="skipped", reasons=["needs 8 CPUs", "needs swap"])
    result = run("compare", make(tmp_path / "c", edit=edit))
    assert result.status == 0
    assert "lazy-ipi: lazy_idle-asleep/cpus=4, 4 x: skipped: " in result.flat
    assert "skipped: needs 8 CPUs" in result.flat and "skipped: needs swap" in result.flat
    assert {row["case"] for row in result.rows} == {"lazy_idle-woken/cpus=4"}


@pytest.mark.parametrize("content, reason", [
    (None, "not a campaign: it has no plan.json"), ("{", "Expecting property name"),
    ("[]", "schema version None"), ('{"schema": 1}', "not a plan record"),
])
def test_not_a_campaign(run, tmp_path, content, reason):
    directory = make(tmp_path / "c")
    (directory / "plan.json").unlink()
    if content is not None:
        (directory / "plan.json").write_text(content)
    result = run("compare", directory)
    assert result.status == 2 and result.out == ""
    assert reason in result.err and result.err.count("\n") == 1


def test_plan_that_contradicts_itself(run, tmp_path):
    def edit(kind, record):
        if kind == "plan":
            record["reference"] = "nobody"
    result = run("compare", make(tmp_path / "c", edit=edit))
    assert result.status == 2 and "kernel nobody is not in its list" in result.err


def test_usage(run, tmp_path):
    result = run("compare", tmp_path / "none")
    assert (result.status, result.out) == (2, "")
    assert result.err == f"tlbreport: {tmp_path}/none: no such directory\n"
    result = run("compare", make(tmp_path / "c"), "--reference", "x")
    assert result.status == 2 and result.err == (
        "tlbreport: no kernel x; there are: baseline, lazy-ipi\n")


def test_clean():
    assert records.clean("a\x1b[1;31mb\x9b\u202ec\td\n\ud800e") == "abc d e"
    assert records.clean("Größe 3 µs") == "Größe 3 µs"


@pytest.mark.parametrize("kind", ["plan", "slot", "boot", "repetition", "audit_end"])
def test_schema_demands_every_field_it_must(tmp_path, kind):
    """The schemas are valid, accept the fixture and refuse it without any one required field."""
    schema = json.loads((records.SCHEMA_DIR / f"{kind}.json").read_text())
    Draft202012Validator.check_schema(schema)
    directory = make(tmp_path / "c", pairs=1)
    home = directory / "slots/00-baseline"
    lines = (home / "records.jsonl").read_text().splitlines()
    record = json.loads({"plan": (directory / "plan.json").read_text(), "boot": lines[0],
                         "slot": (home / "slot.json").read_text(), "repetition": lines[1],
                         "audit_end": lines[-1]}[kind])
    check = Draft202012Validator(schema)
    assert check.is_valid(record)
    required = schema["required"] + schema.get("then", {}).get("required", [])
    assert len(required) > 9
    for field in required:
        assert not check.is_valid({k: v for k, v in record.items() if k != field}), field


def test_readme_names_every_field():
    """results/README.md mentions every property of every schema."""
    readme = (records.SCHEMA_DIR.parent / "README.md").read_text()

    def names(node):
        if isinstance(node, dict):
            yield from node.get("properties", {})
            for value in node.values():
                yield from names(value)
    for path in records.SCHEMA_DIR.glob("*.json"):
        for name in names(json.loads(path.read_text())):
            assert re.search(rf"`{name}`", readme), f"{path.name}: {name}"


def with_buckets(change):
    """Return an edit that changes the first buckets of one repetition."""
    def edit(kind, record):
        if kind == "repetition" and record["slot"] == 1 and record["repetition"] == 0:
            change(record["passes"]["timed"]["histogram"])
    return edit


@pytest.mark.parametrize("change, reason", [
    (lambda h: h["buckets"].reverse(), "buckets do not add up"),
    (lambda h: h["buckets"].insert(1, h["buckets"].pop(2)), "buckets do not add up"),
    (lambda h: h["buckets"].insert(1, list(h["buckets"][0])), "buckets do not add up"),
    (lambda h: h["buckets"][0].__setitem__(0, -1), "-1 is less than the minimum of 0"),
    (lambda h: h["buckets"].insert(0, [0, 0]), "0 is less than the minimum of 1"),
    (lambda h: h["buckets"][0].append(1), "is too long"),
    (lambda h: h["buckets"][0].pop(), "is too short"),
    (lambda h: h["buckets"].__setitem__(0, 7), "7 is not of type 'array'"),
    (lambda h: h["buckets"][0].__setitem__(1, True), "True is not of type 'integer'"),
    (lambda h: h["buckets"][0].__setitem__(1, 1.5), "1.5 is not of type 'integer'"),
    (lambda h: h["buckets"][0].__setitem__(1, "1"), "'1' is not of type 'integer'"),
    (lambda h: h.update(min=h["max"] + 1), "buckets do not add up"),
    (lambda h: h.update(count=2 ** 64, buckets=[[h["min"], 2 ** 64]]), "buckets do not add up"),
])
def test_buckets_are_looked_at(run, tmp_path, change, reason):
    """What accepts quickly is as strict as the schema."""
    directory = make(tmp_path / "c", "kvm", cases={"one": "w"}, edit=with_buckets(change))
    result = run("compare", directory)
    assert result.status == 1 and reason in result.flat, result.out


@pytest.mark.parametrize("change, reason", [
    (lambda c: c.update(value=None), "None is not of type 'number'"),
    (lambda c: c.update(value=True), "True is not of type 'number'"),
    (lambda c: c.update(value=1e300), "is not a number that can be used"),
    (lambda c: c.update(status="absent"), "is not of type 'null'"),
    (lambda c: c.update(status="absent", value=None), "reason"),
    (lambda c: c.update(by_cpu=[[0, -1]]), "-1 is less than the minimum of 0"),
    (lambda c: c.update(by_cpu=[[0]]), "is too short"),
])
@pytest.mark.parametrize("where", ["counters", "metrics"])
def test_values_are_looked_at(run, tmp_path, change, reason, where):
    def edit(kind, record):
        if kind == "repetition" and record["slot"] == 1:
            change(record[where][0])
    if where == "metrics" and "is too short" in reason or "-1 is less" in reason:
        where = "counters"
    result = run("compare", make(tmp_path / "c", cases={"one": "w"}, edit=edit))
    assert result.status == 1 and reason in result.flat, result.out


def test_traced_pass_is_whole(run, tmp_path):
    """What says that it is ok has all that belongs to it."""
    def edit(kind, record):
        if kind == "repetition" and record["slot"] == 1:
            record["shootdown"] = {"status": "ok", "reason": None}
    result = run("compare", make(tmp_path / "c", cases={"one": "w"}, edit=edit))
    assert result.status == 1 and "'ops_asked' is a required property" in result.flat, result.out


def test_raw_counters_are_shown_alone(tmp_path):
    """They are checked by all who read records, and kept only for who shows them."""
    directory = make(tmp_path / "c", cases={"one": "w"}, pairs=1)
    for wanted, nr in (True, 2), (False, 0):
        found = load.load(directory, with_counters=wanted).slots[0].boot.repetitions[0].counters
        assert len(found) == nr
