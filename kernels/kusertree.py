# SPDX-License-Identifier: GPL-2.0-only
"""Kernels from a source tree of the user's, or from a git revision of it.

Nothing is written to the tree or its repository. A bare repository in the cache borrows its
objects, takes in what is new in the working tree, and checks the wanted revision out beside its
objects. The checkout stays: the next revision compiles only what changed, which is what a
bisection needs.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import kcache
import kdesc
import kimage
import kuser
from kerr import Error, UsageError, say

# Part of every image id: raise it when the steps below change what they make.
RECIPE = "1"

# Without these a kernel does not come up in the VM, or nothing comes out of it.
NEEDED = ("64BIT", "SMP", "BINFMT_ELF", "BLK_DEV_INITRD", "PROC_FS", "SYSFS", "DEVTMPFS", "PCI",
          "SERIAL_8250_CONSOLE", "PVH")


@dataclass(frozen=True)
class Source:
    """What to build: `tree` is git's hash of the content, `commit` is empty without a git."""

    directory: Path
    tree: str
    commit: str
    is_dirty: bool


class Workshop:
    """The folder of the cache that belongs to one source: repository, checkout, objects."""

    def __init__(self, directory, cache):
        self.directory = directory
        self.objects_of = _git_objects(directory)
        self.dir = cache / "user" / kdesc.sha256(str(self.objects_of or directory))[:12]
        self.checkout = self.dir / "linux"
        self.objects = self.dir / "plain"

    def git(self, *args, index, tree=None):
        """Run git on the repository of the cache; return what it says."""
        env = {**os.environ, "GIT_DIR": str(self.dir / "git"), "GIT_WORK_TREE": str(
            tree or self.directory), "GIT_INDEX_FILE": str(self.dir / index), "LC_ALL": "C"}
        return _git(*args, cwd=tree or self.directory, env=env)

    def prepare(self):
        """Make the repository, which borrows all objects of the user's."""
        if not (self.dir / "git").is_dir():
            _git("init", "-q", "--bare", str(self.dir / "git"), cwd=self.dir)
        if self.objects_of:
            (self.dir / "git/objects/info/alternates").write_text(f"{self.objects_of}\n")

    def take_in(self):
        """Return git's hash of the working tree as it is, but for what its repository ignores.

        Without a repository all counts: the .gitignore of Debian's source ignores everything.
        """
        force = [] if self.objects_of else ["--force"]
        self.git("add", "-A", *force, ".", index="taken")
        return self.git("write-tree", index="taken")

    def check_out(self, tree):
        """Make the checkout hold exactly `tree`; files that stay the same keep their dates."""
        for path in self.checkout, self.objects:
            path.mkdir(exist_ok=True)
        self.git("read-tree", "--reset", "-u", tree, index="checkout", tree=self.checkout)


def _git(*args, cwd, env=None):
    """Run git and return its output; what it complains about is an Error."""
    try:
        run = subprocess.run(["git", *args], cwd=cwd, env=env, check=False, text=True,
                             capture_output=True)
    except FileNotFoundError:
        raise Error("git is missing: on Debian, apt-get install git") from None
    if run.returncode:
        lines = run.stderr.strip().splitlines() or [f"exit {run.returncode}"]
        raise kcache.failure(cwd, f"git {args[0]} in {cwd}: {lines[0]}")
    return run.stdout.strip()


