"""``osc.audit``, ``osc.describe`` and ``osc.split`` on nodes."""

import numpy as np
import pytest
from aiida.orm import Dict, Int, load_node

from aiida_osc.calculations.functions.audit import audit
from aiida_osc.calculations.functions.describe import describe
from aiida_osc.calculations.functions.split import split
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable

pytestmark = pytest.mark.usefixtures('aiida_profile')


@pytest.fixture
def molecules(labelled_table):
    return MoleculeSetData(labelled_table)


def test_an_audit_is_a_node(molecules, labelled_table):
    result, process = audit.run_get_node(
        settings=Dict({}), set_001=molecules, set_000=MoleculeSetData(labelled_table.take([0]))
    )
    found = load_node(result.pk).get_dict()
    assert [item['name'] for item in found['sets']] == ['set_000', 'set_001']
    assert found['sets'][1]['content_hash'] == labelled_table.content_hash()
    assert found['overlaps'][0]['molecules'] == 1
    assert {link.link_label for link in process.base.links.get_incoming().all()} == {'settings', 'set_000', 'set_001'}


def test_described_molecules_have_their_labels_and_more(molecules, labelled_table):
    outputs = describe(molecules, Dict({'partners': ['toluene'], 'packing': False}))
    table = outputs['molecules'].load()
    assert table.inchikeys == labelled_table.inchikeys
    assert set(labelled_table.columns) < set(table.columns)
    assert outputs['molecules'].base.attributes.get('columns')['molar_mass@RDKit']['unit'] == 'g/mol'
    assert outputs['report'].get_dict()['columns']['molar_mass@RDKit'] == len(table)


def test_structures_are_an_input(labelled_table):
    one = MoleculeTable(('C',), ('VNWKTOKETHGBQD-UHFFFAOYSA-N',), ('x',))
    corners = 0.63 * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    structures = GeometryTable([Geometry(one.inchikeys[0], 0, np.array([6, 1, 1, 1, 1]), corners)], 'ideal')
    settings = Dict({'descriptors': False, 'sa_score': False, 'hansen': False})
    outputs, process = describe.run_get_node(
        molecules=MoleculeSetData(one), settings=settings, geometries=GeometrySetData(structures)
    )
    assert outputs['molecules'].load().values(Column('packing_surrogate', 'ideal')).tolist() == [0.0]
    assert 'geometries' in {link.link_label for link in process.base.links.get_incoming().all()}


def test_parts_are_nodes(molecules, labelled_table):
    outputs = split(molecules, Dict({'by': 'scaffold', 'fractions': [0.6, 0.2, 0.2]}), Int(1))
    parts = [outputs[name].load() for name in ('train', 'validation', 'test')]
    assert sum(map(len, parts)) == len(labelled_table)
    report = outputs['report'].get_dict()
    assert report['counts'] == dict(zip(('train', 'validation', 'test'), map(len, parts), strict=True))
    assert report['normalisation']['homo@made up']['mean'] == pytest.approx(
        parts[0].values(Column('homo', 'made up')).mean()
    )


@pytest.mark.parametrize(
    ('function', 'settings', 'more', 'message'),
    [
        (audit, {}, (), 'nothing to audit'),
        (describe, {}, ('molecules',), 'no molecules to describe'),
        (split, {}, ('molecules', 'seed'), '0 molecules cannot be split'),
        (split, {'by': 'x'}, ('molecules', 'seed'), "by is 'x'"),
    ],
)
def test_bad_input_is_an_exit_code(function, settings, more, message):
    inputs = {'molecules': MoleculeSetData(), 'seed': Int(0)}
    _, process = function.run_get_node(settings=Dict(settings), **{name: inputs[name] for name in more})
    assert process.exit_status == 210
    assert message in process.exit_message
