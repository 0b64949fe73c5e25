# SPDX-License-Identifier: GPL-2.0-only
"""Nothing stands between the two tick reads of an op but the op: what the compiler made of it."""
import platform
import re
import subprocess

import pytest

import tlbtest
from tlbtest import ROOT

SOURCES = ["thread", "peer"]
OBJECTS = tlbtest.BINARY.parent / "obj/bench/engine"
FLAGS = ["-O2", "-std=gnu11", "-D_GNU_SOURCE", f"-I{ROOT}", f"-I{ROOT}/bench",
         f"-isystem{tlbtest.BINARY.parent}/libperf/include"]
CALL = re.compile(r"\bret = w->role\.op\(&w->wl\);")

# What somebody may add beside the call of the op, and the word that must be in the complaint.
ADDITIONS = {
    "call": ("OP; sched_yield();", "sched_yield"),
    "call before": ("sched_yield(); OP;", "sched_yield"),
    "clock": ("OP; tb_clock_ns(CLOCK_MONOTONIC);", "clock_gettime"),
    "op twice": ("OP; OP;", "call"),
    "locked": ("OP; __atomic_fetch_add(&w->wl.idx, 1, __ATOMIC_SEQ_CST);", "lock"),
    "swapped": ("OP; __atomic_exchange_n(&w->wl.idx, 1, __ATOMIC_SEQ_CST);", "xchg"),
    "division": ("OP; w->wl.idx = 1000 / w->wl.role;", "div"),
    "sometimes": ("OP; if (ret) sched_yield();", "sched_yield"),
    "return": ("OP; if (ret) return ret;", "no second read"),
    "no op": ("ret = 0;", "no call of an op"),
}

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86-64 code")


def check(*objects):
    """Run the check on object files."""
    return subprocess.run([ROOT / "bench/tools/check-hotloop", *objects], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("name", SOURCES)
def test_only_the_op_is_timed(name):
    """In what was built there is one indirect call, no lock and no division."""
    done = check(OBJECTS / f"{name}.o")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("addition", ADDITIONS)
def test_addition_is_found(addition, name, tmp_path):
    """Whatever is added between the reads is named."""
    code, word = ADDITIONS[addition]
    text = (ROOT / f"bench/engine/{name}.c").read_text()
    text, count = CALL.subn(lambda found: code.replace("OP;", found[0]), text)
    assert count == 1
    changed = tmp_path / f"{name}.c"
    changed.write_text("#include <sched.h>\n" + text)
    subprocess.run(["gcc", *FLAGS, "-c", changed, "-o", tmp_path / "x.o"], check=True)
    done = check(tmp_path / "x.o")
    assert done.returncode == 1 and word in done.stdout, done.stdout


def test_object_without_reads(tmp_path):
    """An object that has no tick reads is not good by default."""
    (tmp_path / "x.c").write_text("int x;\n")
    subprocess.run(["gcc", "-c", tmp_path / "x.c", "-o", tmp_path / "x.o"], check=True)
    done = check(tmp_path / "x.o")
    assert done.returncode == 1 and "no tick reads" in done.stdout
