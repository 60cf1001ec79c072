"""``aiida-osc geometries`` as a user types it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from aiida.orm import QueryBuilder, load_node
from click.testing import CliRunner
from rdkit import Chem

from aiida_osc.cli import main
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.diffusion.molecules.model import build_network
from aiida_osc.training.artifact import SCHEMA, ModelArtifact

SMILES = ('c1ccsc1', 'C[C@H](N)C(=O)O', 'F/C=C\\F')

WITHOUT = """
import sys
from aiida_osc.cli import main
main(['geometries', 'some.smi', '--out', 'out.sdf'], standalone_mode=False)
loaded = [name for name in ('aiida', 'torch', 'aiida_osc.training.loop') if name in sys.modules]
assert not loaded, loaded
"""


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Return a function that runs ``aiida-osc geometries`` in a folder with a file of molecules."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'some.smi').write_text('\n'.join([*SMILES, 'CC.O']) + '\n')

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(main, ['geometries', *map(str, arguments)])
        assert result.exit_code == code, result.output
        assert 'Traceback' not in result.output
        return result

    return invoke


def write_model(folder, kind, architecture):
    values = {name: type_() for name, type_ in SCHEMA.items()}
    ModelArtifact({**values, 'format': 1, 'kind': kind, 'architecture': architecture}, {}).save(folder)


def test_an_sd_file_reads_back_as_the_molecules(invoke):
    result = invoke('some.smi', '--out', 'out.sdf', '--seed', 3)
    assert '3 of 3 molecules' in result.stderr
    assert 'more than one fragment' in result.stderr  # the salt is left out before
    assert '3 structures: 3 x ETKDGv3+MMFF94' in result.stdout
    records = list(Chem.SDMolSupplier('out.sdf', removeHs=False))
    assert [mol.GetProp('SMILES') for mol in records] == [Chem.CanonSmiles(text) for text in SMILES]
    for mol in records:
        assert mol.GetProp('origin') == 'ETKDGv3+MMFF94'
        assert mol.GetConformer().Is3D()
        Chem.AssignStereochemistryFrom3D(mol)
        bare = Chem.RemoveHs(mol)
        assert Chem.MolToSmiles(bare) == mol.GetProp('SMILES')
        assert Chem.MolToInchiKey(bare) == mol.GetProp('InChIKey') == mol.GetProp('_Name')
    first = Path('out.sdf').read_text()
    invoke('some.smi', '--out', 'out.sdf', '--seed', 3)
    assert Path('out.sdf').read_text() == first
    invoke('some.smi', '--out', 'out.sdf', '--seed', 4)
    assert Path('out.sdf').read_text() != first


def test_other_formats_by_suffix(invoke):
    invoke('some.smi', '--out', 'out.xyz')
    lines = Path('out.xyz').read_text().splitlines()
    assert lines[0] == '9'
    assert lines[1] == 'inchikey=YTPLMLYBLZKORZ-UHFFFAOYSA-N charge=0 level=ETKDGv3+MMFF94'
    invoke('some.smi', '--out', 'out.h5')
    assert [len(item.numbers) for item in GeometryTable.read('out.h5').geometries] == [9, 13, 6]


def test_files_need_neither_aiida_nor_torch_nor_training_code(invoke, tmp_path):
    done = subprocess.run([sys.executable, '-c', WITHOUT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'out.sdf').is_file()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('nowhere.smi', '--out', 'o.sdf'), 'nowhere.smi does not exist'),
        (('some.smi',), 'say with --out which file to write'),
        (('some.smi', '--out', 'o.pdb'), 'has no known suffix: use .sdf'),
        (('some.smi', '--out', 'none/o.sdf'), 'is no folder'),
        (('some.smi', '--out', 'o.sdf', '--steps', '3'), 'name it with --model'),
        (('some.smi', '--out', 'o.sdf', '--seed', '-1'), 'seed -1'),
        (('some.smi', '--out', 'o.sdf', '--model', './none'), 'none does not exist'),
        (('some.smi', '--out', 'o.sdf', '--model', 'some.smi'), 'is no model folder'),
        (('some.smi', '--out', 'o.sdf', '--model', 'grids'), "give one of kind 'diffusion of molecules'"),
        (('some.smi', '--out', 'o.sdf', '--model', 'surrogate'), "give one of kind 'diffusion of molecules'"),
        (('some.smi', '--out', 'o.sdf', '--model', 'damaged'), 'damaged: not a model of aiida-osc'),
    ],
)
def test_mistakes_are_one_sentence(invoke, tmp_path, arguments, message):
    write_model('grids', 'diffusion', {'signal': 'grid'})
    write_model('surrogate', 'surrogate', {})
    write_model('damaged', 'diffusion', {'signal': 'molecules'})
    (tmp_path / 'damaged' / 'weights.safetensors').write_bytes(b'x' * 100)
    assert message in invoke(*arguments, code=1).stderr
    assert not (tmp_path / 'o.sdf').exists()


def test_a_model_without_sense_leaves_no_molecule_out(invoke, tmp_path):
    """Random weights make nonsense: every molecule is embedded, and the file says so."""
    torch.manual_seed(0)
    sizes = {'hidden': 16, 'pair': 8, 'layers': 1}
    config = {name: type_() for name, type_ in SCHEMA.items()} | {'format': 1, 'kind': 'diffusion', 'finished': True}
    config |= {'architecture': {'signal': 'molecules', **sizes}, 'training': {'settings': {**sizes, 'max_atoms': 40}}}
    config['extra'] = {'elements': ['C', 'H', 'O']}
    ModelArtifact(config, build_network(config).state_dict()).save('model')
    result = invoke('some.smi', '--out', 'out.sdf', '--model', 'model', '--sampler', 'ddim', '--steps', 2)
    assert '3 structures: 3 x ETKDGv3+MMFF94' in result.stdout
    assert len(Chem.SDMolSupplier('out.sdf')) == 3
    assert (
        '0 steps: give at least 1'
        in invoke('some.smi', '--out', 'o.sdf', '--model', 'model', '--steps', 0, code=1).stderr
    )


def test_nodes_are_stored_with_provenance(invoke, aiida_profile, labelled_table):
    molecules = MoleculeSetData(labelled_table.take([4, 2]), label='two').store()
    result = invoke('two', '--out', 'out.sdf')
    assert '2 structures: 2 x ETKDGv3+MMFF94' in result.stdout
    node = QueryBuilder().append(GeometrySetData).first(flat=True)
    process = load_node(node.base.links.get_incoming().one().node.pk)
    assert process.process_label == 'sample_geometries'
    assert process.inputs.molecules.uuid == molecules.uuid
    assert [mol.GetProp('InChIKey') for mol in Chem.SDMolSupplier('out.sdf')] == list(molecules.load().inchikeys)
