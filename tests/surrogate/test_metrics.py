"""Figures of merit, against integrals and SciPy."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from aiida_osc.surrogate.metrics import crps, nll, score

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
