"""Tests of the calcfunction that puts the labels of several jobs together."""

import numpy as np
from aiida.orm import Dict

from aiida_osc.calculations.functions.collect_labels import collect_labels
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable

HOMO = Column('homo', 'GFN2-xTB//GFN2-xTB')


def table(*keys, value=None):
    columns = {} if value is None else {HOMO: np.full(len(keys), value)}
    return MoleculeSetData(MoleculeTable(('C',) * len(keys), keys, ('test',) * len(keys), columns))


def geometries(*keys):
    return GeometrySetData(GeometryTable([Geometry(k, 0, np.array([6]), np.zeros((1, 3))) for k in keys], 'GFN2-xTB'))


def test_collect_labels_of_a_good_and_a_lost_job():
    failure = {'smiles': 'C', 'status': 'flagged', 'stage': 'check', 'reason': 'another molecule after optimisation'}
    parts = {
        'molecules_000': table('A', 'B'),
        'labels_000': table('A', value=-9.0),
        'geometries_000': geometries('A'),
        'results_000': Dict({'ok': 1, 'flagged': 1, 'failed': 0, 'failures': {'B': failure}}),
        'molecules_001': table('C'),
    }

    outputs = collect_labels(**parts)

    assert outputs['labels'].load().inchikeys == ('A',)
    assert outputs['labels'].load().values(HOMO).tolist() == [-9.0]
    assert outputs['geometries'].base.attributes.get('level') == 'GFN2-xTB'
    failures = outputs['failures'].get_dict()
    assert failures['molecules']['B'] == failure
    assert failures['molecules']['C']['status'] == 'not_treated'
    assert failures['totals']['labelled'] == 1


def test_collect_labels_of_nothing():
    outputs = collect_labels(molecules_000=table('A'))

    assert outputs['labels'].count == 0
    assert outputs['geometries'].count == 0
    assert list(outputs['failures'].get_dict()['molecules']) == ['A']
