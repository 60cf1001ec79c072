"""Figures of merit, against integrals, SciPy and an independent library."""

import numpy as np
import pytest
import uncertainty_toolbox as toolbox
from scipy.integrate import quad
from scipy.stats import norm, spearmanr

from aiida_osc.surrogate.metrics import (
    calibration_bins,
    crps,
    ence,
    error_correlation,
    miscalibration_area,
    nll,
    reliability,
    score,
)

CASES = [(0.0, 1.0, 0.0), (0.3, 0.5, 1.7), (-2.0, 3.0, 4.0), (5.0, 0.2, 4.0)]


@pytest.mark.parametrize(('mean', 'sigma', 'label'), CASES)
def test_crps_is_its_defining_integral(mean, sigma, label):
    below = quad(lambda x: norm.cdf(x, mean, sigma) ** 2, mean - 40 * sigma, label, points=[mean], limit=500)[0]
    above = quad(lambda x: norm.sf(x, mean, sigma) ** 2, label, mean + 40 * sigma, points=[mean], limit=500)[0]
    assert crps(np.array(mean), np.array(sigma), np.array(label)) == pytest.approx(below + above, abs=1e-6)


def test_crps_of_a_certain_prediction_is_the_absolute_error():
    assert crps(np.array([1.0]), np.array([1e-9]), np.array([3.5])) == pytest.approx([2.5])


@pytest.mark.parametrize(('mean', 'sigma', 'label'), CASES)
def test_nll_is_scipys(mean, sigma, label):
    assert nll(np.array(mean), np.array(sigma), np.array(label)) == pytest.approx(-norm.logpdf(label, mean, sigma))


def test_score_leaves_missing_labels_out():
    mean, sigma = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0])
    result = score(mean, sigma, np.array([2.0, np.nan, 0.0]))
    assert (result['n'], result['mae']) == (2, 2.0)
    assert result['rmse'] == pytest.approx(np.sqrt(5))
    assert result['nll'] == pytest.approx(-norm.logpdf([1.0, 3.0]).mean())
    assert score(mean, sigma, np.full(3, np.nan)) == {'n': 0}


@pytest.fixture
def answers():
    """Return means, standard deviations and labels whose errors are larger than promised, and grow with sigma."""
    rng = np.random.default_rng(4)
    sigma = rng.uniform(0.1, 2, 700)
    mean = rng.normal(size=700)
    return mean, sigma, mean + 1.6 * sigma * rng.standard_t(5, 700)


def test_figures_are_those_of_an_independent_library(answers):
    mean, sigma, labels = answers
    own = score(mean, sigma, labels)
    accuracy = toolbox.metrics_accuracy.prediction_error_metrics(mean, labels)
    assert (own['mae'], own['rmse']) == pytest.approx((accuracy['mae'], accuracy['rmse']))
    assert own['nll'] == pytest.approx(toolbox.nll_gaussian(mean, sigma, labels))
    assert own['crps'] == pytest.approx(toolbox.crps_gaussian(mean, sigma, labels))
    assert own['sharpness'] == pytest.approx(toolbox.sharpness(sigma))
    # Its curve has 100 points, ours 101.
    assert own['miscalibration_area'] == pytest.approx(toolbox.miscalibration_area(mean, sigma, labels), abs=2e-3)
    assert own['spearman'] == pytest.approx(spearmanr(np.abs(mean - labels), sigma).statistic)
    for confidence in (0.5, 0.9, 0.95):
        share = toolbox.get_proportion_in_interval(mean, sigma, labels, confidence)
        assert own[f'coverage_{100 * confidence:.0f}'] == pytest.approx(share)


def test_reliability_curve_is_that_of_an_independent_library(answers):
    mean, sigma, labels = answers
    _, theirs = toolbox.get_proportion_lists_vectorized(mean, sigma, labels, num_bins=101, prop_type='interval')
    np.testing.assert_allclose(reliability(sigma, mean - labels)[1], theirs, atol=1 / 700)


def test_miscalibration_area_of_a_crossing_curve_by_hand():
    # Two of three labels are exact, the third is infinitely far: the curve jumps to 2/3, which the diagonal crosses.
    area = miscalibration_area(np.ones(3), np.array([0.0, 0.0, 1e9]))
    assert area == pytest.approx(0.5 * (2 / 3) ** 2 + 0.5 * (1 / 3) ** 2, abs=0.01)


def test_ence_by_hand():
    # Two bins of ten: errors of 2 where 1 was promised, and of 3 where 4 was: (|1 - 2| / 1 + |4 - 3| / 4) / 2.
    sigma, error = np.repeat([1.0, 4.0], 10), np.repeat([2.0, -3.0], 10)
    assert ence(sigma, error) == pytest.approx(0.625)
    predicted, found = calibration_bins(sigma[::-1], error[::-1])
    assert (predicted.tolist(), found.tolist()) == ([1.0, 4.0], [2.0, 3.0])


def test_honest_predictions_look_honest():
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.1, 2, 20000)
    figures = score(np.zeros(20000), sigma, sigma * rng.normal(size=20000))
    assert figures['ence'] < 0.03
    assert figures['miscalibration_area'] < 0.01
    assert figures['coverage_90'] == pytest.approx(0.9, abs=0.01)
    assert figures['spearman'] > 0.3


def test_what_cannot_be_said_is_none():
    assert error_correlation(np.ones(5), np.arange(5.0)) is None
    assert score(np.zeros(1), np.ones(1), np.ones(1))['spearman'] is None


def test_coverage_takes_given_half_widths():
    figures = score(np.zeros(4), np.ones(4), np.array([0.1, 0.4, 2.0, 9.0]), {0.5: 0.2, 0.9: 1.0, 0.95: 3.0})
    assert [figures[f'coverage_{level}'] for level in (50, 90, 95)] == [0.25, 0.5, 0.75]
