# SPDX-License-Identifier: GPL-2.0-only
"""Campaigns in virtual machines, with real kernels: exact counts, and every way to fail.

A boot takes seconds, so the campaigns are module fixtures and the tests look at what they left.
"""
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

import tlbtest
from tlbtest import BOOT_S, run, slots, vm_conf

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("one_machine")]

# A kernel that QEMU boots by its PVH note (type 18: XEN_ELFNOTE_PHYS32_ENTRY), says one line on
# the first serial port, and hangs. By its banner it is known as one.
HANG = r"""
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long start
    .text
    .code32
    .globl start
start:
    cli
    mov $text, %esi
    mov $text_end - text, %ecx
    mov $0x3f8, %dx
    rep outsb
1:  hlt
    jmp 1b
text:
    .ascii "this kernel hangs\n"
text_end:
    .asciz "Linux version 6.12.0-hangs "
"""

# --- kernels ------------------------------------------------------------------


def release_of(image):
    """Return what uname -r says in a kernel of this image."""
    return re.search(r"^release = (.+)$", (image / "image.conf").read_text(), re.MULTILINE)[1]


def make_image(directory, release, vmlinux):
    """Make an image directory that claims `release`, with a given kernel."""
    directory.mkdir()
    (directory / "vmlinux").symlink_to(vmlinux)
    (directory / "image.conf").write_text(
        f"[image]\nid = {directory.name}-1\nrelease = {release}\n")
    return directory


def build_hanging_kernel(directory):
    """Assemble a kernel that says one line and hangs."""
    (directory / "hang.S").write_text(HANG)
    subprocess.run(["gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x1000000,-e,start,--build-id=none",
                    "-o", directory / "hang.elf", directory / "hang.S"], check=True)
    return directory / "hang.elf"


# --- exact counts -------------------------------------------------------------

OPS = 50
DEMO_KERNELS = {"baseline": {"strategy": "baseline"}, "lazy-ipi": {"spec": "runtime:lazy-ipi"}}
DEMO_CASES = {
    "woken": {"workload": "lazy_idle", "wake_every": 1},
    "asleep": {"workload": "lazy_idle", "wake_every": 0},
    "munmap": {"workload": "munmap"},
}


def demo_conf(path):
    """Write the demo with few ops and one boot of each kernel."""
    more = {"cpus": "4, 8", "ops": OPS, "warmup_ops": 10}
    cases = {name: {**settings, **more} for name, settings in DEMO_CASES.items()}
    # Two more than a case takes: kernel threads, such as that of RCU, have somewhere to run.
    return vm_conf(path, DEMO_KERNELS, cases, {"cpus": 10, "memory": "512M"}, seed=7)


@pytest.fixture(scope="module")
def counts(images, tmp_path_factory):
    """Return the campaign with one boot of each demo kernel. Its path has a comma and a blank."""
    tmp_path = tmp_path_factory.mktemp("counts")
    conf = demo_conf(tmp_path / "counts.conf")
    done = run("campaign", "--results", tmp_path / "a, b", conf, timeout=4 * BOOT_S)
    assert done.returncode == 0, done.stderr
    return (tmp_path / "a, b/counts").resolve()


