"""Weights by rank, and a training that draws by them."""

import numpy as np
import pytest
import torch

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.weights import favoured_ranks, rank_weights
from aiida_osc.training.artifact import ModelArtifact

NAMES = ['ie_adiabatic@x', 'ea_adiabatic@x']
FAVOUR = {'p_type': {'ie_adiabatic@x': 'min'}, 'n_type': {'ea_adiabatic@x': 'max', 'lambda_electron@x': 'min'}}


def test_weights_halve_over_the_softness():
    weights = rank_weights(np.arange(100), 0.1)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[0] / weights[10] == pytest.approx(2.0)
    assert (np.diff(weights) < 0).all()


def test_a_molecule_ranks_by_its_best_family():
    labels = np.array([[0.0, 0.0], [-1.0, -1.0], [1.0, 2.0], [np.nan, 1.0], [np.nan, np.nan]])
    # p_type order: 1, 0, 2; n_type order: 2, 3, 0, 1; the last molecule has no label
    assert favoured_ranks(labels, NAMES, FAVOUR).tolist() == [1, 0, 0, 1, 5]


def test_families_that_cannot_be_judged_favour_nothing():
    assert favoured_ranks(np.zeros((3, 2)), NAMES, {'p_type': {'gap@x': 'max'}}) is None
    assert favoured_ranks(np.zeros((3, 2)), NAMES, {}) is None
    with pytest.raises(OscError, match="direction 'up' of family p_type"):
        favoured_ranks(np.zeros((3, 2)), NAMES, {'p_type': {'ie_adiabatic@x': 'up'}})


def test_a_weighted_refresh_favours_the_best_and_goes_on_from_a_checkpoint(small_table, small_artifact, small_settings):
    column = Column('polarizability', 'made up')
    table = small_table.with_columns({column: np.arange(len(small_table), dtype=float)})
    favour = {'any': {str(column): 'max'}}
    values = {**small_settings.to_dict(), 'epochs': 4, 'favour': favour, 'favour_softness': 0.01, 'min_labels': 5}
    whole = fit_jtvae_piece(table, JtvaeSettings.from_dict(values), seed=0, checkpoint=small_artifact)
    equal = JtvaeSettings.from_dict({**values, 'favour': None})
    plain = fit_jtvae_piece(table, equal, seed=0, checkpoint=small_artifact)
    assert not torch.equal(whole.weights['guide.weight'], plain.weights['guide.weight'])
    halves = JtvaeSettings.from_dict({**values, 'piece_epochs': 2})
    first = fit_jtvae_piece(table, halves, seed=0, checkpoint=small_artifact)
    files = first.to_bytes()
    again = ModelArtifact.from_bytes(files['weights.safetensors'], files['config.json'])
    second = fit_jtvae_piece(table, halves, seed=0, checkpoint=again)
    assert all(torch.equal(whole.weights[name], second.weights[name]) for name in whole.weights)
