# SPDX-License-Identifier: GPL-2.0-only
"""tlbbench ab, and --kernel and --append of campaigns, with kernels that cannot run."""
import json
import struct

import tlbtest
from tlbtest import run


def fake_bzimage(path):
    """Write a file that is taken for a kernel until it is booted."""
    data = bytearray(0x400)
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x20e, 0x100)
    data[0x300:0x30a] = b"6.1.0-fake"
    path.write_bytes(data)
    return path


def broken_tree(where):
    """Make a tree that takes any configuration and does not compile."""
    where.mkdir()
    (where / "Kconfig").touch()
    (where / "Makefile").write_text(
        "allnoconfig:\n\tcp $(KCONFIG_ALLCONFIG) $(O)/.config\n"
        "vmlinux:\n\t@echo 'mm/x.c:1: error: broken'; false\n")
    return where


def qemu_that_exits(tmp_path):
    """Put a QEMU in front of the real one that ends at once; return the environment."""
    qemu = tmp_path / "qemu-system-x86_64"
    qemu.write_text("#!/bin/sh\n")
    qemu.chmod(0o755)
    return {"PATH": f"{tmp_path}:{tlbtest.environment()['PATH']}", "XDG_CACHE_HOME": tmp_path / "c"}


def bisect(tmp_path, kernel_a, kernel_b, **options):
    """Run one step of a bisection with kernels that cannot run."""
    return run("ab", "--bisect", "--results", tmp_path / "r", f"a={kernel_a}", f"b={kernel_b}",
               "munmap", "ops=1", env=qemu_that_exits(tmp_path), **options)


def test_bisect_skips_what_does_not_build(tmp_path):
    """The second kernel's tree is broken: 125, with the end of the log; the first one's: stop."""
    image, tree = fake_bzimage(tmp_path / "bz"), f"tree:{broken_tree(tmp_path / 'src')}"
    done = bisect(tmp_path, image, tree)
    assert done.returncode == 125, done.stderr
    assert "mm/x.c:1: error: broken" in done.stderr and "[kernel b]: " in done.stderr
    done = bisect(tmp_path, tree, image)
    assert done.returncode == 128, done.stderr
    assert not (tmp_path / "r").exists()


def test_fail_if_worse_does_not_tell_worse_from_failed(tmp_path):
    """Exit 1 is for both, as the manual says; --bisect tells them apart."""
    image, tree = fake_bzimage(tmp_path / "bz"), f"tree:{broken_tree(tmp_path / 'src')}"
    done = run("ab", "--fail-if-worse", "--results", tmp_path / "r", f"a={image}", f"b={tree}",
               "munmap", "ops=1", env=qemu_that_exits(tmp_path))
    assert done.returncode == 1 and "[kernel b]: " in done.stderr, done.stderr


def test_bisect_stops_at_what_says_nothing(tmp_path):
    """A mistake must not mark a commit as bad, and exit 2 would."""
    image = fake_bzimage(tmp_path / "bz")
    for kernel_b in "nope", "deb:no-such-package-0", f"tree:{tmp_path}@HEAD":
        done = bisect(tmp_path, image, kernel_b)
        assert done.returncode == 128 and "b" in done.stderr, done.stderr
    assert run("ab", "--bisect", "baseline").returncode == 128


def test_kernels_that_do_not_boot(tmp_path):
    """If the reference does not boot either, nothing is said about the other one."""
    image = fake_bzimage(tmp_path / "bz")
    other = tmp_path / "other"
    other.write_bytes(image.read_bytes() + b"x")
    done = bisect(tmp_path, image, other)
    assert done.returncode == 128, done.stderr
    assert "crashed" in done.stderr and "8 slots: 8 crashed" in done.stdout
    kernels = json.loads((tmp_path / "r/ab/plan.json").read_text())["kernels"]
    assert [k["image"]["file"] for k in kernels] == [str(image), str(other)]
    assert [k["release"] for k in kernels] == ["6.1.0-fake"] * 2
    conf = (tmp_path / "r/ab/campaign.conf").read_text()
    assert f"[kernel a]\nspec = {image}\n[kernel b]\nspec = {other}\n" in conf


