# SPDX-License-Identifier: GPL-2.0-only
"""A VM with a console, for people: busybox as its system, tlbbench in /bin."""

import argparse
import configparser
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import kdesc
from kerr import Error, UsageError

QEMU = "qemu-system-x86_64"
TOOLS = {"cpio": "cpio", QEMU: "qemu-system-x86"}
# What campaigns use, see bench/campaign/qemu.c.
ACCELS = {
    "exact": ["-accel", "tcg,thread=single", "-icount", "shift=3,sleep=off",
              "-rtc", "base=2024-01-01,clock=vm", "-cpu", "max,la57=off"],
    "threads": ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"],
    "kvm": ["-accel", "kvm", "-cpu", "host,kvm-pv-tlb-flush=off"],
}
PARAMETERS = {"exact": "lapic_timer_hz=1000000000"}

INIT = """#!/bin/sh
/bin/busybox --install -s /bin
for at in proc:/proc sysfs:/sys devtmpfs:/dev tmpfs:/tmp tracefs:/sys/kernel/tracing \\
    debugfs:/sys/kernel/debug cgroup2:/sys/fs/cgroup; do
    mkdir -p ${{at#*:}}
    mount -t ${{at%:*}} ${{at%:*}} ${{at#*:}}
done
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
export PATH=/bin HOME=/ TLBBENCH_SCRATCH_DISK=/dev/ram0 TLBBENCH_RUN_DIR=/tmp/tlbbench
{command}
poweroff -f
"""
SHELL = "echo; uname -r; head /sys/kernel/tlb_strategy/[a-z]* 2>/dev/null; setsid cttyhack sh"
END = re.compile(rb"^kernels/boot: exit (\d+)\r?$")


def check_tools():
    """Raise an Error that names every tool that a boot needs and this machine lacks."""
    packages = sorted(package for tool, package in TOOLS.items() if not shutil.which(tool))
    if packages:
        raise Error(f"cannot boot a kernel: on Debian, apt-get install {' '.join(packages)}")


def _busybox():
    path = Path("/bin/busybox")
    if not path.is_file() or b"\0/lib64/ld-linux" in path.read_bytes():
        raise Error("no static busybox: on Debian, apt-get install busybox-static")
    return path


def _tlbbench():
    """Return the binary that TLBBENCH names, or that of the checkout; there may be none."""
    path = Path(os.environ.get("TLBBENCH", kdesc.HERE.parent / "build/tlbbench"))
    return [path] if path.is_file() else []


@contextlib.contextmanager
def initrd(command, files):
    """Yield an initramfs that runs `command` (words), or a shell if there is none."""
    with tempfile.TemporaryDirectory(prefix="kernels-boot-") as where:
        root = Path(where, "root")
        (root / "bin").mkdir(parents=True)
        for file in map(Path, [_busybox(), *_tlbbench(), *files]):
            try:
                shutil.copy(file, root / "bin" / file.name)
            except OSError as err:
                raise UsageError(f"{file}: {err.strerror}") from err
        (root / "bin/sh").symlink_to("busybox")
        todo = f"{shlex.join(command)}\necho kernels/boot: exit $?" if command else SHELL
        (root / "init").write_text(INIT.format(command=todo))
        (root / "init").chmod(0o755)
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        archive = Path(where, "initrd")
        with open(archive, "wb") as out:
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, stdout=out,
                           input=names.encode(), check=True)
        yield archive


def mib(text):
    """Return how many MiB a size is, such as 512M or 1G."""
    match = re.fullmatch(r"([1-9][0-9]*)([MG])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: expected a size like 512M or 1G")
    return int(match[1]) * (1024 if match[2] == "G" else 1)


def _shape(args):
    """Return what says how many CPUs and NUMA nodes there are, and how much memory."""
    if args.nodes == 1:
        return ["-smp", str(args.cpus), "-m", f"{args.memory}M"]
    words = ["-smp", f"{args.cpus},sockets={args.nodes}", "-m", f"{args.memory}M"]
    nr = args.cpus // args.nodes
    for node in range(args.nodes):
        cpus = f"cpus={node * nr}-{node * nr + nr - 1}"
        words += ["-object", f"memory-backend-ram,id=node{node},size={args.memory // args.nodes}M",
                  "-numa", f"node,nodeid={node},memdev=node{node},{cpus}"]
    return words


def qemu(image, archive, args):
    """Return the command line of QEMU; args: accel, cpus, memory, nodes, append."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(image / "image.conf")
    facts = parser["image"]
    append = " ".join(filter(None, ["console=ttyS0 panic=-1", PARAMETERS.get(args.accel),
                                    facts.get("append"), args.append]))
    return [QEMU, *ACCELS[args.accel], "-machine", "q35,mem-merge=off", *_shape(args),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", "stdio" if args.command else "mon:stdio",
            "-kernel", str(image / facts.get("kernel", "vmlinux")), "-initrd", str(archive),
            "-append", append]


def boot(command, has_end):
    """Run QEMU and return the exit code; has_end: of the command in it, which it must print."""
    if not has_end:
        return subprocess.run(command, check=False).returncode
    code = None
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as vm:
        for line in vm.stdout:
            end = END.match(line.rstrip(b"\n"))
            if end:
                code = int(end[1])
            else:
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
    if code is None:
        raise Error("the VM ended before its command did")
    return code
