"""Surrogates with members that read structures, from training to prediction."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.surrogate.data import prepare
from aiida_osc.surrogate.families.mpnn import build_network, ensemble_moments
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import predict_molecules
from aiida_osc.surrogate.task import SurrogateTask
from aiida_osc.surrogate.voices import listen
from aiida_osc.training.artifact import ModelArtifact

EXTENT = Column('homo', 'made up: extent in space')
SMALL = SurrogateSettings(
    members=2, hidden=16, depth=2, readout=16, spatial_members=1, spatial_hidden=16, spatial_interactions=2,
    epochs=4, device='cpu', amp='off',
)  # fmt: skip


def fit(table, structures, settings=SMALL, seed=1):
    artifact = None
    while artifact is None or not artifact.config['finished']:
        artifact = fit_surrogate_piece(table, settings, seed=seed, checkpoint=artifact, structures=structures)
    return artifact


@pytest.fixture(scope='module')
def model(labelled_table, labelled_structures):
    return fit(labelled_table, labelled_structures)


def test_pieces_and_files_give_the_model_of_one_piece(labelled_table, labelled_structures, model, tmp_path):
    settings = dataclasses.replace(SMALL, piece_epochs=3)
    fit_surrogate_piece(labelled_table, settings, seed=1, structures=labelled_structures).save(tmp_path)
    checkpoint = ModelArtifact.load(tmp_path)
    rest = fit_surrogate_piece(labelled_table, settings, seed=1, checkpoint=checkpoint, structures=labelled_structures)
    assert rest.config['finished']
    assert rest.weights.keys() == model.weights.keys()
    assert all(torch.equal(rest.weights[name], model.weights[name]) for name in model.weights)
    assert rest.config['extra'] == model.config['extra']
    assert fit(labelled_table, labelled_structures).content_hash() == model.content_hash()


def test_a_stored_model_predicts_the_same(labelled_table, labelled_structures, model, tmp_path):
    model.save(tmp_path)
    loaded, fresh = (
        predict_molecules(Surrogate.from_artifact(item), labelled_table, structures=labelled_structures)
        for item in (ModelArtifact.load(tmp_path), model)
    )
    np.testing.assert_array_equal(loaded.mean, fresh.mean)
    np.testing.assert_array_equal(loaded.sigma, fresh.sigma)
    np.testing.assert_array_equal(loaded.has_structure, np.arange(60) % 5 > 0)
    assert model.config['training']['structures'] == {'level': 'ETKDGv3', 'molecules': 48}


def test_graph_members_alone_answer_where_there_is_no_structure(labelled_table, labelled_structures, model):
    surrogate = Surrogate.from_artifact(model)
    some = predict_molecules(surrogate, labelled_table, structures=labelled_structures)
    none = predict_molecules(surrogate, labelled_table)
    there = some.has_structure
    np.testing.assert_allclose(some.mean[~there], none.mean[~there], rtol=1e-6)
    np.testing.assert_allclose(some.sigma[~there], none.sigma[~there], rtol=1e-5)
    assert np.abs(some.mean[there] - none.mean[there]).min() > 0
    assert not none.has_structure.any()
    molecules = Molecules(labelled_table.smiles)
    mean, sigma, counts = listen(surrogate.model.network, molecules, np.arange(60))
    assert counts[:2].all()
    assert not counts[2].any()
    moments = ensemble_moments(surrogate.model.network, molecules, np.arange(60))
    np.testing.assert_allclose(moments.mean, mean[:2].mean(dim=0).detach(), rtol=1e-5, atol=1e-6)
    spread = mean[:2].var(dim=0, correction=0) + sigma[:2].square().mean(dim=0)
    np.testing.assert_allclose(moments.sigma**2, spread.detach(), rtol=1e-4)
    ratio = none.sigma / (moments.sigma * surrogate.finishing.spread)
    np.testing.assert_allclose(ratio, np.tile(model.config['extra']['scale_alone'], (60, 1)), rtol=1e-6)


def test_moments_are_those_of_all_members_where_there_is_a_structure(labelled_table, labelled_structures, model):
    network = Surrogate.from_artifact(model).model.network
    rows = np.flatnonzero(np.arange(60) % 5)
    molecules = Molecules(labelled_table.smiles, structures=labelled_structures.select(labelled_table.inchikeys))
    moments = ensemble_moments(network, molecules, rows)
    mean, sigma, counts = (item.detach().double() for item in listen(network, molecules, rows))
    assert counts.all()
    np.testing.assert_allclose(moments.mean, mean.mean(dim=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moments.aleatoric, sigma.square().mean(dim=0).sqrt(), rtol=1e-4)
    np.testing.assert_allclose(moments.epistemic, mean.std(dim=0, correction=0), rtol=1e-3, atol=1e-6)


def test_spatial_members_leave_the_start_of_the_graph_members_as_it_is(labelled_table, model):
    plain = fit_surrogate_piece(labelled_table, dataclasses.replace(SMALL, spatial_members=0), seed=1)
    assert 'spatial' not in plain.config['architecture']
    torch.manual_seed(3)
    alone = build_network(plain.config).state_dict()
    torch.manual_seed(3)
    both = build_network(model.config).state_dict()
    assert all(torch.equal(both[f'graph.{name}'], tensor) for name, tensor in alone.items())


def test_molecules_without_structure_teach_nothing_to_spatial_members(labelled_table, labelled_structures, model):
    data = prepare(labelled_table, None, 20, 0.15, 1, structures=labelled_structures)
    network = build_network(model.config)
    task = SurrogateTask(network, data, model.config['extra']['normalisation'], SMALL.resolved(40), 1)
    there = data.molecules.spatial.present[data.parts.train]
    for positions, learns in ((np.flatnonzero(~there), False), (np.arange(len(there)), True)):
        network.zero_grad(set_to_none=True)
        task.loss(positions, epoch=3).backward()
        moved = [bool(item.grad.abs().sum()) for item in network.spatial.parameters() if item.grad is not None]
        assert any(moved) == learns
        assert all(item.grad.abs().sum() for item in network.graph.head.parameters())


def test_what_only_structures_tell_is_learnt_from_them(labelled_table, labelled_structures):
    """Spatial members have the power to fit a label that is a distance in space far below its spread."""
    found = labelled_structures.select(labelled_table.inchikeys)
    size = np.array(
        [np.nan if item is None else np.linalg.norm(item.positions - item.positions.mean(0)) for item in found]
    )
    table = labelled_table.with_columns({EXTENT: size})
    settings = dataclasses.replace(
        SMALL, columns=[str(EXTENT)], members=1, spatial_members=1, spatial_hidden=32, epochs=40, learning_rate=3e-3
    )
    surrogate = Surrogate.from_artifact(fit(table, labelled_structures, settings))
    network, molecules = surrogate.model.network, Molecules(table.smiles, structures=found)
    rows = np.array([
        row for row, key in enumerate(table.inchikeys) if np.isfinite(size[row]) and not in_common_test_split(key)
    ])  # fmt: skip
    mean = listen(network, molecules, rows)[0][1, :, 0].detach().numpy()
    predicted = surrogate.finishing.center + surrogate.finishing.spread * mean
    assert np.median(np.abs(predicted - size[rows])) < 0.15 * np.nanstd(size)


def test_structures_of_other_molecules_count_as_none(labelled_table, labelled_structures):
    numbers = np.full(3, 8)
    wrong = [Geometry(item.inchikey, 0, numbers, np.eye(3)) for item in labelled_structures.geometries[:2]]
    charged = [dataclasses.replace(item, charge=1) for item in labelled_structures.geometries[2:4]]
    table = GeometryTable([*wrong, *charged, *labelled_structures.geometries[4:]], 'mixed')
    molecules = Molecules(labelled_table.smiles, structures=table.select(labelled_table.inchikeys))
    assert molecules.spatial.present.sum() == 44
    few = [item for item in labelled_structures.geometries if not in_common_test_split(item.inchikey)][-3:]
    with pytest.raises(OscError, match=r'[0-3] molecules of the training part have a structure'):
        fit(labelled_table, GeometryTable([*wrong, *few], 'few'))


def test_structures_and_spatial_members_go_together(labelled_table, labelled_structures, model):
    with pytest.raises(OscError, match='give geometries'):
        fit(labelled_table, None)
    plain = dataclasses.replace(SMALL, spatial_members=0)
    with pytest.raises(OscError, match='set spatial_members to 1 or more'):
        fit(labelled_table, labelled_structures, plain)
    surrogate = Surrogate.from_artifact(fit(labelled_table, None, plain))
    with pytest.raises(OscError, match='reads no structures'):
        predict_molecules(surrogate, labelled_table, structures=labelled_structures)
    with pytest.raises(OscError, match='2 structures for 60 molecules'):
        Surrogate.from_artifact(model).predict(labelled_table.smiles, structures=[None, None])


@pytest.mark.parametrize('spatial', [3, {'members': 1, 'hidden': 8, 'interactions': 1, 'cutoff': 5.0, 'targets': 7}])
def test_damaged_shapes_are_refused(model, spatial):
    config = {**model.config, 'architecture': {**model.config['architecture'], 'spatial': spatial}}
    with pytest.raises(OscError, match='the surrogate is damaged'):
        build_network(config)


def test_other_structures_do_not_go_on(labelled_table, labelled_structures):
    settings = dataclasses.replace(SMALL, piece_epochs=2)
    checkpoint = fit_surrogate_piece(labelled_table, settings, seed=1, structures=labelled_structures)
    fewer = GeometryTable(labelled_structures.geometries[:-1], labelled_structures.level)
    with pytest.raises(OscError, match='other data'):
        fit_surrogate_piece(labelled_table, settings, seed=1, checkpoint=checkpoint, structures=fewer)


def test_bfloat16_and_bootstrap_train_too(labelled_table, labelled_structures):
    settings = dataclasses.replace(SMALL, amp='on', bootstrap=True, epochs=2)
    metrics = fit(labelled_table, labelled_structures, settings).config['metrics']
    assert all(np.isfinite(figures['mae']) for figures in metrics.values())


def test_torch_geometric_is_loaded_for_spatial_members_alone():
    code = 'import sys, aiida_osc.surrogate.surrogate as _, aiida_osc.cli; sys.exit("torch_geometric" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
