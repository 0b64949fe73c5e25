# SPDX-License-Identifier: GPL-2.0-only
"""Every campaign in configs/ can be planned, is listed, and says what it expects."""
import re

import pytest
import tlbtest

CONFIGS = sorted((tlbtest.ROOT / "configs").glob("*.conf"))
UNIT_SECONDS = {"s": 1, "min": 60, "h": 3600}
LIMIT_SECONDS = {"quick": 120, "nightly": 90 * 60}


def seconds(text):
    """Return the estimate of a plan: "8 slots to run: about 1 h 20 min, ..." is 4800."""
    about = re.search(r"slots? to run: about ([^,]+),", text)[1]
    return sum(float(n) * UNIT_SECONDS[unit] for n, unit in re.findall(r"([0-9.]+) (\w+)", about))


@pytest.mark.parametrize("conf", CONFIGS, ids=lambda path: path.stem)
def test_plan(conf, tmp_path):
    """It is accepted, takes no longer than it promises, and looks for something.

    The estimate is that of a machine where nothing was ever measured.
    """
    done = tlbtest.run("plan", conf, env={"XDG_CACHE_HOME": tmp_path})
    assert done.returncode == 0, done.stderr
    assert f"campaign {conf.stem}:" in done.stdout
    assert conf.stem in ("demo", "ab") or "\nexpected:\n" in done.stdout
    assert seconds(done.stdout) <= LIMIT_SECONDS.get(conf.stem, 3600)


def test_optional_kernels_are_left_out(tmp_path):
    """A strategy that does not exist yet is named and the rest planned; if it must, it is not."""
    conf = tmp_path / "x.conf"
    text = ("[campaign]\nname = x\nbackend = vm\nboots = 2\n[vm]\naccel = exact\n"
            "[kernel a]\nstrategy = baseline\n[kernel b]\nstrategy = no-such\noptional = yes\n"
            "[case m]\nworkload = munmap\n")
    conf.write_text(text)
    done = tlbtest.run("plan", conf)
    assert done.returncode == 0 and "2 slots to run" in done.stdout, done.stderr
    assert "left out: [kernel b]: there is no strategy no-such yet" in done.stdout
    conf.write_text(text.replace("optional = yes\n", ""))
    done = tlbtest.run("plan", conf)
    assert "4 slots to run" in done.stdout and "left out" not in done.stdout


def test_nightly_runs_every_workload():
    """All but the yardsticks."""
    done = tlbtest.run("plan", tlbtest.ROOT / "configs/nightly.conf")
    planned = set(re.findall(r"^  \S+ +(\w+), \d+ CPU", done.stdout, re.M))
    names = {path.stem for path in (tlbtest.ROOT / "workloads").glob("*.c")}
    assert planned == names - {"null", "spin"}


def test_all_are_listed():
    """configs/README.md has a row for each campaign, and for no other."""
    text = (tlbtest.ROOT / "configs/README.md").read_text()
    listed = re.findall(r"^\| `([\w-]+)\.conf` \|", text, re.M)
    assert sorted(listed) == [path.stem for path in CONFIGS]


def test_units_of_an_estimate():
    """Hours, minutes and seconds add up."""
    assert seconds("8 slots to run: about 1 h 20 min, 5 s each") == 4800
    assert seconds("1 slot to run: about 5.3 s, 5.3 s each") == 5.3
