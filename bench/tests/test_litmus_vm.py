# SPDX-License-Identifier: GPL-2.0-only
"""Litmus tests on kernels: those that are sound pass, controls are caught."""
import re
import resource
import shutil
import sys
from pathlib import Path

import pytest

import tlbtest
from test_litmus import parse
from tlbtest import ROOT, run

sys.path.insert(0, str(ROOT / "kernels"))
import kdesc  # noqa: E402, below the path that it is on

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("one_machine")]

STRATEGIES = {name: kdesc.load_strategy(name) for name in kdesc.strategy_ids()}
CONTROLS = [name for name, one in STRATEGIES.items() if one.sound == "no"]
RUNTIME = [name for name, one in STRATEGIES.items() if one.boot]
# One boot in exact mode, all tests: about a minute. What hangs is given up 600 s after the last
# result, see litmus_vm.h.
SUITE_S = 720
# CPU time: QEMU in exact mode has one CPU, so it is what a quiet machine takes.
CATCH_CPU_S = 30
# What the machine must have more than usual; as many CPUs as there can be are in time, too.
MACHINES = {"forget-high-cpus": ["--vm", "cpus=64"]}


def cpu_s():
    """Tell what commands that have ended took, with all that they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def boot(kernel, *args):
    """Run litmus tests on a kernel in exact mode; return the command and its CPU time."""
    begin = cpu_s()
    done = run("litmus", "--kernel", kernel, *args, timeout=SUITE_S)
    return done, cpu_s() - begin


def test_baseline_passes_all(images):
    """6.12 as it is passes all; nothing is left out but what its machine or kernel cannot do."""
    done, _ = boot("baseline")
    assert done.returncode == 0, done.stdout + done.stderr
    skipped = {name for _, name, rest in parse(done.stdout) if rest.startswith("SKIP")}
    assert skipped <= {"wp_copy"}, skipped


def test_logs_of_a_boot_that_failed_stay(images):
    """The command says where the console's log is, and it is there."""
    done, _ = boot("baseline", "--append", "rdinit=/nonexistent init=/nonexistent")
    assert done.returncode == 1, done
    logs = Path(re.search(r"the logs are in (\S+)$", done.stderr, re.MULTILINE)[1])
    assert "Kernel panic" in (logs / "console.log").read_text()
    shutil.rmtree(logs)


def test_campaign_says_whether_kernels_are_sound(images, tmp_path):
    """Tests run on each kernel first; the verdict is in each record, what they said is kept."""
    conf = tlbtest.vm_conf(tmp_path / "sound.conf", {"a": {"strategy": "baseline"}},
                           {"null": {"workload": "null", "cpus": 1}}, {"cpus": 4}, litmus="short")
    done = run("campaign", "--results", tmp_path, conf, timeout=SUITE_S)
    assert done.returncode == 0, done.stderr
    campaign = tmp_path / "sound"
    tlbtest.assert_campaign_valid(campaign)
    assert all(ok for ok, _, _ in parse((campaign / "litmus/a/tests.ktap").read_text()))
    assert "litmus/a/tests.ktap" in (campaign / "index.sha256").read_text()
    slot, = tlbtest.slots(campaign)
    assert {record["soundness"] for record in tlbtest.repetitions(slot)} == {"sound"}


def test_controls_are_unsound_whatever_tests_say(images, tmp_path):
    """What is wrong on purpose is never sound, also where nothing in the image could see it."""
    conf = tlbtest.vm_conf(tmp_path / "control.conf", {"a": {"spec": "runtime:lazy-cpumask"}},
                           {"null": {"workload": "null", "cpus": 1}}, {"cpus": 4}, litmus="none")
    done = run("campaign", "--results", tmp_path, conf, timeout=SUITE_S)
    assert done.returncode == 0, done.stderr
    slot, = tlbtest.slots(tmp_path / "control")
    assert {record["soundness"] for record in tlbtest.repetitions(slot)} == {"unsound"}


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_are_caught(name, images):
    """Each control fails the litmus test that its file names, within half a minute of CPU time.

    Where that is an oracle of the kernel, unmapping must make it count.
    """
    one = STRATEGIES[name]
    done, took_cpu_s = boot(f"runtime:{name}", one.caught_by[0], *MACHINES.get(name, []))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^ *not ok \d+ {one.litmus}\b", done.stdout, re.MULTILINE), done.stdout
    assert took_cpu_s < CATCH_CPU_S


def test_more_victims_than_pages(images):
    """Where each page has one writer, some victims of 39 have none to write."""
    done, _ = boot("baseline", "msync_clean", "--vm", "cpus=40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "up to 39 victims" in done.stdout


@pytest.mark.parametrize("name", [name for name in RUNTIME if name not in CONTROLS])
def test_sound_strategies_pass(name, images):
    """What calls itself sound passes all, on the kernel with all its checks; none is left out."""
    done, _ = boot(f"runtime:{name}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [test for _, test, rest in parse(done.stdout) if rest.startswith("SKIP")]
    assert re.findall(r"ok \d+ oracle_(\w+) # 0 violations", done.stdout) == [
        "copy", "freed_tables", "generation"]