def test_a_verdict_needs_boots(tmp_path):
    """Fewer boots than the report judges are refused before anything is made."""
    conf = tlbtest.vm_conf(tmp_path / "x.conf", {}, {"m": {"workload": "munmap"}})
    done = run("ab", "--fail-if-worse", "a=baseline", "b=baseline", conf)
    assert done.returncode == 2 and "boots = 1: expected 4 or more" in done.stderr


def test_bad_kernels_are_named_as_they_were_given(tmp_path):
    """No line of the campaign file is to blame for an argument."""
    image, text = fake_bzimage(tmp_path / "bz"), tmp_path / "text"
    text.write_text("no kernel")
    options = {"env": {"XDG_CACHE_HOME": tmp_path / "c"}}
    for spec in "nosuch", "/no/such/file", text, "deb:/no/x.deb", f"tree:{tmp_path}", "runtime:no":
        done = run("ab", "--results", tmp_path / "r", f"A={image}", f"B={spec}", **options)
        assert done.returncode == 2
        assert done.stderr.startswith(f"tlbbench: ab: B={spec}: kernels/build: "), done.stderr
        assert "expected" in done.stderr or "known are" in done.stderr
    conf = tlbtest.ROOT / "configs/ab.conf"
    done = run("campaign", "--results", tmp_path / "r", "--kernel", "nosuch", conf)
    assert done.returncode == 2 and done.stderr.startswith("tlbbench: --kernel nosuch: ")
    done = run("litmus", "--kernel", "A=/no/such/file", "--append", "A=nopcid")
    assert done.returncode == 2 and done.stderr.startswith("tlbbench: --kernel A=/no/such/file: ")
    assert not (tmp_path / "r").exists()


def test_a_bad_kernel_is_named_before_the_first_one_is_built(tmp_path):
    """To build takes minutes; this tree would fail, with exit 1."""
    tree = f"tree:{broken_tree(tmp_path / 'src')}"
    done = run("ab", "--results", tmp_path / "r", f"A={tree}", "B=nosuch",
               env={"XDG_CACHE_HOME": tmp_path / "c"})
    assert done.returncode == 2 and "mm/x.c" not in done.stderr
    assert done.stderr.startswith("tlbbench: ab: B=nosuch: "), done.stderr


def test_a_bad_kernel_of_the_file_keeps_its_line(tmp_path):
    """Also when another kernel of it gets more parameters."""
    image = fake_bzimage(tmp_path / "bz")
    text = (f"[campaign]\nname = x\nbackend = vm\n\n[kernel a]\nspec = {image}\n\n"
            "[kernel b]\nspec = nosuch\n[case c]\nworkload = munmap\ncpus = 1\n")
    conf = tmp_path / "x.conf"
    conf.write_text(text)
    done = run("campaign", "--results", tmp_path / "r", "--append", "a=nopcid", conf,
               env={"XDG_CACHE_HOME": tmp_path / "c"})
    assert done.returncode == 2
    assert done.stderr.startswith(f"tlbbench: {conf}:8: [kernel b]: "), done.stderr


def test_campaign_with_kernels_of_the_command_line(tmp_path):
    """They replace those of the file; parameters reach QEMU; expectations about others go."""
    image = fake_bzimage(tmp_path / "bz")
    env = qemu_that_exits(tmp_path)
    (tmp_path / "qemu-system-x86_64").write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" >> {tmp_path}/told\n")
    done = run("campaign", "--results", tmp_path / "r", tlbtest.ROOT / "configs/mailing-list.conf",
               "--kernel", f"x={image}", "--kernel", f"y={image}", "--append",
               "y=nopcid mitigations=off", env=env)
    assert done.returncode == 1, done.stderr
    assert "[expect running-cpus-are-the-same] left out" in done.stderr
    plan = json.loads((tmp_path / "r/mailing-list/plan.json").read_text())
    assert [(k["name"], k["append"]) for k in plan["kernels"]] == [
        ("x", ""), ("y", "nopcid mitigations=off")]
    told = (tmp_path / "told").read_text().splitlines()
    appended = [told[at + 1] for at, word in enumerate(told) if word == "-append"][-24:]
    assert sum(line.endswith(" nopcid mitigations=off") for line in appended) == 12
