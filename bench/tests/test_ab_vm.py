# SPDX-License-Identifier: GPL-2.0-only
"""Two kernels that were not made for this: Debian's, trees in a bisection, one image twice."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tlbtest
from tlbtest import BOOT_S, run, slots

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("one_machine")]

DEBIAN = ["linux-image-cloud-amd64", "linux-image-6.12-cloud-amd64"]


def git(where, *args):
    """Run git in a repository of a test."""
    done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *args],
                          cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def debian(package):
    """Return the image of a Debian package, or skip the test where it is not to be had."""
    done = subprocess.run([tlbtest.ROOT / "kernels/build", f"deb:{package}"], check=False,
                          capture_output=True, text=True, timeout=600)
    if done.returncode:
        pytest.skip(f"no kernel of Debian here: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()


def test_debians_kernels(tmp_path):
    """6.1 and 6.12 as Debian has them: exact counts, and reasons for what they do not count."""
    for package in DEBIAN:
        debian(package)
    conf = tlbtest.vm_conf(tmp_path / "deb.conf", {}, {
        "m": {"workload": "munmap", "cpus": 3, "ops": 100}}, {
            "cpus": 4, "memory": "512M", "timeout_seconds": 3 * BOOT_S})
    done = run("ab", "--results", tmp_path, *(f"deb:{package}" for package in DEBIAN), conf,
               timeout=8 * BOOT_S)
    assert done.returncode == 0, done.stderr
    directory = (tmp_path / "deb").resolve()
    tlbtest.assert_campaign_valid(directory)
    plan = json.loads((directory / "plan.json").read_text())
    for slot, kernel, version in zip(slots(directory), plan["kernels"], ("6.1.", "6.12.")):
        boot, repetition, _ = tlbtest.records(slot)
        assert boot["release"] == kernel["release"] and boot["release"].startswith(version)
        assert kernel["image"]["package"] == f"linux-image-{boot['release']}"
        # What a kernel of ours does, these do too; all CPUs are there, and the clock is good.
        found = tlbtest.metrics(repetition)
        assert (found["ipis_received_per_op"], found["flushes_per_op"]) == (2, 3)
        assert 1000 < found["op_instructions"] < 30000
        assert (boot["audit"]["cpus_online"], boot["audit"]["clocksource"]) == ("0-3", "tsc")
        # Not built in: absent, with the reason, and nobody looked for stale entries.
        absent = {value["name"]: value["reason"] for value in repetition["counters"]
                  if value["status"] == "absent"}
        assert "CONFIG_DEBUG_TLBFLUSH" in absent["nr_tlb_remote_flush"]
        assert boot["strategy"] == {} and repetition["soundness"] == "unchecked"
        # The configuration came along.
        assert boot["build"]["config_sha256"] and "NR_CPUS=" in boot["audit"]["config_flush"]


@pytest.mark.parametrize("package", DEBIAN)
def test_litmus_of_debians_kernels(package):
    """On the machine that litmus tests have if nobody says another: two sockets of three CPUs."""
    debian(package)
    done = run("litmus", "munmap", "--kernel", f"deb:{package}", timeout=BOOT_S)
    assert done.returncode == 0 and "ok 1 munmap" in done.stdout, done.stdout + done.stderr


# vmlinux is that of one of our images, and calls itself what the .config says, as Linux would.
MAKEFILE = """
allnoconfig:
\tcp $(KCONFIG_ALLCONFIG) $(O)/.config
vmlinux:
\tmkdir -p $(O)/include/config
\t{python} rename.py $$(cat kernel) $(O)
"""
RENAME = r"""
import re, sys
kernel, out = sys.argv[1:]
local = re.search(r'^CONFIG_LOCALVERSION="(.*)"', open(f"{out}/.config").read(), re.M)[1].encode()
data = open(f"{kernel}/vmlinux", "rb").read()
old = re.search(rb"Linux version (\S+) ", data)[1]
new = old.split(b"-")[0] + local
assert len(new) <= len(old)
open(f"{out}/vmlinux", "wb").write(
    data.replace(b" " + old + b" ", b" " + new.ljust(len(old)) + b" ").replace(
        old + b"\0", new.ljust(len(old) + 1, b"\0")))
