import pytest
import torch
from aiida.common.exceptions import ValidationError
from aiida.orm import load_node

from aiida_osc.data.model import ModelData
from aiida_osc.errors import OscError
from aiida_osc.training.artifact import CONFIG_FILE, WEIGHTS_FILE, ModelArtifact

pytestmark = pytest.mark.usefixtures('aiida_profile')


def artifact(value=1.0, finished=True):
    config = {
        'format': 1,
        'kind': 'surrogate',
        'architecture': {'hidden': 8},
        'targets': ['homo@GFN2-xTB//GFN2-xTB'],
        'training': {'progress': {'epochs': 3}},
        'metrics': {'mae': 0.1},
        'data_hash': 'abc',
        'versions': {'torch': '2'},
        'finished': finished,
        'extra': {},
    }
    return ModelArtifact(config, {'b': torch.full((2, 3), value), 'a': torch.arange(4)})


def test_reads_back_after_storing():
    node = load_node(ModelData(artifact()).store().pk)
    again = node.artifact()
    assert torch.equal(again.weights['b'], torch.ones(2, 3))
    assert again.config == artifact().config
    assert node.finished
    assert node.base.attributes.get('progress') == {'epochs': 3}
    assert sorted(node.base.repository.list_object_names()) == [CONFIG_FILE, WEIGHTS_FILE]


def test_equal_content_gives_an_equal_hash():
    hashes = [ModelData(item).store().base.caching.get_hash() for item in (artifact(), artifact(), artifact(2.0))]
    assert hashes[0] == hashes[1] != hashes[2]


def test_contradictions_and_damage_are_refused():
    node = ModelData(artifact())
    node.base.attributes.set('finished', False)
    with pytest.raises(ValidationError, match="attribute 'finished'"):
        node.store()
    node = ModelData(artifact())
    node.base.repository.put_object_from_bytes(b'no tensors', WEIGHTS_FILE)
    with pytest.raises(ValidationError, match='not a model'):
        node.store()
    with pytest.raises(OscError, match='not a model'):
        node.load()
    node = ModelData(artifact())
    node.base.repository.delete_object(CONFIG_FILE)
    with pytest.raises(ValidationError, match='has no file'):
        node.store()


def test_export_gives_a_model_folder(tmp_path):
    node = ModelData(artifact(3.0)).store()
    node.export(str(tmp_path / WEIGHTS_FILE))
    assert ModelArtifact.load(tmp_path).content_hash() == node.base.attributes.get('content_hash')