def totals(kernel, case, cpus):
    """Return what the measured ops of a case must cause in total, and why.

    Each op ends in one flush on the initiator's own CPU (local_mm_shootdown). The emulated CPU has
    no PCIDs, so whoever loads an mm flushes, which counts as flush_on_task_switch.
    """
    others = cpus - 1
    if case == "munmap":
        # The others run user code of this mm: one IPI and one flush in it each, on any kernel.
        return {"ipis": OPS * others, "remote_shootdown": OPS * others, "remote_ipi_send": OPS}
    # Sleepers are woken before each op, or only before the first one.
    wakeups = others * (OPS if case == "woken" else 1)
    if kernel == "baseline":
        # No idle CPU is interrupted. When a sleeper wakes, its CPU still has the mm loaded, sees
        # that it missed a generation, and flushes. As it stays in the mask of the mm, each op
        # sets out to send (remote_ipi_send) and then finds nobody to send to.
        return {"ipis": 0, "flush_on_task_switch": wakeups, "remote_ipi_send": OPS}
    # One IPI per sleeper and idle period; in it the CPU leaves for init_mm (one flush) and so
    # the mask of the mm; at wake-up it loads the mm again (the other). Who has left is not sent to.
    return {"ipis": wakeups, "flush_on_task_switch": 2 * wakeups,
            "remote_ipi_send": wakeups // others}


def test_a_thousand_shootdowns(tmp_path):
    """1000 munmaps give 1000 IPIs to each responder, beside a bystander that gets none."""
    conf = vm_conf(tmp_path / "thousand.conf", {"baseline": DEMO_KERNELS["baseline"]}, {
        "munmap": {"workload": "munmap", "cpus": "2, 4, 8", "ops": 1000},
        "watched": {"workload": "munmap", "cpus": 4, "ops": 1000, "threads.bystander": 1},
    }, {"cpus": 8})
    done = run("campaign", "--results", tmp_path, conf, timeout=2 * BOOT_S)
    assert done.returncode == 0, done.stderr
    for record in tlbtest.repetitions(slots(tmp_path / "thousand")[0]):
        responders = sum(thread["role"] == "responder" for thread in record["threads"])
        counts = {counter["name"]: counter["value"] for counter in record["counters"]}
        assert responders == record["harness"]["cpus"] - 1
        assert (record["case"], counts["irq_tlb"]) == (record["case"], 1000 * responders)
        # Beside them, those that switch the window of events on and off; only the latter is in it.
        assert counts["irq_cal"] == (1000 + 2) * responders
        assert counts["vector_call_function"] + counts["vector_call_function_single"] == (
            1000 + 1) * responders
        assert record["passes"]["counted"]["ops"] == 1000
        if record["case"] == "watched":
            assert responders == 2 and counts["irq_tlb_bystander"] == 0
            assert record["passes"]["timed"]["roles"]["bystander"]["during_ops"]["loops"] > 0


@pytest.mark.parametrize("cpus", [4, 8])
@pytest.mark.parametrize("case", DEMO_CASES)
@pytest.mark.parametrize("slot, kernel", enumerate(DEMO_KERNELS))
def test_exact_counts(slot, kernel, case, cpus, counts):
    """IPIs received and sent and flushes by reason are exactly those of the strategy."""
    record, = [record for record in tlbtest.repetitions(slots(counts)[slot])
               if record["case"] == f"{case}/cpus={cpus}"]
    expected, others = totals(kernel, case, cpus), cpus - 1
    ipis = expected.pop("ipis")
    reasons = {"local_mm_shootdown": OPS, "local_shootdown": 0, "remote_shootdown": 0,
               "flush_on_task_switch": 0, **expected}
    executed = sum(count for reason, count in reasons.items() if reason != "remote_ipi_send")
    per_op = {"ipis_received_per_op": ipis, "ipis_sent_per_op": ipis, "flushes_per_op": executed,
              **{f"flushes_per_op.{reason}": count for reason, count in reasons.items()}}
    found = tlbtest.metrics(record)
    assert found["op_instructions"] > 1000
    assert found["ipis_received"] == ipis
    assert {name: found[name] for name in per_op} == pytest.approx(
        {name: count / OPS for name, count in per_op.items()}, rel=1e-9)
    role = "responder" if case == "munmap" else "sleeper"
    # With no wake-up in the measured phase but the first, that one counts.
    assert record["passes"]["timed"]["roles"][role]["ops"] == (
        others * (1 if case == "asleep" else OPS))
    assert found[f"{role}_instructions"] > 0
    # What is no flush of one page is a switch, or an interrupt that found a CPU lazy.
    assert found["full_flushes_per_op"] + found["ranged_flushes_per_op"] == pytest.approx(
        executed / OPS)
    assert (found["pages_per_flush"], found["faults_per_op"]) == (1, 1)
    assert found["fan_out"] == pytest.approx(ipis / reasons["remote_ipi_send"])


def test_records_of_good_boots(counts, images):
    """Valid and indexed; the right kernel and strategy; nothing absent, no caveat, nothing left.

    The second kernel is the one with all strategies, which has checks, and its audit says so.
    """
    tlbtest.assert_campaign_valid(counts)
    assert not tlbtest.temporary_files(counts)
    for slot, kernel, lazy in zip(slots(counts), DEMO_KERNELS, ["lazy-tlbgen", "lazy-ipi"]):
        checked = kernel == "lazy-ipi"
        boot, *repetitions, last = tlbtest.records(slot)
        end = tlbtest.slot_json(slot)
        assert (end["state"], end["reason"], end["log_tail"], end["records"]) == ("ok", "", [], 8)
        assert last["type"] == "audit_end" and last["caveats"] == []
        assert not {"state", "uptime"} & {*boot, *boot["audit"], *last}
        assert 0 < end["host_first_record_seconds"] < end["host_seconds"]
        assert boot["release"] == release_of(images[kernel])
        assert boot["strategy"]["lazy"] == lazy
        assert boot["accel"] == "exact" and boot["seed"] == 7
        assert [one.partition(" = ")[0] for one in boot["caveats"]] == checked * ["debug_options"]
        for record in repetitions:
            assert record["state"] == "ok" and record["caveats"] == record["reasons"] == []
            absent = {value["name"] for value in record["metrics"] + record["counters"]
                      if value["status"] != "ok"}
            assert absent == {"cycles", "instructions", "dtlb_load_misses", "itlb_load_misses",
                              "steal_ms"}
            assert {one["ops"] for one in record["passes"].values()} == {OPS}
            assert record["harness"]["cpus"] == len(record["threads"])


YARDSTICKS = {"null": {"workload": "null"},
              "spin": {"workload": "spin", "ns": "2000, 20000, 200000"}}


def test_yardsticks(images, tmp_path):
    """null is a few instructions, spin burns the virtual time asked for; neither flushes."""
    cases = {name: {**settings, "cpus": 1, "ops": OPS} for name, settings in YARDSTICKS.items()}
    conf = vm_conf(tmp_path / "yard.conf", {"baseline": {"strategy": "baseline"}}, cases)
    done = run("campaign", "--results", tmp_path, conf, timeout=BOOT_S)
    assert done.returncode == 0, done.stderr
    for record in tlbtest.repetitions(slots(tmp_path / "yard")[0]):
        found, asked_ns = tlbtest.metrics(record), record["params"].get("ns", 0)
        # Nobody is there to be interrupted, which is not the same as no interrupt.
        assert (found["flushes_per_op"], found["ipis_received_per_op"]) == (0, None)
        # A tick is a virtual nanosecond. The slack: half a read of the clock, and the tick reads.
        asked = asked_ns / 2 ** record["clock"]["icount_shift"]
        assert found["op_instructions"] == pytest.approx(asked, abs=64)
        assert found["op_instructions"] > 0 and record["caveats"] == []


# --- placement ----------------------------------------------------------------

# Two sockets, each a node, of two cores with two threads: 0-1 2-3 | 4-5 6-7. The unit test
# vm_shape_gives_these of t_place.c has the same lists for the plan's idea of this machine.
PLACEMENTS = [
    ({"placement": "spread"}, [0, 2, 4, 6, 1, 3, 5, 7]),
    ({"placement": "same-core"}, [0, 1]),
    ({"placement": "smt"}, [0, 1, 2, 3, 4]),
    ({"placement": "llc"}, [0, 2, 1, 3]),
    ({"placement": "node"}, [0, 2, 1, 3]),
    ({"placement": "far"}, [0, 4, 6, 5, 7]),
    ({"placement": "list:6,1-2"}, [6, 1, 2]),
    ({"placement.initiator": "list:5", "placement.responder": "far"}, [5, 0, 2]),
]


def test_placement_in_a_shaped_machine(images, tmp_path):
    """The guest finds the shape that was asked for, so it places threads as the plan did."""
    cases = {f"c{number}": {"workload": "munmap", "ops": 20, "warmup_ops": 2, "sched": "fifo",
                            "cpus": len(cpus), **keys}
             for number, (keys, cpus) in enumerate(PLACEMENTS)}
    conf = vm_conf(tmp_path / "shaped.conf", {"baseline": {"strategy": "baseline"}}, cases,
                   {"cpus": 8, "memory": "512M", "nodes": 2, "threads_per_core": 2})
    done = run("campaign", "--results", tmp_path, conf, timeout=2 * BOOT_S)
    assert done.returncode == 0, done.stderr
    slot, = slots(tmp_path / "shaped")
    found = tlbtest.repetitions(slot)
    assert [[thread["cpu"] for thread in record["threads"]]
            for record in found] == [cpus for _, cpus in PLACEMENTS]
    for record in found:
        others = len(record["threads"]) - 1
        assert tlbtest.metrics(record)["ipis_received_per_op"] == pytest.approx(others), record
    console = (slot / "console.log").read_text()
    assert "WARNING" not in console and "Firmware" not in console


def test_exact_shootdowns(images, tmp_path):
    """Each op is one shootdown of all responders, or of nobody; nothing is lost; no false time."""
    cases = {name: {**DEMO_CASES[name], "cpus": 4, "ops": OPS, "trace": "yes"}
             for name in ("munmap", "asleep")}
    kernels = {"a": {"strategy": "baseline"}, "b": {"strategy": "baseline"}}
    conf = vm_conf(tmp_path / "trace.conf", kernels, cases, {"cpus": 4})
    done = run("campaign", "--results", tmp_path, conf, timeout=2 * BOOT_S)
    assert done.returncode == 0, done.stderr
    first, second = ({record["case"]: record["shootdown"] for record in tlbtest.repetitions(slot)
                      if not tlbtest.assert_valid(record)} for slot in slots(tmp_path / "trace"))
    assert first == second
    for case, asked in {"munmap": 3, "asleep": 0}.items():
        found = first[case]
        assert found["status"] == "ok" and found["latency"] is None and found["no_times"]
        assert found["ops_traced"] == found["ops_asked"] == OPS
        assert found["shootdowns"] == found["own_parts"] == OPS
        assert found["complete"] == (OPS if asked else 0)
        assert found["without_responder"] == OPS - found["complete"]
        assert found["responders"]["buckets"] == [[asked, OPS]]
        assert found["pages"]["buckets"] == [[1, OPS]]
        assert found["lost"] == found["orphans"] == found["incomplete"] == found["full"] == 0


# --- Ctrl-C, kill and resume --------------------------------------------------


def qemu_of(process):
    """Return the virtual machine that a running campaign has started."""
    pid, = tlbtest.wait_for(lambda: tlbtest.children(process.pid), BOOT_S, "a QEMU")
    return pid


def wait_for_lines(path, number):
    """Wait until a file has some lines."""
    tlbtest.wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") >= number, BOOT_S,
                     f"{number} lines in {path.name}")


