"""Conformal intervals."""

import numpy as np
import pytest
from scipy.stats import norm

from aiida_osc.errors import OscError
from aiida_osc.surrogate.conformal import GRID, MIN_LABELS, Intervals, normal_factor


def draw(rng, count):
    """Return mean, sigma and labels with errors of heavy tails that the standard deviations do not promise."""
    sigma = rng.uniform(0.2, 1, (count, 1))
    return np.zeros((count, 1)), sigma, sigma * rng.standard_t(2, (count, 1))


@pytest.mark.parametrize('confidence', [0.5, 0.85, 0.9, 0.95])
def test_promised_share_of_other_labels_lies_inside(confidence):
    """Averaged over calibrations, as the theorem says; a normal distribution would miss half as many again."""
    rng = np.random.default_rng(3)
    _, sigma, labels = draw(rng, 20000)
    factors = [Intervals.fit(*draw(rng, 60)).factors(confidence)[0] for _ in range(300)]
    covered = [(np.abs(labels) <= factor * sigma).mean() for factor in factors]
    assert np.mean(covered) == pytest.approx(confidence, abs=0.012)


def test_quantiles_are_corrected_for_the_finite_number():
    labels = np.arange(1.0, 40.0)[:, None]  # 39 scores of 1 to 39
    intervals = Intervals.fit(np.zeros((39, 1)), np.ones((39, 1)), labels)
    assert intervals.factors(0.5)[0] == 20  # the (39 + 1) 0.5th smallest
    assert intervals.factors(0.9)[0] == 36
    assert intervals.factors(0.95)[0] == 38
    assert intervals.factors(0.99)[0] == 39  # 39 labels cannot promise it: their largest error
    assert intervals.factors(0.999)[0] == pytest.approx(39 * normal_factor(0.999) / normal_factor(0.99))


def test_few_labels_give_normal_intervals():
    rng = np.random.default_rng(0)
    mean, sigma, labels = (np.repeat(array, 2, axis=1) for array in draw(rng, 200))
    labels[MIN_LABELS - 1 :, 1] = np.nan
    intervals = Intervals.fit(mean, sigma, labels)
    assert intervals.factors(0.9)[1] == pytest.approx(norm.ppf(0.95))
    assert intervals.factors(0.9)[0] > 1.2 * norm.ppf(0.95)
    assert Intervals.fit(mean[:0], sigma[:0], labels[:0]).factors(0.3).tolist() == [pytest.approx(norm.ppf(0.65))] * 2


def test_normal_errors_give_nearly_normal_intervals_that_widen():
    rng = np.random.default_rng(0)
    intervals = Intervals.fit(np.zeros((50000, 1)), np.ones((50000, 1)), rng.normal(size=(50000, 1)))
    confidences = np.linspace(0.01, 0.999, 200)
    factors = np.array([intervals.factors(item)[0] for item in confidences])
    assert (np.diff(factors) > 0).all()
    np.testing.assert_allclose(factors, [normal_factor(item) for item in confidences], atol=0.08)


def test_survives_json_and_refuses_damage():
    intervals = Intervals.fit(*draw(np.random.default_rng(0), 100))
    again = Intervals.from_json(intervals.to_json(), 1)
    np.testing.assert_array_equal(again.quantiles, intervals.quantiles)
    for damaged in (
        [],
        'x',
        [[1.0], [1.0, 2.0]],
        {},
        [[1.0]],
        [[2.0, 1.0, *GRID[2:]]],
        [[float('nan')] * len(GRID)],
        intervals.to_json() * 2,
    ):
        with pytest.raises(OscError, match='its intervals do not fit'):
            Intervals.from_json(damaged, 1)
    for confidence in (0, 1, -0.5, 90):
        with pytest.raises(OscError, match='between 0 and 1'):
            intervals.factors(confidence)
