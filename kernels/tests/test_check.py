# SPDX-License-Identifier: GPL-2.0-only
"""kernels/check, and the command lines of check and build."""

import os
import subprocess
from pathlib import Path

import pytest

import kcheck
import kdesc

KERNELS = Path(kdesc.__file__).parent


def edit(path, old, new):
    """Replace `old`, which must be there, by `new` in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_checkout_is_fine():
    assert kcheck.fast(KERNELS) == []


def test_the_site_is_fine(site):
    assert kcheck.fast(site.kernels) == []


@pytest.mark.parametrize("name, old, new, message", [
    ("strategies/fake.conf", "TLB_FAKE", "TLB_OTHER", "no patch adds the choice TLB_OTHER"),
    ("strategies/fake.conf", "family = fake", "family =", "a choice without a family"),
    ("strategies/fake.conf", "choice = TLB_FAKE", "choice =", "only an unsound strategy"),
    ("strategies/fake.conf", "family = fake", "family = x", "adds the file of the family x"),
    ("strategies/fake.conf", "expect = fake", "expect = x", "name itself 'x'"),
    ("strategies/fake.conf", "sound = yes", "sound = no", "names the litmus that fails"),
    ("strategies/fake.conf", "why =", "why = so", "a sound one has neither"),
    ("strategies/fake.conf", "sound = yes", "sound = maybe", "neither yes nor no"),
    ("strategies/fake.conf", "https:", "http:", "link is not"),
    ("strategies/fake.conf", "hypothesis = none", "hypothesis =", "hypothesis is empty"),
    ("strategies/fake.conf", "boot = tlb_strategy=fake", "boot =", "boot is not tlb_strategy="),
    ("strategies/fake.conf", "boot =", "boots =", "missing or unknown keys"),
    ("patches/series", "0002-b.patch\n", "", "does not match the directory: 0002-b.patch"),
    ("patches/series", "0001-a", "0003-a", "names 0003-a.patch"),
    ("patches/0001-a.patch", "Signed-off-by: A", "By: A", "no line 'Signed-off-by: ...'"),
    ("config/vm.config", "CONFIG_SMP=y", "CONFIG_NET=y", "CONFIG_NET is there twice"),
    ("config/checked.config", "DEBUG_VM=y", "SMP=y", "checked.config: config fragment: CONFIG_SMP"),
])
def test_what_is_wrong_is_named(site, name, old, new, message):
    edit(site.kernels / name, old, new)
    problems = kcheck.fast(site.kernels)
    assert any(message in problem for problem in problems), problems


def call(command, *args, **env):
    """Run a command of kernels/ and return the finished process."""
    return subprocess.run([KERNELS / command, *args], text=True, capture_output=True, check=False,
                          env={**os.environ, **env})


@pytest.mark.parametrize("args", [(), ("--tree", "baseline"), ("--tree", "--path"), ("--nope",),
                                  ("--tree", "--runtime"), ("--tree", "--dry-run"),
                                  ("--path", "--dry-run", "baseline")])
def test_build_usage(args):
    run = call("build", *args)
    assert run.returncode == 2 and run.stdout == "" and run.stderr.startswith("usage:")


def test_build_of_an_unknown_strategy():
    run = call("build", "nope")
    known = ", ".join(name for name in kdesc.strategy_ids()
                      if kdesc.load_strategy(name).has_own_kernel)
    assert run.returncode == 2
    assert run.stderr == (f"kernels/build: unknown strategy nope; known are: {known}; or name a"
                          " file, deb:PACKAGE, tree:DIR[@REV] or runtime:ID\n")


def test_path_without_an_image(site, monkeypatch):
    monkeypatch.setenv("KSRC", str(site.tmp / "linux-fake"))
    run = call("build", "--path", "baseline")
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.splitlines()[-1] == (
        "kernels/build: strategy baseline: no image for this tree; build it with:"
        " kernels/build baseline")


def test_dry_run_makes_nothing(site, monkeypatch):
    monkeypatch.setenv("KSRC", str(site.tmp / "linux-fake"))
    run = call("build", "--dry-run", "baseline", "runtime:baseline")
    assert run.returncode == 0 and run.stdout == "", run.stderr
    run = call("build", "--dry-run", "baseline", f"tree:{site.tmp}")
    assert run.returncode == 2 and "no Linux source tree; expected" in run.stderr


def test_tree_prints_the_base(site, monkeypatch):
    monkeypatch.setenv("KSRC", str(site.tmp / "linux-fake"))
    run = call("build", "--tree")
    assert run.returncode == 0
    assert (Path(run.stdout.strip()) / "Makefile").is_file()


def test_check_fast(site):
    run = call("check", "--fast")
    assert (run.returncode, run.stdout) == (0, "")
