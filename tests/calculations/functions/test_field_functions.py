"""Tests of the calcfunctions that learn fields and draw new ones, and of the node that holds them."""

import pytest
import torch
from aiida.common.exceptions import ValidationError
from aiida.orm import Dict, Int, load_node

from aiida_osc.calculations.functions.sample_fields import sample_fields
from aiida_osc.calculations.functions.train_fields import train_fields
from aiida_osc.data.field_set import FieldSetData
from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.dataset import FieldArray
from aiida_osc.diffusion.grids.fields import RandomFieldSettings, random_fields
from aiida_osc.diffusion.grids.fit import fit_grid_piece
from aiida_osc.diffusion.grids.settings import GridSettings
from aiida_osc.errors import OscError

pytestmark = pytest.mark.usefixtures('aiida_profile')

SETTINGS = {'epochs': 2, 'piece_epochs': 1, 'batch_size': 8, 'width': 4, 'levels': 1}


@pytest.fixture(scope='module')
def films():
    basis = GridBasis((6, 5), 'periodic')
    values = random_fields(basis, 24, RandomFieldSettings(), generator=torch.Generator().manual_seed(3))
    return FieldArray(values, (6, 5), 'periodic')


@pytest.fixture(scope='module')
def pieces(films, aiida_profile):
    """Return the checkpoint after one epoch and the finished model."""
    node = FieldSetData(films)
    checkpoint = train_fields(node, Dict(SETTINGS), Int(1))['model']
    return checkpoint, train_fields(node, Dict(SETTINGS), Int(1), checkpoint)['model']


def test_fields_read_back_after_storing(films, tmp_path):
    node = load_node(FieldSetData(films).store().pk)
    assert torch.equal(node.load().values, films.values)
    described = {'count': 24, 'shape': [6, 5], 'boundary': 'periodic', 'features': 1}
    assert {name: node.base.attributes.get(name) for name in described} == described
    node.export(str(tmp_path / 'films.h5'))
    assert FieldArray.read(tmp_path / 'films.h5').content_hash() == node.base.attributes.get('content_hash')


def test_equal_fields_give_an_equal_hash(films):
    others = [films, FieldArray(films.values, (6, 5)), FieldArray(films.values, (5, 6), 'periodic')]
    hashes = [FieldSetData(item).store().base.caching.get_hash() for item in (films, *others)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_a_damaged_file_is_refused(films):
    node = FieldSetData(films)
    whole = node.base.repository.get_object_content(FieldSetData.FILE_NAME, 'rb')
    node.base.repository.put_object_from_bytes(whole[:600], FieldSetData.FILE_NAME)
    with pytest.raises(ValidationError, match='not a readable HDF5 file'):
        node.store()


def test_pieces_give_the_model_of_one_go(films, pieces):
    checkpoint, finished = pieces
    assert not checkpoint.finished
    assert finished.finished
    whole = fit_grid_piece(films, GridSettings.from_dict(SETTINGS | {'piece_epochs': 0}), seed=1)
    for name, weights in whole.weights.items():
        assert torch.equal(finished.artifact().weights[name], weights), name


def test_new_fields_come_from_their_model_and_seed(pieces):
    model = pieces[1]
    fields, process = sample_fields.run_get_node(
        model=model, count=Int(3), settings=Dict({'steps': 2, 'shape': [8, 10]}), seed=Int(5)
    )
    drawn = fields.load()
    assert drawn.values.shape == (3, 80, 1)
    assert (drawn.shape, drawn.boundary) == ((8, 10), 'periodic')
    assert process.inputs.model.uuid == model.uuid
    again, other = (
        sample_fields(model=model, count=Int(3), settings=Dict({'steps': 2, 'shape': [8, 10]}), seed=Int(seed)).load()
        for seed in (5, 6)
    )
    assert again.content_hash() == drawn.content_hash() != other.content_hash()


@pytest.mark.parametrize(
    ('count', 'settings', 'message'),
    [(0, {}, 'give at least 1'), (1, {'steps': 0}, 'sample nothing'), (1, {'shape': [4]}, '2 sides')],
)
def test_what_cannot_be_drawn_is_said(pieces, count, settings, message):
    with pytest.raises(OscError, match=message):
        sample_fields(model=pieces[1], count=Int(count), settings=Dict(settings), seed=Int(0))


def test_a_checkpoint_draws_nothing(pieces):
    with pytest.raises(OscError, match='in the middle of its training'):
        sample_fields(model=pieces[0], count=Int(1), settings=Dict({}), seed=Int(0))
