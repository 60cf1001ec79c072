"""Gaussian processes."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from aiida_osc.chem.fingerprints import morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.errors import OscError
from aiida_osc.surrogate.families import gp
from aiida_osc.surrogate.families.kernel import TanimotoKernel


@pytest.fixture(scope='module')
def counts(labelled_table):
    return morgan_counts([parse_smiles(item) for item in labelled_table.smiles])


@pytest.fixture(scope='module')
def labels(labelled_table):
    values = np.stack(list(labelled_table.columns.values()), axis=1)
    return (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)


def test_posterior_is_that_of_the_textbook(counts, labels):
    """Equations 2.25 and 2.26 of Rasmussen and Williams, with inverses in place of factors."""
    posterior = gp.fit(counts[:40], labels[:40], seed=0)
    found = posterior.moments(counts[40:])
    kernel = TanimotoKernel(counts)(counts)
    for target in range(2):
        there = np.flatnonzero(np.isfinite(labels[:40, target]))
        noise, variance = posterior.noise[target], posterior.variance[target]
        inverse = np.linalg.inv(variance * (kernel[np.ix_(there, there)] + noise * np.eye(len(there))))
        across = variance * kernel[40:][:, there]
        offset = labels[there, target].mean()
        np.testing.assert_allclose(
            found.mean[:, target], offset + across @ inverse @ (labels[there, target] - offset), rtol=1e-8
        )
        np.testing.assert_allclose(
            found.epistemic[:, target] ** 2, variance - np.einsum('ij,jk,ik->i', across, inverse, across), rtol=1e-6
        )
        np.testing.assert_allclose(found.aleatoric[:, target] ** 2, noise * variance)


def test_noise_and_variance_have_the_largest_likelihood(counts, labels):
    rng = np.random.default_rng(1)
    noisy = labels[:, 1:] + 1.5 * rng.normal(size=(len(labels), 1))
    posterior = gp.fit(counts, noisy, seed=0)
    kernel = TanimotoKernel(counts)(counts)

    def likelihood(noise, variance):
        covariance = variance * (kernel + noise * np.eye(len(kernel)))
        return multivariate_normal.logpdf(noisy[:, 0] - posterior.offset[0], cov=covariance)

    best = likelihood(posterior.noise[0], posterior.variance[0])
    for noise_factor, variance_factor in ((1.3, 1), (0.7, 1), (1, 1.3), (1, 0.7)):
        assert likelihood(noise_factor * posterior.noise[0], variance_factor * posterior.variance[0]) < best


def test_labels_are_learnt_by_heart_and_unknown_molecules_are_uncertain(counts, labels):
    posterior = gp.fit(counts[:30], labels[:30, 1:], seed=0)
    known = posterior.moments(counts[:30])
    assert np.abs(known.mean - labels[:30, 1:]).mean() < 0.05
    far = posterior.moments(morgan_counts([parse_smiles('[SiH3][GeH3]')]))
    assert far.epistemic[0, 0] > 3 * known.epistemic.max()


def test_order_of_molecules_has_no_influence(counts, labels):
    order = np.random.default_rng(0).permutation(40)
    one, other = gp.fit(counts[:40], labels[:40], seed=0), gp.fit(counts[order], labels[order], seed=5)
    first, second = one.moments(counts[40:]), other.moments(counts[40:])
    np.testing.assert_allclose(first.mean, second.mean, atol=1e-4)
    np.testing.assert_allclose(first.sigma, second.sigma, atol=1e-4)
    np.testing.assert_allclose(one.moments(counts[[50, 45]]).mean, first.mean[[10, 5]])


def test_of_too_many_molecules_some_are_drawn_by_seed(counts, labels, monkeypatch):
    monkeypatch.setattr(gp, 'MAX_MOLECULES', 20)
    one, again, other = (gp.fit(counts, labels, seed) for seed in (0, 0, 1))
    assert one.weights.shape == (20, 2)
    np.testing.assert_array_equal(one.weights, again.weights)
    assert not np.array_equal(one.weights, other.weights)


@pytest.mark.parametrize('values', [[0.3, np.nan], [0.5, 0.5], [0.5, -0.5]])
def test_hardly_any_label_is_no_error(counts, values):
    found = gp.fit(counts[:2], np.array(values)[:, None], seed=0).moments(counts[:5])
    assert np.isfinite(found.mean).all()
    assert (found.sigma > 0).all()


def stored(posterior):
    return gp.Posterior.load(posterior.architecture(), posterior.tensors(), 2)


def test_survives_its_tensors(counts, labels):
    posterior = gp.fit(counts, labels, seed=0)
    before, after = posterior.moments(counts), stored(posterior).moments(counts)
    np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(before.sigma, after.sigma)
    assert posterior.tensors()['gp.feature'].dtype == torch.int16


@pytest.mark.parametrize(
    ('name', 'change'),
    [
        ('gp.feature', lambda tensor: tensor - 3000),
        ('gp.feature', lambda tensor: tensor[:-1]),
        ('gp.count', lambda tensor: tensor * 0),
        ('gp.offset', lambda tensor: tensor.flip(0)),
        ('gp.offset', lambda tensor: tensor[:0]),
        ('gp.weight', lambda tensor: tensor * float('nan')),
        ('gp.weight', lambda tensor: tensor[:, :1]),
        ('gp.label', lambda tensor: tensor[:5]),
        ('gp.label', None),
    ],
)
def test_damaged_tensors_are_one_sentence(counts, labels, name, change):
    posterior = gp.fit(counts, labels, seed=0)
    tensors = posterior.tensors()
    if change is None:
        del tensors[name]
    else:
        tensors[name] = change(tensors[name])
    with pytest.raises(OscError, match='is damaged'):
        gp.Posterior.load(posterior.architecture(), tensors, 2)


def test_damaged_numbers_are_one_sentence(counts, labels):
    posterior = gp.fit(counts, labels, seed=0)
    for damage in ({'noise': [0.0, 1.0]}, {'variance': [1.0]}, {'offset': [float('inf'), 0]}):
        with pytest.raises(OscError, match='is damaged'):
            gp.Posterior.load({**posterior.architecture(), **damage}, posterior.tensors(), 2)
    with pytest.raises(OscError, match='is damaged'):
        gp.Posterior.load({}, posterior.tensors(), 2)