def _user_git(directory, *args):
    """Ask the user's repository, without its index being refreshed; None if it says no."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        return _git(*args, cwd=directory, env={**env, "GIT_OPTIONAL_LOCKS": "0"})
    except Error:
        return None


def _git_objects(directory):
    """Return where the repository of a tree keeps its objects, None if it has no repository."""
    common = _user_git(directory, "rev-parse", "--git-common-dir")
    return (directory / common).resolve() / "objects" if common else None


def find_source(spec, shop):
    """Return the Source that a tree spec names; UsageError if there is none."""
    where = shop.directory
    if not spec.rev:
        _check_tree(where)
        if not shop.objects_of and (where / ".config").exists():
            raise UsageError(f"tree:{where}: it was configured in place; expected a clean tree or a"
                             " git repository: run 'make mrproper' there first")
        commit = _user_git(where, "rev-parse", "--verify", "-q", "HEAD^{commit}") or ""
        shop.prepare()
        tree = shop.take_in()
        is_dirty = bool(commit) and tree != _user_git(where, "rev-parse", f"{commit}^{{tree}}")
        return Source(where, tree, commit, is_dirty)
    if not shop.objects_of:
        raise UsageError(f"tree:{where}@{spec.rev}: {where} is no git repository; expected"
                         f" tree:{where}")
    commit = _user_git(where, "rev-parse", "--verify", "-q", f"{spec.rev}^{{commit}}")
    if not commit:
        raise UsageError(f"tree:{where}@{spec.rev}: no such revision there; expected one that git"
                         " knows, such as HEAD or v6.12")
    shop.prepare()
    return Source(where, _user_git(where, "rev-parse", f"{commit}^{{tree}}"), commit, False)


def _check_tree(where):
    if not (where / "Makefile").is_file() or not (where / "Kconfig").is_file():
        raise UsageError(f"tree:{where}: no Linux source tree; expected one with Makefile and"
                         " Kconfig")


def image_id(source, fragment):
    """Return the id of the image: it is part of the release, so it is short."""
    digest = kdesc.sha256(RECIPE, source.tree, source.commit, str(source.is_dirty), fragment,
                          kimage.toolchain())
    return kuser.image_name("tree", digest)


def find(spec, cache, make):
    """Return the image of a tree spec; None if it is not there and not to `make`."""
    shop = Workshop(Path(spec.name).resolve(), cache)
    shop.dir.mkdir(parents=True, exist_ok=True)
    with kcache.locked(shop.dir):
        source = find_source(spec, shop)
        fragment = (kdesc.HERE / "config/vm.config").read_text()
        ident = image_id(source, fragment)
        found = kuser.find(ident, cache)
        if found or not make:
            return found
        return _build(ident, source, fragment, shop, cache)


def _build(ident, source, fragment, shop, cache):
    kimage.check_tools()
    if shutil.disk_usage(cache).free < kcache.FULL_BYTES:
        raise kcache.failure(cache, "")
    say(f"checking out {source.commit[:12] or source.tree[:12]} of {source.directory}")
    shop.check_out(source.tree)
    _check_tree(shop.checkout)
    log = cache / "log" / f"{ident}.log"
    log.parent.mkdir(exist_ok=True)
    make = kimage.Make(shop.checkout, shop.objects, log, cache)
    left_out = _configure(make, ident, fragment)
    say(f"building {ident}, log in {log}")
    make.vmlinux()
    return _store(ident, source, left_out, shop, cache)


def _configure(make, ident, fragment):
    """Write the .config; return the lines of the fragment that this tree does not take."""
    text = f'{fragment}\nCONFIG_LOCALVERSION="-{ident}"\n'
    path = make.objects / "tlbbench.config"
    path.write_text(text)
    make.run(f"KCONFIG_ALLCONFIG={path}", "allnoconfig", fresh=True)
    config = (make.objects / ".config").read_text()
    wanted = kdesc.parse_fragment(text)
    left_out = [symbol for symbol, line in wanted.items()
                if kdesc.verify_config({symbol: line}, config)]
    lost = [symbol for symbol in NEEDED if f"CONFIG_{symbol}" in left_out]
    if lost:
        raise Error(f"{ident}: a kernel of this tree cannot be measured in a VM: its Kconfig does"
                    f" not take CONFIG_{lost[0]}=y")
    if left_out:
        say(f"{ident}: not in this tree: {' '.join(left_out)}")
    return left_out


def _store(ident, source, left_out, shop, cache):
    release = (shop.objects / "include/config/kernel.release").read_text().strip()
    if not release.endswith(f"-{ident}"):
        raise Error(f"the kernel calls itself {release}, expected a name that ends with -{ident}:"
                    f" more than {kimage.RELEASE_MAX} characters?")
    kernel = (shop.objects / "vmlinux").read_bytes()
    told = kuser.kernel_release(kernel, "vmlinux")
    if told != release:
        raise Error(f"the vmlinux that was built calls itself {told}, expected {release}")
    facts = {"release": release, "flavour": "tree", "source": str(source.directory),
             "tree": source.tree, "compiler": kimage.compiler()}
    if source.commit:
        facts.update(commit=source.commit, dirty="yes" if source.is_dirty else "no")
    if left_out:
        facts["not_in_tree"] = " ".join(left_out)
    config = (shop.objects / ".config").read_bytes()
    with kcache.locked(cache, kuser.LOCK):
        return kuser.store(ident, {"vmlinux": kernel, "config": config}, facts, cache)
