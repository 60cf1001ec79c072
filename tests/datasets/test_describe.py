import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.chem.hansen import METHOD, hansen
from aiida_osc.chem.hansen_partners import Partner
from aiida_osc.chem.molecules import parse_smiles, standardise
from aiida_osc.chem.packing import packing
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.describe import GRAPH, DescribeSettings, describe_table
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE
from aiida_osc.surrogate.data import choose_columns

SMILES = ('c1ccc2ccccc2c1', 'Clc1ccccc1', 'c1ccsc1')
DIPOLE = Column('dipole', 'PBE')
POLAR = 'hansen_polar_surrogate'


@pytest.fixture
def table():
    items = [standardise(item) for item in SMILES]
    columns = {DIPOLE: np.array([0.0, np.nan, 0.55])}
    return MoleculeTable([m.smiles for m in items], [m.inchikey for m in items], ['x'] * 3, columns)


def structure(table, row, charge=0):
    mol = Chem.AddHs(parse_smiles(table.smiles[row]))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    order = np.random.default_rng(row).permutation(len(numbers))
    return Geometry(table.inchikeys[row], charge, numbers[order], mol.GetConformer().GetPositions()[order])


def test_all_columns_of_the_graph_are_added(table):
    described, report = describe_table(table, DescribeSettings(partners=('toluene',)))
    np.testing.assert_array_equal(described.values(DIPOLE), table.values(DIPOLE))
    np.testing.assert_allclose(described.values(Column('molar_mass', 'RDKit')), [128.17, 112.56, 84.14], atol=0.01)
    assert np.isfinite(described.values(Column('sa_score', SA_SCORE))).all()
    assert described.values(Column('packing_surrogate', GRAPH))[0] == pytest.approx(0.2)  # 2 of 10 carbons are bare
    near = Partner.parse('toluene').parameters.distance(hansen(parse_smiles('Clc1ccccc1')))
    found = described.values(Column('miscibility_surrogate', f'{METHOD}:toluene'))
    np.testing.assert_allclose(found[1], near)
    assert np.isnan(found[2])
    assert report['uncovered_groups'] == {'C~S': 1, 'S(0)': 1}
    assert report['columns']['molar_mass@RDKit'] == 3
    assert report['columns'][f'{POLAR}@{METHOD}'] == 2


def test_dipoles_stand_in_for_polar_groups_and_are_named_in_the_level(table):
    described, report = describe_table(table, DescribeSettings(dipole='dipole@PBE', partners=('toluene',)))
    polar = described.values(Column(POLAR, f'{METHOD}+dipole[PBE]'))
    np.testing.assert_allclose(polar, [0, np.nan, 37.4 * 0.55 / np.sqrt(79.05)], atol=1e-9)
    assert Column('miscibility_surrogate', f'{METHOD}+dipole[PBE]:toluene') in described.columns
    assert Column('hansen_dispersion_surrogate', METHOD) in described.columns
    assert report['uncovered_groups'] == {'no dipole': 1}


def test_only_what_is_asked_for_is_computed(table):
    settings = DescribeSettings(descriptors=False, sa_score=True, packing=False, hansen=False)
    assert list(describe_table(table, settings)[0].columns) == [DIPOLE, Column('sa_score', SA_SCORE)]


def test_packing_follows_from_structures_where_they_are(table):
    wrong = Geometry(table.inchikeys[1], 0, np.array([6, 6]), np.array([[0.0, 0, 0], [0, 0, 1.5]]))
    structures = GeometryTable([structure(table, 0, charge=1), structure(table, 0), wrong], 'ETKDGv3')
    settings = DescribeSettings(descriptors=False, sa_score=False, hansen=False)
    described, report = describe_table(table, settings, structures)
    found = described.values(Column('packing_surrogate', 'ETKDGv3'))
    assert found[0] == pytest.approx(packing(parse_smiles(SMILES[0])).propensity, abs=0.03)
    assert np.isnan(found[1:]).all()
    assert 0 <= described.values(Column('planarity_surrogate', 'ETKDGv3'))[0] < 0.1
    # The rings of naphthalene: 5 x 2.8 Angstrom between nuclei, 3.4 more all around.
    assert described.values(Column('aspect_ratio_surrogate', 'ETKDGv3'))[0] == pytest.approx(8.4 / 6.2, abs=0.05)
    assert report['structures'] == {'used': 1, 'other molecule': 1, 'missing': 1}


def test_what_is_no_molecule_keeps_its_row(table):
    broken = MoleculeTable((*table.smiles, 'C1CC'), (*table.inchikeys, 'BAD'), ('x',) * 4)
    described, report = describe_table(broken, DescribeSettings())
    assert np.isnan([values[3] for values in described.columns.values()]).all()
    assert report['unparsable'] == {'count': 1, 'molecules': ['BAD']}


def test_computed_columns_are_not_trained_on(table):
    many = MoleculeTable(
        [f'{"C" * n}c1ccccc1' for n in range(30)], [f'KEY{n}' for n in range(30)], ['x'] * 30,
        {Column('homo', 'PBE'): np.linspace(-7, -6, 30)},
    )  # fmt: skip
    described = describe_table(many, DescribeSettings(partners=('toluene',)))[0]
    assert choose_columns(described, None, 20) == (Column('homo', 'PBE'),)
    assert choose_columns(described, ['molar_mass@RDKit'], 20) == (Column('molar_mass', 'RDKit'),)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'partners': ['nobody?']}, 'partner .nobody.. is unknown'),
        ({'dipole': 'dipole@B3LYP'}, 'no dipoles in a column dipole@B3LYP: the table has dipole@PBE'),
        ({'dipole': 'homo@PBE'}, 'no dipoles in a column homo@PBE'),
        ({'colour': True}, 'unknown settings colour'),
    ],
)
def test_bad_settings_are_refused(table, settings, message):
    with pytest.raises(OscError, match=message):
        describe_table(table, DescribeSettings.from_dict(settings))


def test_an_empty_table_is_refused():
    with pytest.raises(OscError, match='no molecules to describe'):
        describe_table(MoleculeTable(), DescribeSettings())


def test_the_written_column_reads_back_from_a_file(table, tmp_path):
    from aiida_osc.datasets.export import export_table
    from aiida_osc.datasets.opening import open_table

    described = describe_table(table, DescribeSettings(partners=('Clc1ccccc1',)))[0]
    for name in ('x.h5', 'x.csv'):
        export_table(described, tmp_path / name)
        assert open_table(tmp_path / name).coverage() == described.coverage()
