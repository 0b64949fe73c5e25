# SPDX-License-Identifier: GPL-2.0-only
"""The histogram cannot allocate: whatever calls it needs nothing but these from outside."""
from __future__ import annotations

import subprocess

from tlbtest import ROOT

SOURCE = """
#include "base/hist.c"
void add(struct tb_hist *h, uint64_t value)
{
    tb_hist_add(h, value);
}
"""


def test_histogram_needs_no_allocator(tmp_path):
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-I", ROOT / "bench", "-x", "c", "-c", "-",
                    "-o", tmp_path / "hist.o"], input=SOURCE, text=True, check=True)
    nm = subprocess.run(["nm", "--undefined-only", "--format=just-symbols", tmp_path / "hist.o"],
                        text=True, check=True, capture_output=True)
    assert set(nm.stdout.split()) - {"_GLOBAL_OFFSET_TABLE_"} <= {"memset", "ceil"}
