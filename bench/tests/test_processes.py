# SPDX-License-Identifier: GPL-2.0-only
"""What processes of their own cost that map the same memory."""
import json

import pytest

from tlbtest import metrics, run


def page_tables(nr_processes, pool_mib, *more):
    """Return bytes of page tables of so many servers, all together."""
    done = run("run", "--json", "mshare_db", f"processes.server={nr_processes}", "share_cpus=yes",
               f"pool={pool_mib}M", "data=64M", "ops=5", "warmup_ops=1", "counters=no", *more)
    if done.returncode == 4:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done
    return metrics(json.loads(done.stdout.splitlines()[-2]))["page_table_bytes"]


def test_page_tables_grow_with_processes():
    """With memfd each process has its own: bytes are linear in processes and in the pool."""
    one, four, twelve = (page_tables(nr, 32) for nr in (1, 4, 12))
    # What each has besides the pool varies by a few pages with where the kernel put it.
    slack = 16 * 4096
    assert abs(four - 4 * one) <= 4 * slack
    assert abs(twelve - 12 * one) <= 12 * slack
    # 32 MiB are 16 page tables, which the smaller pool does not have.
    assert 12 * (16 * 4096 - slack // 2) <= twelve - page_tables(12, 1) <= (
        12 * (16 * 4096 + slack // 2))


def test_thousands_of_processes():
    """4096 that are connected cost four times what 1024 do, besides the server that works."""
    few, many = (page_tables(1, 4, f"processes.sleeper={nr}", "threads.sleeper=1",
                             "timeout_seconds=120") for nr in (1024, 4096))
    # Where the kernel put the pool differs by pages between the runs, and is alike in each.
    assert abs(many / 4097 - few / 1025) <= 8 * 4096
    assert few > 1025 * 4096 * 4
