# SPDX-License-Identifier: GPL-2.0-only
"""Campaigns on the running kernel: what they leave behind, also when the disk is full."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess

import pytest

import tlbtest
from tlbtest import run, slots

CONF = """\
# a comment that is kept
[campaign]
name = tiny
boots = 2
seed = 5

[defaults]
workload = munmap
cpus = 1
ops = 20
warmup_ops = 2

[case one]
repetitions = 2

[case pages]
pages = 1, 8
"""
# Repetition 0 of all cases, then repetition 1 of those that have one.
ORDER = [("one", 0), ("pages/pages=1", 0), ("pages/pages=8", 0), ("one", 1)]
SHORT_CONF = CONF[:CONF.index("[case pages]")].replace("boots = 2", "boots = 1")
# Their records, 4 KiB each, fill a small disk in the first slot.
BIG_CONF = CONF.replace("boots = 2", "boots = 1").replace("repetitions = 2", "repetitions = 4")


@pytest.fixture
def conf(tmp_path):
    """Return a campaign file."""
    path = tmp_path / "tiny.conf"
    path.write_text(CONF)
    return path


def campaign(results, conf, **options):
    """Run a campaign that must end well; return its directory."""
    done = run("campaign", "--results", results, conf, **options)
    assert done.returncode == 0, done
    directory = done.stdout.rstrip("\n")
    assert re.fullmatch(rf"{re.escape(str(results))}/tiny-\d{{8}}T\d{{6}}Z(-\d+)?", directory)
    return results / os.path.basename(directory)


def files(directory):
    """Return the paths of all files below a directory."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*")
                  if not path.is_dir())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the directory of a finished campaign; tests that write take a copy."""
    tmp_path = tmp_path_factory.mktemp("finished")
    (tmp_path / "tiny.conf").write_text(CONF)
    return campaign(tmp_path / "r", tmp_path / "tiny.conf")


@pytest.fixture
def results(finished, tmp_path):
    """Return a copy of the results directory with the finished campaign and its link."""
    return shutil.copytree(finished.parent, tmp_path / "r", symlinks=True)


def test_layout(finished):
    """Exactly the files of results/README.md, valid, complete and indexed."""
    directory = finished
    assert files(directory) == [
        "campaign.conf", "index.sha256", "plan.json",
        "slots/00-running/records.jsonl", "slots/00-running/slot.json",
        "slots/01-running/records.jsonl", "slots/01-running/slot.json"]
    assert (directory / "campaign.conf").read_text() == CONF
    tlbtest.assert_campaign_valid(directory)
    index = (directory / "index.sha256").read_text()
    assert re.findall(r"^[0-9a-f]{64}  (\S+)$", index, re.MULTILINE) == files(directory)[3:]
    for number, slot in enumerate(slots(directory)):
        assert_slot(slot, number)


def assert_slot(slot, number):
    """A good slot holds a boot record, a repetition of each case in its order, and an end."""
    boot, *repetitions, last = tlbtest.records(slot)
    end = tlbtest.slot_json(slot)
    assert last["type"] == "audit_end"
    assert (end["state"], end["reason"], end["records"]) == ("ok", "", 6)
    assert end["records_sha256"] in (slot.parents[1] / "index.sha256").read_text()
    assert (boot["slot"], boot["pair"], boot["seed"]) == (number, number, 5 + number)
    assert boot["release"] == os.uname().release
    assert [(record["case"], record["repetition"]) for record in repetitions] == ORDER
    plan = json.loads((slot.parents[1] / "plan.json").read_text())
    assert [(rep["case"], rep["repetition"]) for rep in plan["order"]] == ORDER
    assert all(record["state"] == "ok" for record in repetitions)


def test_second_run(finished, results, conf):
    """A second run has a directory of its own and moves the link; the first is not touched."""
    first = results / finished.name
    assert os.readlink(results / "tiny") == first.name
    conf.write_text(SHORT_CONF)
    before = {name: (first / name).read_bytes() for name in files(first)}
    second = campaign(results, conf)
    assert second != first and os.readlink(results / "tiny") == second.name
    assert sorted(path.name for path in results.iterdir()) == sorted(
        ["tiny", first.name, second.name])
    assert before == {name: (first / name).read_bytes() for name in files(first)}


def test_link_in_the_way(conf, tmp_path):
    """What is not a link is not replaced, and no directory stays behind."""
    results = tmp_path / "r"
    (results / "tiny").mkdir(parents=True)
    done = run("campaign", "--results", results, conf)
    assert done.returncode == 1
    assert done.stderr == (f"tlbbench: {results}/tiny is in the way: expected nothing or a link\n")
    assert [path.name for path in results.iterdir()] == ["tiny"]


def test_results_that_cannot_be_made(conf, tmp_path):
    """A parent that is no directory: one line that names it."""
    (tmp_path / "file").touch()
    done = run("campaign", "--results", tmp_path / "file", conf)
    assert done.returncode == 1
    assert done.stderr.startswith(f"tlbbench: cannot create {tmp_path}/file/tiny-")
    assert done.stderr.endswith("Z: Not a directory\n")


def test_report(finished, results):
    """The report takes all of it: exit 0, by the directory and by the link."""
    directory = results / finished.name
    assert run("report", "compare", directory).returncode == 0
    assert run("report", "show", results / "tiny").returncode == 0
    assert {"report.txt", "report.html", "compare.json"} <= set(files(directory))


def test_output_that_is_lost(conf, tmp_path):
    """The name of the directory cannot be printed: exit 1, but everything is there."""
    conf.write_text(SHORT_CONF)
    with open("/dev/full", "w") as full:
        done = run("campaign", "--results", tmp_path / "r", conf, stdout=full)
    assert done.returncode == 1
    assert done.stderr.endswith("tlbbench: stdout: No space left on device\n")
    tlbtest.assert_campaign_valid((tmp_path / "r/tiny").resolve())


# --- a full disk --------------------------------------------------------------

TINY_DISK = """
size=$1 disk=$2 copy=$3
shift 3
mount -t tmpfs -o "size=$size" tmpfs "$disk"
status=0
"$@" || status=$?
cp -a "$disk/." "$copy"
exit $status
"""


def may_mount():
    """Tell whether a private mount is allowed here."""
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False,
        stderr=subprocess.DEVNULL).returncode == 0


def fill_disk(tmp_path, conf, size="24k"):
    """Run a campaign on a small disk; return the run and a copy of the disk."""
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    copy.mkdir()
    done = run("campaign", "--results", disk, conf,
               prefix=["unshare", "-m", "sh", "-euc", TINY_DISK, "sh", size, disk, copy])
    return done, copy


def fill_file(tmp_path, conf):
    """Run a campaign whose files may have 16 KiB; SIGXFSZ must not end it."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
    results = tmp_path / "copy"
    done = run("campaign", "--results", results, conf, preexec_fn=limit)
    return done, results


