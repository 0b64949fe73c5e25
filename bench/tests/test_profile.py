# SPDX-License-Identifier: GPL-2.0-only
"""Profiles on the running machine: what quiet sets, and that nothing of it stays.

Those marked `tunes` change settings of this machine and need root. Each one compares all of them
with what they were, whatever happened in between.
"""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tlbtest
from tlbtest import run, started, wait_for

STATE = Path("/run/tlbbench/undo")
RATE = Path("/proc/sys/kernel/perf_event_max_sample_rate")
RT = Path("/proc/sys/kernel/sched_rt_runtime_us")
# Not under SCHED_FIFO: others that want its CPU meanwhile would wait for ever.
LONG = ["run", "--profile", "quiet", "munmap", "cpus=1", "ops=1000000000", "sched=other"]
SETTINGS = [
    "/proc/sys/kernel/numa_balancing", "/proc/sys/vm/compaction_proactiveness",
    "/proc/sys/kernel/nmi_watchdog", "/proc/sys/kernel/sched_rt_runtime_us",
    "/proc/sys/kernel/perf_event_max_sample_rate", "/sys/kernel/mm/ksm/run",
    *(str(path) for pattern in (
        "kernel/mm/transparent_hugepage/enabled",
        "kernel/mm/transparent_hugepage/hugepages-*/enabled",
        "devices/system/cpu/intel_pstate/no_turbo", "devices/system/cpu/cpufreq/boost",
        "devices/system/cpu/cpufreq/policy*/scaling_governor",
        "devices/system/cpu/cpufreq/policy*/scaling_min_freq",
        "devices/system/cpu/cpu[0-9]*/cpuidle/state*/disable")
      for path in sorted(Path("/sys").glob(pattern)))]


def tunes(test):
    """Mark a test that changes settings of this machine; collecting it changes none."""
    may_set = os.geteuid() == 0 and os.access(RATE, os.W_OK)
    return pytest.mark.tunes(
        pytest.mark.skipif(not may_set, reason="needs root to change settings")(test))


def settings():
    """Return all settings that there are, by path."""
    return {path: Path(path).read_text() for path in SETTINGS if Path(path).exists()}


@pytest.fixture
def kept():
    """Check that a test leaves every setting as it was; put it back by hand where it does not."""
    before = settings()
    yield before
    after = settings()
    for path, value in after.items():
        if value != before[path]:
            chosen = value.partition("[")[2].partition("]")[0]
            Path(path).write_text(
                before[path].partition("[")[2].partition("]")[0] if chosen else before[path])
    assert after == before
    assert not STATE.exists()


def quiet_run(process):
    """Wait until a run has made the machine quiet and measures; return its guardian's pid."""
    def guardian():
        for pid in tlbtest.children(process.pid):
            if Path(f"/proc/{pid}/comm").read_text() == "tlbbench-guard\n":
                return pid
        return None
    pid = wait_for(guardian, 20, "a guardian")
    wait_for(lambda: len(tlbtest.children(process.pid)) > 1, 20, "an instance")
    assert RATE.read_text() == "1\n" and STATE.exists()
    return pid


@tunes
def test_quiet_is_recorded_and_undone(kept):
    """The boot record has each setting before and after; afterwards all is as before."""
    done = run("run", "--json", "--profile", "quiet", "munmap", "cpus=1", "ops=20")
    assert done.returncode == 0, done
    boot, *_ = tlbtest.json_lines(done.stdout)
    tlbtest.assert_valid(boot)
    assert boot["profile"] == "quiet" and boot["state"]["perf_max_sample_rate"] == "1"
    changes = {change["name"]: change for change in boot["changes"]}
    assert len(changes) == len(boot["changes"]) and set(changes) <= set(kept)
    for change in changes.values():
        assert change["before"] != change["after"] and not change["reason"], change
        assert change["before"] in kept[change["name"]]
    assert str(RATE) in changes or kept[str(RATE)] == "1\n"
    assert str(RT) not in changes
    assert boot["audit"]["sched_rt_runtime_us"] == kept[str(RT)].strip()
    wrong = {finding["name"] for finding in boot["findings"]}
    assert not wrong & {"thp", "ksm_run", "numa_balancing", "compaction_proactiveness"}
    assert done.stderr == ""


