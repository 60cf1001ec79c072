"""The commands around the generator."""

import csv

from click.testing import CliRunner

from aiida_osc.cli import main


def _run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_motifs_says_how_many_molecules_come_back(tmp_path):
    path = tmp_path / 'some.smi'
    path.write_text('c1ccc2ccccc2c1 naphthalene\nc1ccc(-c2cccs2)cc1\n')
    result = _run('motifs', path)
    assert result.exit_code == 0, result.output
    assert '2 of 2 molecules decompose and reassemble exactly' in result.output
    assert 'vocabulary: 3 motifs' in result.output
    assert 'ring         3          2  c1ccccc1' in result.output


def test_a_missing_file_is_one_sentence():
    result = _run('motifs', 'nowhere/none.smi')
    assert result.exit_code == 1
    assert 'Error: file nowhere/none.smi does not exist' in result.output


def test_train_and_generate_on_files(tmp_path):
    data, model, out = tmp_path / 'data.smi', tmp_path / 'model', tmp_path / 'new.csv'
    data.write_text(
        '\n'.join(['c1ccsc1', 'c1csc(-c2cccs2)c1', 'N#Cc1ccccc1', 'c1ccc(-c2ccccc2)cc1', 'Cc1ccccc1', 'C#Cc1cccs1'])
    )
    trained = _run('train', 'jtvae', '--data', data, '--out', model, '--epochs', 5, '--hidden', 16, '--latent', 4)
    assert trained.exit_code == 0, trained.output
    assert 'reconstruction_train' in trained.output
    result = _run('generate', '--model', model, '-n', 3, '--out', out, '--seed', 4, '--temperature', 1.5)
    assert result.exit_code == 0, result.output
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3
    expected = {
        'smiles',
        'inchikey',
        'source',
        'sa_score@Ertl-Schuffenhauer',
        'attempt',
        'how',
        'parents',
        'aim',
        'inside',
    }
    assert set(rows[0]) == expected


def test_windows_of_another_form_are_refused(tmp_path):
    result = _run('generate', '--model', tmp_path, '--out', tmp_path / 'x.csv', '--window', 'ie_adiabatic:5')
    assert result.exit_code == 1
    assert 'write TARGET:LOW:HIGH' in result.output
