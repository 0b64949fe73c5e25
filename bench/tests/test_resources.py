# SPDX-License-Identifier: GPL-2.0-only
"""Resources of cases on this machine: swap, which nothing of is left, and reasons without root.

Those marked `tunes` make swap for all of this machine and need root.
"""
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

import tlbtest
from tlbtest import run, started, wait_for

RUN = ["run", "luf_reclaim", "backing=anon", "bytes=64M", "ops=50", "warmup_ops=5", "sched=other"]
SWAPS = Path("/proc/swaps")
tunes = pytest.mark.tunes(pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/sys/class/zram-control/hot_add").exists(),
    reason="needs root and zram"))


@pytest.fixture
def unswapped():
    """Check that no swap is left, and no device that was not there."""
    before = SWAPS.read_text(), sorted(os.listdir("/sys/block"))
    yield
    wait_for(lambda: (SWAPS.read_text(), sorted(os.listdir("/sys/block"))) == before, 20,
             "the end of swap")
    assert not Path("/run/tlbbench/undo").exists()


@tunes
def test_swap(unswapped):
    """A case swaps to zram; it says so, and nothing of it is left."""
    done = run(*RUN)
    assert done.returncode == 0, done
    assert "caveat: while the case ran, all of the machine could swap to 72 MiB of zram" \
        in done.stdout


@tunes
@pytest.mark.parametrize("sig", ["SIGINT", "SIGKILL"])
def test_swap_ends_with_the_process(sig, unswapped):
    """However the process ends, the swap is off."""
    with started(*RUN[:3], "ops=1000000000", "sched=other") as process:
        wait_for(lambda: "zram" in SWAPS.read_text(), 20, "swap")
        wait_for(lambda: len(tlbtest.children(process.pid)) > 1, 20, "an instance")
        process.send_signal(signal.Signals[sig])
        process.communicate(timeout=20)


@tunes
def test_swap_after_all_were_killed(unswapped):
    """Killed with its guardian, it leaves the swap to the next start."""
    with started(*RUN[:3], "ops=1000000000", "sched=other") as process:
        wait_for(lambda: len(tlbtest.children(process.pid)) > 1, 20, "an instance")
        for pid in tlbtest.children(process.pid) + [process.pid]:
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=20)
    assert "zram" in SWAPS.read_text()
    done = run("env")
    assert done.stderr.startswith("tlbbench: an earlier tlbbench was killed; undid what it had "
                                  "changed: zram")


@tunes
def test_swap_of_somebody_else_stays(unswapped):
    """A device that got the number of ours in the meantime is left alone."""
    with started(*RUN[:3], "ops=1000000000", "sched=other") as process:
        wait_for(lambda: len(tlbtest.children(process.pid)) > 1, 20, "an instance")
        for pid in tlbtest.children(process.pid) + [process.pid]:
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=20)
    node = re.search(r"zram\d+", SWAPS.read_text()).group()
    device = Path("/sys/block", node)
    subprocess.run(["swapoff", f"/dev/{node}"], check=True)
    (device / "reset").write_text("1")
    (device / "disksize").write_text("8M")
    try:
        assert run("env").returncode == 0
        assert (device / "disksize").read_text().strip() == str(8 << 20)
    finally:
        Path("/sys/class/zram-control/hot_remove").write_text(node.removeprefix("zram"))


def test_reasons_without_root():
    """Each thing that cannot be had is named; the case is skipped."""
    prefix = [] if os.geteuid() else ["setpriv", "--reuid", "65534", "--clear-groups"]
    done = run("run", "luf_reclaim", "backing=anon", "lru=classic", prefix=prefix)
    assert done.returncode == 4 and "skipped:" in done.stdout, done
    for text in ("cgroup", "zram", "cannot note what is to be undone: needs root"):
        assert text in done.stdout, done.stdout
