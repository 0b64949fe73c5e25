# SPDX-License-Identifier: GPL-2.0-only
"""Bends and meeting lines in data whose answer is known."""
import numpy as np
import pytest

from tlbreport.fits import break_even, knee

PAGES = np.array([1, 2, 4, 8, 16, 32, 33, 34, 48, 64, 128.0])


def flush(pages, page=150.0, full=1500.0, other=40.0, ceiling=33):
    """Return what an op costs: other work on a page, and one way to flush or the other."""
    return 700 + other * pages + np.where(pages <= ceiling, page * pages, full)


@pytest.mark.parametrize("page, full, meet", [(150, 1500, 10), (100, 4000, 40), (30, 60, 2)])
def test_break_even(page, full, meet):
    """Both ways cost the same where full = n page, on either side of the ceiling."""
    assert break_even(PAGES, flush(PAGES, page, full), 33).x == pytest.approx(meet)


def test_break_even_does_not_need_order():
    """The points may come as they like."""
    turned = PAGES[::-1].copy()
    assert break_even(turned, flush(turned), 33).x == pytest.approx(10)


def test_break_even_with_noise():
    """1 % of noise moves it by less than a page or two."""
    noise = np.random.default_rng(7).normal(1, 0.01, len(PAGES))
    assert break_even(PAGES, flush(PAGES) * noise, 33).x == pytest.approx(10, abs=2)


@pytest.mark.parametrize("y, why", [
    (flush(PAGES, page=0), "adds no cost"),
    (flush(PAGES, page=150, full=-100), "never dearer"),
])
def test_no_break_even(y, why):
    """Where lines do not meet there is a reason and no number."""
    fit = break_even(PAGES, y, 33)
    assert fit.x is None and why in fit.why


def test_break_even_needs_points_on_both_sides():
    """One point is no line."""
    x = np.array([1, 8, 32, 64.0])
    assert "needs 2 points" in break_even(x, flush(x), 33).why


BATCHES = 2.0 ** np.arange(11)


def test_knee_of_a_plateau():
    """A batch pays until 64 and not beyond."""
    cost = 1000 - 90 * np.minimum(np.log2(BATCHES), 6)
    assert knee(BATCHES, cost).x == 64
    assert knee(BATCHES[::-1], cost[::-1]).x == 64


def test_knee_of_a_rise():
    """Throughput that stops at 16 CPUs."""
    assert knee(BATCHES[:8], 300 * np.minimum(np.log2(BATCHES[:8]) + 1, 5)).x == 16


@pytest.mark.parametrize("y", [np.zeros(11), np.full(11, 5.0), 3 + 2 * np.log2(BATCHES)])
def test_no_knee(y):
    """A flat or straight curve does not bend."""
    assert knee(BATCHES, y).x is None


def test_noise_is_no_knee():
    """Scatter around a straight line is not taken for a bend."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        assert knee(BATCHES, 100 + rng.normal(0, 1, 11) + 10 * np.log2(BATCHES)).x is None


def test_knee_needs_points():
    """Four points bend in any way one likes."""
    assert "needs 5 points" in knee(BATCHES[:4], BATCHES[:4]).why
