"""Tests of the calcfunction that builds eigenbases."""

import numpy as np
import pytest
from aiida.common.exceptions import ValidationError
from aiida.manage.caching import enable_caching
from aiida.orm import Bool, Dict, QueryBuilder

from aiida_osc.calculations.functions.build_eigenbasis import build_eigenbasis
from aiida_osc.data.eigenbasis import EigenbasisData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.diffusion.eigenbasis import grid_eigenbasis
from aiida_osc.errors import OscError

pytestmark = pytest.mark.usefixtures('aiida_profile')


def molecules(*smiles):
    return MoleculeSetData(MoleculeTable(smiles, tuple(f'key-{text}' for text in smiles), ('test',) * len(smiles)))


def run(graph, **inputs):
    return build_eigenbasis.run_get_node(graph, **inputs)


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ({'kind': 'path', 'shape': [3]}, [0, 1, 3]),  # 2 - 2 cos(pi k / 3)
        ({'kind': 'grid', 'shape': [4], 'boundary': 'periodic'}, [0, 2, 4, 2]),  # 2 - 2 cos(2 pi k / 4)
        ({'kind': 'graph', 'nodes': 2, 'edges': [[0, 1]], 'weights': [1.5]}, [0, 3]),  # twice the weight
    ],
)
def test_described_graphs(values, expected):
    basis, process = run(Dict(values))
    assert process.is_finished_ok
    np.testing.assert_allclose(basis.load().eigenvalues, expected, atol=1e-12)


def test_molecules_without_and_with_hydrogens():
    nodes = [run(molecules('C', 'c1ccsc1'), hydrogens=Bool(value))[0] for value in (False, True)]
    assert [node.base.attributes.get('nodes') for node in nodes] == [6, 14]
    assert nodes[0].base.attributes.get('graph_kind') == 'molecules'
    assert run(molecules('C'))[0].base.attributes.get('nodes') == 1


def made_by_computing():
    """Return how many stored processes have built a basis themselves."""
    found = QueryBuilder().append(EigenbasisData).all(flat=True)
    return sum(not node.creator.base.caching.is_created_from_cache for node in found if node.creator)


@pytest.mark.parametrize(
    'describe',
    [lambda: Dict({'kind': 'grid', 'shape': [5, 7]}), lambda: molecules('c1ccncc1', 'CCO')],
    ids=['grid', 'molecules'],
)
def test_the_same_graph_is_built_once_ever(describe):
    before = made_by_computing()
    with enable_caching():
        outcomes = [run(describe()) for _ in range(3)]
    assert made_by_computing() == before + 1
    assert [process.base.caching.is_created_from_cache for _, process in outcomes] == [False, True, True]
    assert len({node.load().content_hash() for node, _ in outcomes}) == 1
    assert len({node.uuid for node, _ in outcomes}) == 3


def test_another_graph_is_not_taken_for_it():
    with enable_caching():
        run(Dict({'kind': 'grid', 'shape': [6, 7]}))
        _, process = run(Dict({'kind': 'grid', 'shape': [6, 7], 'boundary': 'periodic'}))
    assert not process.base.caching.is_created_from_cache


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'kind': 'grid', 'shape': [0, 3]}, 'has no nodes'),
        ({'kind': 'grid'}, 'has no nodes'),
        ({'kind': 'grid', 'shape': [3.5]}, 'whole numbers'),
        ({'kind': 'grid', 'shape': [3], 'edges': [[0, 1]]}, 'no edges of its own'),
        ({'kind': 'path', 'shape': [3, 4]}, 'one side'),
        ({'kind': 'ring'}, 'give one of path, grid, graph'),
        ({'kind': 'graph', 'shape': [3]}, 'has no shape'),
        ({'kind': 'graph', 'nodes': 3, 'edges': [[0, 1]]}, 'falls into 2 parts'),
        ({'kind': 'graph', 'nodes': 2, 'edges': [[0, 1, 2]]}, 'pairs of whole numbers'),
        ({'kind': 'graph', 'nodes': 2, 'edges': [[0, 1]], 'weights': [-1.0]}, 'negative'),
        ({'kind': 'graph'}, 'without nodes'),
        ({'shape': [3]}, 'settings kind are missing'),
        ({'kind': 'path', 'sides': [3]}, 'unknown settings sides'),
    ],
)
def test_impossible_graphs_end_in_an_exit_code(values, message):
    outputs, process = run(Dict(values))
    assert process.exit_status == 210
    assert message in process.exit_message
    assert not outputs


def test_molecules_of_several_parts_end_in_an_exit_code():
    _, process = run(molecules('CC.O'))
    assert process.exit_status == 210
    assert 'CC.O: a graph falls into 2 parts' in process.exit_message


def test_a_damaged_basis_file_is_named():
    node = EigenbasisData(grid_eigenbasis(3))
    whole = node.base.repository.get_object_content(EigenbasisData.FILE_NAME, 'rb')
    node.base.repository.put_object_from_bytes(whole[:1000], EigenbasisData.FILE_NAME)
    with pytest.raises(OscError, match=r'eigenbasis\.h5 is not a readable HDF5 file'):
        node.load()
    with pytest.raises(ValidationError, match='not a readable HDF5 file'):
        node.store()
