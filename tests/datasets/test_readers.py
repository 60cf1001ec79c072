"""Reading files as users have them, good and bad."""

import math

import numpy as np
import pytest
from rdkit import Chem

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.export import export_table
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table, read_with_settings
from aiida_osc.errors import OscError

LEVEL = 'B3LYP/6-31G(2df,p)'
HOMO = Column('homo', LEVEL)
LUMO = Column('lumo', LEVEL)
BENZENE = 'UHOVQNZJYSORNB-UHFFFAOYSA-N'


@pytest.fixture
def write(tmp_path):
    def write(text, name='in.csv'):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_units_come_from_the_names_of_the_columns(write):
    # QM9 index 1 and 2 (Ramakrishnan 2014): HOMO -0.3877 and -0.257, LUMO 0.1171 and 0.0829 hartree
    result = read_table(write('smiles,HOMO_hartree,lumo [Ha]\nC,-0.3877,0.1171\nN,-0.257,0.0829\n'), level=LEVEL)
    np.testing.assert_allclose(result.table.values(HOMO), [-10.5498545, -6.9933263], rtol=1e-7)
    np.testing.assert_allclose(result.table.values(LUMO), [3.1864533, 2.2558239], rtol=1e-7)
    assert result.report.columns == {'HOMO_hartree': str(HOMO), 'lumo [Ha]': str(LUMO)}
    assert result.table.source == ('in', 'in')


def test_mapping_gives_unit_level_and_environment(write):
    path = write('mol,ip,mu\nc1ccccc1,5300,0.1\n')
    columns = {'ip': 'ie_adiabatic:meV@experiment@film', 'mu': 'dipole:e*bohr'}
    table = read_table(path, columns=columns, level=LEVEL, smiles_column='mol').table
    assert table.values(Column('ie_adiabatic', 'experiment', 'film'))[0] == pytest.approx(5.3)
    assert table.values(Column('dipole', LEVEL))[0] == pytest.approx(0.25417, rel=1e-4)


def test_every_bad_row_is_listed_with_line_and_reason(write):
    path = write(
        'smiles,homo_ev\n'
        'c1ccccc1,-6.7\n'
        '[Na+].[Cl-],-6\n'
        '\n'
        'C[Fe]C,-6\n'
        'nonsense,-6\n'
        'CC\tO,-6\n'
        'C[N+](C)(C)C,-6\n'
        'c1ccoc1,-6,extra\n'
        'c1ccoc1\n'
        ',-6\n'
        'c1ccsc1,-6.4\n'
    )
    result = read_table(path, level=LEVEL)
    assert result.table.smiles == ('c1ccccc1', 'c1ccsc1')
    reasons = {item.line: item.reason for item in result.report.rejected}
    assert list(reasons) == [3, 5, 6, 7, 8, 9, 10, 11]
    assert 'fragment' in reasons[3]
    assert 'Fe' in reasons[5]
    assert 'invalid' in reasons[6]
    assert 'white space' in reasons[7]
    assert 'charged' in reasons[8]
    assert reasons[9] == '3 cells where the header has 2'
    assert reasons[10] == '1 cells where the header has 2'
    assert reasons[11] == 'empty SMILES'
    assert result.report.rows == 10


def test_line_numbers_count_line_breaks_inside_quotes(write):
    result = read_table(write('smiles,note\nc1ccccc1,"two\nlines"\nnonsense,x\n'))
    assert [item.line for item in result.report.rejected] == [4]


def test_impossible_values_are_refused_and_their_molecule_kept(write):
    cells = ('-6.1', '12', 'high', '-inf', '-5,9', '', 'NaN', '-', '-6.3')
    smiles = ('C', 'CC', 'CCC', 'CCCC', 'CCCCC', 'CCO', 'CCN', 'CCS', 'CCF')
    text = 'smiles;homo_eV\n' + ''.join(f'{one};{other}\n' for one, other in zip(smiles, cells, strict=True))
    result = read_table(write(text), level=LEVEL)
    assert len(result.table) == 9
    values = result.table.values(HOMO)
    assert [row for row in range(9) if not math.isnan(values[row])] == [0, 8]
    assert [(item.line, item.text) for item in result.report.refused_values] == [
        (3, '12'),
        (4, 'high'),
        (5, '-inf'),
        (6, '-5,9'),
    ]
    assert '12 eV is outside -25 to 0 eV' in result.report.refused_values[0].reason


