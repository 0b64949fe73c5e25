# SPDX-License-Identifier: GPL-2.0-only
"""The Nth call of a function fails: always a named error or a value said to be missing, no leak.

TLBBENCH_FAULT is the command linked with nth.c, built for ASan, so a leak or a wild pointer on
the way out is a failure too. A call is tried once for each way that leads to it, at most MAX_RUNS
per command and function, spread over all; FULL=1 tries each call.
"""
import errno
import os
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from tlbtest import ROOT, assert_campaign_valid, assert_valid, json_lines, records, slots

BINARY = Path(os.environ.get("TLBBENCH_FAULT", ""))
FULL = os.environ.get("FULL") == "1"
MAX_RUNS = 4
TIMEOUT_S = 30
# struct plan of nth.c
HEAD = struct.Struct("<32sQQQ")
MAX_CALLS, DEPTH = 16384, 4

FUNCTIONS = {
    "malloc": "ENOMEM", "calloc": "ENOMEM", "realloc": "ENOMEM", "strdup": "ENOMEM",
    "mmap": "ENOMEM", "open": "EMFILE", "fopen": "EMFILE", "opendir": "EMFILE", "read": "EIO",
    "pread": "EIO", "write": "ENOSPC", "fsync": "ENOSPC", "close": "EIO", "rename": "ENOSPC",
    "mkdir": "ENOSPC", "symlink": "ENOSPC", "fork": "EAGAIN", "pthread_create": "EAGAIN",
    "perf_event_open": "EMFILE", "ioctl": "ENOMEM", "futex": "EINTR", "eventfd": "EMFILE",
    "signalfd": "EMFILE", "poll": "ENOMEM", "sched_setaffinity": "EINVAL",
    "sched_getaffinity": "ENOSYS", "sched_setscheduler": "EPERM", "unshare": "EPERM",
    "mount": "EPERM",
}
# Without these a campaign is not on the disk: no exit 0 without a word.
VITAL = ("fsync", "rename", "mkdir", "symlink")
OPS = ("cpus=2", "ops=3", "warmup_ops=1", "timeout_seconds=5")
CONF = "[campaign]\nname = t\nboots = 1\n[defaults]\ncpus = 2\nops = 3\nwarmup_ops = 1\n" \
    "timeout_seconds = 5\n[case one]\nworkload = munmap\n"
COMMANDS = {
    "run-munmap": ("run", "--json", "munmap", *OPS),
    "run-lazy_idle": ("run", "--json", "lazy_idle", "sched=other", *OPS),
    "run-mshare_db": ("run", "--json", "mshare_db", "pool=1M", "data=1M", *OPS),
    "campaign": ("campaign", "--results", "r", "t.conf"),
    "plan": ("plan", "t.conf"),
    "env": ("env",),
}


