"""The models that come with the package: small, finished, described, and found by their names."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from rdkit import Chem

from aiida_osc.chem.molecules import standardise
from aiida_osc.cli import main
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.shipped import FOLDER, NAMES, resolve
from aiida_osc.training.artifact import CONFIG_FILE, WEIGHTS_FILE, ModelArtifact
from aiida_osc.training.registry import build


def test_names_are_those_of_the_folders():
    assert NAMES == ('conformers', 'generator')
    assert sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != '__pycache__') == list(NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_shipped_models_can_be_built_and_are_small(name):
    folder = Path(resolve(name))
    artifact = ModelArtifact.load(folder)
    assert artifact.config['finished']
    assert artifact.config['metrics']
    assert build(artifact).config == artifact.config
    assert sum((folder / file).stat().st_size for file in (WEIGHTS_FILE, CONFIG_FILE)) < 12e6
    card = (folder / 'README.md').read_text()
    for heading in ('## Data', '## Training', '## Figures', '## Limits'):
        assert heading in card


def test_a_file_of_that_name_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve('conformers') == str(FOLDER / 'conformers')
    assert resolve('mine') == 'mine'
    (tmp_path / 'conformers').mkdir()
    assert resolve('conformers') == 'conformers'


def test_structures_of_the_shipped_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    molecules = ('c1ccsc1-c1ccc(C#N)s1', 'C[C@H](N)C(=O)O', 'OCC1CC1')
    Path('some.smi').write_text('\n'.join(molecules))
    outcome = CliRunner().invoke(main, ['geometries', 'some.smi', '--model', 'conformers', '--out', 'some.sdf'])
    assert outcome.exit_code == 0, outcome.output
    assert '3 structures: 3 x model' in outcome.output
    written = [Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in Chem.SDMolSupplier('some.sdf', removeHs=False)]
    assert written == [Chem.CanonSmiles(item) for item in molecules]


def test_molecules_of_the_shipped_generator(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    windows = ('--window', 'p_type=ie_adiabatic:5.0:6.5', '--window', 'n_type=ea_adiabatic:2.5:5')
    outcome = CliRunner().invoke(main, ['generate', '--model', 'generator', '-n', '20', '--out', 'new.csv', *windows])
    assert outcome.exit_code == 0, outcome.output
    table = read_table('new.csv', level='not read').table
    assert len(table) == 20
    known = set(ModelArtifact.load(resolve('generator')).config['extra']['known'])
    assert not known & {key[:14] for key in table.inchikeys}


def test_the_shipped_generator_left_the_common_test_split_out_and_remembers_the_seed_set_alone():
    config = ModelArtifact.load(resolve('generator')).config
    assert config['training']['settings']['hold_out_test']
    keys = {standardise(smiles).inchikey for smiles in config['extra']['memory']}
    assert keys <= set(load_seed(labelled=False).inchikeys)
    assert not any(map(in_common_test_split, keys))


def test_the_shipped_conformer_model_has_passed_its_gate():
    gate = ModelArtifact.load(resolve('conformers')).config['metrics']['gate']
    assert gate['passed']
    assert gate['gradient_calls'] < gate['gradient_calls_embedded']
