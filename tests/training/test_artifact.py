"""Models as two files."""

import json

import pytest
import safetensors.torch
import torch

from aiida_osc.errors import OscError
from aiida_osc.training.artifact import CONFIG_FILE, WEIGHTS_FILE, ModelArtifact, load_weights, package_versions
from aiida_osc.training.registry import CLASSES, build


def config(**changes):
    values = {
        'format': 1,
        'kind': 'surrogate',
        'architecture': {},
        'targets': [],
        'training': {},
        'metrics': {},
        'data_hash': 'abc',
        'versions': package_versions(),
        'finished': True,
        'extra': {},
    }
    return {**values, **changes}


@pytest.fixture
def artifact():
    return ModelArtifact(config(), {'b': torch.arange(3.0), 'a/x': torch.ones(2, 2)})


def test_folder_round_trip(artifact, tmp_path):
    artifact.save(tmp_path / 'model')
    loaded = ModelArtifact.load(tmp_path / 'model')
    assert loaded.config == artifact.config
    assert loaded.content_hash() == artifact.content_hash()
    assert torch.equal(loaded.weights['b'], artifact.weights['b'])
    assert sorted(item.name for item in (tmp_path / 'model').iterdir()) == [CONFIG_FILE, WEIGHTS_FILE]


def test_hash_depends_on_content_not_on_order(artifact):
    swapped = ModelArtifact(dict(reversed(config().items())), dict(reversed(artifact.weights.items())))
    assert swapped.content_hash() == artifact.content_hash()
    changed = ModelArtifact(config(), {**artifact.weights, 'b': torch.arange(3.0) + 1e-7})
    assert changed.content_hash() != artifact.content_hash()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'kind': 'oracle'}, "kind 'oracle' is not known"),
        ({'format': 99}, 'format 99'),
        ({'targets': 'homo'}, "'targets' is missing or not of type list"),
        ({'surprise': 1}, 'unknown keys surprise'),
    ],
)
def test_wrong_configuration_is_refused(changes, message):
    with pytest.raises(OscError, match=message):
        ModelArtifact(config(**changes), {})


def test_missing_key_is_refused():
    values = config()
    del values['finished']
    with pytest.raises(OscError, match="'finished' is missing"):
        ModelArtifact(values, {})


@pytest.mark.parametrize(
    'text',
    [b'', b'{', b'[1]', b'\xff\xfe', b'[' * 100_000, json.dumps(config(metrics={'mae': float('nan')})).encode()],
)
def test_damaged_configuration_is_one_sentence(artifact, text):
    with pytest.raises(OscError, match='not a model of aiida-osc'):
        ModelArtifact.from_bytes(artifact.to_bytes()[WEIGHTS_FILE], text)


@pytest.mark.parametrize('content', [b'', b'garbage', b'\xff' * 64])
def test_damaged_weights_are_one_sentence(artifact, content):
    with pytest.raises(OscError, match='not a model of aiida-osc'):
        ModelArtifact.from_bytes(content, artifact.to_bytes()[CONFIG_FILE])


def test_truncated_weights_are_one_sentence(artifact):
    files = artifact.to_bytes()
    with pytest.raises(OscError, match='not a model of aiida-osc'):
        ModelArtifact.from_bytes(files[WEIGHTS_FILE][:-1], files[CONFIG_FILE])


def test_pickles_are_not_read(artifact, tmp_path):
    artifact.save(tmp_path)
    torch.save({'a': torch.ones(1)}, tmp_path / WEIGHTS_FILE)
    with pytest.raises(OscError, match='not a model of aiida-osc'):
        ModelArtifact.load(tmp_path)


def test_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(OscError, match='is no model folder'):
        ModelArtifact.load(tmp_path / 'nowhere')


def test_every_known_kind_is_on_the_allow_list_or_refused():
    assert CLASSES['surrogate'] == ('aiida_osc.surrogate.surrogate', 'Surrogate')
    with pytest.raises(OscError, match="kind 'diffusion' cannot be built"):
        build(ModelArtifact(config(kind='diffusion'), {}))


def test_weights_must_fit_and_be_finite():
    module = torch.nn.Linear(2, 1)
    good = {name: torch.zeros_like(tensor) for name, tensor in module.state_dict().items()}
    load_weights(module, good)
    assert float(module.weight.detach().abs().sum()) == 0
    with pytest.raises(OscError, match='do not fit'):
        load_weights(module, {'weight': good['weight']})
    with pytest.raises(OscError, match='bias holds values that are not finite'):
        load_weights(module, {**good, 'bias': torch.tensor([float('nan')])})


def test_safetensors_header_is_plain(artifact):
    assert set(safetensors.torch.load(artifact.to_bytes()[WEIGHTS_FILE])) == {'b', 'a/x'}
