"""Foreign HDF5 files: what must never be read, on the readers that use the guards."""

import h5py
import numpy as np
import pytest

from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError


@pytest.fixture
def path(tmp_path):
    """Return the path of a sound molecule table."""
    path = tmp_path / 'molecules.h5'
    MoleculeTable(('C',), ('VNWKTOKETHGBQD-UHFFFAOYSA-N',), ('test',)).write(path)
    return path


def refused(path, reason):
    with pytest.raises(OscError, match=reason):
        MoleculeTable.read(path)


def test_external_link(path, tmp_path):
    with h5py.File(tmp_path / 'other.h5', 'w') as other:
        other['secret'] = np.arange(3)
    with h5py.File(path, 'r+') as handle:
        handle['columns/0000'] = h5py.ExternalLink(str(tmp_path / 'other.h5'), '/secret')
    refused(path, 'is a link')


def test_soft_link(path):
    with h5py.File(path, 'r+') as handle:
        handle['columns/0000'] = h5py.SoftLink('/smiles')
    refused(path, 'is a link')


def test_external_storage(path, tmp_path):
    (tmp_path / 'secret.bin').write_bytes(b'12345678')
    with h5py.File(path, 'r+') as handle:
        handle.create_dataset('columns/0000', (1,), 'f8', external=[(str(tmp_path / 'secret.bin'), 0, 8)])
    refused(path, 'stores its data in other files')


def test_virtual_dataset(path, tmp_path):
    with h5py.File(tmp_path / 'other.h5', 'w') as other:
        other['secret'] = np.arange(3.0)
    layout = h5py.VirtualLayout(shape=(3,), dtype='f8')
    layout[:] = h5py.VirtualSource(str(tmp_path / 'other.h5'), 'secret', shape=(3,))
    with h5py.File(path, 'r+') as handle:
        handle.create_virtual_dataset('columns/0000', layout)
    refused(path, 'stores its data in other files')


def test_oversized_declaration(path):
    with h5py.File(path, 'r+') as handle:
        handle.create_dataset('columns/0000', (10**12,), 'f8', chunks=(1024,), compression='gzip')
    assert path.stat().st_size < 20_000  # eight terabytes are declared, nothing is stored
    refused(path, 'declares more than')


def test_many_members_count_together(path):
    with h5py.File(path, 'r+') as handle:
        for number in range(4):
            handle.create_dataset(f'columns/{number}', (100,), 'f8')
    with pytest.raises(OscError, match='declares more than'), open_checked(path, max_bytes=3000):
        pass


def test_object_types(path):
    with h5py.File(path, 'r+') as handle:
        handle.create_dataset('columns/0000', (1,), h5py.vlen_dtype(np.int32))
    refused(path, 'only numbers and strings')


def test_hard_link_cycle_ends(path):
    with h5py.File(path, 'r+') as handle:
        handle['columns/again'] = handle['/']
    refused(path, 'damaged')


@pytest.mark.parametrize('keep', [0, 100, 2000])
def test_truncated_file(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, 'HDF5')


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / 'nothing.h5', 'not a readable HDF5 file')
    refused(tmp_path, 'not a readable HDF5 file')


def test_other_format(path):
    with h5py.File(path, 'r+') as handle:
        handle.attrs['format'] = 'something else'
    refused(path, 'not a molecule table')


def test_missing_member(path):
    with h5py.File(path, 'r+') as handle:
        del handle['source']
    refused(path, 'not a molecule table')


def test_member_of_another_kind(path):
    with h5py.File(path, 'r+') as handle:
        del handle['smiles']
        handle['smiles'] = np.arange(3)
    refused(path, 'damaged')


def test_column_without_name(path):
    with h5py.File(path, 'r+') as handle:
        handle['columns/0000'] = np.zeros(1)
    refused(path, 'damaged')


@pytest.mark.parametrize(
    ('name', 'unit', 'reason'),
    [('homo@B3LYP', 'hartree', 'not eV'), ('energy@B3LYP', 'eV', 'unknown target'), ('homo', 'eV', 'no column')],
)
def test_column_with_wrong_attributes(path, name, unit, reason):
    with h5py.File(path, 'r+') as handle:
        dataset = handle.create_dataset('columns/0000', data=np.zeros(1))
        dataset.attrs.update({'name': name, 'unit': unit})
    refused(path, reason)
