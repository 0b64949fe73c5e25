# SPDX-License-Identifier: GPL-2.0-only
"""Source trees: the pristine base, and the base with the series applied."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import kcache
import kdesc
from kerr import Error, no_space, say

SPACE_BYTES = 3 << 30

# Part of every tree's name: raise it when the rules of what is unpacked change.
UNPACK = "2"


@dataclass(frozen=True)
class Base:
    """The base tree: `source` is a tarball, or a directory; `top` is its name inside an archive."""

    source: Path
    top: str
    digest: str

    @property
    def id(self):
        """The name of the tree in the cache."""
        return kdesc.sha256(UNPACK, self.digest)[:12]

    def dir(self, cache):
        """Where the unpacked tree is, or will be."""
        return cache / "base" / self.id / "linux"


def _excludes(top):
    """Return the options that make tar leave out what no build of ours reads.

    The Kconfig files stay everywhere: kconfig reads those of other architectures too.
    """
    patterns = (
        f"{top}/.git",
        # The parameters stay: a patch that adds one has to tell of it.
        f"{top}/Documentation/[!a]*/*",
        f"{top}/Documentation/a[!d]*/*",
        f"{top}/sound/*.[ch]",
        f"{top}/arch/[!x]*/*.[chS]",
        f"{top}/arch/[!x]*/*.dts*",
    )
    return ["--anchored", *(f"--exclude={pattern}" for pattern in patterns)]


def _pack(tree):
    """Return a tar command that writes `tree` so that the same content gives the same bytes."""
    same = ["--sort=name", "--format=gnu", "--mtime=@0", "--owner=0", "--group=0",
            "--numeric-owner", "--mode=go=u,go-w"]
    return ["tar", *same, *_excludes("."), "-C", str(tree), "-cf", "-", "."]


def file_digest(path):
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tree_digest(tree):
    """Return the SHA-256 of the content of a tree, as _pack() sees it."""
    with subprocess.Popen(_pack(tree), stdout=subprocess.PIPE) as tar:
        digest = hashlib.file_digest(tar.stdout, "sha256").hexdigest()
    if tar.returncode:
        raise Error(f"cannot read all of {tree}")
    return digest


def _stat_key(path):
    """Return a string that changes when the file, or a file in the tree, changes."""
    if path.is_file():
        stat = path.stat()
        return f"{stat.st_size}:{stat.st_mtime_ns}"
    digest = hashlib.sha256()
    for where, dirs, files in os.walk(path):
        dirs[:] = sorted(set(dirs) - {".git"})
        for name in sorted(files):
            stat = os.lstat(os.path.join(where, name))
            digest.update(f"{where}/{name}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_mode}\n"
                          .encode(errors="surrogateescape"))
    return digest.hexdigest()


def _digest(path, cache):
    """Return the SHA-256 of a tarball or tree, from the cache if its stat key is known."""
    store = cache / "digests.json"
    known = kcache.load_json(store)
    key = _stat_key(path)
    entry = known.get(str(path))
    if not entry or entry[0] != key:
        say(f"reading {path}")
        entry = [key, _tree_digest(path) if path.is_dir() else file_digest(path)]
        kcache.store_json(store, {**known, str(path): entry})
    return entry[1]


def pinned_base(conf, cache):
    """Return the Base that base.conf (a BaseConf) asks for."""
    if not conf.tarball.is_file():
        raise Error(f"{conf.tarball} is not there: install the Debian package {conf.package}, or"
                    f" set KSRC to a Linux {conf.version} tree")
    return Base(conf.tarball, conf.package, _digest(conf.tarball, cache))


def find_base(conf, cache):
    """Return the Base that base.conf (a BaseConf) or KSRC in the environment asks for."""
    ksrc = os.environ.get("KSRC")
    if ksrc:
        tree = Path(ksrc).resolve()
        _check_user_tree(tree, conf.version)
        if tree.is_relative_to(cache.resolve()):
            raise Error(f"KSRC={tree} is in the cache, where trees are removed when others are"
                        " made: set KSRC to a copy of it")
        return Base(tree, ".", _digest(tree, cache))
    return pinned_base(conf, cache)


def _check_user_tree(tree, version):
    """Refuse a KSRC that is no tree of the version wanted, or that was built in place."""
    if not (tree / "Makefile").is_file() or not (tree / "Kconfig").is_file():
        raise Error(f"KSRC={tree} is not a Linux source tree")
    found = kernel_version(tree)
    if not found.startswith(f"{version}."):
        raise Error(f"KSRC={tree} is Linux {found}, but the series is for {version}")
    if (tree / ".config").exists() or (tree / "include/config").exists():
        raise Error(f"KSRC={tree} was configured in place: run 'make mrproper' there first")


def kernel_version(tree):
    """Return the version in the Makefile of a tree, as 6.12.117."""
    text = (tree / "Makefile").read_text()
    parts = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *= *(\S*)$", text, re.M))
    try:
        return "{VERSION}.{PATCHLEVEL}.{SUBLEVEL}{EXTRAVERSION}".format(**parts)
    except KeyError:
        raise Error(f"{tree}/Makefile does not tell the version of a kernel") from None


def ensure_base(base, conf, cache):
    """Return the path of the unpacked base tree; the lock must be held.

    Other bases are removed when one is unpacked: with KSRC there would be one for every edit.
    """
    final = base.dir(cache)
    if final.is_dir():
        return final
    _remove_all(cache / "base")
    if shutil.disk_usage(cache).free < SPACE_BYTES:
        raise no_space(cache)
    say(f"unpacking {base.source}")
    with kcache.new_dir(final.parent) as new:
        tree = new / "linux"
        tree.mkdir()
        _unpack(base, tree)
        found = kernel_version(tree)
        if not found.startswith(f"{conf.version}."):
            raise Error(f"{base.source} holds Linux {found}, but the series is for {conf.version}")
    return final


def _unpack(base, tree):
    """Fill the empty directory `tree` from the source of `base`."""
    options = [*_excludes(base.top), "--strip-components=1", "-C", str(tree), "-x"]
    if base.source.is_file():
        done = subprocess.run(["tar", *options, "-f", base.source], check=False).returncode == 0
    else:
        with subprocess.Popen(_pack(base.source), stdout=subprocess.PIPE) as pack:
            unpack = subprocess.run(["tar", *options, "-m", "-f", "-"], stdin=pack.stdout,
                                    check=False)
        done = pack.returncode == 0 and unpack.returncode == 0
    if not done:
        raise kcache.failure(tree, f"cannot unpack {base.source}: see the lines of tar above")


def tree_id(base, patches):
    """Return the name of the tree that `patches` make of `base`: 12 hex digits."""
    return kdesc.sha256(base.id, kdesc.series_digest(patches))[:12]


def ensure_source(base, conf, patches, cache):
    """Return the path of the base with the series applied; the lock must be held.

    The files are hard links to those of the base, but for the patched ones. The object trees are
    beside it, so that the way from one to the other has no name of a tree in it, and ccache knows
    an unchanged file again in the next tree. The trees of other series are removed: they can be
    made again, and images do not need them.
    """
    final = cache / "trees" / tree_id(base, patches) / "linux"
    if final.is_dir():
        return final
    pristine = ensure_base(base, conf, cache)
    _remove_all(cache / "trees")
    say(f"applying {len(patches)} patches")
    with kcache.new_dir(final.parent) as new:
        tree = new / "linux"
        copy_linked(pristine, tree)
        for patch in patches:
            _apply_linked(patch, tree, pristine)
    return final


def _remove_all(where):
    """Remove the trees below a directory, which may not be there."""
    for old in where.glob("[!.]*"):
        say(f"removing the old tree {old}")
        shutil.rmtree(old)


def copy_linked(old, new):
    """Copy a tree with hard links, or with real copies where the file system has no links."""
    linked = subprocess.run(["cp", "-al", old, new], check=False, stderr=subprocess.DEVNULL)
    if linked.returncode:
        shutil.rmtree(new, ignore_errors=True)
        if subprocess.run(["cp", "-a", old, new], check=False).returncode:
            raise kcache.failure(old, f"cannot copy {old}: see the lines of cp above")


def patched_files(patch):
    """Return the paths, relative to the tree, that the patch file `patch` writes to."""
    return re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M)


def apply(patch, tree):
    """Apply one patch without fuzz."""
    run = subprocess.run(["patch", "-p1", "-s", "-F0", "--no-backup-if-mismatch", "-i", patch],
                         cwd=tree, check=False, text=True, capture_output=True)
    if run.returncode:
        raise Error(f"{patch.name} does not apply to the base: {(run.stdout + run.stderr).strip()}")


def _apply_linked(patch, tree, pristine):
    """Apply one patch, and make sure that the base did not change with it."""
    apply(patch, tree)
    for name in patched_files(patch):
        if (pristine / name).exists() and os.path.samefile(pristine / name, tree / name):
            raise Error(f"patch(1) wrote to {name} of the base too: use GNU patch")