def end(process, number):
    """Send a signal; return status, stderr and the QEMU that was running."""
    qemu = qemu_of(process)
    assert tlbtest.is_running(qemu)
    process.send_signal(number)
    out, err = process.communicate(timeout=BOOT_S)
    return SimpleNamespace(returncode=process.returncode, out=out, err=err, qemu=qemu)


@pytest.fixture(scope="module")
def interrupted(counts, tmp_path_factory):
    """Run the campaign of `counts` once more; Ctrl-C while slot 2 measures."""
    tmp_path = tmp_path_factory.mktemp("again")
    conf = demo_conf(tmp_path / "counts.conf")
    with tlbtest.started("campaign", "--results", tmp_path, conf) as process:
        wait_for_lines(tmp_path / "counts/slots/01-lazy-ipi/records.jsonl", 2)
        how = end(process, signal.SIGINT)
    how.directory = (tmp_path / "counts").resolve()
    how.first = {path.name: (path.read_bytes(), path.stat().st_mtime_ns)
                 for path in slots(how.directory)[0].iterdir()}
    how.files = {path.name for path in slots(how.directory)[1].iterdir()}
    return how


@pytest.fixture(scope="module")
def killed(interrupted):
    """Resume it, and kill the command with SIGKILL while slot 2 boots."""
    directory = interrupted.directory
    (slots(directory)[1] / "console.log").unlink()
    with tlbtest.started("campaign", "--resume", directory) as process:
        wait_for_lines(slots(directory)[1] / "console.log", 1)
        how = end(process, signal.SIGKILL)
    yield how
    if tlbtest.is_running(how.qemu):
        os.kill(how.qemu, signal.SIGKILL)


