# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's command line, as a stand-in for QEMU sees it."""
import pytest

import tlbtest
from tlbtest import run

CONF = """\
[campaign]
name = shape
backend = vm
boots = 1
[vm]
accel = exact
timeout_seconds = 5
{keys}
[kernel k]
image = {image}
[case c]
workload = munmap
ops = 1
"""

MACHINE = "q35,mem-merge=off"
ONE_NODE = ["-machine", MACHINE, "-smp", "4", "-m", "1024M", "-nodefaults"]
SHAPES = {
    "": ONE_NODE,
    "sockets = 1\nthreads_per_core = 1\nnodes = 1": ONE_NODE,
    "threads_per_core = 2": ["-machine", MACHINE, "-smp", "4,sockets=1,cores=2,threads=2",
                             "-m", "1024M", "-nodefaults"],
    "cpus = 12\nsockets = 4\nthreads_per_core = 3\nnodes = 2\nmemory = 256M": [
        "-machine", MACHINE, "-smp", "12,sockets=4,cores=1,threads=3", "-m", "256M",
        "-object", "memory-backend-ram,id=node0,size=128M",
        "-numa", "node,nodeid=0,memdev=node0,cpus=0-5",
        "-object", "memory-backend-ram,id=node1,size=128M",
        "-numa", "node,nodeid=1,memdev=node1,cpus=6-11", "-nodefaults"],
    # As many as there can be: no argument is lost.
    "cpus = 64\nnodes = 8": [
        "-machine", MACHINE, "-smp", "64,sockets=8,cores=8,threads=1", "-m", "1024M",
        *(word for node in range(8) for word in (
            "-object", f"memory-backend-ram,id=node{node},size=128M",
            "-numa", f"node,nodeid={node},memdev=node{node},cpus={8 * node}-{8 * node + 7}")),
        "-nodefaults"],
}


def command_lines(tmp_path, keys):
    """Run a campaign with a QEMU that only writes down what it was told.

    Return that of the litmus tests, that of the slot, and the image.
    """
    image = tmp_path / "image"
    image.mkdir()
    (image / "vmlinux").touch()
    (image / "image.conf").write_text("[image]\nid = x\nrelease = x\nstrategy = baseline\n")
    conf = tmp_path / "shape.conf"
    conf.write_text(CONF.format(keys=keys, image=image))
    told = tmp_path / "told"
    qemu = tmp_path / "qemu-system-x86_64"
    qemu.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" end >>'{told}'\n")
    qemu.chmod(0o755)
    path = f"{tmp_path}:{tlbtest.environment()['PATH']}"
    done = run("campaign", "--results", tmp_path / "r", conf, env={"PATH": path})
    assert done.returncode == 1, done.stderr
    litmus, slot, _ = told.read_text().split("\nend\n")
    return litmus.splitlines(), slot.splitlines(), image


@pytest.mark.parametrize("keys", SHAPES)
def test_shape(keys, tmp_path):
    """Sockets, threads and nodes appear where they are asked for, and only there."""
    _, words, image = command_lines(tmp_path, keys)
    first, last = words.index("-machine"), words.index("-nodefaults")
    assert words[first:last + 1] == SHAPES[keys]
    assert words[:2] == ["-seed", "1"] and words[-2] == "-append"
    assert words[words.index("-kernel") + 1] == f"{image}/vmlinux"


@pytest.mark.parametrize(("cpus", "wanted"), [(32, ("shift=3,sleep=off", False, False)),
                                              (33, ("shift=1,sleep=off", True, True))])
def test_litmus_on_many_cpus(cpus, wanted, tmp_path):
    """Many CPUs have more instructions a second, but only where no time is measured."""
    def instructions(words):
        parameters = words[words.index("-append") + 1].split()
        return (words[words.index("-icount") + 1],
                "lpj=4000000" in parameters, "no_timer_check" in parameters)

    litmus, slot, _ = command_lines(tmp_path, f"cpus = {cpus}")
    assert instructions(litmus) == wanted
    assert instructions(slot) == ("shift=3,sleep=off", False, False)


@pytest.mark.parametrize(("shape", "is_told"), [
    ("cpus = 6", False), ("cpus = 6\nsockets = 2", True), ("cpus = 8\nsockets = 2", False),
    ("cpus = 6\nsockets = 3\nthreads_per_core = 2", False),
    ("cpus = 6\nthreads_per_core = 3", True),
    ("cpus = 3\nthreads_per_core = 3", False), ("cpus = 12\nsockets = 2", False)])
def test_gaps_in_apic_ids(shape, is_told, tmp_path):
    """Few CPUs are not addressed together where QEMU would not find all; more never are."""
    litmus, slot, _ = command_lines(tmp_path, shape)
    for words in (litmus, slot):
        assert ("possible_cpus=9" in words[words.index("-append") + 1].split()) == is_told
