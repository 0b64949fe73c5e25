# SPDX-License-Identifier: GPL-2.0-only
"""What write faults pay for flushes that are pending: to the last IPI, in exact mode.

T CPUs run threads of the mm, so each flush is T - 1 IPIs. A share p of the write faults meets a
pending flush of the mm, of which a share q is of the page that it writes to. IPIs of a fault:

    baseline (wp-upstream)   (T - 1) * (c + p)       in a VMA that userfaultfd watches
                             (T - 1) * c             elsewhere: locks are to keep the two apart
    wp-pending-page          (T - 1) * (c + p)       flushes its page, whatever is pending
    wp-pending-range         (T - 1) * (c + p * q)   flushes its page if it is in a range
    wp-flush-gen             the same at most        flushes the range, and who left it pending does
                                                     not; or waits for who is flushing it

c is 1 where the fault copies its page, because ptep_clear_flush() flushes the old one, else 0. What
changes the protection pays T - 1 for its own flush. The image is the runtime one: its IPIs are
those of plain kernels, and its windows can be opened.
"""
import json
import os
import subprocess

import pytest

import tlbtest

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("images")]

KERNELS = ["baseline", "wp-pending-page", "wp-pending-range", "wp-flush-gen"]
# The first two never look at ranges.
FLUSHES_PAGE = KERNELS[:2]
OPS = 20
COPY = f"ops={OPS} warmup_ops=5 pages=256 fault_pages=256"
WATCHED = f"ops={OPS} warmup_ops=5 change=uffd_wp fault=uffd_wp where=same_range"
CASES = {
    # No fault comes while a flush is pending: p = 0.
    "apart-2": f"{COPY} cpus=2", "apart-4": f"{COPY} cpus=4",
    # They come all the time, in a VMA that nobody watches; what is pending is another VMA's: q = 0.
    "other-2": f"{COPY} cpus=2 lockstep=no", "other-4": f"{COPY} cpus=4 lockstep=no",
    # What is pending may be their own page's, and none is copied.
    "same-4": f"{WATCHED} cpus=4 lockstep=no",
    # The same, and the change is about to flush for so long that a fault flushes first.
    "window-4": f"{WATCHED} cpus=4 lockstep=no",
}
# Counters are read one after the other, and each thread that runs free goes on meanwhile.
EDGE = 3
WINDOW = "/sys/kernel/tlb_strategy/wp_window_us"


@pytest.fixture(scope="module", params=KERNELS)
def run(request):
    """Boot the runtime image with a strategy; return its name and the counters of each case."""
    script = "\n".join(f"echo {100 if name.startswith('window') else 0} >{WINDOW}\n"
                       f"tlbbench run --json mprotect_fault {case} 2>/dev/null"
                       for name, case in CASES.items())
    command = [tlbtest.ROOT / "kernels/boot", "--cpus", "6", "--append", "quiet",
               f"runtime:{request.param}", "--", "sh", "-c", script]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=False,
                          timeout=4 * tlbtest.BOOT_S,
                          env={**os.environ, "TLBBENCH": str(tlbtest.BINARY)})
    assert done.returncode == 0, done.stdout
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    records = [record for record in records if record["type"] == "repetition"]
    assert [record["state"] for record in records] == ["ok"] * len(CASES)
    return request.param, dict(zip(CASES, map(counters, records), strict=True))


def counters(record):
    """Return name to value of what the tests look at, by short names."""
    values = {counter["name"]: counter["value"] for counter in record["counters"]}
    found = {name: values[f"strategy.wp_{name}"]
             for name in ("pending", "flushed", "waited", "saved")}
    return {**found, "ipis": values["irq_tlb"], "faults": values["user_faults.write_protection"]}


def are_equal(one, other):
    """Tell whether counters of what is done in one go are equal, where faults come all the time."""
    return abs(one - other) <= EDGE


def are_ipis_of(flushes, cpus, found):
    """Tell whether the IPIs are those of so many flushes, where faults come all the time."""
    return abs(found["ipis"] / (cpus - 1) - flushes) <= EDGE * (cpus - 1)


@pytest.mark.parametrize("cpus", [2, 4])
def test_nothing_is_pending(cpus, run):
    """All strategies are alike: one flush for each copy, and two for each change and its end."""
    _, found = run[0], run[1][f"apart-{cpus}"]
    faults = OPS * (cpus - 1)
    assert found == {"faults": faults, "ipis": (cpus - 1) * (faults + 2 * OPS),
                     "pending": 0, "flushed": 0, "waited": 0, "saved": 0}


@pytest.mark.parametrize("cpus", [2, 4])
def test_pending_in_another_vma(cpus, run):
    """To wp-pending-page this is a second flush in each fault; the others leave it alone."""
    kernel, found = run[0], run[1][f"other-{cpus}"]
    assert found["pending"] > found["faults"] / 2 > OPS / 4
    if kernel == "wp-pending-page":
        assert are_equal(found["flushed"], found["pending"])
    else:
        assert found["flushed"] == 0
    assert found["waited"] == found["saved"] == 0
    assert are_ipis_of(found["faults"] + found["flushed"] + 2 * OPS, cpus, found)


def test_pending_on_the_same_pages(run):
    """The flush that counts has begun: a fault repeats it, or waits for it if it can tell."""
    kernel, found = run[0], run[1]["same-4"]
    assert found["pending"] > OPS
    if kernel in FLUSHES_PAGE:
        assert are_equal(found["flushed"], found["pending"])
    elif kernel == "wp-pending-range":
        # Where the range has just been flushed its mmu_gather is empty, but still counted.
        assert 0 < found["flushed"] < found["pending"]
    else:
        assert found["flushed"] == 0 < found["waited"] < found["pending"]
    assert found["saved"] == 0
    assert are_ipis_of(found["flushed"] + OPS, 4, found)


def test_fault_flushes_first(run):
    """With wp-flush-gen a fault does the flush of an op, and whoever it was left to does not.

    So an op is one flush, no matter how many faults come meanwhile.
    """
    kernel, found = run[0], run[1]["window-4"]
    assert found["pending"] > OPS
    if kernel == "wp-flush-gen":
        assert OPS / 2 < found["flushed"] <= OPS + EDGE
        assert are_equal(found["flushed"], found["saved"])
    else:
        assert found["saved"] == 0
        assert kernel == "wp-pending-range" or are_equal(found["flushed"], found["pending"])
    assert are_ipis_of(found["flushed"] + OPS - found["saved"], 4, found)