@pytest.fixture(scope="module")
def resumed(interrupted, killed):
    """Resume it to its end."""
    return run("campaign", "--resume", interrupted.directory, timeout=2 * BOOT_S)


def test_interrupt(interrupted):
    """Ctrl-C: no QEMU stays, slot 1 is kept, slot 2 has no end, --resume is offered."""
    assert interrupted.returncode == 1 and interrupted.out == ""
    assert interrupted.err.endswith(
        "tlbbench: interrupted\ntlbbench: what was measured is kept; continue with: "
        f"tlbbench campaign --resume {interrupted.directory}\n")
    assert not tlbtest.is_running(interrupted.qemu)
    assert "slot.json" in interrupted.first and "slot.json" not in interrupted.files
    assert not [name for name in interrupted.files if name.endswith(".tmp")]


def test_kill(killed):
    """SIGKILL of the command takes QEMU with it."""
    assert killed.returncode == -signal.SIGKILL
    tlbtest.wait_for(lambda: not tlbtest.is_running(killed.qemu), 1, "the end of QEMU")


def test_resume(interrupted, resumed):
    """Slot 2 is run, slot 1 is not touched, nothing temporary stays."""
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == f"{interrupted.directory}\n"
    assert "slot 1/2" not in resumed.stderr and "slot 2/2 lazy-ipi" in resumed.stderr
    first, second = slots(interrupted.directory)
    assert interrupted.first == {path.name: (path.read_bytes(), path.stat().st_mtime_ns)
                                 for path in first.iterdir()}
    assert tlbtest.slot_json(second)["state"] == "ok"
    tlbtest.assert_campaign_valid(interrupted.directory)
    assert not tlbtest.temporary_files(interrupted.directory)


