"""``aiida-osc train`` on files: settings from a file, pieces, live logs; what remote jobs rely on."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from rdkit.Chem import rdDistGeom

from aiida_osc.chem.molecules import standardise
from aiida_osc.cli import main
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.diffusion.molecules.fit import fit_conformer_piece
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.qc.placing import with_hydrogens
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.training.artifact import ModelArtifact

SURROGATE = {'members': 1, 'hidden': 8, 'depth': 1, 'readout': 8, 'epochs': 3, 'piece_epochs': 1}
JTVAE = {'hidden': 16, 'latent': 4, 'epochs': 2, 'piece_epochs': 1, 'hold_out_test': False}
DIFFUSION = {'hidden': 8, 'pair': 8, 'layers': 1, 'epochs': 2, 'piece_epochs': 1, 'hold_out_test': False}


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Return a function that runs ``aiida-osc train`` in a folder with a settings file."""
    monkeypatch.chdir(tmp_path)

    def train(kind, settings, *arguments, code=0):
        (tmp_path / 'settings.json').write_text(json.dumps(settings))
        words = ['train', kind, '--settings', 'settings.json', *map(str, arguments)]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        return result

    return train


def same(folder, artifact):
    """Compare the weights and settings of a model folder with those of a model."""
    found = ModelArtifact.load(folder)
    assert found.config['training']['settings'] == artifact.config['training']['settings']
    assert found.config['finished']
    assert found.weights.keys() == artifact.weights.keys()
    assert all(torch.equal(found.weights[name], artifact.weights[name]) for name in found.weights)


def whole(fit, *tables, settings):
    """Return the model that a training in one call after the other gives."""
    artifact = None
    while artifact is None or not artifact.config['finished']:
        artifact = fit(*tables, settings, seed=5, checkpoint=artifact)
    return artifact


def test_surrogate_in_several_commands_with_a_log(train, labelled_table, tmp_path):
    pytest.importorskip('tensorboard')
    labelled_table.write('data.h5')
    words = ('--data', 'data.h5', '--out', 'model', '--seed', 5, '--pieces', 2, '--tensorboard', 'log')
    first = train('surrogate', SURROGATE, *words)
    assert 'checkpoint written: model; the same command goes on from it' in first.stderr
    assert first.stdout == ''
    assert ModelArtifact.load('model').config['training']['progress']['epoch'] == 2
    second = train('surrogate', SURROGATE, *words)
    assert 'going on from epoch 2 of model' in second.stderr
    assert 'written: model' in second.stdout
    assert len(list((tmp_path / 'log').iterdir())) == 2
    same('model', whole(fit_surrogate_piece, labelled_table, settings=SurrogateSettings.from_dict(SURROGATE)))


def test_surrogate_with_structures_from_training_to_prediction(train, labelled_table, labelled_structures):
    labelled_table.write('data.h5')
    labelled_structures.write('structures.h5')
    words = ('--data', 'data.h5', '--out', 'model', '--seed', 5, '--family', 'mpnn', '--geometries', 'structures.h5')
    settings = {**SURROGATE, 'spatial_hidden': 8}
    assert 'set spatial_members to 1 or more' in train('surrogate', settings, *words, code=1).stderr
    assert '48 molecules have a structure' in train('surrogate', settings, *words, '--spatial-members', 1).stdout
    fit = partial(fit_surrogate_piece, structures=labelled_structures)
    same('model', whole(fit, labelled_table, settings=SurrogateSettings.from_dict({**settings, 'spatial_members': 1})))
    asked = ['predict', 'data.h5', '--model', 'model', '--out', 'out.csv']
    result = CliRunner().invoke(main, [*asked, '--geometries', 'structures.h5'])
    assert '12 molecules without a structure, predicted by the graph members alone' in result.stderr
    read = Path('out.csv').read_text()
    assert '60 molecules without a structure' in CliRunner().invoke(main, asked).stderr
    assert read.splitlines()[1] == Path('out.csv').read_text().splitlines()[1]
    assert read.splitlines()[2] != Path('out.csv').read_text().splitlines()[2]
    result = CliRunner().invoke(main, [*asked, '--geometries', 'data.h5'])
    assert 'data.h5 holds no structures' in result.stderr


def test_options_that_are_given_win_over_the_file(train, labelled_table):
    labelled_table.write('data.h5')
    train('surrogate', SURROGATE, '--data', 'data.h5', '--out', 'model', '--epochs', 1, '--no-amp')
    settings = ModelArtifact.load('model').config['training']['settings']
    assert (settings['epochs'], settings['amp'], settings['hidden']) == (1, 'off', 8)


def test_jtvae(train):
    molecules = [standardise(text) for text in ('c1ccsc1', 'c1ccc2ccccc2c1', 'c1csc(-c2cccs2)c1', 'c1ccc(-c2cccs2)cc1')]
    table = MoleculeTable([item.smiles for item in molecules], [item.inchikey for item in molecules], ['test'] * 4)
    table.write('data.h5')
    train('jtvae', JTVAE, '--data', 'data.h5', '--out', 'model', '--seed', 5)
    same('model', whole(fit_jtvae_piece, table, settings=JtvaeSettings.from_dict(JTVAE)))


def test_diffusion(train):
    named, structures = [standardise(text) for text in ('CC', 'CO', 'C=C', 'CC=O')], []
    for item in named:
        mol = with_hydrogens(item.smiles)
        rdDistGeom.EmbedMolecule(mol, randomSeed=2)
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        structures.append(Geometry(item.inchikey, 0, numbers, mol.GetConformer().GetPositions()))
    table = MoleculeTable([item.smiles for item in named], [item.inchikey for item in named], ['test'] * 4)
    geometries = GeometryTable(structures, 'ETKDGv3')
    table.write('molecules.h5')
    geometries.write('geometries.h5')
    words = ('--data', 'geometries.h5', '--molecules', 'molecules.h5', '--out', 'model', '--seed', 5)
    assert 'checkpoint written' in train('diffusion', DIFFUSION, *words, '--pieces', 1).stderr
    assert 'gate' in train('diffusion', DIFFUSION, *words).stdout
    same('model', whole(fit_conformer_piece, table, geometries, settings=ConformerSettings.from_dict(DIFFUSION)))


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (('--out', 'm', '--code', 'x'), '--code and --option are of the jobs of a WorkChain'),
        (('--tensorboard', 'log'), 'give --out, or leave them out'),
        (('--pieces', '2'), 'give the --code that they run'),
        (('--option', 'queue_name=gpu'), 'give the --code that they run'),
    ],
)
def test_options_that_do_not_fit_together(train, labelled_table, words, reason):
    labelled_table.write('data.h5')
    assert reason in train('surrogate', {}, '--data', 'data.h5', *words, code=1).stderr


@pytest.mark.parametrize(
    ('text', 'reason'),
    [('no JSON', 'no readable JSON file'), ('[1]', 'holds no settings'), ('{"epoks": 1}', 'unknown settings epoks')],
)
def test_unusable_settings_are_refused(tmp_path, text, reason):
    (tmp_path / 'settings.json').write_text(text)
    words = ['train', 'jtvae', '--data', 'x.h5', '--out', 'm', '--settings', str(tmp_path / 'settings.json')]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert reason in result.stderr
