"""Which family is kept."""

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.surrogate.data import Parts
from aiida_osc.surrogate.metrics import crps
from aiida_osc.surrogate.prediction import Moments
from aiida_osc.surrogate.selection import Candidate, calibrated_crps, choose, describe_choice

COLUMNS = (Column('homo', 'x'), Column('lumo', 'x'))
PARTS = Parts(np.arange(100), np.arange(100, 200), np.arange(100, 200), np.arange(0))


@pytest.fixture(scope='module')
def labels():
    values = np.random.default_rng(0).normal(size=(200, 2))
    values[::3, 0] = np.nan
    return values


def candidate(family, mean, sigma=None):
    """Return a candidate that predicts ``mean`` for all molecules."""
    sigma = np.ones_like(mean) if sigma is None else sigma
    return Candidate(family, {}, {}, lambda rows: Moments(mean[rows], sigma[rows], np.zeros_like(mean[rows])))


def noisy(labels, spread, seed=1):
    return np.nan_to_num(labels) + spread * np.random.default_rng(seed).normal(size=labels.shape)


def test_the_best_is_kept_whatever_scale_its_sigmas_have(labels):
    good, bad = noisy(labels, 0.2), noisy(labels, 0.6)
    # The honest one of the two is the worse: calibration decides on the promise that can be kept, not on the given one.
    found, record = choose(
        [candidate('mpnn', bad, np.full_like(bad, 0.6)), candidate('gp', good, np.full_like(good, 30.0))],
        labels, COLUMNS, PARTS, ['boosting was left out: not here'],
    )  # fmt: skip
    assert found.family == record['family'] == 'gp'
    assert record['crps']['gp'] == pytest.approx(0.2 / np.sqrt(np.pi), rel=0.15)  # of honest normal errors
    assert set(record['crps_by_column']['mpnn']) == {'homo@x', 'lumo@x'}
    assert record['molecules'] == 100
    assert describe_choice(record).startswith('kept: gp (')
    assert describe_choice(record).endswith('; boosting was left out: not here')


def test_calibration_of_a_label_does_not_see_it(labels):
    mean = noisy(labels, 0.3)
    moments = Moments(mean, np.full_like(mean, 0.1), np.zeros_like(mean))
    before = calibrated_crps(moments, labels)
    assert (np.isnan(before) == np.isnan(labels)).all()
    changed = labels.copy()
    changed[7] += 100  # a fold of five: 2, 7, 12, ...
    others = np.arange(200) % 5 != 2
    scale = np.sqrt(np.nanmean(((labels - mean)[others] / 0.1) ** 2, axis=0))
    after = calibrated_crps(moments, changed)
    np.testing.assert_allclose(after[7], crps(mean[7], 0.1 * scale, changed[7]))
    np.testing.assert_allclose(after[12], before[12])
    assert not np.allclose(after[8, 1], before[8, 1])


@pytest.mark.parametrize(
    ('broken', 'reason'),
    [
        (lambda labels: np.full(labels.shape, np.nan), 'not finite'),
        (lambda labels: np.full(labels.shape, 0.3), 'same for every molecule'),
        (lambda labels: -np.nan_to_num(labels), 'worse than the mean of the labels'),
    ],
)
def test_diverged_and_collapsed_models_are_rejected(labels, broken, reason):
    bad = candidate('mpnn', broken(labels))
    found, record = choose([bad, candidate('gp', noisy(labels, 0.5))], labels, COLUMNS, PARTS, [])
    assert found.family == 'gp'
    assert len(record['notes']) == 1
    assert reason in record['notes'][0]
    with pytest.raises(OscError, match=f'no usable model: mpnn was rejected: .*{reason}'):
        choose([bad], labels, COLUMNS, PARTS, [])


def test_one_column_may_be_the_same_for_all(labels):
    mean = noisy(labels, 0.3)
    mean[:, 0] = 0
    assert choose([candidate('gp', mean)], labels, COLUMNS, PARTS, [])[0].family == 'gp'


def test_bad_luck_on_few_molecules_is_no_collapse(labels):
    parts = Parts(np.arange(100), np.arange(100, 103), np.arange(100, 103), np.arange(0))
    found, _ = choose([candidate('mpnn', noisy(labels, 1.0))], labels, COLUMNS, parts, [])
    assert found.family == 'mpnn'


def test_a_single_molecule_to_choose_by_is_no_error(labels):
    row = np.array([101])
    pair = [candidate('mpnn', noisy(labels, 0.3)), candidate('gp', noisy(labels, 0.3))]
    _, record = choose(pair, labels, COLUMNS, Parts(np.arange(100), row, row, row), [])
    assert all(np.isfinite(value) for value in record['crps'].values())


def test_a_column_without_a_label_to_choose_by_does_not_count(labels):
    bare = labels.copy()
    bare[100:, 0] = np.nan
    _, record = choose([candidate('gp', noisy(labels, 0.3))], bare, COLUMNS, PARTS, [])
    assert set(record['crps_by_column']['gp']) == {'lumo@x'}
    assert record['crps']['gp'] == record['crps_by_column']['gp']['lumo@x']