AA_CONF = """\
[campaign]
name = aa
backend = vm
boots = 1
litmus = none
[vm]
accel = exact
cpus = 2
memory = 256M
[kernel a]
strategy = baseline
[kernel the-same-under-a-long-name]
strategy = baseline
[kernel c]
strategy = baseline
[kernel d]
strategy = baseline
[case munmap]
workload = munmap
cpus = 2
ops = 5
warmup_ops = 1
repetitions = 40
"""
IDENTITY = {"slot", "kernel"}


def test_a_kernel_does_not_know_its_name(tmp_path):
    """One image and one seed under several names: the records differ in nothing else.

    Opening counters leaves all CPUs idle for a while, 40 times in each boot. With QEMU's threads
    on two host CPUs, 9 of 30 such boots were different.
    """
    conf = tmp_path / "aa.conf"
    conf.write_text(AA_CONF)
    done = run("campaign", "--results", tmp_path / "r", conf)
    assert done.returncode == 0, done.stderr
    first, *others = (tlbtest.json_lines((slot / "records.jsonl").read_text())
                      for slot in sorted((tmp_path / "r/aa/slots").iterdir()))
    assert len(first) == 1 + 40 + 1 and len(others) == 3
    for second in others:
        for one, other in zip(first, second, strict=True):
            assert {key for key in one if one[key] != other[key]} == IDENTITY


