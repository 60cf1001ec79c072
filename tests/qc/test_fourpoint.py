import json

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.qc import fourpoint
from aiida_osc.qc.calculation import Model
from aiida_osc.qc.levels import GFN2, IPEA1, XTB_LEVELS, fourpoint_columns

#: Thiophene as the runner gives it (GFN2-xTB and IPEA1-xTB with tblite 0.8.0).
PROPERTIES = {
    'homo': -10.694, 'lumo': -6.596, 'gap': 4.098, 'dipole': 0.914, 'polarizability': 49.7, 'ie_vertical': 9.105,
    'ie_adiabatic': 9.079, 'ea_vertical': -1.463, 'ea_adiabatic': -1.342, 'lambda_hole': 0.052,
    'lambda_electron': 0.320,
}  # fmt: skip
GEOMETRY = {'numbers': [6, 8], 'positions': [[0.0, 0.0, 0.0], [0.0, 0.0, 1.2]]}


def make(key='A', status='ok', **changes):
    record = {
        'key': key, 'smiles': f'smiles of {key}', 'status': status, 'reason': None, 'stage': None,
        'properties': dict(PROPERTIES), 'geometries': dict.fromkeys(('0', '1', '-1'), GEOMETRY), 'gradient_calls': 20,
        'cpu_seconds': 1.5, 'wall_seconds': 2.0, 'engine_seconds': 1.25, 'versions': {'tblite': '0.8.0'},
    }  # fmt: skip
    return {**record, **changes}


def line(record):
    return json.dumps(record)


def table(*keys):
    return MoleculeTable([f'smiles of {key}' for key in keys], keys, [f'source of {key}' for key in keys])


def read(*records):
    return fourpoint.read_results([line(record) for record in records])


def test_labels_keep_order_source_and_levels():
    labels = fourpoint.labels_table(read(make('A'), make('B')), table('B', 'X', 'A'))
    assert labels.inchikeys == ('B', 'A')
    assert labels.source == ('source of B', 'source of A')
    assert set(labels.columns) == {Column(target, level) for target, level in XTB_LEVELS.items()}
    assert labels.values(Column('ie_adiabatic', IPEA1)).tolist() == [9.079, 9.079]
    assert labels.values(Column('lambda_hole', GFN2)).tolist() == [0.052, 0.052]


def test_missing_polarizability_is_nan_or_no_column():
    without = {name: value for name, value in PROPERTIES.items() if name != 'polarizability'}
    column = Column('polarizability', GFN2)
    one = fourpoint.labels_table(read(make('A', properties=without), make('B')), table('A', 'B'))
    assert np.isnan(one.values(column)[0])
    assert one.values(column)[1] == 49.7
    assert column not in fourpoint.labels_table(read(make('A', properties=without)), table('A')).columns


def test_failed_and_flagged_stay_out_of_labels_with_their_reason():
    records = read(make('A'), make('B', 'flagged', reason='bond broken', stage='check'),
                   make('C', 'failed', reason='no start', stage='embed', properties={}, geometries={}))  # fmt: skip
    assert fourpoint.labels_table(records, table('A', 'B', 'C')).inchikeys == ('A',)
    assert {item.inchikey for item in fourpoint.geometry_table(records).geometries} == {'A'}
    assert fourpoint.failures(records)['B'] == {
        'smiles': 'smiles of B', 'status': 'flagged', 'stage': 'check', 'reason': 'bond broken',
    }  # fmt: skip
    assert set(fourpoint.failures(records)) == {'B', 'C'}


def test_geometries_have_three_charges_and_their_level():
    geometries = fourpoint.geometry_table(read(make('A')))
    assert [item.charge for item in geometries.geometries] == [0, 1, -1]
    assert geometries.level == 'GFN2-xTB'


def test_nothing_gives_empty_tables():
    assert len(fourpoint.labels_table([], table('A'))) == 0
    assert len(fourpoint.geometry_table([])) == 0
    assert fourpoint.missing([], table('A')) == ['A']


@pytest.mark.parametrize(
    'damaged',
    [
        line(make('B'))[:-40],
        '',
        'null',
        '[1, 2]',
        '[' * 100_000,
        line({**make('B'), 'key': 3}),
        line({**make('B'), 'status': 'perfect'}),
        line(make('B', properties={'homo': float('nan')})),
        line(make('B', properties={'homo': 'low'})),
        line(make('B', properties=None)),
        line(make('B', geometries={'0': {'numbers': [6], 'positions': [[0, 0]]}})),
        line(make('B', geometries={'0': {'numbers': [600], 'positions': [[0, 0, 0]]}})),
        line(make('B', geometries=[])),
    ],
)
def test_damaged_lines_are_passed_over(damaged):
    records = fourpoint.read_results([line(make('A')), damaged, line(make('C'))])
    assert [record['key'] for record in records] == ['A', 'C']
    assert fourpoint.missing(records, table('A', 'B', 'C')) == ['B']


