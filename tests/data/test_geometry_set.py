import pytest
from aiida.common.exceptions import ValidationError
from aiida.orm import load_node

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable

pytestmark = pytest.mark.usefixtures('aiida_profile')


@pytest.fixture
def table():
    positions = [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]
    water = [Geometry('XLYOFNOQVPJJNP-UHFFFAOYSA-N', charge, [8, 1, 1], positions) for charge in (0, 1, -1, 0)]
    return GeometryTable(water, 'GFN2-xTB')


def test_reads_back_after_storing(table):
    node = load_node(GeometrySetData(table).store().pk)
    assert node.load().content_hash() == table.content_hash()
    assert (node.count, node.level) == (4, 'GFN2-xTB')
    assert node.base.attributes.get('charges') == {'-1': 1, '0': 2, '1': 1}
    assert node.base.repository.list_object_names() == [GeometrySetData.FILE_NAME]


def test_equal_content_gives_an_equal_hash(table):
    nodes = [GeometrySetData(table).store() for _ in range(2)]
    other = GeometrySetData(GeometryTable(table.geometries, 'ETKDGv3+MMFF94')).store()
    assert nodes[0].base.caching.get_hash() == nodes[1].base.caching.get_hash()
    assert nodes[0].base.caching.get_hash() != other.base.caching.get_hash()


def test_attributes_that_contradict_the_file_are_refused(table):
    node = GeometrySetData(table)
    node.base.attributes.set('level', 'B3LYP')
    with pytest.raises(ValidationError, match="attribute 'level'"):
        node.store()


def test_export_as_xyz_for_other_programs(table, tmp_path):
    GeometrySetData(table).store().export(str(tmp_path / 'out.xyz'))
    frames = pytest.importorskip('ase.io').read(tmp_path / 'out.xyz', index=':')
    assert [str(frame.symbols) for frame in frames] == ['OH2'] * 4
    assert frames[0].positions[1].tolist() == [0.96, 0, 0]


@pytest.mark.parametrize('suffix', ['csv', 'sdf', 'h5'])
def test_other_formats(table, tmp_path, suffix):
    GeometrySetData(table).export(str(tmp_path / f'out.{suffix}'))
    assert (tmp_path / f'out.{suffix}').stat().st_size > 100
