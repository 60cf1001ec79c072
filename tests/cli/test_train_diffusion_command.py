"""``aiida-osc train diffusion`` on files, and ``aiida-osc geometries`` with the model it made."""

import pytest
from click.testing import CliRunner
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.cli import main
from aiida_osc.qc.placing import with_hydrogens
from aiida_osc.training.artifact import ModelArtifact

SMALL = ('--epochs', 2, '--hidden', 8, '--layers', 1)


def _run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path):
    """Return a folder with an SD file of five structures, one of which is flat and not its molecule's."""
    path = tmp_path / 'structures'
    path.mkdir()
    with Chem.SDWriter(str(path / 'some.sdf')) as writer:
        for smiles in ('CC', 'CO', 'C=C', 'CC=O', 'CN'):
            mol = with_hydrogens(smiles)
            rdDistGeom.EmbedMolecule(mol, randomSeed=1)
            if smiles == 'CN':
                mol.GetConformer().SetAtomPosition(0, (9.0, 9.0, 9.0))
            writer.write(mol)
    return path


@pytest.mark.xtb
def test_train_then_make_structures(folder, tmp_path):
    model, out = tmp_path / 'model', tmp_path / 'out.sdf'
    trained = _run('train', 'diffusion', '--data', folder, '--out', model, *SMALL)

    assert trained.exit_code == 0, trained.output
    assert 'left out: some.sdf record 5: the bonds in the structure' in trained.stderr
    assert 'gate not passed' in trained.output
    assert ModelArtifact.load(model).config['architecture']['signal'] == 'molecules'

    (tmp_path / 'new.smi').write_text('CCO\nC[Si](C)(C)C\n')
    made = _run('geometries', tmp_path / 'new.smi', '--model', model, '--steps', 2, '--out', out)
    assert made.exit_code == 0, made.output
    assert len([mol for mol in Chem.SDMolSupplier(str(out), removeHs=False) if mol]) == 2

    again = _run('train', 'diffusion', '--data', folder, '--out', model, *SMALL)
    assert again.exit_code == 1
    assert 'holds a finished model' in again.output


def test_unusable_data_is_one_sentence(tmp_path):
    empty, table = tmp_path / 'empty', tmp_path / 'x.h5'
    empty.mkdir()
    table.write_bytes(b'')
    for data, text in ((empty, 'holds no *.sdf'), (tmp_path / 'none', 'is no folder'), (table, '--molecules')):
        result = _run('train', 'diffusion', '--data', data, '--out', tmp_path / 'model', *SMALL)
        assert result.exit_code == 1
        assert text in result.output
    submitted = _run('train', 'diffusion', '--data', '12', *SMALL)
    assert submitted.exit_code == 1
    assert 'give nodes to a WorkChain' in submitted.output
