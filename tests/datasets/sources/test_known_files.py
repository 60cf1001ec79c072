"""What each known data set gives: values of the files in ``tests/datasets/files``, in canonical units."""

import json

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.readers import read_table
from aiida_osc.units import HARTREE_TO_EV

NAPHTHALENE, THIOPHENE = 'c1ccc2ccccc2c1', 'c1ccsc1'


def values(result, text):
    return result.table.values(Column.parse(text))


def test_cep_gives_molecules_and_no_efficiency(own_file):
    result = read_table(own_file('cep'), source_name='cep')
    assert result.table.smiles == (NAPHTHALENE, THIOPHENE)
    assert result.table.columns == {}
    assert set(result.table.source) == {'cep'}
    assert 'Scharber' in result.report.left_out['PCE']


def test_cepdb(own_file):
    result = read_table(own_file('cepdb'), source_name='cepdb')
    assert result.table.smiles == (NAPHTHALENE, 'c1csc(-c2cccs2)c1')
    np.testing.assert_array_equal(values(result, 'homo@DFT[CEPDB, unstated]'), [-6.1, -5.6])
    assert set(result.report.left_out) == {'pce', 'voc', 'jsc'}


def test_csce_takes_the_level_that_the_user_knows(own_file):
    result = read_table(own_file('csce'), source_name='csce')
    np.testing.assert_array_equal(values(result, 'gap@unstated[csce]'), [4.1, 5.6])
    result = read_table(own_file('csce'), source_name='csce', level='DFTB3')
    np.testing.assert_array_equal(values(result, 'gap@DFTB3'), [4.1, 5.6])


def test_nfa(own_file):
    result = read_table(own_file('nfa'), source_name='nfa')
    np.testing.assert_array_equal(values(result, 'homo@DFT[calibrated, unstated]'), [-5.8, -6.3])
    np.testing.assert_array_equal(values(result, 'gap@DFT[calibrated, unstated]'), [4.8, 6.1])
    assert len(result.table.columns) == 3
    assert result.report.left_out == {}


def test_ocelot_ionisation_energies_are_no_orbital_energies(own_file):
    result = read_table(own_file('ocelot'), source_name='ocelot')
    level = 'DFT[OCELOT chromophores v1]'
    np.testing.assert_array_equal(values(result, f'ie_vertical@{level}'), [7.3, 6.8, 8.0])
    np.testing.assert_array_equal(values(result, f'ie_adiabatic@{level}'), [7.2, 6.7, 7.9])
    np.testing.assert_array_equal(values(result, f'homo@{level}'), [-7.2, -6.7, -7.9])
    np.testing.assert_array_equal(values(result, f'lambda_hole@{level}'), [0.15, 0.12, 0.2])
    np.testing.assert_array_equal(values(result, f'lambda_electron@{level}'), [0.2, 0.17, 0.26])
    assert set(result.report.left_out) == {'s0s1', 's0t1', 'cr1', 'cr2', 'ar1', 'ar2'}


def test_ocelot_affinities_are_positive_where_the_electron_is_bound(own_file):
    """The file has E(anion) - E(neutral), -0.4 eV for a LUMO of -0.6 eV; with the other sign nothing is turned."""
    level = 'DFT[OCELOT chromophores v1]'
    result = read_table(own_file('ocelot'), source_name='ocelot')
    np.testing.assert_array_equal(values(result, f'ea_vertical@{level}'), [0.4, 1.0, -0.3])
    np.testing.assert_array_equal(values(result, f'ea_adiabatic@{level}'), [0.5, 1.1, -0.2])
    assert [note.split()[1] for note in result.report.notes] == ["'vea'", "'aea'"]

    path = own_file('ocelot')
    path.write_text(path.read_text().replace('-0.4,-0.5', '0.4,0.5').replace('-1.0,-1.1', '1.0,1.1'))
    again = read_table(path, source_name='ocelot')
    np.testing.assert_array_equal(values(again, f'ea_vertical@{level}')[:2], [0.4, 1.0])
    assert again.report.notes == ()


def test_qmugs_reads_the_first_conformer_at_two_levels(own_file):
    result = read_table(own_file('qmugs'), source_name='qmugs')
    assert len(result.table) == 2
    assert result.report.rows == 3
    assert result.report.duplicates == ()
    assert 'more than one fragment' in result.report.rejected[0].reason
    np.testing.assert_allclose(values(result, 'homo@GFN2-xTB//GFN2-xTB')[0], -0.41 * HARTREE_TO_EV)
    np.testing.assert_allclose(values(result, 'gap@wB97X-D/def2-SVP//GFN2-xTB')[0], 0.35 * HARTREE_TO_EV)
    np.testing.assert_array_equal(values(result, 'dipole@wB97X-D/def2-SVP//GFN2-xTB'), [2.9, 4.0])
    assert np.isnan(values(result, 'polarizability@GFN2-xTB//GFN2-xTB')).all()
    np.testing.assert_array_equal(values(result, 'polarizability@D4[GFN2-xTB]//GFN2-xTB'), [115.0, 105.0])
    assert result.report.left_out['DFT_TOTAL_ENERGY'] == 'none of the properties of this package'


