# SPDX-License-Identifier: GPL-2.0-only
"""Kernels of the user's: specs, files, packages and trees, all of them small fakes."""

import configparser
import os
import struct
import subprocess
from pathlib import Path

import pytest

import kdesc
import kfind
import kimage
import kspec
import kuser
import kusertree
from kerr import Error, UsageError

RELEASE = "6.1.0-9-fake"
CONFIG = "CONFIG_SMP=y\n"


def bzimage(release=RELEASE):
    """Return bytes with the header of a bzImage that tells its version."""
    data = bytearray(0x400)
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x20e, 0x100)
    text = f"{release} (me@here) #1 SMP".encode()
    data[0x300:0x300 + len(text)] = text
    return bytes(data)


def vmlinux(release=RELEASE, pvh=True, machine=62):
    """Return bytes with what matters of a vmlinux."""
    note = struct.pack("<III", 4, 8, 18) + b"Xen\0" if pvh else b""
    return (b"\x7fELF" + bytes(14) + struct.pack("<H", machine) + bytes(44) + note
            + f"Linux version {release} (me@here) gcc".encode())


def conf_of(image):
    """Return image.conf as a dict."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((image / "image.conf").read_text())
    return dict(parser["image"])


# --- specs --------------------------------------------------------------------


def test_every_kind_of_spec(site, monkeypatch):
    monkeypatch.chdir(site.tmp)
    for path in "bzImage", "a@b/x", "p.deb":
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).touch()
    found = {text: kspec.parse(text, site.kernels) for text in (
        "fake", "runtime:fake", "deb:linux-image-cloud-amd64", "deb:p.deb", "tree:.", "tree:.@HEAD",
        "tree:a@b", "tree:a@b@HEAD@{1}", "bzImage")}
    assert [(spec.kind, spec.name, spec.rev) for spec in found.values()] == [
        ("strategy", "fake", ""), ("runtime", "fake", ""), ("deb", "linux-image-cloud-amd64", ""),
        ("deb", "p.deb", ""), ("tree", ".", ""), ("tree", ".", "HEAD"), ("tree", "a@b", ""),
        ("tree", "a@b", "HEAD@{1}"), ("file", "bzImage", "")]


@pytest.mark.parametrize("text, expected", [
    ("nope", "unknown strategy nope; known are: baseline, fake; or name a file, deb:PACKAGE,"),
    ("no/such", "no/such: no such file; expected"),
    ("./", "./: a directory; expected tree:./, or the path of a bzImage"),
    ("rpm:x", "unknown kind 'rpm:'; expected"),
    ("deb:", "'deb:': nothing behind the colon; expected"),
    ("deb:no/such.deb", "no such file; expected a package or a .deb"),
    ("tree:no-such", "no such directory; expected tree:DIR"),
    ("tree:.@", "no revision behind the @"),
    ("runtime:nope", "unknown strategy nope"),
])
def test_bad_spec_says_what_was_expected(site, text, expected, monkeypatch):
    monkeypatch.chdir(site.tmp)
    with pytest.raises(UsageError) as error:
        kspec.parse(text, site.kernels)
    assert expected in str(error.value)


# --- what a kernel says of itself ---------------------------------------------


def test_release_of_images():
    assert kuser.kernel_release(bzimage(), "x") == RELEASE
    assert kuser.kernel_release(vmlinux(), "x") == RELEASE


@pytest.mark.parametrize("data, expected", [
    (b"", "not a kernel; expected a bzImage or a vmlinux"),
    (b"#!/bin/sh\n" * 99, "not a kernel"),
    (b"\x7fELF", "not a kernel"),
    (vmlinux(machine=183), "not a kernel; expected a bzImage or a vmlinux for x86-64"),
    (vmlinux()[:80], "expected the text 'Linux version'"),
    (vmlinux(pvh=False), "expected one with CONFIG_PVH=y"),
    (bzimage("")[:0x300] + bytes(256), "does not tell its version"),
])
def test_what_is_no_kernel(data, expected):
    with pytest.raises(UsageError) as error:
        kuser.kernel_release(data, "x")
    assert expected in str(error.value)


# --- files --------------------------------------------------------------------


def test_file_is_kept_by_content(site):
    path = site.tmp / "boot/vmlinuz-6.1"
    path.parent.mkdir()
    path.write_bytes(bzimage())
    (path.parent / f"config-{RELEASE}").write_text(CONFIG)
    first = kuser.import_file(path, site.cache)
    assert kuser.import_file(path, site.cache) == first
    facts = conf_of(first)
    assert facts["id"] == first.name and facts["release"] == RELEASE
    assert (facts["flavour"], facts["file"]) == ("file", str(path))
    assert (first / facts["kernel"]).read_bytes() == bzimage()
    assert (first / "config").read_text() == CONFIG
    path.write_bytes(bzimage("6.2.0"))
    second = kuser.import_file(path, site.cache)
    assert second != first and conf_of(second)["release"] == "6.2.0"
    assert (first / "kernel").read_bytes() == bzimage() and not (second / "config").exists()


def test_damaged_copy_is_made_again(site):
    path = site.tmp / "bzImage"
    path.write_bytes(bzimage())
    image = kuser.import_file(path, site.cache)
    (image / "kernel").write_bytes(b"half")
    assert kuser.find(image.name, site.cache) is None
    assert (kuser.import_file(path, site.cache) / "kernel").read_bytes() == bzimage()


# --- packages -----------------------------------------------------------------


def make_deb(where, name="linux-image-fake", boot=True):
    """Make a small Debian package."""
    root = where / f"{name}.root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 1.2\nArchitecture: amd64\nMaintainer: a <a@b.example>\n"
        "Description: x\n")
    (root / "boot").mkdir()
    if boot:
        (root / f"boot/vmlinuz-{RELEASE}").write_bytes(bzimage())
        (root / f"boot/config-{RELEASE}").write_text(CONFIG)
    (root / "boot/System.map-x").write_text("ffff\n")
    deb = where / f"{name}.deb"
    subprocess.run(["dpkg-deb", "-b", root, deb], check=True, capture_output=True)
    return deb


def test_deb_file(site):
    deb = make_deb(site.tmp)
    assert kuser.find_deb(deb, site.cache, fetch=False) is None
    image = kuser.find_deb(deb, site.cache, fetch=True)
    assert kuser.find_deb(deb, site.cache, fetch=False) == image
    facts = conf_of(image)
    assert (facts["flavour"], facts["release"], facts["package"]) == (
        "deb", RELEASE, "linux-image-fake.deb")
    assert (image / "config").read_text() == CONFIG and len(facts["config_sha256"]) == 64


def test_deb_without_a_kernel(site):
    with pytest.raises(UsageError, match="holds no /boot/vmlinuz"):
        kuser.find_deb(make_deb(site.tmp, boot=False), site.cache, fetch=True)
    (site.tmp / "x.deb").write_text("no package")
    with pytest.raises(UsageError, match="no Debian package: dpkg-deb: error.*; expected"):
        kuser.find_deb(site.tmp / "x.deb", site.cache, fetch=True)
    assert not (site.cache / kuser.PLACE).exists()


APT_CACHE = """#!/bin/sh
for name; do :; done
case $name in
linux-image-cloud) printf 'Package: linux-image-cloud\\nVersion: 2\\nSHA256: 0\\n'
    echo 'Depends: linux-image-fake (= 1.2)' ;;
