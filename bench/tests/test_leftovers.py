# SPDX-License-Identifier: GPL-2.0-only
"""Nothing is left of any workload: after success, failure, Ctrl-C, or SIGKILL of whom it started.

Those that set something of this machine, or make swap, need root: all are marked `tunes`.
"""
import os
import signal
from pathlib import Path

import pytest

import tlbtest
from tlbtest import ROOT, children, run, started, wait_for

pytestmark = [
    pytest.mark.tunes,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: without it many cannot run")]

WORKLOADS = sorted(path.stem for path in (ROOT / "workloads").glob("*.c"))
# What makes something besides memory and threads: files, swap, cgroups, settings, children.
MAKERS = [("fork_cow",), ("fork_cow", "act=cow"), ("ksm_merge",), ("lazy_idle", "act=fork"),
          ("luf_reclaim",), ("luf_reclaim", "backing=anon"), ("luf_reclaim", "backing=tmpfs"),
          ("mshare_db",), ("mshare_db", "backend=sysv"), ("msync_clean",), ("numa_hint",),
          ("pageout",), ("pageout", "backing=swap"), ("uring_madvise",)]
OTHERS = [(name,) for name in WORKLOADS if (name,) not in MAKERS]
ENDLESS = ["ops=1000000000", "warmup_ops=1", "sched=other", "timeout_seconds=60"]
SETTINGS = ["/proc/sys/kernel/numa_balancing*", "/proc/sys/vm/watermark_scale_factor",
            "/sys/kernel/debug/sched/numa_balancing/*", "/sys/kernel/mm/ksm/*",
            "/sys/kernel/mm/lru_gen/enabled", "/sys/kernel/mm/hugepages/*/nr_hugepages"]
# Of KSM these are what it has done.
COUNTS = ("full_scans", "pages_", "general_profit", "ksm_zero_pages", "stable_node_")


def family(pid):
    """Return a process and all that come from it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def settings():
    """Return what can be set, but for what is counted there."""
    paths = [path for pattern in SETTINGS for path in Path("/").glob(pattern[1:])]
    return {str(path): path.read_text() for path in paths
            if path.is_file() and (path.name == "pages_to_scan"
                                   or not path.name.startswith(COUNTS))}


def cgroups():
    """Return all control groups; others come and go beside ours."""
    return sorted(str(path) for path in Path("/sys/fs/cgroup").rglob("*tlbbench*"))


def machine():
    """Return what a workload might leave behind."""
    return {"mounts": Path("/proc/self/mounts").read_text(), "cgroups": cgroups(),
            "swaps": Path("/proc/swaps").read_text(), "disks": sorted(os.listdir("/sys/block")),
            "shm": [line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()],
            "settings": settings()}


@pytest.fixture
def unchanged(tmp_path, monkeypatch):
    """Check that the machine is as before, and that no file is left."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = machine()
    yield
    wait_for(lambda: machine() == before, 20, "the machine as it was")
    assert not list(tmp_path.iterdir()) and not Path("/run/tlbbench/undo").exists()


def begin(process):
    """Wait until threads of an instance run; return its family, the command first."""
    def has_threads():
        pids = family(process.pid)
        return pids if len(pids) > 1 and any(
            len(os.listdir(f"/proc/{pid}/task")) > 1 for pid in pids[1:]) else None

    def running():
        if process.poll() is not None:
            return [process.pid]
        try:
            return has_threads()
        except FileNotFoundError:
            return None
    return wait_for(running, 30, "threads")


def interrupt(process, _pids):
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)
    return 1


def kill_command(process, _pids):
    """Nobody is left who could clean up but those that it started for that."""
    process.kill()
    return -signal.SIGKILL


def kill_child(_process, pids):
    """The one with the threads that do the work."""
    busy = max(pids[1:], key=lambda pid: len(os.listdir(f"/proc/{pid}/task")))
    os.kill(busy, signal.SIGKILL)
    return 1


def kill_last(_process, pids):
    """The youngest: a process of a role, or a child of a workload's own."""
    os.kill(pids[-1], signal.SIGKILL)
    return 1


ENDS = [(case, end) for case in MAKERS
        for end in (interrupt, kill_command, kill_child, kill_last)]
ENDS += [(case, end) for case in OTHERS for end in (interrupt, kill_child)]


@pytest.mark.parametrize("case, end", ENDS, ids=lambda one: getattr(one, "__name__", None)
                         or " ".join(one))
def test_ends(case, end, unchanged):
    """However it ends, the command says so and nothing is left, processes included."""
    with started("run", *case, *ENDLESS) as process:
        pids = begin(process)
        if pids == [process.pid]:
            out, _ = process.communicate()
            assert process.returncode == 4, out
            pytest.skip(out)
        expected = end(process, pids)
        out, err = process.communicate(timeout=30)
        assert process.returncode == expected, (out, err)
    wait_for(lambda: not any(map(tlbtest.is_running, pids)), 20, "the end of all processes")


@pytest.mark.parametrize("case", MAKERS, ids=" ".join)
def test_success(case, unchanged):
    """What ends well leaves nothing either."""
    done = run("run", *case, "ops=2", "warmup_ops=1", "sched=other")
    assert done.returncode in (0, 4), done
