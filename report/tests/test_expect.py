# SPDX-License-Identifier: GPL-2.0-only
"""Seen, not seen or cannot tell, for campaigns whose numbers are known."""
import pytest
from make_campaign import make, metric

from tlbreport.expect import groups, wanted
from tlbreport.load import load

WOKEN = "lazy_idle-woken/cpus=4"
PAGES = (1, 2, 4, 8, 16, 32, 64, 128)
SWEEP = {f"m/pages={n}/cpus=2": "munmap" for n in PAGES}
EXPECTATION = {"name": "x", "says": "What was said.", "source": None,
               "metrics": ["ipis_received_per_op"], "cases": [WOKEN], "kernel_a": None,
               "kernel_b": None, "along": None, "from": None, "to": None, "each": False,
               "direction": None,
               "factor": 1, "knee": None,
               "break_even": None}
KERNELS = {"kernel_a": "baseline", "kernel_b": "lazy-ipi"}


def look(run, directory, numbers=None, accel="kvm", pairs=4, missing=(), **keys):
    """Make a campaign with one expectation and return (report, word of the answer).

    numbers(case, kernel, pair) is the value of cost_ns in that boot; None: absent.
    """
    def edit(kind, record):
        if kind == "plan":
            record["expectations"] = [EXPECTATION | keys]
            record["missing_kernels"] = [{"name": n, "strategy": n} for n in missing]
        if kind == "repetition" and numbers:
            value = numbers(record["case"], record["kernel"], record["pair"])
            record["metrics"] = [metric("cost_ns", "ns", value, reason="broken")]
    result = run("compare", make(directory / "x", accel=accel, pairs=pairs, edit=edit))
    word = next(w for w in ("NOT SEEN", "CANNOT TELL", "SEEN") if f"{w}: x" in result.out)
    assert {"NOT SEEN": "not seen", "SEEN": "✓ seen"}.get(word, "cannot tell") in result.html
    return result, word


@pytest.mark.parametrize("keys, word", [
    ({"direction": "rises"}, "SEEN"),
    ({"direction": "rises", "factor": 1000}, "SEEN"),
    ({"direction": "falls"}, "NOT SEEN"),
    ({"direction": "same", "factor": 1.02}, "NOT SEEN"),
    ({"direction": "same", "factor": 1.02, "metrics": ["flushes_per_op"]}, "SEEN"),
    ({"direction": "rises", "metrics": ["no_such", "ipis_received_per_op"]}, "SEEN"),
    ({"direction": "rises", "metrics": ["no_such"]}, "CANNOT TELL"),
    ({"direction": "rises", "metrics": ["ipis_sent_per_op"]}, "CANNOT TELL"),
])
def test_kernels(run, tmp_path, no_plots, keys, word):
    """0 IPIs on the baseline and 3 on the other kernel, in each boot."""
    result, answer = look(run, tmp_path, accel="exact", **KERNELS, **keys)
    assert answer == word, result.out
    if "ipis_sent_per_op" in keys.get("metrics", ()):
        assert "this machine has no counter for it" in result.flat


def cost(factor, noise):
    """Return numbers in which lazy-ipi costs this factor, each boot with noise of its own."""
    return lambda case, kernel, pair: 1000 * (factor if kernel == "lazy-ipi" else 1) * (
        1 + noise * (-1) ** pair * (kernel == "lazy-ipi"))


@pytest.mark.parametrize("factor, noise, least, word", [
    (1.5, 0.01, 1.3, "SEEN"),
    (1.5, 0.01, 1.6, "NOT SEEN"),
    (1.5, 0.10, 1.45, "CANNOT TELL"),
    (0.9, 0.01, 1.0, "NOT SEEN"),
])
def test_by_a_factor(run, tmp_path, no_plots, factor, noise, least, word):
    """The interval over boots has to reach the factor; where it holds it, nobody can tell."""
    result, answer = look(run, tmp_path, cost(factor, noise), **KERNELS, metrics=["cost_ns"],
                          direction="rises", factor=least)
    assert answer == word, result.out
    assert "1000 ->" in result.flat


def test_one_boot_cannot_tell(run, tmp_path, no_plots):
    """A single boot has no interval, however large the difference."""
    result, answer = look(run, tmp_path, cost(9, 0), pairs=1, **KERNELS, metrics=["cost_ns"],
                          direction="rises")
    assert answer == "CANNOT TELL" and "one boot: no interval" in result.flat


def test_missing_kernel(run, tmp_path, no_plots):
    """A strategy that is not there yet is named, and is not a failure."""
    result, answer = look(run, tmp_path, missing=["luf-v10"], kernel_a="baseline",
                          kernel_b="luf-v10", direction="falls")
    assert answer == "CANNOT TELL" and result.status == 0
    assert "there is no strategy luf-v10 yet" in result.flat
    assert "there is no strategy luf-v10 yet" in result.html


def test_skipped_case(run, tmp_path, no_plots):
    """What did not run cannot tell."""
    def edit(kind, record):
        if kind == "plan":
            record["expectations"] = [EXPECTATION | KERNELS | {"direction": "falls"}]
        if kind == "repetition" and record["case"] == WOKEN:
            record.update(state="skipped", reasons=["no such backend"])
    result = run("compare", make(tmp_path / "x", edit=edit))
    assert "CANNOT TELL: x" in result.out and "ended well" in result.flat