linux-image-fake) printf 'Package: linux-image-fake\\nVersion: 1.2\\nDepends: kmod\\n'
    printf 'SHA256: %s\\n' "$(sha256sum < "$TMPDIR/linux-image-fake.deb" | cut -d' ' -f1)" ;;
*) echo 'E: No packages found' >&2; exit 100 ;;
esac
"""
APT_GET = """#!/bin/sh
[ ! -e "$TMPDIR/offline" ] || { echo 'E: Failed to fetch' >&2; exit 100; }
echo "$*" >> "$TMPDIR/fetched"
cp "$TMPDIR/linux-image-fake.deb" .
"""


@pytest.fixture
def apt(site):
    """Put an apt in front of the real one; it has one package and one that depends on it."""
    make_deb(site.tmp)
    for name, text in {"apt-cache": APT_CACHE, "apt-get": APT_GET}.items():
        (site.tmp / "bin" / name).write_text(text)
        (site.tmp / "bin" / name).chmod(0o755)
    os.environ["PATH"] += ":/usr/bin:/bin"
    return site


def test_package_by_name_is_fetched_once(apt):
    image = kuser.find_deb("linux-image-cloud", apt.cache, fetch=True)
    facts = conf_of(image)
    assert (facts["package"], facts["version"]) == ("linux-image-fake", "1.2")
    assert kuser.find_deb("linux-image-fake", apt.cache, fetch=True) == image
    assert (apt.tmp / "fetched").read_text() == "download -q linux-image-fake=1.2\n"
    assert not list(apt.cache.glob(".deb-*"))


def test_package_that_there_is_not(apt):
    with pytest.raises(UsageError, match="deb:linux-nope: apt knows no such package"):
        kuser.find_deb("linux-nope", apt.cache, fetch=True)
    (apt.tmp / "offline").touch()
    with pytest.raises(Error, match="cannot download linux-image-fake=1.2: E: Failed to fetch"):
        kuser.find_deb("linux-image-fake", apt.cache, fetch=True)


# --- trees --------------------------------------------------------------------


# Its kernel says what its own version.txt says, and which options it was built with.
TREE_MAKE = r"""#!/usr/bin/python3
import os, struct, sys
args = dict(arg.split("=", 1) for arg in sys.argv[1:] if "=" in arg)
source, out, goal = sys.argv[2], args["O"], sys.argv[-1]
if goal == "allnoconfig":
    lines = open(args["KCONFIG_ALLCONFIG"]).read().splitlines()
    known = open(f"{source}/Kconfig").read().split()
    keep = [l for l in lines if l.split("=")[0].removeprefix("CONFIG_") in known]
    open(f"{out}/.config", "w").write("\n".join(keep) + "\n")
    sys.exit(0)
