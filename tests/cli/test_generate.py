"""``aiida-osc generate`` on files: what it writes, counts and refuses."""

import csv

import pytest

from aiida_osc.cli.generate import parse_window, read_options, split_family
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.settings import JtvaeSettings

SMILES = ('c1ccsc1', 'c1csc(-c2cccs2)c1', 'c1ccc(-c2cccs2)cc1', 'N#Cc1ccccc1', 'c1ccc(-c2ccccc2)cc1', 'c1ccc2sccc2c1')


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Return the folder of a small generator with one head."""
    from aiida_osc.chem.molecules import standardise

    items = [standardise(text) for text in SMILES]
    gap = {Column('gap', 'test'): [5.0, 4.0, 4.1, 6.0, 5.2, 4.6]}
    table = MoleculeTable([m.smiles for m in items], [m.inchikey for m in items], ['test'] * len(items), gap)
    settings = {'hidden': 32, 'latent': 8, 'epochs': 30, 'validation': 0.0, 'hold_out_test': False, 'min_labels': 5}
    folder = tmp_path_factory.mktemp('generator')
    fit_jtvae_piece(table, JtvaeSettings.from_dict(settings), seed=0).save(folder)
    return folder


def test_molecules_come_with_their_origin(model, run_command, no_profile, tmp_path):
    (tmp_path / 'start.smi').write_text('c1ccsc1\nnonsense\nC1CCCCCC1\n')
    result = run_command(
        'generate', '--model', model, '-n', 4, '--out', 'new.csv', '--strategy', 'around', '--around', 'start.smi',
        '--noise', 3, '--temperature', 1.5, '--forbid', '[#7]', '--keep-outside', '--window', 'n_type=gap:3:4.5',
    )  # fmt: skip
    with open('new.csv', newline='') as stream:
        rows = list(csv.DictReader(stream))
    assert 0 < len(rows) <= 4
    assert {row['parents'] for row in rows} == {'c1ccsc1'}
    assert {row['how'] for row in rows} == {'around'}
    assert {row['aim'] for row in rows} == {'n_type'}
    assert not any('N' in row['smiles'] or 'n' in row['smiles'] for row in rows)
    assert 'not sampled around: C1CCCCCC1: motif' in result.output
    assert 'n_type: ' in result.output
    assert '% valid' in result.output


def test_a_request_that_nothing_meets_ends_with_its_reason(model, run_command, no_profile, tmp_path):
    command = ['generate', '--model', model, '-n', 5, '--out', 'new.csv', '--max-attempts', 3]
    result = run_command(*command, '--window', 'gap:90:99', code=1)
    assert 'Error: 0 of 5 molecules in 15 attempts' in result.output
    assert not (tmp_path / 'new.csv').exists()
    assert "'[C' is no SMARTS" in run_command(*command, '--require', '[C', code=1).output
    assert 'names 0 property heads' in run_command(*command, '--window', 'ie_adiabatic:5:6', code=1).output
    assert 'an ascent needs a surrogate' in run_command(*command, '--strategy', 'ascent', code=1).output
    (tmp_path / 'bad.smi').write_text('C1CCCCCC1\n')
    assert 'none of the molecules to sample around' in run_command(*command, '--around', 'bad.smi', code=1).output
    assert 'give a file with SMILES' in run_command(*command, '--around', 'no_such_file', code=1).output


def test_windows_and_objectives_are_read_by_family():
    texts = {'around': None, 'require': (), 'forbid': ('N',)}
    level = 'ie_adiabatic@IPEA1-xTB[shift=4.8455]//GFN2-xTB'
    windows = ('p_type=ie_adiabatic:5:5.6', 'n_type=ea_adiabatic:4:5', f'{level}:5:6')
    settings, selection = read_options(windows=windows, objectives=('gap:min', 'n_type=lumo:min'), **texts)
    assert settings['families'] == {
        'p_type': {'ie_adiabatic': [5.0, 5.6]},
        'n_type': {'ea_adiabatic': [4.0, 5.0]},
        'any': {level: [5.0, 6.0]},
    }
    assert (settings['forbid'], settings['require']) == (['N'], None)
    assert selection['objectives']['any'] == [{'target': 'gap', 'direction': 'min'}]
    assert read_options(windows=(), objectives=(), **texts)[1] == {}
    assert split_family('gap:1:2') == ('', 'gap:1:2')
    with pytest.raises(OscError, match='write TARGET:LOW:HIGH'):
        parse_window('gap:1')
