# SPDX-License-Identifier: GPL-2.0-only
"""Tests that build and boot real kernels: minutes each, and only where the base is installed."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import kcache
import kdesc
import kimage
import ktree

pytestmark = pytest.mark.slow

KERNELS = Path(kdesc.__file__).parent
NAMES = ["baseline", "lazy-ipi", "lazy-leave"]
OBJECT = re.compile(r"^ +CC ", re.M)

QEMU = ("qemu-system-x86_64 -accel tcg,thread=single -icount shift=3,sleep=off -seed 1"
        " -rtc base=2024-01-01,clock=vm -machine q35 -cpu max -smp 8 -m 1G -nodefaults"
        " -no-user-config -display none -no-reboot").split()


def run_build(cache_home, *args):
    """Run kernels/build in the cache below `cache_home` and return the lines of its stdout."""
    env = {**os.environ, "XDG_CACHE_HOME": str(cache_home)}
    run = subprocess.run([KERNELS / "build", *args], env=env, text=True, check=True,
                         stdout=subprocess.PIPE)
    return run.stdout.splitlines()


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Return a directory for caches that shares the user's unpacked base, and nothing else."""
    path = tmp_path_factory.mktemp("xdg")
    base = Path(run_build(kcache.cache_dir().parent, "--tree")[0]).parents[1]
    (path / "tlbbench").mkdir()
    shutil.copytree(base, path / "tlbbench/base", symlinks=True, copy_function=os.link)
    return path


@pytest.fixture(scope="session")
def images(home):
    """Return {strategy: image directory} of three choices, built in this order in one place."""
    return dict(zip(NAMES, map(Path, run_build(home, *NAMES)), strict=True))


def facts(image):
    """Return the [image] section of image.conf."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(image / "image.conf")
    return parser["image"]


@pytest.mark.parametrize("name", NAMES[1:])
def test_next_strategy_compiles_few_objects(images, home, name):
    log = home / "tlbbench/log" / f"{images[name].name}.log"
    compiled = len(OBJECT.findall(log.read_text()))
    assert 2 <= compiled <= 15


def test_next_strategy_has_code_of_its_own(images):
    entered = {}
    for name, image in images.items():
        run = subprocess.run(["objdump", "-d", "--disassemble=enter_lazy_tlb", image / "vmlinux"],
                             text=True, capture_output=True, check=True)
        assert "<enter_lazy_tlb>:" in run.stdout
        entered[name] = "<switch_mm_irqs_off>" in run.stdout
    assert entered == {"baseline": False, "lazy-ipi": False, "lazy-leave": True}


def test_same_content_gives_the_same_kernel_elsewhere(images, home, tmp_path):
    # Here it was the third in one object directory, there it is the first.
    last = images[NAMES[-1]]
    (tmp_path / "tlbbench").mkdir()
    shutil.copytree(home / "tlbbench/base", tmp_path / "tlbbench/base", symlinks=True,
                    copy_function=os.link)
    (again,) = run_build(tmp_path, NAMES[-1])
    assert Path(again).name == last.name
    assert facts(Path(again))["vmlinux_sha256"] == facts(last)["vmlinux_sha256"]


def code(objects, name):
    """Return the disassembly of an object file, without its head.

    Which operand of a comparison for equality is the first one depends on how many variables gcc
    has seen before, so they are sorted, and the bytes of the instruction left out.
    """
    run = subprocess.run(["objdump", "-dr", objects / name], text=True, capture_output=True,
                         check=True)
    return re.sub(r"^( *[0-9a-f]+:\t)[^\t]*\t(cmp[a-z]*) +([^,\n]*),([^,\n]*)$(?=\n.*\tjn?e )",
                  lambda m: f"{m[1]}{m[2]} {sorted((m[3], m[4]))}", run.stdout.split("\n", 3)[3],
                  flags=re.M)


def patched_objects(pristine):
    """Return the objects with code for memory management that the series changes.

    What is left out: the APIC's timer, which has a parameter more, and Hyper-V's flushes, which
    the plain kernel has not.
    """
    files = {file for patch in kdesc.series(KERNELS) for file in ktree.patched_files(patch)}
    return sorted(f"{file[:-2]}.o" for file in files if (pristine / file).exists()
                  and re.match(r"(arch/x86/mm|fs|kernel|mm)/.*\.c$", file))


def test_baseline_is_the_code_of_the_base(home, images, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    cache = kcache.cache_dir()
    run_build(home, "baseline")
    (tree,) = (cache / "trees").iterdir()
    pristine = ktree.find_base(kdesc.load_base(), cache).dir(cache)
    objects = {"base": tmp_path / "base", "series": tmp_path / "series"}
    for name, source in ("base", pristine), ("series", tree / "linux"):
        objects[name].mkdir()
        make = kimage.Make(source, objects[name], tmp_path / "log", cache)
        lines = (images["baseline"] / "config").read_text()
        (objects[name] / "fragment").write_text(lines)
        make.run(f"KCONFIG_ALLCONFIG={objects[name] / 'fragment'}", "allnoconfig")
        make.run(*patched_objects(pristine))
    differ = [name for name in patched_objects(pristine)
              if code(objects["base"], name) != code(objects["series"], name)]
    assert not differ


@pytest.fixture(scope="session")
def initrd(tmp_path_factory):
    """Return an initramfs whose init prints the release and the strategy, and powers off."""
    where = tmp_path_factory.mktemp("initrd")
    subprocess.run(["gcc", "-static", "-O2", "-w", "-o", where / "init",
                    KERNELS / "tests/init.c"], check=True)
    with open(where / "initrd.cpio", "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=where, input=b"init\n",
                       stdout=out, check=True)
    return where / "initrd.cpio"


def boot(image, initrd, console):
    """Boot an image in an exact machine and return what it printed."""
    subprocess.run([*QEMU, "-kernel", image / "vmlinux", "-initrd", initrd, "-append",
                    "console=ttyS0 panic=-1", "-serial", f"file:{console}"],
                   check=True, timeout=120)
    return console.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_image_boots_and_names_itself_twice_alike(images, initrd, tmp_path, name):
    if not shutil.which(QEMU[0]):
        pytest.skip(f"{QEMU[0]} is not installed")
    first = boot(images[name], initrd, tmp_path / "1")
    lines = first.splitlines()
    assert f"release={facts(images[name])['release']}" in lines
    assert f"lazy={kdesc.load_strategy(name).expect}" in lines
    assert boot(images[name], initrd, tmp_path / "2") == first