def pages(case):
    """Return the number in the name of a case."""
    return int(case.split("pages=")[1].split("/")[0])


def paged(case, kernel, pair):
    """Break-even at 10 pages, in all boots."""
    n = pages(case)
    return (1 + pair / 100) * (700 + 40 * n + (150 * n if n <= 33 else 1500))


@pytest.mark.parametrize("keys, word, text", [
    ({"break_even": [8, 12]}, "SEEN", "at 10 [10, 10] (ceiling 33, not recorded"),
    ({"break_even": [12, 14]}, "NOT SEEN", "at 10 "),
    ({"direction": "rises", "factor": 5}, "SEEN", "pages 1 to 128"),
    ({"direction": "falls"}, "NOT SEEN", "pages 1 to 128"),
])
def test_along(run, tmp_path, no_plots, keys, word, text):
    """Points of a sweep are compared within each kernel."""
    result, answer = sweep(run, tmp_path, paged, keys)
    assert answer == word and text in result.flat, result.out
    assert "m/cpus=2: baseline" in result.flat and "m/cpus=2: lazy-ipi" in result.flat


def sweep(run, directory, numbers, keys):
    """Make a campaign over PAGES with one expectation along them."""
    def edit(kind, record):
        if kind == "plan":
            record["expectations"] = [EXPECTATION | {"cases": list(SWEEP), "along": "pages",
                                                     "metrics": ["cost_ns"]} | keys]
        if kind == "repetition":
            record["metrics"] = [metric("cost_ns", "ns", numbers(
                record["case"], record["kernel"], record["pair"]), reason="broken")]
    result = run("compare", make(directory / "x", accel="kvm", cases=SWEEP, edit=edit))
    return result, next(w for w in ("NOT SEEN", "CANNOT TELL", "SEEN") if f"{w}: x" in result.out)


def test_between_two_values(run, tmp_path, no_plots):
    """Words have no order, so the ends are named; a kernel may be the only one."""
    keys = {"from": "64", "to": "8", "direction": "falls", "kernel_a": "lazy-ipi"}
    result, answer = sweep(run, tmp_path, paged, keys)
    assert answer == "SEEN" and "lazy-ipi, pages 64 to 8: cost_ns" in result.flat
    assert "baseline, pages" not in result.flat


def test_what_each_costs(run, tmp_path, no_plots):
    """A cost that is the same for each page rises with the pages, and is flat over them."""
    keys = {"direction": "same", "factor": 1.02}
    assert sweep(run, tmp_path / "a", lambda case, *_: 7.0 * pages(case), keys)[1] == "NOT SEEN"
    result, answer = sweep(run, tmp_path / "b", lambda case, *_: 7.0 * pages(case),
                           keys | {"each": True})
    assert answer == "SEEN" and "cost_ns over pages 7 -> 7, x 1 [1, 1]" in result.flat


def test_knee(run, tmp_path, no_plots):
    """A plateau from 16 on, and a curve without any."""
    def plateau(case, kernel, pair):
        return 1000 + pair - 100 * min(pages(case).bit_length() - 1, 4)

    assert sweep(run, tmp_path / "a", plateau, {"knee": [16, 32]})[1] == "SEEN"
    assert sweep(run, tmp_path / "b", plateau, {"knee": [32, 64]})[1] == "NOT SEEN"
    result, answer = sweep(run, tmp_path / "c", lambda *a: 5.0, {"knee": [16, 32]})
    assert answer == "NOT SEEN" and "the curve has no bend" in result.flat


def test_curves_are_drawn(run, tmp_path):
    """Medians over boots, a line per kernel; words have no curve."""
    result, _ = sweep(run, tmp_path, paged, {"direction": "rises"})
    plots = result.directory / "plots"
    lines = (plots / "expect-01-x.dat").read_text().splitlines()
    assert lines[:2] == ["# m/cpus=2: baseline: pages  cost_ns", "1 903.35"]
    assert (plots / "expect-01-x.svg").read_text().rstrip().endswith("</svg>")
    assert "cost ns along pages" in result.html


def test_absent_points_are_said(run, tmp_path, no_plots):
    """A curve without values has their reason."""
    result, answer = sweep(run, tmp_path, lambda *a: None, {"knee": [16, 32]})
    assert answer == "CANNOT TELL" and "broken" in result.flat


def test_plans_without_expectations(run, tmp_path, no_plots):
    """Campaigns of before have no such section."""
    assert "Expected" not in run("compare", make(tmp_path / "x")).out


def test_groups_and_words(tmp_path):
    """The key may stand anywhere in a name; a value may be a word."""
    assert groups(("a/n=2/m=1", "a/n=4/m=1", "b", "a/n=x"), "n") == {
        "a/m=1": {"2": "a/n=2/m=1", "4": "a/n=4/m=1"}, "a": {"x": "a/n=x"}}

    def edit(kind, record):
        if kind == "plan":
            record["expectations"] = [EXPECTATION | KERNELS | {"direction": "same",
                                                               "factor": 1.05}]
    expectation = load(make(tmp_path / "x", edit=edit)).expectations[0]
    assert wanted(expectation) == (
        "ipis_received_per_op is the same from baseline to lazy-ipi, within 5 %")
