"""Scaling of standard deviations."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from aiida_osc.surrogate.calibration import sigma_scale
from aiida_osc.surrogate.metrics import nll


@pytest.fixture
def overconfident():
    """Return mean, sigma and labels of predictions that claim a third of their error."""
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.1, 1, (400, 2))
    mean = rng.normal(size=(400, 2))
    return mean, sigma, mean + sigma * rng.normal(size=(400, 2)) * [3.0, 0.5]


def test_factor_is_the_optimum_found_numerically(overconfident):
    mean, sigma, labels = overconfident
    factors = sigma_scale(mean, sigma, labels)
    assert factors == pytest.approx([3.0, 0.5], rel=0.1)  # the factors that made the data
    for target in range(2):
        best = minimize_scalar(
            lambda s, t=target: nll(mean[:, t], s * sigma[:, t], labels[:, t]).mean(), bounds=(0.1, 10)
        )
        assert factors[target] == pytest.approx(best.x, rel=1e-4)


def test_factor_improves_the_likelihood_of_other_molecules(overconfident):
    mean, sigma, labels = overconfident
    factors = sigma_scale(mean[:200], sigma[:200], labels[:200])
    before, after = (nll(mean[200:], scale * sigma[200:], labels[200:]).mean(axis=0) for scale in (1, factors))
    assert (after < before).all()


def test_missing_labels_do_not_count(overconfident):
    mean, sigma, labels = (array[:50].copy() for array in overconfident)
    labels[10:, 0] = np.nan
    assert sigma_scale(mean, sigma, labels)[0] == sigma_scale(mean[:10], sigma[:10], labels[:10])[0]


def test_few_labels_take_the_common_factor_and_none_takes_one(overconfident):
    mean, sigma, labels = (array.copy() for array in overconfident)
    labels[3:, 0] = np.nan
    common = sigma_scale(mean, sigma, labels)[0]
    assert common == pytest.approx(np.sqrt(np.nanmean(((labels - mean) / sigma) ** 2)))
    assert sigma_scale(mean, sigma, labels * np.nan).tolist() == [1.0, 1.0]
    assert sigma_scale(mean[:0], sigma[:0], labels[:0]).tolist() == [1.0, 1.0]
