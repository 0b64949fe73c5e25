# SPDX-License-Identifier: GPL-2.0-only
"""Image ids and images, built with a make that fakes."""

import configparser
import io
from dataclasses import replace

import pytest

import kdesc
import kimage
import ktree
from kerr import Error, UsageError


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    """Do without the tools that only a real build needs."""
    monkeypatch.setattr(kimage, "check_tools", lambda: None)


def recipe_of(site, name):
    """Return (Recipe, BaseConf) of a strategy of the site."""
    conf = kdesc.load_base(site.kernels)
    base = ktree.find_base(conf, site.cache)
    return kimage.make_recipe(kdesc.load_strategy(name, site.kernels), base, site.kernels), conf


def build(site, name):
    """Build the image of a strategy and return its directory."""
    recipe, conf = recipe_of(site, name)
    return kimage.build(recipe, conf, site.cache)


def test_id_is_stable_and_names_the_strategy(site):
    ident = recipe_of(site, "fake")[0].id
    assert recipe_of(site, "fake")[0].id == ident
    assert ident.startswith("fake-") and len(ident) == len("fake-") + 12


def test_id_changes_with_every_ingredient(site):
    recipe, _ = recipe_of(site, "fake")
    other = [
        replace(recipe, fragment=recipe.fragment + "CONFIG_A=y\n"),
        replace(recipe, compiler="other"),
        replace(recipe, patches=recipe.patches[:1]),
        replace(recipe, base=replace(recipe.base, digest="0" * 64)),
        replace(recipe, choice="OTHER"),
    ]
    assert len({r.id for r in [recipe, *other]}) == 6


def test_id_does_not_change_with_words(site):
    recipe, _ = recipe_of(site, "fake")
    path = site.kernels / "strategies/fake.conf"
    path.write_text(path.read_text().replace("hypothesis = none", "hypothesis = other"))
    assert recipe_of(site, "fake")[0].id == recipe.id


def test_runtime_image_has_all_strategies_and_checks(site):
    conf = kdesc.load_base(site.kernels)
    recipe = kimage.make_runtime_recipe(ktree.find_base(conf, site.cache), site.kernels)
    image = kimage.build(recipe, conf, site.cache)
    assert image.name.startswith("runtime-")
    lines = (image / "config").read_text().splitlines()
    assert {"CONFIG_SMP=y", "CONFIG_DEBUG_VM=y", "CONFIG_TLB_STRATEGY_RUNTIME=y"} <= set(lines)
    assert "CONFIG_TLB_FAKE=y" not in lines
    (tree,) = (site.cache / "trees").iterdir()
    assert sorted(p.name for p in tree.iterdir()) == ["linux", "runtime"]


def test_strategy_without_a_choice_is_in_the_runtime_image_only(site):
    path = site.kernels / "strategies/fake.conf"
    path.write_text(path.read_text().replace("choice = TLB_FAKE", "choice ="))
    with pytest.raises(UsageError, match="strategy fake: .* kernels/build --runtime"):
        recipe_of(site, "fake")


def test_config_has_choice_and_release(site):
    recipe, _ = recipe_of(site, "fake")
    lines = recipe.config().splitlines()
    assert lines[-2:] == ["CONFIG_TLB_FAKE=y", f'CONFIG_LOCALVERSION="-{recipe.id}"']
    assert "=y" not in recipe_of(site, "baseline")[0].config().splitlines()[-2]


def test_image_is_complete_and_found(site):
    recipe, conf = recipe_of(site, "fake")
    assert kimage.find(recipe, site.cache) is None
    image = kimage.build(recipe, conf, site.cache)
    assert kimage.find(recipe, site.cache) == image
    assert sorted(p.name for p in image.iterdir()) == ["config", "image.conf", "vmlinux"]
    parser = configparser.ConfigParser()
    parser.read(image / "image.conf")
    facts = dict(parser["image"])
    assert facts["id"] == image.name == recipe.id
    assert (facts["strategy"], facts["flavour"]) == ("fake", "plain")
    assert facts["release"] == f"6.12.7-{recipe.id}"
    assert facts["base"] == f"6.12.7 {recipe.base.digest}"


def test_strategies_share_their_objects(site):
    build(site, "baseline")
    build(site, "fake")
    (tree,) = (site.cache / "trees").iterdir()
    assert sorted(p.name for p in tree.iterdir()) == ["linux", "plain"]
    assert len(list((site.cache / "images").iterdir())) == 2


def test_damaged_image_is_not_found_and_can_be_rebuilt(site):
    image = build(site, "fake")
    (image / "vmlinux").write_text("half")
    recipe, conf = recipe_of(site, "fake")
    assert kimage.find(recipe, site.cache) is None
    assert kimage.build(recipe, conf, site.cache) == image
    assert kimage.find(recipe, site.cache) == image


def test_line_that_the_config_does_not_honour_is_named(site, monkeypatch):
    monkeypatch.setattr(kimage, "KEPT", (*kimage.KEPT, "FAKE_MAKE_DROPS"))
    monkeypatch.setenv("FAKE_MAKE_DROPS", "CONFIG_SMP")
    with pytest.raises(Error, match="CONFIG_SMP=y: the .config has no CONFIG_SMP"):
        build(site, "fake")
    assert not (site.cache / "images").exists()


def test_failed_make_shows_the_end_of_the_log(site):
    (site.tmp / "make-fails").write_text("")
    with pytest.raises(Error, match=r"(?s)make vmlinux failed; the log is .*\.log.*boom"):
        build(site, "fake")
    assert not (site.cache / "images").exists()


def test_build_does_not_see_the_callers_variables(site, monkeypatch):
    for name in ("MAKEFLAGS", "LOCALVERSION", "KCFLAGS", "ARCH"):
        monkeypatch.setenv(name, "x")
    make = kimage.Make(site.tmp, site.tmp, site.tmp / "log", site.cache)
    assert not {"MAKEFLAGS", "LOCALVERSION", "KCFLAGS", "ARCH"} & set(make.env)
    assert make.env["KBUILD_BUILD_TIMESTAMP"] == "2024-01-01"


def test_missing_tool_names_the_package(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(kimage.shutil, "which", lambda tool: None if tool == "flex" else tool)
    with pytest.raises(Error, match="apt-get install .*flex"):
        kimage.check_tools()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize("stream, seconds, expected", [
    (io.StringIO(), 9, ""),
    (io.StringIO(), 11, "kernels: 2/5 objects, 11 s\n"),
    (Terminal(), 3, "\rkernels: 2/5 objects, 3 s\n"),
])
def test_progress(stream, seconds, expected):
    now = [0.0]
    progress = kimage.Progress(5, stream, lambda: now[0])
    now[0] = float(seconds)
    progress.update(b"  CC      a.o\n  AS      b.o\n  AR      c.a\n")
    progress.close()
    assert stream.getvalue() == expected
    assert progress.done == 2