need_mount = pytest.mark.skipif(not may_mount(), reason="needs root to mount a small disk")


@pytest.mark.parametrize("fill, why", [
    pytest.param(fill_disk, "No space left on device", id="disk", marks=need_mount),
    pytest.param(fill_file, "File too large", id="file")])
def test_full_disk(fill, why, tmp_path):
    """Exit 1, no slot that claims to be ok, nothing believed; with room again it is resumed."""
    conf = tmp_path / "big.conf"
    conf.write_text(BIG_CONF)
    done, results = fill(tmp_path, conf)
    assert done.returncode == 1 and done.stdout == ""
    estimate, first, second = done.stderr.splitlines()
    assert estimate.startswith("tlbbench: 1 slot to run: about ")
    assert first.startswith("tlbbench: cannot write ")
    assert first.endswith(f"/slots/00-running/records.jsonl: {why}")
    directory = (results / "tiny").resolve()
    assert second.endswith(f"continue with: tlbbench campaign --resume {done_in(done, directory)}")
    assert_cut_off(directory)
    done = run("campaign", "--resume", directory)
    assert done.returncode == 0, done
    tlbtest.assert_campaign_valid(directory)
    assert len(tlbtest.repetitions(slots(directory)[0])) == 6


def done_in(done, directory):
    """Return the campaign's directory as the run knew it."""
    parent = os.path.dirname(done.args[done.args.index("--results") + 1] + "/x")
    return f"{parent}/{directory.name}"


CUT_OFF = ["campaign.conf", "plan.json", "slots/00-running/records.jsonl"]


def assert_cut_off(directory):
    """The slot has records but no end, and the report uses none of them."""
    assert files(directory) == CUT_OFF
    done = run("report", "compare", directory)
    assert done.returncode == 1
    assert "cut off" in " ".join(done.stdout.split())
    assert not json.loads((directory / "compare.json").read_text())
    assert "ipis_received" not in done.stdout.partition("How to read it")[0]
    for name in "report.txt", "report.html", "compare.json":
        (directory / name).unlink()
    shutil.rmtree(directory / "plots", ignore_errors=True)


VM_CONF = """\
[campaign]
name = tiny
backend = vm
boots = 1
litmus = none
[vm]
accel = exact
[kernel k]
image = {image}
[case c]
workload = munmap
cpus = 1
"""