def test_duplicates_fill_gaps_and_conflicts_keep_the_first(write):
    path = write(
        'smiles,homo_eV,lumo_eV\n'
        'c1ccccc1,-6.7,\n'
        'C1=CC=CC=C1,-6.7004,-0.1\n'  # same value within a meV, and a new one
        'c1ccccc1,-6.9,-0.1\n'
    )
    result = read_table(path, level=LEVEL)
    assert result.table.inchikeys == (BENZENE,)
    assert result.table.values(HOMO)[0] == -6.7
    assert result.table.values(LUMO)[0] == -0.1
    assert [(item.line, item.first_line, item.conflicts) for item in result.report.duplicates] == [
        (3, 2, ()),
        (4, 2, (str(HOMO),)),
    ]
    assert [item.line for item in result.report.conflicts] == [4]


def test_tolerance_decides_what_a_conflict_is(write):
    path = write('smiles,homo_eV\nC,-6.7\nC,-6.71\n')
    assert read_table(path, level=LEVEL).report.conflicts
    assert not read_table(path, level=LEVEL, tolerance=0.1).report.conflicts


@pytest.mark.parametrize(
    ('text', 'settings', 'reason'),
    [
        ('', {}, 'is empty'),
        ('\n \n', {}, 'is empty'),
        ('smiles\n', {}, 'holds no molecule'),
        ('mol,homo_eV\nC,-6\n', {'level': LEVEL}, r"no column 'smiles': its columns are mol, homo_eV"),
        ('smiles,x\nC,-6\n', {'smiles_column': 'SMILES'}, r"no column 'SMILES': its columns are smiles, x"),
        ('smiles,x\nC,-6\n', {'columns': {'y': 'homo:eV'}, 'level': LEVEL}, r"no column 'y' in the file: .*smiles, x"),
        ('smiles,x\nC,-6\n', {'columns': {'x': 'homo'}, 'level': LEVEL}, 'needs a unit: write x=homo:eV'),
        ('smiles,x\nC,-6\n', {'columns': {'x': 'homo:debye'}, 'level': LEVEL}, "'debye' does not measure energy"),
        ('smiles,x\nC,-6\n', {'columns': {'x': 'homos:eV'}, 'level': LEVEL}, "unknown target 'homos'"),
        ('smiles,homo_eV\nC,-6\n', {}, r'does not say its level of theory: .*--level'),
        ('smiles,homo_eV,homo [eV]\nC,-6,-6\n', {'level': LEVEL}, 'are both homo@'),
        ('smiles,a,a\nC,1,2\n', {}, "more than one column 'a'"),
        ('smiles,homo_eV\nC,-0.38\nN,-0.25\n', {'level': LEVEL}, r'would fit hartree'),
        ('smiles,ie_adiabatic_eV\nC,9200\nN,8800\n', {'level': LEVEL}, 'would fit mev'),
        (b'smiles\nC\xff\n', {}, 'not UTF-8'),
        ('smiles\nC\n'.encode('utf-16'), {}, 'not UTF-8'),
        (b'smiles\nC\0\n', {}, 'NUL'),
        ('smiles\nC\n', {'file_format': 'mol2'}, "unknown format 'mol2'"),
        ('smiles,homo@a@b@c\nC,-6\n', {}, 'is no column'),
    ],
)
def test_files_that_cannot_be_used_end_in_a_sentence(write, text, settings, reason):
    with pytest.raises(OscError, match=reason):
        read_table(write(text), **settings)


def test_missing_file_and_unknown_suffix(tmp_path, write):
    with pytest.raises(OscError, match='does not exist'):
        read_table(tmp_path / 'nothing.csv')
    with pytest.raises(OscError, match=r"unknown format '.docx'"):
        read_table(write('x', 'in.docx'))


def test_a_file_without_any_good_row_gives_an_empty_table_and_the_reasons(write):
    result = read_table(write('smiles\nxx\nyy\n'))
    assert len(result.table) == 0
    assert [item.line for item in result.report.rejected] == [2, 3]


@pytest.mark.parametrize('text', ['\ufeffsmiles,name\nC,x\n', 'SMILES\tname\nC\tx\n', 'Smiles;name\r\nC;x\r\n'])
def test_byte_order_mark_tabs_semicolons_and_windows_line_ends(write, text):
    assert read_table(write(text)).table.smiles == ('C',)


