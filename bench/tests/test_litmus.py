# SPDX-License-Identifier: GPL-2.0-only
"""The command `litmus`: its KTAP, its usage, what it says of the tests."""
import os
import re
import subprocess

import pytest

from tlbtest import ROOT, run

NAMES = sorted(path.stem for path in (ROOT / "workloads/litmus").glob("*.c"))

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
    results = parse(done.stdout)
    assert done.returncode == 4 and "mprotect" in [name for _, name, _ in results], done
    # Nor is what the kernel says of itself worth anything then.
    assert all(rest.startswith("SKIP") for _, _, rest in results), done
    assert "needs two CPUs" in done.stdout


@few_cpus
def test_without_root(nobody):
    """What nobody may not do is left out, with the reason; it is no failure of the kernel."""
    prefix, binary = nobody
    done = run("litmus", "mprotect", "reclaim_file", prefix=prefix, binary=binary)
    assert done.returncode == 0, done
    assert all(is_ok for is_ok, _, _ in parse(done.stdout))
    assert os.geteuid() or "base.process # SKIP" in done.stdout


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
