# SPDX-License-Identifier: GPL-2.0-only
"""Checks that need a kernel tree: the series applies, each prefix of it builds, and two plain
images differ in nothing but what the series is about.
"""

import re
import shutil
import tempfile
from pathlib import Path

import kcache
import kcheck
import kdesc
import kimage
import ktree
from kerr import Error, say

# Code that the series touches and vm.config leaves out.
ALSO = "CONFIG_HYPERV=y\n"


def applies(patches, tree):
    """Return what does not apply of the series to a tree, tried on copies of the files it needs."""
    with tempfile.TemporaryDirectory() as where:
        for name in {name for patch in patches for name in ktree.patched_files(patch)}:
            copy = Path(where, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (tree / name).exists():
                shutil.copy(tree / name, copy)
        for patch in patches:
            try:
                ktree.apply(patch, Path(where))
            except Error as err:
                return [str(err)]
    return []


def _sources(patches):
    """Return the C files that patches write to, sorted."""
    return sorted({name for patch in patches for name in ktree.patched_files(patch)
                   if name.endswith(".c")})


class _Prefix:
    """A tree that gets one patch after the other, and two object directories beside it."""

    def __init__(self, base, conf, cache, where):
        self.tree = where / "linux"
        self.cache = cache
        self.base = base
        ktree.copy_linked(ktree.ensure_base(base, conf, cache), self.tree)

    def build(self, flavour, fragment, sources):
        """Return what is wrong with compiling what this kernel has of `sources`."""
        out = self.tree.parent / flavour
        out.mkdir(exist_ok=True)
        make = kimage.Make(self.tree, out, self.tree.parent / f"{flavour}.log", self.cache)
        (out / "fragment").write_text(fragment)
        try:
            make.run(f"KCONFIG_ALLCONFIG={out / 'fragment'}", "allnoconfig", fresh=True)
            config = (out / ".config").read_text()
            make.run(*(f"{name[:-2]}.o" for name in sources
                       if is_compiled(self.tree, name, config)))
        except Error as err:
            return [f"{flavour}: {err}"]
        return [f"{flavour}: {line}" for line in make.log.read_text().splitlines()
                if "warning:" in line]


def prefixes(base, conf, cache, kernels=kdesc.HERE):
    """Return what does not build of each prefix of the series; the lock must be held.

    Compiled are the C files that the prefix has written to, in a plain kernel and in the runtime
    one: a whole kernel for each would take hours.
    """
    plain = kdesc.fragment(kernels, "vm") + ALSO
    flavours = {"plain": plain, "runtime": plain + kdesc.fragment(kernels, "checked")
                + "CONFIG_TLB_STRATEGY_RUNTIME=y\n"}
    patches = kdesc.series(kernels)
    problems = []
    with kcache.new_dir(cache / "prefix" / "tree") as where:
        prefix = _Prefix(base, conf, cache, where)
        for nr, patch in enumerate(patches, 1):
            say(f"prefix {nr}/{len(patches)}: {patch.name}")
            ktree.apply(patch, prefix.tree)
            for flavour, fragment in flavours.items():
                problems += [f"{patch.name}: {problem}" for problem in
                             prefix.build(flavour, fragment, _sources(patches[:nr]))]
    shutil.rmtree(cache / "prefix", ignore_errors=True)
    return problems


def is_compiled(tree, name, config):
    """Return whether a C file exists and a .config does not leave it out."""
    source = tree / name
    makefile = source.parent / "Makefile"
    if not source.exists() or not makefile.exists():
        return source.exists()
    line = re.search(rf"^obj-\$\((CONFIG_\w+)\)\s*\+=(?:.*\s){re.escape(source.stem)}\.o\b",
                     makefile.read_text(), re.M)
    return not line or f"\n{line[1]}=y\n" in config


def config_differences(base, conf, cache, where, kernels=kdesc.HERE):
    """Return in which symbols a plain kernel differs from the reference undeclared.

    Those that the series adds are the declared ones. where: an empty directory to configure in.
    The lock must be held.
    """
    patches = kdesc.series(kernels)
    make = kimage.Make(ktree.ensure_source(base, conf, patches, cache), where / "objects",
                       where / "log", cache)
    make.objects.mkdir()
    ours = set(kcheck.added_symbols(patches)) | {"LOCALVERSION"}
    reference, problems = None, []
    strategies = [kdesc.load_strategy(name, kernels) for name in kdesc.strategy_ids(kernels)]
    for strategy in sorted(strategies, key=lambda one: (bool(one.family), one.id)):
        if not strategy.has_own_kernel:
            continue
        lines = _config(kimage.make_recipe(strategy, base, kernels), make)
        reference = reference or lines
        problems += [f"strategies/{strategy.id}.conf: its kernel differs in CONFIG_{symbol} too"
                     for symbol in sorted({*reference, *lines} - ours)
                     if reference.get(symbol) != lines.get(symbol)]
    return problems


def _config(recipe, make):
    """Return {symbol: value} of what Kconfig makes of a recipe."""
    kimage.configure(make, recipe)
    lines = (make.objects / ".config").read_text().splitlines()
    return dict(line.removeprefix("CONFIG_").split("=", 1) for line in lines
                if line.startswith("CONFIG_"))
