# SPDX-License-Identifier: GPL-2.0-only
"""Checks that need a tree, with a make that fakes."""

import pytest

import kdesc
import kimage
import kprefix
import ktree


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    """Do without the tools that only a real build needs."""
    monkeypatch.setattr(kimage, "check_tools", lambda: None)


@pytest.fixture
def base(site):
    """Return (Base, BaseConf) of the site."""
    conf = kdesc.load_base(site.kernels)
    return ktree.find_base(conf, site.cache), conf


def test_series_that_applies_changes_nothing(site):
    tree = site.tmp / "linux-fake"
    assert kprefix.applies(kdesc.series(site.kernels), tree) == []
    assert (tree / "mm/x.c").read_text() == "one\n"


def test_series_that_does_not_apply_is_named(site):
    tree = site.tmp / "linux-fake"
    (tree / "mm/x.c").write_text("other\n")
    (problem,) = kprefix.applies(kdesc.series(site.kernels), tree)
    assert problem.startswith("0001-a.patch does not apply")


def test_kernels_differ_in_their_choice_alone(site, base, tmp_path):
    where = tmp_path / "where"
    where.mkdir()
    assert kprefix.config_differences(*base, site.cache, where, site.kernels) == []


def test_undeclared_difference_is_named(site, base, tmp_path):
    path = site.kernels / "strategies/fake.conf"
    path.write_text(path.read_text().replace("TLB_FAKE", "OTHER"))
    where = tmp_path / "where"
    where.mkdir()
    assert kprefix.config_differences(*base, site.cache, where, site.kernels) == [
        "strategies/fake.conf: its kernel differs in CONFIG_OTHER too"]


def test_each_prefix_builds(site, base, capfd):
    assert kprefix.prefixes(*base, site.cache, site.kernels) == []
    said = capfd.readouterr().err
    assert "prefix 1/2: 0001-a.patch" in said and "prefix 2/2: 0002-b.patch" in said
    assert not (site.cache / "prefix").exists()


def test_prefix_that_does_not_build_is_named(site, base):
    (site.tmp / "make-fails").write_text("")
    problems = kprefix.prefixes(*base, site.cache, site.kernels)
    assert [problem.split(": make")[0] for problem in problems] == [
        f"{patch}: {flavour}" for patch in ("0001-a.patch", "0002-b.patch")
        for flavour in ("plain", "runtime")]


def test_prefix_leaves_out_what_its_kernel_does(site):
    tree = site.tmp / "linux-fake"
    (tree / "mm/Makefile").write_text("obj-y += y.o\nobj-$(CONFIG_X) += w.o x.o\n")
    assert kprefix.is_compiled(tree, "mm/x.c", "#\nCONFIG_X=y\n")
    assert not kprefix.is_compiled(tree, "mm/x.c", "#\n# CONFIG_X is not set\n")
    assert not kprefix.is_compiled(tree, "mm/y.c", "#\nCONFIG_X=y\n")