@need_mount
def test_full_disk_before_a_boot(tmp_path):
    """No room for what a virtual machine needs: said before QEMU is started, nothing is left."""
    image = tmp_path / "image"
    image.mkdir()
    (image / "vmlinux").touch()
    (image / "image.conf").write_text("[image]\nid = x\nrelease = x\n")
    conf = tmp_path / "vm.conf"
    conf.write_text(VM_CONF.format(image=image))
    done, copy = fill_disk(tmp_path, conf, "8m")
    assert done.returncode == 1
    assert re.search(r"^tlbbench: cannot write \S+: No space left on device$", done.stderr,
                     re.MULTILINE)
    directory = (copy / "tiny").resolve()
    assert files(directory) == ["campaign.conf", "plan.json", "slots/00-k/records.jsonl"]


# --- interruption -------------------------------------------------------------


def test_two_at_once(tmp_path):
    """A campaign that somebody works on is not touched by a second one."""
    conf = tmp_path / "long.conf"
    conf.write_text(CONF.replace("ops = 20\n", "ops = 20000\n"))
    link = tmp_path / "r/tiny"
    with tlbtest.started("campaign", "--results", tmp_path / "r", conf) as process:
        tlbtest.wait_for((link / "slots/00-running").exists, 20, "slot 1")
        done = run("campaign", "--resume", link)
        assert done.returncode == 2
        assert done.stderr == f"tlbbench: {link}: another tlbbench is at work there\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_resume_with_another_plan(finished, results):
    """Other numbers of ops are another campaign, even with the same cases and kernels."""
    directory = results / finished.name
    conf = directory / "campaign.conf"
    conf.write_text(conf.read_text().replace("ops = 20\n", "ops = 10\n"))
    done = run("campaign", "--resume", directory)
    assert done.returncode == 2 and "not those it began with" in done.stderr


def test_interrupt_and_resume(tmp_path):
    """Ctrl-C in slot 2 keeps slot 1 and leaves no process; --resume runs slot 2 only."""
    conf = tmp_path / "long.conf"
    conf.write_text(CONF.replace("ops = 20\n", "ops = 5000\n"))
    link = tmp_path / "r/tiny"
    with tlbtest.started("campaign", "--results", tmp_path / "r", conf) as process:
        tlbtest.wait_for((link / "slots/01-running").exists, 20, "slot 2")
        pids = tlbtest.wait_for(lambda: tlbtest.children(process.pid), 20, "an instance")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 1 and out == ""
    directory = link.resolve()
    assert err.splitlines()[-2:] == [
        "tlbbench: interrupted", "tlbbench: what was measured is kept; continue with: tlbbench "
        f"campaign --resume {directory}"]
    assert not any(tlbtest.is_running(pid) for pid in pids)
    assert_resumed(directory)


def assert_resumed(directory):
    """Slot 1 is as it was, slot 2 is run; a further resume has nothing to do."""
    first, second = slots(directory)
    assert not (second / "slot.json").exists()
    before = (first / "records.jsonl").stat()
    done = run("campaign", "--resume", directory)
    assert done.returncode == 0 and done.stdout == f"{directory}\n"
    tlbtest.assert_campaign_valid(directory)
    assert (first / "records.jsonl").stat().st_mtime_ns == before.st_mtime_ns
    assert_slot(second, 1)
    index = (directory / "index.sha256").read_text()
    assert run("campaign", "--resume", directory).returncode == 0
    assert (directory / "index.sha256").read_text() == index


@pytest.mark.parametrize("name, text, expected", [
    ("plan.json", None, "not a campaign: plan.json: No such file or directory"),
    ("plan.json", "{}\n", "kernels or backend are not those it began with"),
    ("campaign.conf", CONF.replace("seed = 5", "seed = 6"), "not those it began with"),
    ("campaign.conf", CONF + "[case more]\n", "not those it began with"),
    ("campaign.conf", CONF + "boots = x\n", "unknown key 'boots'"),
    ("campaign.conf", None, "campaign.conf: No such file or directory"),
], ids=["no plan", "empty plan", "seed", "case", "bad conf", "no conf"])
def test_resume_of_something_else(name, text, expected, finished, results):
    """A directory whose plan is not what its campaign.conf says is refused and not touched."""
    directory = results / finished.name
    (directory / name).unlink()
    if text is not None:
        (directory / name).write_text(text)
    (directory / "index.sha256").unlink()
    before = files(directory)
    done = run("campaign", "--resume", directory)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and expected in done.stderr
    assert str(directory) in done.stderr
    assert files(directory) == before
