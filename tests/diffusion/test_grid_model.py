"""The model of fields: exact for Gaussian fields without learning, it learns the rest, and comes back from files."""

import json

import pytest
import torch

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.dataset import FieldArray, FieldFile
from aiida_osc.diffusion.grids.fields import BlendSettings, RandomFieldSettings, blends, random_fields
from aiida_osc.diffusion.grids.fit import fit_grid_piece
from aiida_osc.diffusion.grids.model import GridModel, build_network
from aiida_osc.diffusion.grids.network import GridNetwork
from aiida_osc.diffusion.grids.settings import GridSampleSettings, GridSettings
from aiida_osc.diffusion.grids.spectrum import radial_spectrum, spectral_distance
from aiida_osc.diffusion.grids.statistics import FieldStatistics, measure
from aiida_osc.errors import OscError
from aiida_osc.training.artifact import ModelArtifact

SMALL = GridSettings(epochs=2, batch_size=8, width=4, levels=1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope='module')
def films():
    basis = GridBasis((12, 10))
    return FieldArray(blends(basis, 24, BlendSettings(steps=60), generator=seeded()), (12, 10))


@pytest.fixture(scope='module')
def gaussian():
    """Return a model of Gaussian fields whose network knows nothing: it has the spectrum only."""
    basis = GridBasis((20, 16))
    settings = RandomFieldSettings(length=2.0, roughness=2.0, deviation=3.0)
    fields = random_fields(basis, 400, settings, generator=seeded()) + 5
    untaught = GridSettings(epochs=0, width=2, levels=0)
    return GridModel.from_artifact(fit_grid_piece(FieldArray(fields, (20, 16)), untaught, seed=0)), fields


@pytest.mark.parametrize(('dimensions', 'sides'), [(1, (13,)), (2, (9, 14)), (3, (5, 6, 7))])
@pytest.mark.parametrize('boundary', ['neumann', 'periodic'])
def test_the_network_takes_any_size(dimensions, sides, boundary):
    network = GridNetwork(4, 2, dimensions=dimensions, boundary=boundary, width=4, levels=2)
    assert network(torch.randn(3, 4, *sides), torch.rand(3)).shape == (3, 2, *sides)


def test_shifting_a_periodic_field_shifts_the_answer():
    network = build_network(
        {'architecture': {'width': 4, 'levels': 2, 'features': 1, 'shape': [16, 8], 'boundary': 'periodic'}}
    ).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=seeded(parameter.numel()))
    field, times = torch.randn(2, 2, 16, 8, generator=seeded(), dtype=torch.float64), torch.rand(2).double()
    answer = network(field, times)
    assert float(answer.detach().abs().max()) > 0.1
    torch.testing.assert_close(network(field.roll((4, 4), (2, 3)), times), answer.roll((4, 4), (2, 3)))
    # The order of the fields in a batch does not matter either.
    torch.testing.assert_close(network(field.flip(0), times.flip(0)), answer.flip(0))


def test_statistics_interpolate_and_come_back_from_json(gaussian):
    model, fields = gaussian
    statistics = model.statistics
    assert FieldStatistics.from_json(json.loads(json.dumps(statistics.to_json()))) == statistics
    assert statistics.mean[0] == pytest.approx(float(fields.mean()), abs=0.1)
    torch.testing.assert_close(statistics.restore(statistics.normalise(fields)), fields, rtol=0, atol=1e-4)
    variances = statistics.variances(GridBasis((20, 16)).eigenvalues)[:, 0]
    # Unit variance per node is unit variance per mode on average.
    assert float(variances.mean()) == pytest.approx(1.0, rel=0.1)
    for damage in ({'power': []}, {'deviation': [0.0]}, {'mean': ['x']}):
        with pytest.raises(OscError, match='damaged'):
            FieldStatistics.from_json({**statistics.to_json(), **damage})
    with pytest.raises(OscError, match='same everywhere'):
        measure(FieldArray(torch.ones(3, 4, 1), (4,)), [0, 1, 2])


def test_the_linear_estimate_is_the_mean_given_the_noisy_field(gaussian):
    model, _ = gaussian
    denoiser = model.denoiser((4, 3))
    vectors = denoiser.basis.from_modes(torch.eye(12)[None])[0].double()
    factors = denoiser.path.coefficients(torch.tensor([0.4]))
    signal, noise = (item[0].double() for item in factors[:2])
    prior = vectors @ (denoiser.variances.double() * vectors.T)
    middle = vectors @ (signal * vectors.T)
    total = middle @ prior @ middle.T + vectors @ (noise**2 * vectors.T)
    noisy = torch.randn(1, 12, 1, generator=seeded(3))
    expected = prior @ middle.T @ torch.linalg.solve(total, noisy[0].double())
    with torch.no_grad():
        found = denoiser(noisy, torch.tensor([0.4]))[0]
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(('sampler', 'steps'), [('multistep', 60), ('heun', 30)])
def test_gaussian_fields_are_drawn_without_training_on_any_size(gaussian, sampler, steps):
    model, _ = gaussian
    for shape in ((20, 16), (40, 24)):
        settings = GridSampleSettings(shape=shape, sampler=sampler, steps=steps, batch=128)
        drawn = model.sample(128, settings, seed=1)
        basis = GridBasis(shape)
        law = RandomFieldSettings(length=2.0, roughness=2.0, deviation=3.0)
        expected = random_fields(basis, 400, law, generator=seeded(2))
        distance = spectral_distance(radial_spectrum(basis, drawn), radial_spectrum(basis, expected))
        assert distance < 0.15
        assert float(drawn.mean()) == pytest.approx(5, abs=0.3)