def test_last_record_of_a_molecule_counts():
    records = read(make('A', 'failed', reason='x', properties={}), make('B'), make('A'))
    assert [(record['key'], record['status']) for record in records] == [('A', 'ok'), ('B', 'ok')]


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'lambda_hole': -0.2}, 'lambda_hole'),
        ({'ie_vertical': 30.0}, 'ie_vertical'),
        ({'ie_adiabatic': 2.0, 'ea_adiabatic': 2.5}, 'not above'),
        ({'homo': 3.0}, 'homo'),
    ],
)
def test_implausible_numbers_are_flagged(change, reason):
    (record,) = read(make('A', properties={**PROPERTIES, **change}))
    assert record['status'] == 'flagged'
    assert reason in record['reason']


def test_missing_property_is_flagged():
    (record,) = read(make('A', properties={'homo': -9.0}))
    assert record['status'] == 'flagged'
    assert 'missing' in record['reason']


def test_summary_counts_and_adds_up():
    found = fourpoint.summary(read(make('A'), make('B'), make('C', 'failed', reason='x', stage='embed')))
    assert {name: found[name] for name in ('total', 'ok', 'flagged', 'failed', 'gradient_calls')} == {
        'total': 3, 'ok': 2, 'flagged': 0, 'failed': 1, 'gradient_calls': 60,
    }  # fmt: skip
    assert found['cpu_seconds'] == 4.5
    assert found['engine_seconds'] == 3.75
    assert found['versions'] == {'tblite': '0.8.0'}
    assert list(found['failures']) == ['C']
    assert json.loads(json.dumps(found, allow_nan=False)) == found


LEVEL = 'B3LYP-D3BJ/def2-SVP//GFN2-xTB'
DFT = {'levels': dict.fromkeys(XTB_LEVELS, LEVEL), 'environment': 'cpcm(eps=3.5)', 'geometry_level': 'GFN2-xTB'}


def test_labels_have_the_levels_of_their_records():
    records = read(make('A', **DFT), make('B'))
    labels = fourpoint.labels_table(records, table('A', 'B'))
    dft, xtb = Column('ie_adiabatic', LEVEL, 'cpcm(eps=3.5)'), Column('ie_adiabatic', IPEA1)
    assert labels.values(dft)[0] == labels.values(xtb)[1] == 9.079
    assert np.isnan(labels.values(dft)[1])
    assert np.isnan(labels.values(xtb)[0])


def test_geometries_have_the_level_of_their_records():
    changes = {**DFT, 'geometry_level': 'B3LYP-D3BJ/def2-SVP'}
    assert fourpoint.geometry_table(read(make('A', **changes))).level == 'B3LYP-D3BJ/def2-SVP'


def test_records_of_other_levels_are_left_out():
    records = read(make('A', **DFT), make('B'), make('C', 'failed', properties={}))
    assert [item['key'] for item in fourpoint.of_levels(records, fourpoint_columns(None))] == ['B', 'C']
    model = Model('B3LYP', 'def2-SVP', 'D3BJ', 3.5)
    assert [item['key'] for item in fourpoint.of_levels(records, fourpoint_columns(model))] == ['A']


@pytest.mark.parametrize(
    'damage',
    [
        {'levels': ['homo']},
        {'levels': {**DFT['levels'], 'homo': 'a@b'}},
        {'levels': {'homo': LEVEL}},
        {'levels': {**DFT['levels'], 'colour': LEVEL}},
        {'levels': DFT['levels'], 'environment': 3},
        {'geometry_level': 3},
    ],
)
def test_damaged_levels_are_passed_over(damage):
    assert [item['key'] for item in read(make('A', **damage), make('B'))] == ['B']


def test_structures_of_another_molecule_are_flagged():
    molecules = MoleculeTable(('C=O', 'O'), ('A', 'B'), ('s', 's'))
    carbon_monoxide = {'numbers': [6, 8], 'positions': GEOMETRY['positions']}
    water = {'numbers': [1, 8, 1], 'positions': [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]}
    records = read(make('A', geometries={'0': carbon_monoxide}), make('B', geometries={'0': water}), make('C'))
    found = {item['key']: item for item in fourpoint.verify(records, molecules)}
    assert set(found) == {'A', 'B'}
    assert (found['A']['status'], found['B']['status']) == ('flagged', 'ok')
    assert 'another molecule' in found['A']['reason']


def test_values_of_ions_that_relaxed_at_another_level_are_dropped_with_reasons():
    rising = {**PROPERTIES, 'lambda_electron': -0.03, 'ie_adiabatic': PROPERTIES['ie_vertical'] + 0.23}
    (mixed,) = read(make('A', properties=rising, **DFT))
    (same,) = read(make('A', properties=rising))

    assert same['status'] == 'flagged'
    assert mixed['status'] == 'ok'
    assert set(mixed['dropped']) == {'ie_adiabatic', 'lambda_hole', 'lambda_electron'}
    assert 'the cation ends 0.23 eV higher' in mixed['dropped']['lambda_hole']
    assert '-0.0300 eV is negative' in mixed['dropped']['lambda_electron']
    assert {'ie_vertical', 'ea_adiabatic', 'homo'} <= set(mixed['properties'])
    labels = fourpoint.labels_table([mixed], table('A'))
    assert {column.target for column in labels.columns} == set(PROPERTIES) - set(mixed['dropped'])
    assert fourpoint.summary([mixed])['dropped'] == {'A': mixed['dropped']}


def test_sound_values_at_geometries_of_another_level_stay():
    (record,) = read(make('A', **DFT))
    assert record['dropped'] == {}
    assert 'dropped' not in fourpoint.summary([record])