version = open(f"{source}/version.txt").read().strip()
if version == "broken":
    sys.exit("mm/x.c: error: broken")
local = [l for l in open(f"{out}/.config") if l.startswith("CONFIG_LOCALVERSION")][0].split('"')[1]
os.makedirs(f"{out}/include/config", exist_ok=True)
open(f"{out}/include/config/kernel.release", "w").write(version + local + "\n")
print("  CC      mm/x.o")
open(f"{out}/vmlinux", "wb").write(
    b"\x7fELF" + bytes(14) + b"\x3e\0" + bytes(44) + struct.pack("<III", 4, 8, 18) + b"Xen\0"
    + f"Linux version {version}{local} (me)".encode())
"""


def git(where, *args):
    """Run git in a repository of a test."""
    run = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *args],
                         cwd=where, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@pytest.fixture
def tree(site, monkeypatch):
    """Return (site, a directory that looks like a Linux tree, not in git)."""
    (site.tmp / "bin/make").write_text(TREE_MAKE)
    monkeypatch.setattr(kimage, "check_tools", lambda: None)
    monkeypatch.setattr(kdesc, "HERE", site.kernels)
    os.environ["PATH"] += ":/usr/bin:/bin"
    where = site.tmp / "src"
    (where / "mm").mkdir(parents=True)
    (where / "Makefile").write_text("")
    (where / "Kconfig").write_text(" ".join([*kusertree.NEEDED, "LOCALVERSION"]))
    (where / ".gitignore").write_text("*.o\n.config\n")
    (where / "version.txt").write_text("6.10.0")
    (site.kernels / "config/vm.config").write_text(
        "".join(f"CONFIG_{name}=y\n" for name in (*kusertree.NEEDED, "TLB_STRATEGY")))
    return site, where


def find(site, where, rev="", make=True):
    """Return the image of a tree."""
    return kusertree.find(kspec.Spec("tree", str(where), rev), site.cache, make)


def everything(where):
    """Return all that a directory holds, with dates; git freshens those of its objects."""
    return sorted((str(path), ".git/objects" in str(path) or path.lstat().st_mtime_ns)
                  for path in where.rglob("*"))


def test_tree_without_git(tree):
    site, where = tree
    # As Debian's source has it.
    (where / ".gitignore").write_text("/*\n")
    before = everything(where)
    assert find(site, where, make=False) is None
    image = find(site, where)
    assert find(site, where) == image == find(site, where, make=False)
    facts = conf_of(image)
    assert facts["release"] == f"6.10.0-{image.name}" and image.name.startswith("tree-")
    assert (facts["flavour"], facts["not_in_tree"]) == ("tree", "CONFIG_TLB_STRATEGY")
    assert "commit" not in facts and everything(where) == before
    (where / "version.txt").write_text("6.11.0")
    assert conf_of(find(site, where))["release"].startswith("6.11.0-tree-")
    with pytest.raises(UsageError, match="is no git repository; expected tree:"):
        find(site, where, "HEAD")
    (where / ".config").touch()
    with pytest.raises(UsageError, match="it was configured in place; expected a clean tree"):
        find(site, where)


def test_revisions_and_a_dirty_tree(tree):
    site, where = tree
    git(where, "init", "-q")
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "one")
    (where / "version.txt").write_text("6.11.0")
    (where / "new.c").write_text("")
    (where / "old.o").write_text("ignored")
    git(where, "add", "new.c")
    index = (where / ".git/index").read_bytes()
    before = everything(where)
    head, dirty = find(site, where, "HEAD"), find(site, where)
    assert everything(where) == before and (where / ".git/index").read_bytes() == index
    assert conf_of(head)["release"].startswith("6.10.0-")
    assert conf_of(dirty)["release"].startswith("6.11.0-")
    commit = git(where, "rev-parse", "HEAD")
    assert conf_of(head)["commit"] == conf_of(dirty)["commit"] == commit
    assert (conf_of(head)["dirty"], conf_of(dirty)["dirty"]) == ("no", "yes")
    git(where, "checkout", "-q", "-f", "HEAD")
    git(where, "reset", "-q", "--hard")
    clean = find(site, where)
    assert clean == head
    with pytest.raises(UsageError, match="no such revision there; expected one that git knows"):
        find(site, where, "v9.9")


def test_checkout_keeps_what_is_the_same(tree):
    """The next revision compiles only what changed: files that did not keep their dates."""
    site, where = tree
    git(where, "init", "-q")
    for version in "6.1.0", "6.2.0":
        (where / "version.txt").write_text(version)
        git(where, "add", "-A")
        git(where, "commit", "-q", "-m", version)
    find(site, where, "HEAD~")
    checkout, = (site.cache / "user").glob("*/linux")
    assert not (checkout / "old.o").exists()
    kconfig, version = ((checkout / name).stat().st_mtime_ns for name in ("Kconfig", "version.txt"))
    find(site, where, "HEAD")
    assert (checkout / "Kconfig").stat().st_mtime_ns == kconfig
    assert (checkout / "version.txt").stat().st_mtime_ns != version
    assert (checkout / "version.txt").read_text() == "6.2.0"


def test_tree_that_does_not_build(tree):
    site, where = tree
    (where / "version.txt").write_text("broken")
    with pytest.raises(Error, match=r"(?s)make vmlinux failed; the log is .*mm/x.c: error: broken"):
        find(site, where)
    (where / "Kconfig").write_text("LOCALVERSION SMP")
    with pytest.raises(Error, match="cannot be measured in a VM: its Kconfig does not take"):
        find(site, where)
    (where / "Kconfig").unlink()
    with pytest.raises(UsageError, match="no Linux source tree; expected one with Makefile"):
        find(site, where)
    assert not (site.cache / kuser.PLACE).exists()


def test_full_disk_is_named(tree, monkeypatch):
    site, where = tree
    usage = kusertree.shutil.disk_usage(site.tmp)
    monkeypatch.setattr(kusertree.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(Error, match="no space left in .*free about 4 GB there"):
        find(site, where)


def test_looking_makes_nothing(tree, monkeypatch):
    """With --path a kernel that is not there is a usage error with the line that makes it."""
    site, where = tree
    deb = make_deb(site.tmp)
    finder = kfind.Finder(site.cache, path_only=True)
    for spec, text in (kspec.Spec("tree", str(where)), f"tree:{where}"), (
            kspec.Spec("deb", str(deb)), f"deb:{deb}"):
        with pytest.raises(UsageError) as error:
            finder.find(spec)
        assert str(error.value) == f"{text}: no image yet; make it with: kernels/build {text}"
    assert not (site.cache / kuser.PLACE).exists()