class Nth:
    """One command in a directory of its own, run as often as asked."""

    def __init__(self, tmp_path, command, function):
        self.dir, self.function = tmp_path, function
        self.argv = COMMANDS[command]
        self.plan = tmp_path / "nth"
        (tmp_path / "t.conf").write_text(CONF)
        self.before = sorted(os.listdir(tmp_path)) + ["nth"]

    def run(self, nth=0, argv=None):
        """Run with the Nth call failing; return the process and how many calls there were."""
        error = getattr(errno, FUNCTIONS[self.function])
        with open(self.plan, "wb") as file:
            file.write(HEAD.pack(self.function.encode(), nth, error, 0))
            file.truncate(HEAD.size + 8 * DEPTH * MAX_CALLS)
        process = subprocess.Popen(
            [BINARY, *(argv or self.argv)], cwd=self.dir, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "TLBBENCH_HOME": str(ROOT), "LC_ALL": "C", "TMPDIR": str(self.dir),
                 "XDG_CACHE_HOME": str(self.dir / "cache"), "TLBBENCH_NTH": str(self.plan)})
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            left = session(process.pid)
            if process.poll() is None or left:
                os.killpg(process.pid, signal.SIGKILL)
        assert not left, f"processes left behind: {left}"
        return subprocess.CompletedProcess(self.argv, process.returncode, out, err)

    def nr_calls(self):
        """Return how many calls the last run made."""
        return HEAD.unpack_from(self.plan.read_bytes())[3]

    def choose(self):
        """Return the calls to let fail: one for each way that leads to the function."""
        nr_calls = min(self.nr_calls(), MAX_CALLS)
        if FULL:
            return range(1, nr_calls + 1)
        data, first = self.plan.read_bytes(), {}
        for i in range(nr_calls):
            first.setdefault(data[HEAD.size + i * 8 * DEPTH:][:8 * DEPTH], i + 1)
        ways = list(first.values())
        step = max(1, -(-len(ways) // MAX_RUNS))
        return ways[::step]

    def callers(self, nth):
        """Return where the failing call was, for the message of a failed test."""
        data = self.plan.read_bytes()[HEAD.size + (nth - 1) * 8 * DEPTH:][:8 * DEPTH]
        return [hex(address) for address in struct.unpack(f"<{DEPTH}Q", data)]

    def clean(self):
        """Remove what the run may leave: results, which must be whole or be completed."""
        for path in sorted(self.dir.rglob("*"), reverse=True):
            if path.name not in ("nth", "t.conf"):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def session(sid):
    """Return the processes of a session that are not zombies."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == sid and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found


def text_of(function):
    """Return what strerror() says of the injected error."""
    return os.strerror(getattr(errno, FUNCTIONS[function]))


def known(value, path=()):
    """Yield the path of each value that is there, by name where a list has names."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from known(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            name = inner.get("name", i) if isinstance(inner, dict) else "*"
            yield from known(inner, (*path, name))
    elif value is not None:
        yield path


AUDIT = ("audit", "build", "state", "drift", "findings")
IGNORED = ("buckets", "reason", "reasons", "caveats")


def missing(good, bad):
    """Return what the good output has and the other has not, where neither is a reason."""
    def paths(text):
        return {(i, *path) for i, record in enumerate(json_lines(text)) for path in known(record)
                if not set(path) & set(IGNORED)}
    return paths(good) - paths(bad)


def is_explained(text, lost):
    """Tell whether the record says why each lost value is absent, there or in a caveat."""
    there = json_lines(text)
    for i, *path in lost:
        # Null is how the audit says that a fact cannot be read, and what it finds varies.
        if path[0] in AUDIT:
            continue
        record = there[i]
        said = record.get("caveats", []) + record.get("reasons", [])
        entry = [value for value in record.get(path[0], []) if isinstance(value, dict)
                 and value.get("name") == path[1]] if path[0] in ("counters", "metrics") else []
        if not said and not (entry and entry[0]["reason"]):
            return False
    return True


def check_ok(good, done):
    """Exit 0: nothing is lost, or what is lost is said to be."""
    if done.stdout.startswith("{"):
        for record in json_lines(done.stdout):
            assert_valid(record)
        lost = missing(good.stdout, done.stdout)
        assert not lost or is_explained(done.stdout, lost), sorted(lost, key=str)


def check_failed(nth, done):
    """Not 0: no crash, and a sentence or a record names what failed."""
    assert done.returncode in (1, 2, 4), done.returncode
    kept = "".join(path.read_text() for path in nth.dir.glob("r/t-*/slots/*/records.jsonl"))
    said = done.stdout + done.stderr + kept
    assert text_of(nth.function) in said or "out of memory" in said, "the error is not named"
    # libnuma ends the process by itself, before main().
    assert any(word in said for word in ("tlbbench: ", '"reasons":["', "Out of memory"))


def check_files(nth, before):
    """Nothing is left but a campaign that a resume completes."""
    left = set(os.listdir(nth.dir)) - set(before)
    assert left <= {"r", "cache", "nth"}, left
    for campaign in [path for path in nth.dir.glob("r/*") if not path.is_symlink()]:
        done = nth.run(argv=("campaign", "--resume", campaign))
        assert done.returncode == 0, done
        assert_campaign_valid(campaign)
        for slot in slots(campaign):
            kinds = [record["type"] for record in records(slot)]
            assert kinds == ["boot", "repetition", "audit_end"], kinds
        assert not list(campaign.rglob("*.tmp"))


needs_fault = pytest.mark.skipif(not BINARY.is_file(),
                                 reason="needs TLBBENCH_FAULT; see make check-fault")


@needs_fault
@pytest.mark.parametrize("function", FUNCTIONS)
def test_some_command_calls_it(function, tmp_path):
    """What no command calls would be let fail in vain."""
    for command in COMMANDS:
        nth = Nth(tmp_path, command, function)
        assert nth.run().returncode == 0
        if nth.nr_calls():
            return
        nth.clean()
    raise AssertionError(f"nobody calls {function}")


@needs_fault
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("command", COMMANDS)
def test_nth(command, function, tmp_path):
    """No call can fail without a word, a crash, a leak or something left behind."""
    nth = Nth(tmp_path, command, function)
    before, mounts = os.listdir(tmp_path), Path("/proc/self/mounts").read_text()
    good = nth.run()
    assert good.returncode == 0, good
    calls = nth.choose()
    nth.clean()
    for n in calls:
        done = nth.run(n)
        where = (command, function, n, nth.callers(n))
        met = nth.nr_calls() >= n
        if not met:
            continue
        try:
            assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr
            if function in VITAL:
                assert done.returncode or text_of(function) in done.stderr
            if done.returncode:
                check_failed(nth, done)
            else:
                check_ok(good, done)
            check_files(nth, before)
        except AssertionError as error:
            raise AssertionError(f"{where}\n{done.returncode}\n{done.stderr}\n{error}") from error
        nth.clean()
    assert Path("/proc/self/mounts").read_text() == mounts