def test_two_fields_are_learnt_by_heart(films):
    few = FieldArray(films.values[:2].repeat(40, 1, 1), films.shape)
    settings = GridSettings(epochs=25, batch_size=8, width=16, learning_rate=5e-3, ema=0.9)
    trained = fit_grid_piece(few, settings, seed=0)
    history = trained.config['training']['progress']['history']
    # In units of the error of the linear estimate, which an untaught network keeps.
    assert history[0]['loss'] > 0.8
    assert trained.config['metrics']['held_out']['loss'] < 0.4


def test_pieces_give_the_same_weights_as_a_whole(films, tmp_path):
    films.write(tmp_path / 'films.h5')
    whole = fit_grid_piece(films, SMALL, seed=3)
    piecewise = GridSettings.from_dict({**SMALL.to_dict(), 'piece_epochs': 1})
    checkpoint = fit_grid_piece(films, piecewise, seed=3)
    assert not checkpoint.config['finished']
    with pytest.raises(OscError, match='in the middle of its training'):
        GridModel.from_artifact(checkpoint)
    # A restart may read from a file what the first piece had in memory.
    stored = ModelArtifact.from_bytes(*reversed(list(_bytes(checkpoint))))
    done = fit_grid_piece(FieldFile(tmp_path / 'films.h5'), piecewise, seed=3, checkpoint=stored)
    assert done.config['finished']
    assert done.config['training']['progress']['pieces'] == 2
    for name, weights in whole.weights.items():
        torch.testing.assert_close(done.weights[name], weights, rtol=0, atol=1e-6)


def _bytes(artifact):
    contents = artifact.to_bytes()
    return contents['config.json'], contents['weights.safetensors']


def test_a_stored_model_draws_the_same_fields(films, tmp_path):
    model = GridModel.from_artifact(fit_grid_piece(films, SMALL, seed=0))
    model.to_artifact().save(tmp_path / 'model')
    again = GridModel.from_artifact(ModelArtifact.load(tmp_path / 'model'))
    settings = GridSampleSettings(steps=4, batch=3)
    drawn = model.sample(5, settings, seed=7)
    assert drawn.shape == (5, 120, 1)
    assert torch.equal(drawn, again.sample(5, settings, seed=7))
    assert not torch.equal(drawn, again.sample(5, settings, seed=8))
    assert set(model.config['metrics']['held_out']) >= {'loss', 'train_loss'}


def test_what_does_not_fit_is_refused(films):
    artifact = fit_grid_piece(films, GridSettings.from_dict({**SMALL.to_dict(), 'piece_epochs': 1}), seed=0)
    settings = GridSettings.from_dict(artifact.config['training']['settings'])
    for fields, seed in ((films, 1), (FieldArray(films.values + 1, films.shape), 0)):
        with pytest.raises(OscError, match='other data, settings or seed'):
            fit_grid_piece(fields, settings, seed=seed, checkpoint=artifact)
    with pytest.raises(OscError, match='give more fields'):
        fit_grid_piece(FieldArray(films.values[:1], films.shape), SMALL, seed=0)
    finished = fit_grid_piece(films, settings, seed=0, checkpoint=artifact)
    model = GridModel.from_artifact(finished)
    with pytest.raises(OscError, match='2 sides'):
        model.sample(1, GridSampleSettings(shape=(8,)), seed=0)
    with pytest.raises(OscError, match='give at least 1'):
        model.sample(0, GridSampleSettings(), seed=0)
    architecture = {**finished.config['architecture'], 'signal': 'molecules'}
    other = ModelArtifact({**finished.config, 'architecture': architecture}, finished.weights)
    with pytest.raises(OscError, match="'diffusion of molecules': give one of kind 'diffusion of grid'"):
        GridModel.from_artifact(other)
    for damage in ({'width': -1}, {'boundary': 'open'}, {'levels': 'many'}, {'shape': 3}):
        config = {**finished.config, 'architecture': {**finished.config['architecture'], **damage}}
        with pytest.raises(OscError, match='damaged'):
            GridModel.from_artifact(ModelArtifact(config, finished.weights))


@pytest.mark.parametrize(
    ('kind', 'values', 'message'),
    [
        (GridSampleSettings, {'steps': 0}, 'sample nothing'),
        (GridSampleSettings, {'batch': 0}, 'sample nothing'),
        (GridSampleSettings, {'sampler': 'guess'}, 'unknown sampler'),
        (GridSampleSettings, {'eta': 2.0}, 'eta lies'),
        (GridSettings, {'width': 0}, 'width is positive'),
        (GridSettings, {'validation': 0.0}, 'validation lies'),
        (GridSettings, {'path': 'detour'}, 'one of ou, vp, flow'),
    ],
)
def test_impossible_settings_are_refused(kind, values, message):
    with pytest.raises(OscError, match=message):
        kind.from_dict(values)


@pytest.mark.parametrize('path', ['ou', 'vp', 'flow'])
def test_every_path_trains(films, path):
    settings = GridSettings.from_dict({**SMALL.to_dict(), 'path': path, 'warp': 1.0, 'epochs': 1})
    model = GridModel.from_artifact(fit_grid_piece(films, settings, seed=0))
    assert torch.isfinite(model.sample(2, GridSampleSettings(steps=3), seed=0)).all()
