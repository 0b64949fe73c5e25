# SPDX-License-Identifier: GPL-2.0-only
"""Kernel specs: how a user names a kernel.

    ID               a strategy, in a kernel of its own
    runtime:ID       the image with all strategies, told by parameter to use this one
    deb:PACKAGE      a Debian kernel package, by name; or deb:FILE.deb
    tree:DIR[@REV]   a source tree, or a git revision of it, built here
    PATH             a bzImage or a vmlinux (with PVH)

This is the only place that takes a spec apart.
"""

from dataclasses import dataclass
from pathlib import Path

import kdesc
from kerr import UsageError

EXPECTED = ("expected a strategy, runtime:ID, deb:PACKAGE, tree:DIR[@REV], or the path of a bzImage"
            " or vmlinux")


@dataclass(frozen=True)
class Spec:
    """A spec: `kind` is strategy, runtime, deb, tree or file; `rev` is of a tree, or empty."""

    kind: str
    name: str
    rev: str = ""


# The image with all strategies, told nothing.
RUNTIME = Spec("runtime", "")


def parse(text, kernels=kdesc.HERE):
    """Return the Spec that `text` stands for; UsageError, with what was expected, if it is none."""
    kind, colon, rest = text.partition(":")
    if colon and kind in _KINDS:
        if not rest:
            raise UsageError(f"'{text}': nothing behind the colon; {EXPECTED}")
        return _KINDS[kind](rest, kernels)
    known = kdesc.strategy_ids(kernels)
    if text in known:
        return Spec("strategy", text)
    if Path(text).is_file():
        return Spec("file", text)
    if "/" in text and Path(text).is_dir():
        raise UsageError(f"{text}: a directory; expected tree:{text}, or the path of a bzImage or"
                         " vmlinux")
    if "/" in text:
        raise UsageError(f"{text}: no such file; {EXPECTED}")
    if colon:
        raise UsageError(f"{text}: unknown kind '{kind}:'; {EXPECTED}")
    own = [name for name in known if kdesc.load_strategy(name, kernels).has_own_kernel]
    raise UsageError(f"unknown strategy {text}; known are: {', '.join(own)}; or name a file,"
                     " deb:PACKAGE, tree:DIR[@REV] or runtime:ID")


def _runtime(name, kernels):
    kdesc.load_strategy(name, kernels)
    return Spec("runtime", name)


def _deb(name, _kernels):
    if ("/" in name or name.endswith(".deb")) and not Path(name).is_file():
        raise UsageError(f"deb:{name}: no such file; expected a package or a .deb file")
    return Spec("deb", name)


def _tree(text, _kernels):
    """A directory may have an @ in its name, and so may a revision."""
    places = [at for at, char in enumerate(text) if char == "@"] + [len(text)]
    for at in reversed(places):
        if at and Path(text[:at]).is_dir():
            rev = text[at + 1:]
            if at < len(text) and not rev:
                raise UsageError(f"tree:{text}: no revision behind the @")
            return Spec("tree", text[:at], rev)
    raise UsageError(f"tree:{text}: no such directory; expected tree:DIR or tree:DIR@REV")


_KINDS = {"runtime": _runtime, "deb": _deb, "tree": _tree}
