# SPDX-License-Identifier: GPL-2.0-only
"""The text files: strategies, series, fragment."""

import pytest

import kdesc
from kerr import Error, UsageError


def test_unknown_strategy_names_it_and_the_known_ones(site):
    with pytest.raises(UsageError) as err:
        kdesc.load_strategy("nope", site.kernels)
    assert str(err.value) == ("unknown strategy nope; expected one of kernels/strategies,"
                              " such as baseline")


def test_strategy_has_all_keys(site):
    strategy = kdesc.load_strategy("fake", site.kernels)
    assert (strategy.id, strategy.choice, strategy.expect) == ("fake", "TLB_FAKE", "fake")


@pytest.mark.parametrize("old, new", [("sound = yes\n", ""), ("boot =", "boots =")])
def test_strategy_with_wrong_keys_is_refused(site, old, new):
    path = site.kernels / "strategies/fake.conf"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(Error, match="missing or unknown keys"):
        kdesc.load_strategy("fake", site.kernels)


def test_strategy_name_must_fit_a_release(site):
    name = "Not_An_Id"
    (site.kernels / "strategies" / f"{name}.conf").write_text("[strategy]\n")
    with pytest.raises(Error, match="is named with"):
        kdesc.load_strategy(name, site.kernels)


def test_malformed_ini_is_one_line(site):
    (site.kernels / "base.conf").write_text("no section\n")
    with pytest.raises(Error) as err:
        kdesc.load_base(site.kernels)
    assert "\n" not in str(err.value)


def test_series_keeps_its_order(site):
    series = site.kernels / "patches/series"
    series.write_text("# why\n\n0002-b.patch\n0001-a.patch\n")
    assert [p.name for p in kdesc.series(site.kernels)] == ["0002-b.patch", "0001-a.patch"]


def test_series_digest_depends_on_order_and_content(site):
    first, second = kdesc.series(site.kernels)
    digests = {kdesc.series_digest([first, second]), kdesc.series_digest([second, first])}
    first.write_text(first.read_text() + "\n")
    digests.add(kdesc.series_digest([first, second]))
    assert len(digests) == 3


def test_series_with_a_missing_patch(site):
    (site.kernels / "patches/0002-b.patch").unlink()
    with pytest.raises(Error, match="0002-b.patch, which is not there"):
        kdesc.series(site.kernels)


def test_sha256_keeps_parts_apart():
    assert kdesc.sha256("ab") != kdesc.sha256("a", "b")


def test_fragment_comments_are_not_settings():
    text = "# a comment\n\nCONFIG_A=y\n# CONFIG_B is not set\n# CONFIG_B is about B\n"
    assert list(kdesc.parse_fragment(text)) == ["CONFIG_A", "CONFIG_B"]


@pytest.mark.parametrize("text, message", [
    ("CONFIG_A=y\n# CONFIG_A is not set\n", "CONFIG_A is there twice"),
    ("CONFIG_A\n", "cannot read the line: CONFIG_A"),
])
def test_bad_fragment(text, message):
    with pytest.raises(Error, match=message):
        kdesc.parse_fragment(text)


@pytest.mark.parametrize("line, config, fine", [
    ("CONFIG_A=y", "CONFIG_A=y\n", True),
    ("CONFIG_A=y", "CONFIG_AB=y\n", False),
    ("CONFIG_A=y", "# CONFIG_A is not set\n", False),
    ("CONFIG_N=64", "CONFIG_N=8\n", False),
    ("# CONFIG_A is not set", "", True),
    ("# CONFIG_A is not set", "# CONFIG_A is not set\n", True),
    ("# CONFIG_A is not set", "CONFIG_A=y\n", False),
])
def test_verify_config(line, config, fine):
    problems = kdesc.verify_config(kdesc.parse_fragment(line), config)
    assert bool(problems) is not fine
    assert all(line in problem for problem in problems)
