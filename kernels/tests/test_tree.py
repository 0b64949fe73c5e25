# SPDX-License-Identifier: GPL-2.0-only
"""The base tree and the patched one."""

import os

import pytest

import kdesc
import ktree
from kerr import Error


def base_of(site):
    """Return (Base, BaseConf) of the site."""
    conf = kdesc.load_base(site.kernels)
    return ktree.find_base(conf, site.cache), conf


def names(tree):
    """Return the relative paths of the files of a tree, sorted."""
    return sorted(str(p.relative_to(tree)) for p in tree.rglob("*") if p.is_file())


WANTED = ["Documentation/Kconfig", "Documentation/admin-guide/p.txt", "Kconfig", "Makefile",
          "arch/arm/Kconfig", "arch/x86/a.c", "mm/x.c", "sound/core/Kconfig"]


def test_unpack_leaves_out_what_is_not_built(site):
    base, conf = base_of(site)
    tree = ktree.ensure_base(base, conf, site.cache)
    assert names(tree) == WANTED
    assert ktree.ensure_base(base, conf, site.cache) == tree


def test_missing_tarball_says_what_to_do(site):
    site.tarball.unlink()
    with pytest.raises(Error, match="install the Debian package linux-fake, or set KSRC"):
        base_of(site)


def test_broken_tarball_leaves_no_tree(site):
    site.tarball.write_bytes(site.tarball.read_bytes()[:-40])
    base, conf = base_of(site)
    with pytest.raises(Error, match="cannot unpack"):
        ktree.ensure_base(base, conf, site.cache)
    assert not list((site.cache / "base").iterdir())


def test_digest_follows_the_content(site):
    first, _ = base_of(site)
    assert base_of(site)[0] == first
    site.tarball.write_bytes(site.tarball.read_bytes() + b"\0")
    assert base_of(site)[0].id != first.id


def test_user_tree(site, monkeypatch):
    tree = site.tmp / "linux-fake"
    monkeypatch.setenv("KSRC", str(tree))
    base, conf = base_of(site)
    assert names(ktree.ensure_base(base, conf, site.cache)) == WANTED
    os.utime(tree / "mm/x.c", (1, 1))
    assert base_of(site)[0] == base
    (tree / "mm/x.c").write_text("other\n")
    other, _ = base_of(site)
    assert other != base
    ktree.ensure_base(other, conf, site.cache)
    assert [path.name for path in (site.cache / "base").iterdir()] == [other.id]


@pytest.mark.parametrize("name, text, message", [
    ("Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 2\nEXTRAVERSION =\n", "is Linux 6.1.2"),
    ("Makefile", "all:\n", "does not tell the version"),
    (".config", "", "make mrproper"),
])
def test_user_tree_that_cannot_be_used(site, monkeypatch, name, text, message):
    tree = site.tmp / "linux-fake"
    (tree / name).write_text(text)
    monkeypatch.setenv("KSRC", str(tree))
    with pytest.raises(Error, match=message):
        base_of(site)


def test_user_tree_that_would_be_removed(site, monkeypatch):
    """What kernels/build --tree prints is no tree of the user's."""
    base, conf = base_of(site)
    tree = ktree.ensure_base(base, conf, site.cache)
    monkeypatch.setenv("KSRC", str(tree))
    with pytest.raises(Error, match="is in the cache, .* set KSRC to a copy"):
        base_of(site)


def test_user_tree_that_is_none(site, monkeypatch):
    monkeypatch.setenv("KSRC", str(site.tmp))
    with pytest.raises(Error, match="is not a Linux source tree"):
        base_of(site)


def test_series_applies_and_the_base_stays(site):
    base, conf = base_of(site)
    source = ktree.ensure_source(base, conf, kdesc.series(site.kernels), site.cache)
    assert (source / "mm/x.c").read_text() == "three\n"
    assert (base.dir(site.cache) / "mm/x.c").read_text() == "one\n"
    assert os.path.samefile(source / "arch/x86/a.c", base.dir(site.cache) / "arch/x86/a.c")


def test_series_in_the_wrong_order_is_refused(site):
    base, conf = base_of(site)
    with pytest.raises(Error, match="0002-b.patch does not apply"):
        ktree.ensure_source(base, conf, kdesc.series(site.kernels)[::-1], site.cache)
    assert not list((site.cache / "trees").iterdir())


def test_other_trees_are_removed(site):
    base, conf = base_of(site)
    series = kdesc.series(site.kernels)
    old = ktree.ensure_source(base, conf, series[:1], site.cache)
    new = ktree.ensure_source(base, conf, series, site.cache)
    assert list((site.cache / "trees").iterdir()) == [new.parent] != [old.parent]
