"""Tests of the calcfunction that puts the labels of several jobs together."""

import numpy as np
from aiida.orm import Dict

from aiida_osc.calculations.functions.collect_labels import collect_labels
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.qc.scheme import FourPointSettings

HOMO = Column('homo', 'GFN2-xTB//GFN2-xTB')


def table(*keys, value=None):
    needed = FourPointSettings().required_columns
    columns = {} if value is None else {column: np.full(len(keys), value) for column in needed}
    return MoleculeSetData(MoleculeTable(('C',) * len(keys), keys, ('test',) * len(keys), columns))


def geometries(*keys):
    return GeometrySetData(GeometryTable([Geometry(k, 0, np.array([6]), np.zeros((1, 3))) for k in keys], 'GFN2-xTB'))


def test_collect_labels_of_a_good_and_a_lost_job():
    failure = {'smiles': 'C', 'status': 'flagged', 'stage': 'check', 'reason': 'another molecule after optimisation'}
    parts = {
        'labels_000': table('A', value=-9.0),
        'geometries_000': geometries('A'),
        'results_000': Dict({'ok': 1, 'flagged': 1, 'failed': 0, 'failures': {'B': failure}}),
    }

    outputs = collect_labels(table('A', 'B', 'C'), Dict({}), **parts)

    assert outputs['labels'].load().inchikeys == ('A',)
    assert outputs['labels'].load().values(HOMO).tolist() == [-9.0]
    assert outputs['geometries'].base.attributes.get('level') == 'GFN2-xTB'
    failures = outputs['failures'].get_dict()
    assert failures['molecules']['B'] == failure
    assert failures['molecules']['C']['status'] == 'not_treated'
    assert failures['totals']['labelled'] == 1


def test_labels_of_earlier_and_reasons_that_no_job_gave():
    parts = {'known_000': table('B', value=-8.0), 'geometries_known_000': geometries('B', 'Z')}

    outputs = collect_labels(table('A', 'B'), Dict({}), Dict({'A': 'optimise_cation failed'}), **parts)

    assert outputs['labels'].load().inchikeys == ('B',)
    assert outputs['geometries'].load().geometries[0].inchikey == 'B'
    assert outputs['geometries'].count == 1
    assert outputs['failures']['molecules']['A']['reason'] == 'optimise_cation failed'


def test_collect_labels_of_nothing():
    outputs = collect_labels(table('A'), Dict({}))

    assert outputs['labels'].count == 0
    assert outputs['geometries'].count == 0
    assert list(outputs['failures'].get_dict()['molecules']) == ['A']
