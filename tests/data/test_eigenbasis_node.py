import pytest
from aiida.common.exceptions import ValidationError
from aiida.orm import load_node

from aiida_osc.data.eigenbasis import EigenbasisData
from aiida_osc.diffusion.eigenbasis import grid_eigenbasis, molecular_eigenbasis

pytestmark = pytest.mark.usefixtures('aiida_profile')


@pytest.mark.parametrize(
    'basis', [molecular_eigenbasis(['c1ccccc1', 'CCO']), grid_eigenbasis(4, 5)], ids=['mol', 'grid']
)
def test_reads_back_after_storing(basis):
    node = load_node(EigenbasisData(basis).store().pk)
    assert node.load().content_hash() == basis.content_hash()
    assert node.base.repository.list_object_names() == [EigenbasisData.FILE_NAME]
    attributes = node.base.attributes.all
    assert attributes['graph_kind'] == basis.kind
    assert attributes['nodes'] == attributes['modes'] == basis.nodes
    assert attributes['graph_hash'] == basis.graph_hash


def test_equal_content_gives_an_equal_hash():
    shapes = ((3, 4), (3, 4), (4, 3))
    hashes = [EigenbasisData(grid_eigenbasis(*shape)).store().base.caching.get_hash() for shape in shapes]
    assert hashes[0] == hashes[1] != hashes[2]


def test_contradictions_are_refused():
    node = EigenbasisData(grid_eigenbasis(3))
    node.base.attributes.set('nodes', 4)
    with pytest.raises(ValidationError, match="attribute 'nodes'"):
        node.store()
