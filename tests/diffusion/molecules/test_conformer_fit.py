"""Training of the conformer model: data, pieces, what the finished model does."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.diffusion.molecules.data import prepare
from aiida_osc.diffusion.molecules.fit import fit_conformer_piece
from aiida_osc.diffusion.molecules.gate import judge
from aiida_osc.diffusion.molecules.model import ConformerModel
from aiida_osc.diffusion.molecules.network import ConformerNetwork
from aiida_osc.diffusion.molecules.settings import ConformerSettings, SampleSettings
from aiida_osc.diffusion.molecules.task import ConformerTask
from aiida_osc.diffusion.samplers import SAMPLERS
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import set_positions, with_hydrogens
from aiida_osc.training.artifact import ModelArtifact
from aiida_osc.training.loop import fit_piece
from aiida_osc.training.registry import build


@pytest.fixture(scope='module')
def overfitted(small_tables):
    """Return a model that knows four molecules by heart, two of them mirror images, and these molecules."""
    table, geometries = small_tables
    table, everybody = table.take(np.arange(4)), np.arange(4)
    settings = ConformerSettings(
        epochs=160, hidden=32, pair=16, layers=4, batch_size=64, learning_rate=4e-3, ema=0.95, hold_out_test=False
    )
    data = replace(prepare(table, geometries, settings, seed=0), train=np.tile(everybody, 16), validation=everybody)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ConformerNetwork(settings.hidden, settings.pair, settings.layers)
    fit_piece(ConformerTask(network, data, settings), settings, seed=1)
    config = {'training': {'settings': settings.to_dict()}, 'extra': {'elements': ['C', 'F', 'H', 'O']}}
    return ConformerModel(network, config), table


@pytest.mark.slow
def test_overfitted_model_gives_back_what_it_saw_and_no_mirror_image(overfitted, small_tables):
    model, table = overfitted
    geometries = small_tables[1]
    found = model.sample(table.smiles, SampleSettings(steps=8), seed=5)
    known = {item.inchikey: item.positions for item in geometries.geometries}

    errors, right = [], 0
    for smiles, key, positions in zip(table.smiles, table.inchikeys, found, strict=True):
        mol = with_hydrogens(smiles)
        bonds = np.array([(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()])
        lengths = [np.linalg.norm(item[bonds[:, 0]] - item[bonds[:, 1]], axis=1) for item in (positions, known[key])]
        errors.append(np.abs(lengths[0] - lengths[1]).mean())
        placed = set_positions(mol, positions)
        Chem.AssignStereochemistryFrom3D(placed, replaceExistingTags=True)
        right += Chem.MolToSmiles(Chem.RemoveHs(placed)) == smiles
    assert np.median(errors) < 0.04
    assert max(errors) < 0.2
    assert right == len(table)


def test_pieces_give_the_weights_of_one_training(small_tables, small_settings):
    whole = fit_conformer_piece(*small_tables, small_settings, seed=2)
    pieces = ConformerSettings.from_dict({**small_settings.to_dict(), 'piece_epochs': 1})
    model, count = None, 0
    while model is None or not model.config['finished']:
        model = fit_conformer_piece(*small_tables, pieces, seed=2, checkpoint=model)
        count += 1

    assert count == 4
    assert all(torch.equal(tensor, model.weights[name]) for name, tensor in whole.weights.items())
    assert whole.config['metrics'] == model.config['metrics']
    assert {'passed', 'plausible', 'gradient_calls', 'gradient_calls_embedded'} == set(whole.config['metrics']['gate'])


def test_saved_model_samples_the_same(small_tables, small_settings, tmp_path):
    artifact = fit_conformer_piece(*small_tables, small_settings, seed=3)
    artifact.save(tmp_path)
    again = build(ModelArtifact.load(tmp_path))
    smiles = ['CC=O', 'c1ccoc1C', 'CC=O']

    for sampler in SAMPLERS:
        settings = SampleSettings(sampler=sampler, steps=2)
        first = ConformerModel.from_artifact(artifact).sample(smiles, settings, seed=4)
        second = again.sample(smiles, settings, seed=4)
        other = again.sample(smiles, settings, seed=5)
        assert [item.shape for item in first] == [(7, 3), (12, 3), (7, 3)]
        assert all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))
        assert np.abs(first[0] - other[0]).max() > 1e-3
        assert np.abs(first[0].mean(axis=0)).max() < 1e-5


def test_what_the_model_cannot_treat_is_none_with_a_reason(small_tables, small_settings):
    model = ConformerModel.from_artifact(fit_conformer_piece(*small_tables, small_settings, seed=3))
    bad = {'C[Si](C)(C)C': 'not trained on Si', 'C.C': 'fragment', 'C' * 100: 'atoms', 'no molecule': 'SMILES'}

    found = model.sample([*bad, 'CC'], SampleSettings(steps=1), seed=0)
    assert [item is None for item in found] == [True] * 4 + [False]
    for smiles, text in bad.items():
        assert text in model.reason(smiles)
    assert model.reason('CC') is None
    with pytest.raises(OscError, match='at least 1'):
        SampleSettings(steps=0)


def test_test_split_is_held_out(small_tables):
    table, geometries = small_tables
    tested = [key for key in table.inchikeys if in_common_test_split(key)]
    data = prepare(table, geometries, ConformerSettings(), seed=0)

    assert data.rejected.get('common test split', 0) == len(tested)
    assert not set(data.train.tolist()) & set(data.validation.tolist())
    assert len(data.train) + len(data.validation) == len(table) - len(tested)


def test_unusable_structures_are_counted_with_reasons(small_tables, small_settings):
    table, geometries = small_tables
    first = geometries.geometries[0]
    bad = [
        Geometry(first.inchikey, 1, first.numbers, first.positions),
        Geometry('unknown', 0, first.numbers, first.positions),
        Geometry(first.inchikey, 0, first.numbers[::-1], first.positions),
    ]
    data = prepare(table, GeometryTable([*geometries.geometries, *bad], 'MMFF94'), small_settings, seed=0)

    assert data.rejected == {
        'charged': 1,
        'no molecule of that InChIKey': 1,
        'atoms in another order than those of the SMILES': 1,
    }
    with pytest.raises(OscError, match='give at least 2'):
        prepare(table, GeometryTable(bad[:1], 'MMFF94'), small_settings, seed=0)


def test_checkpoint_of_other_data_is_refused(small_tables, small_settings):
    table, geometries = small_tables
    settings = ConformerSettings.from_dict({**small_settings.to_dict(), 'piece_epochs': 1})
    start = fit_conformer_piece(table, geometries, settings, seed=2)

    with pytest.raises(OscError, match='other data, settings or seed'):
        fit_conformer_piece(table, GeometryTable(geometries.geometries[:-1], 'x'), settings, seed=2, checkpoint=start)
    with pytest.raises(OscError, match='in the middle of its training'):
        ConformerModel.from_artifact(start)


def test_model_of_another_signal_is_refused(small_tables, small_settings):
    artifact = fit_conformer_piece(*small_tables, small_settings, seed=3)
    artifact.config['architecture']['signal'] = 'grid'

    with pytest.raises(OscError, match="of kind 'diffusion of grid'"):
        ConformerModel.from_artifact(artifact)


def test_gate():
    calls = {'structures': {'gradient_calls': 9.0}, 'ETKDGv3+MMFF94': {'gradient_calls': 12.0}}
    assert judge({'plausible': 0.9, 'xtb': calls})['passed'] is True
    assert judge({'plausible': 0.7, 'xtb': calls})['passed'] is False
    assert judge({'plausible': None, 'xtb': {}})['passed'] is False
    calls['structures']['gradient_calls'] = 12.0
    assert judge({'plausible': 0.9, 'xtb': calls})['passed'] is False
    calls['structures']['gradient_calls'] = None
    assert judge({'plausible': 0.9, 'xtb': calls})['passed'] is False