def test_columns_without_unit_are_left_out_and_named(write):
    result = read_table(write('smiles,HOMO,sa_score,dipole moment\nC,-6,1.5,0\n'))
    assert result.report.unclear == ('HOMO', 'dipole moment')
    assert list(result.report.columns) == ['sa_score']


def test_plain_smiles_lines(write):
    result = read_table(write('# a comment\nc1ccccc1 benzene\n\nc1ccsc1\nC.C methane twice\n', 'in.smi'))
    assert result.table.smiles == ('c1ccccc1', 'c1ccsc1')
    assert [(item.line, item.text) for item in result.report.rejected] == [(5, 'C.C')]


def test_sdf_with_fields_and_a_broken_block(write):
    blocks = []
    for smiles, homo in (('c1ccccc1', '-6.7'), ('c1ccsc1', '-6.3')):
        blocks.append(f'{Chem.MolToMolBlock(Chem.MolFromSmiles(smiles))}>  <HOMO_eV>  (1)\n{homo}\n\n$$$$\n')
    blocks.insert(1, 'broken\n\n\nthis is no molecule\n$$$$\n')
    result = read_table(write(''.join(blocks), 'in.sdf'), level=LEVEL)
    assert result.table.smiles == ('c1ccccc1', 'c1ccsc1')
    np.testing.assert_array_equal(result.table.values(HOMO), [-6.7, -6.3])
    first_lines = blocks[0].count('\n')
    assert [(item.line, item.reason) for item in result.report.rejected] == [
        (first_lines + 1, 'molecule block without "M  END"')
    ]


def test_sdf_in_three_dimensions_keeps_its_stereo(write):
    mol = Chem.AddHs(Chem.MolFromSmiles('C[C@H](N)C(=O)O'))
    from rdkit.Chem import AllChem

    AllChem.EmbedMolecule(mol, randomSeed=1)
    assert read_table(write(Chem.MolToMolBlock(mol) + '$$$$\n', 'in.sdf')).table.smiles == ('C[C@H](N)C(=O)O',)


def test_hdf5_from_elsewhere_is_standardised(tmp_path):
    foreign = MoleculeTable(('C1=CC=CC=C1', 'xx'), ('wrong', 'key'), ('a', 'b'), {HOMO: np.array([-6.7, np.nan])})
    foreign.write(tmp_path / 'foreign.h5')
    result = read_table(tmp_path / 'foreign.h5')
    assert result.table.inchikeys == (BENZENE,)
    assert result.table.source == ('a',)
    assert result.table.values(HOMO)[0] == -6.7
    assert [item.line for item in result.report.rejected] == [2]


def test_source_is_one_line_of_text(write):
    path = write('smiles,source\nC,"a\nb"\nN,\nO,\'=cmd()\n', 'my set.csv')
    assert read_table(path).table.source == ('a b', 'my set', '=cmd()')
    assert read_table(path, source='lab').table.source == ('lab',) * 3


def test_settings_with_unknown_keys_are_refused(write):
    path = write('smiles\nC\n')
    assert len(read_with_settings(path, {'source': 'x'}).table) == 1
    with pytest.raises(OscError, match='unknown import settings levle'):
        read_with_settings(path, {'levle': 'x'})


def test_origins_of_values_survive_csv_and_hdf5(write, tmp_path):
    path = write(
        "smiles,source,homo@PBE,origin of homo@PBE\nc1ccccc1,=mine,-6.7,'=lab\nc1ccsc1,mine,-6.3,\nCC,mine,,lab\n"
    )
    table = read_table(path).table
    column = Column('homo', 'PBE')
    assert [table.origin(column, row) for row in range(3)] == ['=lab', 'mine', None]
    assert table.source == ('=mine', 'mine', 'mine')
    export_table(table, tmp_path / 'out.csv', origins=True)
    table.write(tmp_path / 'out.h5')
    for name in ('out.csv', 'out.h5'):
        assert read_table(tmp_path / name).table.content_hash() == table.content_hash()


def test_a_gap_that_a_later_row_fills_keeps_the_source_of_that_row(write):
    path = write('smiles,source,homo_eV,lumo_eV\nc1ccccc1,one,-6.7,\nC1=CC=CC=C1,two,-6.7,-1\n')
    table = read_table(path, level=LEVEL).table
    assert (table.source, table.origin(HOMO, 0), table.origin(LUMO, 0)) == (('one',), 'one', 'two')
