# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the command `tlbbench` share: how to run it and how to read what it wrote."""
import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("TLBBENCH") or ROOT / "build/tlbbench").resolve()
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tlbbench"
# A command that does not come back is a failure of its own.
TIMEOUT_S = 60
BOOT_S = 60


def environment(**changes):
    """Return the environment of a command; None takes a variable away."""
    env = {**os.environ, "TLBBENCH_HOME": str(ROOT), "LC_ALL": "C", "COLUMNS": None,
           **changes}
    return {name: str(value) for name, value in env.items() if value is not None}


def run(*args, env=None, prefix=(), binary=BINARY, **options):
    """Run `tlbbench ARG...` to its end, from the repository, and return status and text."""
    options = {"cwd": ROOT, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, "text": True, "timeout": TIMEOUT_S, **options}
    argv = [str(word) for word in (*prefix, binary, *args)]
    return subprocess.run(argv, env=environment(**(env or {})), check=False, **options)


@contextlib.contextmanager
def started(*args):
    """Start `tlbbench ARG...`; at the latest it ends with the block, and its children with it."""
    argv = [str(word) for word in (BINARY, *args)]
    process = subprocess.Popen(argv, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(condition, seconds, what):
    """Return the first true value of `condition()`; fail with `what` if it takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what}: did not happen within {seconds} s")


def children(pid):
    """Return the processes that `pid` has started and not reaped."""
    try:
        return [int(child) for child in
                Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_running(pid):
    """Tell whether a process runs; a zombie that nobody reaps does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def json_lines(text):
    """Parse JSON Lines, strictly: each line one object that ends with a newline."""
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def records(slot):
    """Return the records of a slot directory."""
    return json_lines((slot / "records.jsonl").read_text())


def repetitions(slot):
    """Return the repetition records of a slot directory."""
    return [record for record in records(slot) if record["type"] == "repetition"]


def slot_json(slot):
    """Return slot.json of a slot directory."""
    return json.loads((slot / "slot.json").read_text())


def slots(campaign):
    """Return the slot directories of a campaign in their order."""
    return sorted((campaign / "slots").iterdir())


def assert_valid(record):
    """Check a record against the schema of its type, and that absent is never 0."""
    schema = json.loads((ROOT / "results/schema" / f"{record['type']}.json").read_text())
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(record)]
    assert not errors, (record["type"], errors)
    for value in record.get("counters", []) + record.get("metrics", []):
        if value["status"] == "absent":
            assert value["value"] is None and value["reason"], value
        else:
            assert isinstance(value["value"], (int, float)), value


def assert_campaign_valid(campaign):
    """Check all JSON of a campaign against the schemas, and its files against the index."""
    assert_valid(json.loads((campaign / "plan.json").read_text()))
    for slot in slots(campaign):
        assert_valid(slot_json(slot))
        for record in records(slot):
            assert_valid(record)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "index.sha256"], cwd=campaign,
                   check=True)


def metrics(record):
    """Return name to value of the metrics of a repetition."""
    return {metric["name"]: metric["value"] for metric in record["metrics"]}


def write_conf(path, sections):
    """Write a campaign file from a list of (header, settings)."""
    path.write_text("\n".join(
        f"[{header}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
        for header, settings in sections))
    return path


def vm_conf(path, kernels, cases, vm=None, **campaign):
    """Write the campaign file of small, exact virtual machines; all keys can be given."""
    return write_conf(path, [
        ("campaign", {"name": path.stem, "backend": "vm", "boots": 1, "litmus": "none",
                      **campaign}),
        ("vm", {"cpus": 2, "memory": "256M", "accel": "exact", "timeout_seconds": BOOT_S,
                **(vm or {})}),
        *((f"kernel {name}", settings) for name, settings in kernels.items()),
        *((f"case {name}", settings) for name, settings in cases.items())])


def temporary_files(campaign):
    """Return what a campaign should have removed."""
    return [path for path in campaign.rglob("*") if path.name.endswith(".tmp")]
