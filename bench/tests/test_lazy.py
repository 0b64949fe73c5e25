# SPDX-License-Identifier: GPL-2.0-only
"""What idle CPUs get of a flush: the table of strategies and acts, to the last IPI, in exact mode.

IPIs that each sleeper receives in OPS ops:

                                   baseline          lazy-ipi
    wake-ups per op              0  1/10  1  10    0  1/10  1  10
    dontneed, mprotect, munmap   0    0   0   0    1    2  20  20
    munmap_table, mremap, fork   1    2  20  20    1    2  20  20
"""
import itertools

import pytest

import tlbtest

pytestmark = pytest.mark.vm

KERNELS = ["baseline", "lazy-ipi"]
PTES_ONLY = ["dontneed", "mprotect", "munmap"]
REACH_ALL = ["munmap_table", "mremap", "fork"]
ACTS = PTES_ONLY + REACH_ALL
# Wake-ups of a sleeper per op, as parameters say it.
RATES = {"never": {"wake_every": 0}, "tenth": {"wake_every": 10}, "each": {"wake_every": 1},
         "ten": {"wake_every": 1, "wakes": 10}}
OPS, SLEEPERS = 20, 3


@pytest.fixture(scope="module")
def slots(images, tmp_path_factory):
    """Boot each kernel once and run every act at every rate; return the records by kernel."""
    path = tmp_path_factory.mktemp("lazy") / "lazy.conf"
    cases = {f"{act}-{rate}": {"workload": "lazy_idle", "act": act, **RATES[rate],
                               "cpus": SLEEPERS + 1, "ops": OPS, "warmup_ops": 5}
             for act, rate in itertools.product(ACTS, RATES)}
    conf = tlbtest.vm_conf(path, {name: {"strategy": name} for name in KERNELS}, cases,
                           {"cpus": SLEEPERS + 1})
    done = tlbtest.run("campaign", "--results", path.parent, conf, timeout=4 * tlbtest.BOOT_S)
    assert done.returncode == 0, done.stderr
    return {kernel: {record["case"]: record for record in tlbtest.repetitions(slot)}
            for kernel, slot in zip(KERNELS, tlbtest.slots(path.parent / "lazy"))}


def periods(rate):
    """Return how often all sleepers go idle before an op, and so may be hit by it."""
    every = RATES[rate]["wake_every"]
    return -(-OPS // every) if every else 1


def ipis_of_each_sleeper(kernel, act, rate):
    """Return how many IPIs a sleeper gets in all ops, and why."""
    if kernel == "baseline" and act in PTES_ONLY:
        # should_flush_tlb() skips a CPU that is lazy. It looks at tlb_gen when it wakes.
        return 0
    # Interrupted, a lazy CPU leaves the mm: one IPI per idle period, however many flushes follow
    # and however often it was woken before.
    return periods(rate)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_ipis_to_idle_cpus(kernel, act, rate, slots):
    """Each sleeper receives as many IPIs as the table says; nothing is in doubt."""
    record = slots[kernel][f"{act}-{rate}"]
    expected = SLEEPERS * ipis_of_each_sleeper(kernel, act, rate)
    found = tlbtest.metrics(record)
    assert record["state"] == "ok" and record["caveats"] == []
    assert found["ipis_received"] == expected
    assert found["ipis_sent_per_op"] == pytest.approx(expected / OPS)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_flushes_at_wake_up(kernel, rate, slots):
    """Who was not interrupted flushes when it wakes; who was has loaded two other mms since."""
    found = tlbtest.metrics(slots[kernel][f"dontneed-{rate}"])
    # Of several wake-ups between two ops the first alone has missed a generation.
    per_period = 1 if kernel == "baseline" else 2
    assert found["flushes_per_op.flush_on_task_switch"] == pytest.approx(
        per_period * SLEEPERS * periods(rate) / OPS)
    assert found["ranged_flushes_per_op"] == 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_wakes(kernel, slots):
    """Sleepers are woken as often as asked, each wake-up is timed and is one of an idle CPU."""
    for rate, parameters in RATES.items():
        record = slots[kernel][f"dontneed-{rate}"]
        wakes = periods(rate) * parameters.get("wakes", 1)
        sleepers = record["passes"]["timed"]["roles"]["sleeper"]
        assert sleepers["ops"] == sleepers["histogram"]["count"] == SLEEPERS * wakes
        counters = {counter["name"]: counter for counter in record["counters"]}
        by_cpu = dict(counters["idle_wakeups"]["by_cpu"])
        # An IPI that finds a CPU idle is one more, a timer may be.
        least = wakes + ipis_of_each_sleeper(kernel, "dontneed", rate)
        cpus = [thread["cpu"] for thread in record["threads"] if thread["role"] == "sleeper"]
        assert len(cpus) == SLEEPERS
        assert all(by_cpu[cpu] >= least for cpu in cpus), (rate, by_cpu)
        assert tlbtest.metrics(record)["idle_wakeups_per_op"] == pytest.approx(
            sum(by_cpu.values()) / OPS)