def test_pachqa_puts_three_levels_into_three_columns(own_file):
    result = read_table(own_file('pachqa'), source_name='pachqa')
    assert result.table.smiles == (NAPHTHALENE, 'Clc1ccccc1')
    assert result.report.rows == 2
    assert result.report.duplicates == ()
    assert len(result.table.columns) == 15
    for level, homo in (
        ('GFN2-xTB//GFN2-xTB', -10.6),
        ('r2SCAN-3c//r2SCAN-3c', -5.5),
        ('wB97X-D4/def2-TZVP//r2SCAN-3c', -8.3),
    ):
        assert values(result, f'homo@{level}')[0] == homo
    assert values(result, 'dipole@r2SCAN-3c//r2SCAN-3c')[1] == 1.7


def test_pachqa_names_a_level_that_it_does_not_know(own_file):
    path = own_file('pachqa')
    path.write_text(path.read_text().replace('Cl,d4tzvp', 'Cl,ccsd'))
    result = read_table(path, source_name='pachqa')
    assert result.table.smiles == (NAPHTHALENE,)
    assert "unknown level 'ccsd' in line 7" in result.report.rejected[0].reason


def test_da_dimers_are_not_labelled_with_what_their_halves_have(own_file):
    result = read_table(own_file('da_dimers'), source_name='da_dimers')
    assert result.table.smiles == ('C', 'O')
    assert result.table.columns == {}
    assert 'not of the dimer' in result.report.left_out['D_HOMO']
    assert result.report.left_out['S1_exc'] == 'an excited state'


def test_hopv15_keeps_experiment_and_computation_apart(own_file):
    """The second block is a polymer, the third has butyl where its computed molecule has methyl."""
    result = read_table(own_file('hopv15'), source_name='hopv15')
    assert result.table.smiles == (THIOPHENE, 'Cc1ccsc1', 'CCCCc1cccs1', 'Cc1cccs1')
    np.testing.assert_array_equal(values(result, 'homo@experiment[HOPV15]'), [-5.04, np.nan, -5.3, np.nan])
    np.testing.assert_array_equal(values(result, 'gap@experiment[HOPV15]'), [1.47, np.nan, np.nan, np.nan])
    computed = values(result, 'homo@B3LYP/def2-SVP//HOPV15[first conformer]')
    np.testing.assert_allclose(computed, np.array([-0.187, -0.187, np.nan, -0.187]) * HARTREE_TO_EV)
    assert result.report.left_out['experimental optical gap'] == 'an excitation energy'


def test_oe62_takes_the_frontier_energies_of_each_level(own_file):
    result = read_table(own_file('oe62'), source_name='oe62')
    assert result.table.smiles == ('C', 'O')
    np.testing.assert_allclose(values(result, 'homo@PBE//PBE+vdW'), [-9.3, -7.2])
    np.testing.assert_allclose(values(result, 'lumo@PBE//PBE+vdW'), [0.4, -0.9])
    np.testing.assert_allclose(values(result, 'gap@PBE0/tier2//PBE+vdW'), [12.1, 9.0])
    np.testing.assert_allclose(values(result, 'homo@PBE0//PBE+vdW@water'), [-10.8, np.nan])
    np.testing.assert_allclose(values(result, 'homo@G0W0[PBE0]/CBS//PBE+vdW'), [np.nan, -12.6])
    assert not any(column.target.startswith(('ie', 'ea')) for column in result.table.columns)


def test_oe62_rows_without_orbitals_or_smiles(own_file):
    path = own_file('oe62')
    data = json.loads(path.read_text())
    smiles, occupied = data['columns'].index('canonical_smiles'), data['columns'].index('energies_occ_pbe')
    data['data'][0][smiles] = None
    data['data'][1][occupied] = None
    path.write_text(json.dumps(data))
    result = read_table(path, source_name='oe62')
    assert result.report.rejected[0].reason == 'empty SMILES'
    assert np.isnan(values(result, 'homo@PBE//PBE+vdW')).all()
    np.testing.assert_allclose(values(result, 'homo@PBE0/tier2//PBE+vdW'), [-9.1])


@pytest.mark.parametrize(
    'name', ['cep', 'cepdb', 'csce', 'nfa', 'ocelot', 'qmugs', 'pachqa', 'da_dimers', 'hopv15', 'oe62']
)
def test_a_sample_is_decided_by_its_seed(own_file, name):
    whole = read_table(own_file(name), source_name=name).table
    drawn = {seed: read_table(own_file(name), source_name=name, sample=1, seed=seed) for seed in (0, 0, 1, 2, 3, 4)}
    assert all(result.report.rows == 1 for result in drawn.values())
    smiles = {result.table.smiles for result in drawn.values() if len(result.table)}
    assert len(smiles) > 1
    assert {text for texts in smiles for text in texts} <= set(whole.smiles)
