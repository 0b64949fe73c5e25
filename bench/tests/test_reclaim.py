# SPDX-License-Identifier: GPL-2.0-only
"""What reclaim flushes, as luf_reclaim counts it in exact mode.

The counts are about, not exactly, what they are: a list of pages may end early, or be shared by
two that reclaim.
"""
import pytest

import tlbtest
from tlbtest import BOOT_S, run

pytestmark = pytest.mark.vm

LIST_PAGES = 32
ANON = {"backing": "anon", "written_percent": 100}
# Lists are full where a 4096th of the pages that may go is a list.
LARGE = {"limit": "640M", "bytes": "800M", "ops": 300}
SMALL_CASES = {
    "dirty": ANON, "dirty-8": {**ANON, "threads.reader": 7},
    "clean": {"backing": "anon", "ops": 300}, "tmpfs": {"backing": "tmpfs", "ops": 300},
    "uring": {"read": "io_uring"}, "numbers": {"data": "yes"},
}
LARGE_CASES = {
    "lists": LARGE, "lists-8": {**LARGE, "threads.reader": 7}, "mglru": {**LARGE, "lru": "mglru"},
}
CASES = [*SMALL_CASES, *LARGE_CASES]
MADE = {
    "lists": ["file ext4", "memcg cgroup v2"],
    "mglru": ["file ext4", "memcg cgroup v2", "setting /sys/kernel/mm/lru_gen/enabled"],
    "dirty": ["swap zram", "memcg cgroup v2"],
    "tmpfs": ["file tmpfs", "swap zram", "memcg cgroup v2"],
}


def boot(directory, cases):
    """Run cases in one boot; return their repetitions by name."""
    directory.mkdir()
    cases = {name: {"workload": "luf_reclaim", "ops": 100, "warmup_ops": 20,
                    **settings} for name, settings in cases.items()}
    conf = tlbtest.vm_conf(directory / "reclaim.conf", {"baseline": {"strategy": "baseline"}},
                           cases, {"cpus": 8, "memory": "1G", "timeout_seconds": 5 * BOOT_S})
    done = run("campaign", "--results", directory, conf, timeout=6 * BOOT_S)
    assert done.returncode == 0, done.stderr
    slot, = tlbtest.slots(directory / conf.stem)
    return {record["case"]: record for record in tlbtest.repetitions(slot)}


@pytest.fixture(scope="module")
def small(images, tmp_path_factory):
    """Return the repetitions of small cases, for each of two boots with the same seed."""
    path = tmp_path_factory.mktemp("small")
    return boot(path / "first", SMALL_CASES), boot(path / "second", SMALL_CASES)


@pytest.fixture(scope="module")
def repetitions(small, tmp_path_factory):
    """Return the repetitions of all cases."""
    return {**small[0], **boot(tmp_path_factory.mktemp("large") / "only", LARGE_CASES)}


def per_page(record, metric, suffix=""):
    """Return a metric per reclaimed page."""
    return tlbtest.metrics(record)[f"{metric}_per_reclaimed_page{suffix}"]


def sent_per_page(record):
    """Return how often others are asked to flush, per reclaimed page."""
    return per_page(record, "flushes", ".remote_ipi_send")


@pytest.mark.parametrize("case", CASES)
def test_valid(case, repetitions):
    """Each page that comes takes one away; all is as the workload expects."""
    record = repetitions[case]
    tlbtest.assert_valid(record)
    assert not [text for text in record["caveats"] if not text.startswith("while the case ran")]
    values = tlbtest.metrics(record)
    stolen = values["pgsteal_file_per_op"] + values["pgsteal_anon_per_op"]
    assert stolen == pytest.approx(32, rel=0.05) or case.endswith("-8")


def test_repeats(small):
    """The same kernel and seed give the same records, byte for byte."""
    assert small[0] == small[1]


@pytest.mark.parametrize("case, others", [("lists", 1), ("lists-8", 7)])
def test_clean_pages(case, others, repetitions):
    """A list of 32 clean pages costs two flushes, after 31 pages and at its end."""
    sent = sent_per_page(repetitions[case])
    assert sent == pytest.approx(2 / LIST_PAGES, rel=0.05)
    assert per_page(repetitions[case], "ipis_received") == pytest.approx(others * sent, rel=0.15)


def test_mglru(repetitions):
    """Lists of 64 cost three: after 31, after 62 and at the end."""
    sent = sent_per_page(repetitions["mglru"])
    assert sent == pytest.approx(3 / (2 * LIST_PAGES), rel=0.05)


@pytest.mark.parametrize("case, others", [("dirty", 1), ("dirty-8", 7)])
def test_dirty_pages(case, others, repetitions):
    """A page that was written is flushed before it goes to swap, alone."""
    sent = sent_per_page(repetitions[case])
    assert 0.9 < sent <= 1.01
    assert per_page(repetitions[case], "ipis_received") == pytest.approx(others * sent, rel=0.15)
    assert tlbtest.metrics(repetitions[case])["pswpout_per_op"] > 0


@pytest.mark.parametrize("case", ["clean", "tmpfs"])
def test_clean_ptes(case, repetitions):
    """Pages that come back from swap and are only read go in batches, as those of files do."""
    assert sent_per_page(repetitions[case]) < 0.25
    assert tlbtest.metrics(repetitions[case])["pswpout_per_op"] > 25


def test_unmapped_pages(repetitions):
    """What is in no page table is not flushed."""
    assert per_page(repetitions["uring"], "flushes") == 0


@pytest.mark.parametrize("case", MADE)
def test_record_says_what_was_made(case, repetitions):
    """The resources are in the record; of those of the whole machine there is a caveat each."""
    record = repetitions[case]
    made = [f"{one['kind']} {one['name']}" for one in record["resources"]]
    assert made == MADE[case]
    named = [text for text in record["caveats"] if text.startswith("while the case ran")]
    assert len(named) == sum(text.split()[0] in ("swap", "setting") for text in made)
