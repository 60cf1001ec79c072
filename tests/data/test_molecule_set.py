import numpy as np
import pytest
from aiida.common.exceptions import ValidationError
from aiida.orm import QueryBuilder, load_node

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table
from aiida_osc.errors import OscError

HOMO = Column('homo', 'GFN2-xTB//GFN2-xTB')
pytestmark = pytest.mark.usefixtures('aiida_profile')


@pytest.fixture
def table():
    return MoleculeTable(
        ('c1ccccc1', 'c1ccsc1'),
        ('UHOVQNZJYSORNB-UHFFFAOYSA-N', 'YTPLMLYBLZKORZ-UHFFFAOYSA-N'),
        ('seed', 'jtvae'),
        {HOMO: np.array([-10.5, np.nan])},
    )


def test_reads_back_after_storing(table):
    node = load_node(MoleculeSetData(table).store().pk)
    assert node.load().content_hash() == table.content_hash()
    assert node.count == 2
    assert node.base.repository.list_object_names() == [MoleculeSetData.FILE_NAME]


def test_attributes_are_queryable(table):
    node = MoleculeSetData(table).store()
    assert node.base.attributes.get('sources') == {'jtvae': 1, 'seed': 1}
    assert node.base.attributes.get('columns') == {
        str(HOMO): {
            'target': 'homo',
            'level': 'GFN2-xTB//GFN2-xTB',
            'environment': 'gas',
            'unit': 'eV',
            'labels': 1,
        }
    }
    filters = {'id': node.pk, 'attributes.count': 2, 'attributes.content_hash': table.content_hash()}
    assert QueryBuilder().append(MoleculeSetData, filters=filters, project='id').all(flat=True) == [node.pk]


def test_equal_content_gives_an_equal_hash(table):
    nodes = [MoleculeSetData(table).store() for _ in range(2)]
    other = MoleculeSetData(table.take([1, 0])).store()
    assert nodes[0].base.caching.get_hash() == nodes[1].base.caching.get_hash()
    assert nodes[0].base.caching.get_hash() != other.base.caching.get_hash()


def test_empty_set_is_a_node():
    assert MoleculeSetData().store().load().columns == {}


@pytest.mark.parametrize('key', ['count', 'content_hash', 'columns'])
def test_attributes_that_contradict_the_file_are_refused(table, key):
    node = MoleculeSetData(table)
    node.base.attributes.set(key, {'columns': {}, 'count': 3}.get(key, 'x'))
    with pytest.raises(ValidationError, match=f"attribute '{key}'"):
        node.store()


def test_missing_and_damaged_files_are_refused(table):
    missing, damaged = MoleculeSetData(table), MoleculeSetData(table)
    missing.base.repository.delete_object(MoleculeSetData.FILE_NAME)
    with pytest.raises(ValidationError, match='has no file'):
        missing.store()
    damaged.base.repository.put_object_from_bytes(b'no HDF5', MoleculeSetData.FILE_NAME)
    with pytest.raises(ValidationError, match='not a readable HDF5 file'):
        damaged.store()
    with pytest.raises(OscError, match='not a readable HDF5 file'):
        damaged.load()


@pytest.mark.parametrize('suffix', ['csv', 'sdf', 'h5'])
def test_export(table, tmp_path, suffix):
    node = MoleculeSetData(table).store()
    written = node.export(str(tmp_path / f'out.{suffix}'))
    assert written == [str(tmp_path / f'out.{suffix}')]
    assert read_table(tmp_path / f'out.{suffix}').table.content_hash() == table.content_hash()
    with pytest.raises(OSError, match='already'):
        node.export(str(tmp_path / f'out.{suffix}'))


def test_export_formats():
    assert {'csv', 'h5', 'sdf'} <= set(MoleculeSetData.get_export_formats())


def test_origins_can_be_queried(aiida_profile):
    table = MoleculeTable(
        ('C', 'N', 'O'), ('A', 'B', 'D'), ('mine',) * 3,
        {HOMO: np.array([-1.0, -2.0, -3.0])}, {HOMO: np.array([0, -1, 0])}, ('qm9',),
    )  # fmt: skip
    node = MoleculeSetData(table).store()
    assert node.base.attributes.get('origins') == {str(HOMO): {'qm9': 2}}
    assert node.load().origin(HOMO, 2) == 'qm9'
    assert node.base.attributes.get('sources') == {'mine': 3}