@pytest.mark.parametrize("slot", [0, 1])
def test_same_seed_same_bytes(slot, counts, interrupted, resumed):
    """Two campaigns with one seed: the records are equal byte for byte, resumed or not."""
    for name in "records.jsonl", "console.log":
        first, second = (slots(directory)[slot] / name for directory in
                         (counts, interrupted.directory))
        assert first.read_bytes() == second.read_bytes(), name
    assert (counts / "plan.json").read_bytes() == (
        interrupted.directory / "plan.json").read_bytes()


# --- kernels that fail --------------------------------------------------------

SMALL_CASES = {"munmap": {"workload": "munmap", "ops": 50, "warmup_ops": 5, "repetitions": 10}}


@pytest.fixture(scope="module")
def dead(images, tmp_path_factory):
    """Run a kernel that hangs and one that panics; then report."""
    tmp_path = tmp_path_factory.mktemp("dead")
    hang = make_image(tmp_path / "hang", "hang", build_hanging_kernel(tmp_path))
    kernels = {"hang": {"image": hang},
               "panic": {"image": images["baseline"], "append": "rdinit=/nonexistent"}}
    conf = vm_conf(tmp_path / "dead.conf", kernels, SMALL_CASES, {"timeout_seconds": 5})
    done = run("campaign", "--results", tmp_path, conf, timeout=2 * BOOT_S)
    return observe(done, tmp_path / "dead")


@pytest.fixture(scope="module")
def mixed(images, tmp_path_factory):
    """Run a kernel with a wrong name, one whose QEMU is killed, and a good one; then report."""
    tmp_path = tmp_path_factory.mktemp("mixed")
    liar = make_image(tmp_path / "liar", "6.12.117-other", images["baseline"] / "vmlinux")
    kernels = {"liar": {"image": liar}, "victim": {"strategy": "baseline"},
               "good": {"strategy": "baseline"}}
    conf = vm_conf(tmp_path / "mixed.conf", kernels, SMALL_CASES)
    with tlbtest.started("campaign", "--results", tmp_path, conf) as process:
        wait_for_lines(tmp_path / "mixed/slots/01-victim/records.jsonl", 3)
        os.kill(qemu_of(process), signal.SIGKILL)
        out, err = process.communicate(timeout=BOOT_S)
    done = SimpleNamespace(returncode=process.returncode, stdout=out, stderr=err)
    return observe(done, tmp_path / "mixed")


def observe(done, link):
    """Return what a campaign left: its run, its directory, its slots and its report."""
    directory = link.resolve()
    report = run("report", "compare", directory)
    text = (directory / "report.txt").read_text()
    return SimpleNamespace(
        done=done, directory=directory, report=report, text=text, flat=" ".join(text.split()),
        ends=[tlbtest.slot_json(slot) for slot in slots(directory)])


def assert_in_report(campaign, end):
    """The report names the state, the reason and the last lines of the log."""
    assert campaign.report.returncode == 1
    assert end["state"] in campaign.text
    assert " ".join(end["reason"].split()) in campaign.flat
    assert end["log_tail"], "no log"
    for line in end["log_tail"][-3:]:
        assert " ".join(line.split())[:60] in campaign.flat


def assert_other_campaign_files(campaign):
    """Exit 1, valid files, all slots listed, nothing temporary."""
    assert campaign.done.returncode == 1
    assert campaign.done.stdout == f"{campaign.directory}\n"
    tlbtest.assert_campaign_valid(campaign.directory)
    assert not tlbtest.temporary_files(campaign.directory)


def test_kernel_that_hangs(dead):
    """Timeout after the seconds that were given; what it said is kept."""
    hang = dead.ends[0]
    assert (hang["state"], hang["records"]) == ("timeout", 0)
    assert hang["reason"] == "no END frame within 5 s"
    assert hang["log_tail"] == ["this kernel hangs"]
    assert 5 <= hang["host_seconds"] < 10
    assert_in_report(dead, hang)