open(f"{out}/include/config/kernel.release", "wb").write(new + b"\n")
"""


def history(where, kernels):
    """Make a repository with one commit for each item of `kernels`: an image, or None (broken)."""
    where.mkdir()
    git(where, "init", "-q")
    (where / "Kconfig").touch()
    (where / "Makefile").write_text(MAKEFILE.format(python=sys.executable))
    (where / "rename.py").write_text(RENAME)
    for number, kernel in enumerate(kernels):
        (where / "kernel").write_text(f"{kernel or '/nonexistent'}\n")
        (where / "number").write_text(str(number))
        git(where, "add", "-A")
        git(where, "commit", "-q", "-m", f"commit {number}")
        git(where, "tag", f"v{number}")
    return where


def runtime_image():
    """Return the directory of the image with all strategies."""
    done = subprocess.run([tlbtest.ROOT / "kernels/build", "--path", "--runtime"], check=True,
                          capture_output=True, text=True)
    return Path(done.stdout.strip())


def test_git_bisect_finds_the_commit(images, tmp_path):
    """Good, broken, good, bad, bad: the fourth one, which interrupts idle CPUs, is found.

    Only the bad one knows the parameter.
    """
    good, bad = images["baseline"], runtime_image()
    repository = history(tmp_path / "linux", [good, None, good, bad, bad])
    conf = tlbtest.vm_conf(tmp_path / "idle.conf", {}, {
        "idle": {"workload": "lazy_idle", "cpus": 3, "ops": 20, "warmup_ops": 2}},
        {"cpus": 4}, boots=4)
    git(repository, "bisect", "start", "v4", "v0")
    done = subprocess.run(
        ["git", "bisect", "run", tlbtest.BINARY, "ab", "--bisect", "--results", tmp_path / "r",
         "good=tree:.@v0", "now=tree:.@HEAD", "--append",
         "now=tlb_strategy=lazy-ipi", conf], cwd=repository, env=tlbtest.environment(),
        check=False, capture_output=True, text=True, timeout=20 * BOOT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^([0-9a-f]+) is the first bad commit", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    assert git(repository, "describe", "--tags", found[1]) == "v3"
    assert git(repository, "status", "--porcelain") == ""


def test_bisect_without_a_verdict_stops(images, tmp_path):
    """A report that fails, for want of a package here, exits with 1 and says nothing."""
    (tmp_path / "scipy.py").write_text("raise ImportError('none')\n")
    conf = tlbtest.vm_conf(tmp_path / "x.conf", {}, {
        "m": {"workload": "munmap", "cpus": 1, "ops": 5, "warmup_ops": 1}}, boots=4)
    done = run("ab", "--bisect", "--results", tmp_path / "r", f"a={images['baseline']}/vmlinux",
               f"b={images['baseline']}/vmlinux", conf, timeout=8 * BOOT_S,
               env={"PYTHONPATH": tmp_path})
    assert "ImportError: none" in done.stderr and done.returncode == 128, done.stderr


def test_one_image_with_another_parameter(images, tmp_path):
    """The same image under two names; only the command line differs."""
    conf = tlbtest.vm_conf(tmp_path / "poll.conf", {}, {
        "idle": {"workload": "lazy_idle", "cpus": 3, "ops": 20, "warmup_ops": 2}}, {"cpus": 4})
    done = run("ab", "--results", tmp_path, "plain=baseline", "poll=baseline", "--append",
               "poll=idle=poll", conf, timeout=4 * BOOT_S)
    assert done.returncode == 0, done.stderr
    plain, poll = (tlbtest.records(slot) for slot in slots(tmp_path / "poll"))
    assert plain[0]["kernel_id"] == poll[0]["kernel_id"] == images["baseline"].name
    cmdlines = [records[0]["audit"]["cmdline"].split() for records in (plain, poll)]
    assert cmdlines[0] + ["idle=poll"] == cmdlines[1]
