"""Where a surrogate may be trusted."""

import numpy as np
import pytest
import torch

from aiida_osc.chem.fingerprints import max_similarity, morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.errors import OscError
from aiida_osc.surrogate import domain as module
from aiida_osc.surrogate.domain import Domain
from aiida_osc.surrogate.featurise import featurise


def counts(smiles):
    return morgan_counts([parse_smiles(item) for item in smiles])


def fit(smiles, seed=0):
    return Domain.fit(smiles, featurise(smiles), np.arange(len(smiles)), seed)


def test_similarity_is_that_of_rdkit(labelled_table):
    known, asked = labelled_table.smiles[::2], (*labelled_table.smiles[1::7], 'C', 'c1ccccc1CCCCCC')
    np.testing.assert_allclose(fit(known).similarity(counts(asked)), max_similarity(asked, known), atol=1e-6)


def test_molecules_of_many_features_do_not_overflow(monkeypatch):
    rng = np.random.default_rng(0)
    bits = rng.permutation(np.arange(2048) < 600).astype(np.uint8)[:, None]
    full = counts(['C'])
    full = type(full)(bits.T.astype(int))
    assert Domain(bits, 0.0, [[], []]).similarity(full) == pytest.approx([1.0])


def test_threshold_leaves_one_training_molecule_in_a_hundred_outside(labelled_table):
    smiles = labelled_table.smiles
    nearest = [max_similarity([item], [other for other in smiles if other != item])[0] for item in smiles]
    domain = fit(smiles)
    assert domain.threshold == pytest.approx(np.quantile(nearest, 0.01), abs=1e-6)
    assert domain.seen == [np.flatnonzero(item).tolist() for item in featurise(smiles).categories(range(len(smiles)))]


def test_many_molecules_are_drawn_by_seed(labelled_table, monkeypatch):
    monkeypatch.setattr(module, 'MAX_REFERENCES', 10)
    one, again, other = (fit(labelled_table.smiles, seed) for seed in (0, 0, 1))
    assert one.bits.shape == (2048, 10)
    assert (one.bits == again.bits).all()
    assert not (one.bits == other.bits).all()


def test_one_molecule_is_a_domain():
    domain = fit(['c1ccccc1'])
    assert domain.threshold == 0
    assert domain.similarity(counts(['c1ccccc1', 'O'])).tolist() == [1.0, 0.0]


def test_survives_its_tensors_and_refuses_damage(labelled_table):
    domain = fit(labelled_table.smiles)
    again = Domain.load(domain.to_json(), domain.tensors())
    np.testing.assert_array_equal(again.bits, domain.bits)
    assert (again.threshold, again.seen) == (domain.threshold, domain.seen)
    (name,) = domain.tensors()
    for tensor in (torch.zeros(3, 5, dtype=torch.uint8), torch.zeros(3, 256), torch.zeros(256, dtype=torch.uint8)):
        with pytest.raises(OscError, match='fingerprints'):
            Domain.load(domain.to_json(), {name: tensor})
    with pytest.raises(OscError, match='fingerprints'):
        Domain.load(domain.to_json(), {})
    for seen in (None, [], [[1], 'ab'], [[1.5], []], [[1], [2], [3]]):
        with pytest.raises(OscError, match='categories'):
            Domain.load({**domain.to_json(), 'seen': seen}, domain.tensors())
    for threshold in (2.0, -1.0, 'x', None):
        with pytest.raises(OscError, match='threshold'):
            Domain.load({**domain.to_json(), 'threshold': threshold}, domain.tensors())
