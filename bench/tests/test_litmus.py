# SPDX-License-Identifier: GPL-2.0-only
"""Litmus tests: their KTAP, that kernels that are sound pass, that controls are caught."""
import configparser
import os
import re
import subprocess
import time

import pytest

import tlbtest
from tlbtest import ROOT, run

NAMES = sorted(path.stem for path in (ROOT / "workloads/litmus").glob("*.c"))
STRATEGIES = {}
for path in sorted((ROOT / "kernels/strategies").glob("*.conf")):
    conf = configparser.ConfigParser(interpolation=None)
    conf.read(path)
    STRATEGIES[path.stem] = conf["strategy"]
CONTROLS = [name for name, one in STRATEGIES.items() if one["sound"] == "no"]
RUNTIME = [name for name, one in STRATEGIES.items() if one["boot"]]
# One boot in exact mode, all tests.
SUITE_S = 300
CATCH_S = 30

few_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs 2 CPUs")


def parse(text):
    """Return the outermost results of KTAP as (ok, name, rest), and check its form on the way."""
    lines = text.splitlines()
    assert lines[0] == "KTAP version 1" and re.fullmatch(r"1\.\.\d+", lines[1]), text
    results, points, planned = [], [], 0
    for line in lines[2:]:
        if found := re.fullmatch(r"    1\.\.(\d+)", line):
            planned, points = int(found[1]), []
        elif found := re.fullmatch(r"(    )?(not )?ok (\d+) (\S+)(?: # (.+))?", line):
            inner, bad, number, name, rest = found.groups()
            where = points if inner else results
            where.append((not bad, name, rest or ""))
            assert int(number) == len(where), line
            # A pass says how much it is worth, a skip why.
            if inner and not bad and "." in name:
                assert re.match(r"SKIP \S|[1-9]\d* tries, .*, [1-9]\d* looks", rest), line
            if not inner:
                assert len(points) == planned, name
        else:
            assert re.match(r"    KTAP version 1|    # ", line), line
    assert len(results) == int(lines[1][3:]), text
    return results


@few_cpus
def test_here():
    """This kernel passes what it can run; there is one result per test and one of the kernel."""
    done = run("litmus", "mprotect", "munmap")
    assert done.returncode == 0, done
    results = parse(done.stdout)
    assert [name for _, name, _ in results if name != "kernel"] == ["mprotect", "munmap"]
    assert all(is_ok for is_ok, _, _ in results)


def test_one_cpu_can_run_nothing():
    """Exit 4 where there is nobody to be a victim, and the reason stands there."""
    cpu = min(os.sched_getaffinity(0))
    done = run("litmus", "mprotect", preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    found = dict((name, rest) for _, name, rest in parse(done.stdout))
    assert found["mprotect"].startswith("SKIP"), done
    assert "needs two CPUs" in done.stdout


@pytest.mark.parametrize("args, said", [
    (["nonsense"], "unknown test 'nonsense', expected one of: cow, "),
    (["--soak", "0"], "expected a number from 1 to 1000000"),
    (["--vm", "cpus=4"], "--append and --vm need --kernel"),
    (["--nonsense"], "expected --kernel"),
])
def test_usage(args, said):
    """Exit 2 and one line that says what was expected."""
    done = run("litmus", *args)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_list_and_describe_know_all():
    """Each test is listed, and described with what victims must find."""
    listed = run("list").stdout
    for name in NAMES:
        assert f"litmus/{name} " in listed
        text = run("describe", f"litmus/{name}").stdout
        assert text.startswith(f"litmus/{name}: catches a kernel that forgets ")
        assert re.search(r"^A (read|write) must find: ", text, re.MULTILINE), text


def test_table_is_in_order():
    """Rows of the table in kernels/README.md are of strategies and tests that exist, and agree."""
    subprocess.run([ROOT / "bench/tools/litmus-table", "--check"], check=True)


# --- kernels ------------------------------------------------------------------

VM = [pytest.mark.vm, pytest.mark.usefixtures("one_machine")]


def boot(kernel, *args):
    """Run litmus tests on a kernel in exact mode; return the command and how long it took."""
    begin = time.monotonic()
    done = run("litmus", "--kernel", kernel, *args, timeout=SUITE_S)
    return done, time.monotonic() - begin


def has_runtime_kernel():
    """Tell whether the kernel with all strategies was built."""
    command = [ROOT / "kernels/build", "--path", "runtime:baseline"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def vm(test):
    """Mark a test that boots a kernel."""
    for mark in VM:
        test = mark(test)
    return test


@vm
def test_baseline_passes_all(images):
    """6.12 as it is passes all; nothing is left out but what its machine or kernel cannot do."""
    done, _ = boot("baseline")
    assert done.returncode == 0, done.stdout + done.stderr
    skipped = {name for _, name, rest in parse(done.stdout) if rest.startswith("SKIP")}
    assert skipped <= {"wp_copy"}, skipped


@vm
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


@vm
@pytest.mark.parametrize("name", CONTROLS)
def test_controls_are_caught(name, images):
    """Each control fails the litmus test that its file names, within half a minute.

    Where that is an oracle of the kernel, unmapping must make it count.
    """
    if not has_runtime_kernel():
        pytest.skip("needs the runtime kernel: kernels/build runtime:baseline")
    litmus = STRATEGIES[name]["litmus"]
    done, took_s = boot(f"runtime:{name}", "munmap" if litmus.startswith("oracle_") else litmus)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^ *not ok \d+ {litmus}\b", done.stdout, re.MULTILINE), done.stdout
    assert took_s < CATCH_S


@vm
@pytest.mark.parametrize("name", [name for name in RUNTIME if name not in CONTROLS])
def test_sound_strategies_pass(name, images):
    """What calls itself sound passes all, on the kernel with all its checks."""
    if not has_runtime_kernel():
        pytest.skip("needs the runtime kernel: kernels/build runtime:baseline")
    done, _ = boot(f"runtime:{name}")
    assert done.returncode == 0, done.stdout + done.stderr
