"""Sets of fields in memory and in files; files are closed when nobody reads."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from aiida_osc.diffusion.grids.dataset import FieldArray, FieldFile
from aiida_osc.diffusion.grids.model import build_network
from aiida_osc.diffusion.grids.settings import GridSettings
from aiida_osc.diffusion.grids.statistics import measure
from aiida_osc.diffusion.grids.task import GridTask
from aiida_osc.errors import OscError

PLACES = [np.array([3, 0]), np.array([5, 5, 1])]


@pytest.fixture
def array():
    values = torch.randn(12, 12, 2, generator=torch.Generator().manual_seed(0))
    return FieldArray(values, (4, 3), 'periodic')


@pytest.fixture
def path(array, tmp_path):
    array.write(tmp_path / 'fields.h5')
    return tmp_path / 'fields.h5'


def open_handles():
    """Return the number of HDF5 objects open in this process, and of its file descriptors."""
    return h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL), len(os.listdir('/proc/self/fd'))


def test_a_file_gives_what_the_memory_gives(array, path):
    stored = FieldFile(path)
    assert (len(stored), stored.shape, stored.features, stored.boundary) == (12, (4, 3), 2, 'periodic')
    assert stored.content_hash() == array.content_hash()
    for mine, theirs in zip(stored.batches(PLACES), array.batches(PLACES), strict=True):
        assert torch.equal(mine, theirs)
    assert torch.equal(stored[7], array.values[7])
    stored.close()


def test_equal_sets_are_equal_files(array, path, tmp_path):
    array.write(tmp_path / 'again.h5')
    assert (tmp_path / 'again.h5').read_bytes() == path.read_bytes()
    other = FieldArray(array.values, (4, 3))
    assert other.content_hash() != array.content_hash()


@pytest.mark.skipif(not Path('/proc/self/fd').is_dir(), reason='counts file descriptors in /proc')
def test_no_handle_is_left_over_a_thousand_epochs(array, path):
    stored = FieldFile(path)
    config = {'architecture': {'width': 2, 'levels': 1, 'features': 2, 'shape': [4, 3], 'boundary': 'periodic'}}
    split = (np.arange(10), np.arange(10, 12))
    statistics = measure(stored, split[0].tolist())
    task = GridTask(build_network(config), statistics, stored, split, GridSettings())
    before, seen = open_handles(), set()
    generator = torch.Generator().manual_seed(0)
    for epoch in range(1000):
        for batch in task.batches(epoch, 10, generator):
            assert batch.target.shape == (10, 12, 2)
            seen.add(open_handles()[0] - before[0])
        assert open_handles() == before
    # One file and one data set inside an epoch, never more.
    assert seen <= {1, 2}


def test_an_epoch_that_is_broken_off_closes_its_file(path):
    before = open_handles()[0]
    batches = FieldFile(path).batches(PLACES)
    next(batches)
    assert open_handles()[0] > before
    batches.close()
    assert open_handles()[0] == before


def test_workers_open_the_file_by_themselves(array, path):
    stored = FieldFile(path, workers=2)
    stored[0]
    own = stored._handle
    for _ in range(2):
        for mine, theirs in zip(stored.batches(PLACES), array.batches(PLACES), strict=True):
            assert torch.equal(mine, theirs)
    assert stored._handle is own
    stored.close()
    before = open_handles()
    list(stored.batches(PLACES))
    assert open_handles()[0] == before[0]


def test_damaged_files_are_refused(path, tmp_path):
    whole = path.read_bytes()
    (tmp_path / 'half.h5').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OscError, match='not a readable HDF5 file'):
        FieldFile(tmp_path / 'half.h5')
    h5py.File(tmp_path / 'other.h5', 'w').close()
    with pytest.raises(OscError, match='is not a set of fields'):
        FieldFile(tmp_path / 'other.h5')
    with h5py.File(path, 'r+') as handle:
        handle['fields'][4, 3, 1] = np.nan
    with pytest.raises(OscError, match='a field holds values that are not finite'):
        list(FieldFile(path).batches([np.array([4])]))
    with h5py.File(path, 'r+') as handle:
        handle['shape'][0] = 5
    with pytest.raises(OscError, match='on a grid of'):
        FieldFile(path)


def test_a_file_that_went_away_is_named(path):
    stored = FieldFile(path)
    path.unlink()
    with pytest.raises(OscError, match='can no longer be read'):
        list(stored.batches(PLACES))


def test_impossible_fields_are_refused():
    for shape in ((12, 2), (0, 12, 2), (3, 11, 1), (3, 12, 0)):
        with pytest.raises(OscError, match='do not fit a grid'):
            FieldArray(torch.zeros(shape), (4, 3))
    with pytest.raises(OscError, match='not finite'):
        FieldArray(torch.full((1, 12, 1), torch.inf), (4, 3))
