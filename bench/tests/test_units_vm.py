# SPDX-License-Identifier: GPL-2.0-only
"""Unit tests of workloads once more, in a VM that has what few machines have.

Two NUMA nodes, pages of hugetlb, zram, debugfs: there every workload can run, with each of its
choices.
"""
import os
import re
import subprocess

import pytest

from tlbtest import BINARY, BOOT_S, ROOT

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("one_machine")]

WORKLOADS = sorted(path.stem for path in (ROOT / "workloads").glob("*.c"))
# What the contract needs two nodes for; it takes minutes to check all.
ONLY = {"t_contract": ["migrate", "numa_hint"], "t_effects": WORKLOADS}
LOADER = "ld-linux-x86-64.so.2"


def in_a_vm(binary, names):
    """Run a test of some workloads in a VM, with the libraries that it needs."""
    listed = subprocess.run(["ldd", binary], text=True, capture_output=True, check=True).stdout
    files = [binary, *re.findall(r"(?:=> |^\s)(/\S+)", listed, re.MULTILINE)]
    command = [ROOT / "kernels/boot", "--cpus", "4", "--nodes", "2", "--append",
               "quiet hugepages=32", *(word for file in files for word in ("--add", file)),
               "baseline", "--", "env", f"T_ONLY={' '.join(names)}",
               LOADER, "--library-path", "/bin", f"/bin/{binary.name}"]
    return subprocess.run(command, text=True, capture_output=True, check=False,
                          timeout=10 * BOOT_S, env={**os.environ, "TLBBENCH": str(BINARY)})


@pytest.mark.parametrize("name", ONLY)
def test_every_workload(name, images):
    """No test fails, and none leaves a workload out."""
    binary = BINARY.parent / "tests" / name
    if not binary.is_file():
        pytest.fail(f"{binary}: not built; run make units")
    done = in_a_vm(binary, ONLY[name])
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"^ok 1 ", done.stdout, re.MULTILINE)
    assert not re.findall(r"^# \w+ skipped: .*", done.stdout, re.MULTILINE)
    assert set(ONLY[name]) <= set(re.findall(r"^# (\w+)\r?$", done.stdout, re.MULTILINE))
