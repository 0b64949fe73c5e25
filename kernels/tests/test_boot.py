# SPDX-License-Identifier: GPL-2.0-only
"""kernels/boot: what QEMU is told, and what it makes of what the VM says."""

import argparse
import subprocess
from types import SimpleNamespace

import pytest

import kboot
from kerr import Error, UsageError


@pytest.fixture
def image(tmp_path):
    """Return the directory of an image that is told something by its own boot parameter."""
    (tmp_path / "image.conf").write_text(
        "[image]\nkernel = /elsewhere/vmlinux\nappend = tlb_strategy=x\n")
    return tmp_path


def arguments(**changes):
    """Return what the command line says, as parse_args() does."""
    return SimpleNamespace(**{"accel": "exact", "cpus": 4, "memory": 1024, "nodes": 1,
                              "append": "quiet", "command": [], **changes})


def test_qemu_boots_the_image_with_all_its_parameters(image):
    line = kboot.qemu(image, "initrd", arguments())
    assert line[line.index("-kernel") + 1] == "/elsewhere/vmlinux"
    assert line[-1] == ("console=ttyS0 panic=-1 lapic_timer_hz=1000000000 tlb_strategy=x"
                        " quiet")
    assert "mon:stdio" in line and "tcg,thread=single" in line


def test_threads_need_no_virtual_timer(image):
    line = kboot.qemu(image, "initrd", arguments(accel="threads", append=""))
    assert line[-1] == "console=ttyS0 panic=-1 tlb_strategy=x"
    assert "tcg,thread=multi" in line and "-icount" not in line


def test_nodes_share_cpus_and_memory(image):
    line = kboot.qemu(image, "initrd", arguments(nodes=2))
    assert line[line.index("-smp"):line.index("-nodefaults")] == [
        "-smp", "4,sockets=2", "-m", "1024M",
        "-object", "memory-backend-ram,id=node0,size=512M",
        "-numa", "node,nodeid=0,memdev=node0,cpus=0-1",
        "-object", "memory-backend-ram,id=node1,size=512M",
        "-numa", "node,nodeid=1,memdev=node1,cpus=2-3"]


def test_initrd_has_the_command_and_the_files(tmp_path, monkeypatch):
    for name in "busybox", "tlbbench", "mine":
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(kboot, "_busybox", lambda: tmp_path / "busybox")
    monkeypatch.setenv("TLBBENCH", str(tmp_path / "tlbbench"))
    with kboot.initrd(["sh", "-c", "exit 3"], [tmp_path / "mine"]) as archive:
        names = subprocess.run(["cpio", "-t", "--quiet"], input=archive.read_bytes(), check=True,
                               capture_output=True).stdout.decode().split()
        content = archive.read_bytes()
    assert set(names) == {"bin", "bin/busybox", "bin/mine", "bin/sh", "bin/tlbbench", "init"}
    assert b"\nsh -c 'exit 3'\necho kernels/boot: exit $?\n" in content
    assert not archive.exists()


def test_file_that_is_not_there():
    with pytest.raises(UsageError, match="/nope: No such file"), kboot.initrd([], ["/nope"]):
        pass


def test_size_of_memory():
    assert (kboot.mib("512M"), kboot.mib("2G")) == (512, 2048)
    with pytest.raises(argparse.ArgumentTypeError, match="1T: expected a size like 512M or 1G"):
        kboot.mib("1T")


def test_tools_that_are_missing_are_named(monkeypatch, tmp_path):
    kboot.check_tools()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Error, match="on Debian, apt-get install cpio qemu-system-x86$"):
        kboot.check_tools()


def vm_that_says(text):
    """Return a command line that prints `text`."""
    return ["printf", text]


def test_exit_code_is_that_of_the_command(capfdbinary):
    assert kboot.boot(vm_that_says(r"one\nkernels/boot: exit 3\r\ntwo\n"), True) == 3
    assert capfdbinary.readouterr().out == b"one\ntwo\n"


def test_vm_that_crashes():
    with pytest.raises(Error, match="ended before its command"):
        kboot.boot(vm_that_says(r"Kernel panic\n"), True)