def test_litmus_on_a_kernel_that_hangs(tmp_path):
    """Failed after the seconds that a test may take; the logs stay."""
    done = run("litmus", "--kernel", build_hanging_kernel(tmp_path), "--vm", "accel=exact", "--vm",
               "timeout_seconds=2")
    assert done.returncode == 1
    assert "timeout: no result of a test within 2 s" in done.stderr
    logs = re.search(r"the logs are in (\S+)$", done.stderr)[1]
    assert (Path(logs) / "console.log").read_text() == "this kernel hangs\n"
    shutil.rmtree(logs)


def test_kernel_that_panics(dead):
    """Crashed, with the panic in the log's tail; the hang before it did no harm."""
    panic = dead.ends[1]
    assert (panic["state"], panic["records"]) == ("crashed", 0)
    assert panic["reason"] == "the VM ended before its END frame (QEMU exit 0)"
    assert any("Kernel panic - not syncing" in line for line in panic["log_tail"])
    assert_in_report(dead, panic)
    assert_other_campaign_files(dead)


def test_kernel_with_another_release(mixed, images):
    """Refused before anything is measured, with both names."""
    liar = mixed.ends[0]
    release = release_of(images["baseline"])
    assert (liar["state"], liar["records"]) == ("refused", 0)
    assert liar["reason"] == f"the running kernel is {release}, expected 6.12.117-other"
    assert not tlbtest.records(slots(mixed.directory)[0])
    assert_in_report(mixed, liar)


def test_qemu_that_is_killed(mixed):
    """Crashed, named by its signal; the records that came before are kept but not believed."""
    victim = mixed.ends[1]
    assert (victim["state"], victim["reason"]) == (
        "crashed", "QEMU was killed by signal 9 (Killed)")
    boot, *repetitions = tlbtest.records(slots(mixed.directory)[1])
    assert boot["kernel"] == "victim" and 2 <= len(repetitions) < 10
    assert victim["records"] == 1 + len(repetitions)
    assert_in_report(mixed, victim)


def test_good_kernel_among_bad_ones(mixed):
    """The slot after them is ok, complete, and the only one in the numbers."""
    good = mixed.ends[2]
    assert (good["state"], good["records"]) == ("ok", 12)
    assert_other_campaign_files(mixed)
    assert re.search(r"3 slots: .*1 ok", mixed.flat)


# --- records and kernels that changed -----------------------------------------


def change_byte(path):
    """Change one digit, so that the file is still JSON."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"value":0', b'"value":1', 1))
    assert path.stat().st_size == len(data) and path.read_bytes() != data


def cut(path):
    """Leave the last line out."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize("slot", [0, 1])
@pytest.mark.parametrize("spoil", [change_byte, cut])
def test_records_that_changed(spoil, slot, counts, tmp_path):
    """The report names the file, leaves its slot out, and exits with 1."""
    directory = shutil.copytree(counts, tmp_path / counts.name)
    records = slots(directory)[slot] / "records.jsonl"
    spoil(records)
    report = run("report", "compare", directory)
    assert report.returncode == 1
    text = (directory / "report.txt").read_text()
    assert str(records.relative_to(directory)) in text
    assert re.search(r"2 slots: (1 ok, 1 left out|1 left out, 1 ok)", text)


@pytest.mark.parametrize("name", ["plan.json", "campaign.conf"])
def test_resume_with_other_kernels(name, counts, tmp_path):
    """A plan with other kernels than those of now is refused, and nothing is booted."""
    directory = shutil.copytree(counts, tmp_path / counts.name)
    (directory / "index.sha256").unlink()
    path = directory / name
    path.write_text(path.read_text().replace("runtime-", "runtime-0").replace(
        "spec = runtime:lazy-ipi", "strategy = baseline"))
    before = sorted((file, file.stat().st_mtime_ns) for file in directory.rglob("*"))
    done = run("campaign", "--resume", directory)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert (f"--resume {directory}: campaign file, binary, kernels or backend are not those it"
            in done.stderr)
    assert before == sorted((file, file.stat().st_mtime_ns) for file in directory.rglob("*"))