@tunes
@pytest.mark.parametrize("sig", ["SIGINT", "SIGTERM", "SIGHUP", "SIGSEGV", "SIGKILL"])
def test_quiet_ends_with_the_process(sig, kept):
    """However the process ends, the settings are as before."""
    with started(*LONG) as process:
        quiet_run(process)
        process.send_signal(signal.Signals[sig])
        process.communicate(timeout=20)
        assert process.returncode == (-signal.Signals[sig] if sig in ("SIGSEGV", "SIGKILL") else 1)
    wait_for(lambda: not STATE.exists(), 10, "the end of the guardian")
    assert settings() == kept


@tunes
@pytest.mark.parametrize("command", [["env"], ["run", "munmap", "cpus=1", "ops=20"]],
                         ids=["env", "run"])
def test_next_start_restores(command, kept):
    """When the guardian was killed too, the next command restores and says so."""
    with started(*LONG) as process:
        os.kill(quiet_run(process), signal.SIGKILL)
        process.kill()
        process.communicate(timeout=20)
    assert RATE.read_text() == "1\n" and settings() != kept
    done = run(*command)
    assert done.returncode == 0
    assert done.stderr.startswith(
        "tlbbench: an earlier tlbbench was killed; undid what it had changed: ")
    assert str(RATE) in done.stderr and done.stderr.count("\n") == 1
    assert settings() == kept


@tunes
def test_two_at_once(kept):
    """A second quiet run is refused; one that only observes goes on, and says what it sees."""
    with started(*LONG) as process:
        quiet_run(process)
        done = run("run", "--profile", "quiet", "munmap", "cpus=1", "ops=20")
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr == (f"tlbbench: another tlbbench (process {process.pid}) has "
                               "changed this machine until it ends\n")
        refusal = done.stderr
        done = run("run", "--json", "munmap", "cpus=1", "ops=20")
        boot, *_ = tlbtest.json_lines(done.stdout)
        tlbtest.assert_valid(boot)
        assert done.returncode == 0 and done.stderr == refusal
        assert boot["caveats"][0] == refusal.strip().removeprefix("tlbbench: ")
        assert "has changed this machine" in run("env").stderr
        assert RATE.read_text() == "1\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert settings() == kept


@tunes
def test_quiet_campaign(tmp_path, kept):
    """Settings are changed once per campaign and recorded in every slot."""
    conf = tmp_path / "calm.conf"
    conf.write_text("[campaign]\nname = calm\nboots = 2\n[case one]\nworkload = munmap\n"
                    "cpus = 1\nops = 20\n")
    done = run("campaign", "--profile", "quiet", "--results", tmp_path / "r", conf)
    assert done.returncode == 0, done
    directory = tmp_path / "r/calm"
    tlbtest.assert_campaign_valid(directory)
    first, second = (tlbtest.records(slot)[0] for slot in tlbtest.slots(directory))
    assert first["profile"] == "quiet" and first["changes"] == second["changes"] != []
    assert first["audit_sha256"] == second["audit_sha256"]
    assert settings() == kept


def test_quiet_without_root():
    """Nothing is changed; each setting that is not right is recorded with the reason."""
    before = settings()
    prefix = [] if os.geteuid() else ["setpriv", "--reuid", "65534", "--clear-groups"]
    done = run("run", "--json", "--profile", "quiet", "munmap", "cpus=1", "ops=20", prefix=prefix)
    assert done.returncode == 0, done
    boot, *_ = tlbtest.json_lines(done.stdout)
    tlbtest.assert_valid(boot)
    for change in boot["changes"]:
        assert change["after"] is None and change["reason"] == "needs root"
    assert settings() == before


@pytest.fixture
def busy():
    """Keep one more thread runnable, which strict refuses."""
    spin = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    with subprocess.Popen(spin, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield
        process.kill()


def test_strict_refuses(busy):
    """Strict does not start on a machine with anything that refuses, and names all reasons."""
    env = run("env", "--profile", "strict")
    wrong = [line.split()[1] for line in env.stdout.splitlines() if line.startswith("  refuse")]
    done = run("run", "--profile", "strict", "munmap", "cpus=1", "ops=20")
    lines = done.stderr.splitlines()
    named = [line.split()[2] for line in lines if line.startswith("tlbbench: refused: ")]
    assert "runnable" in named and named == wrong
    assert env.returncode == done.returncode == 1 and done.stdout == ""
    assert lines[-1] == "tlbbench: profile strict: not started for the reasons above"
