"""Every family as a user meets it: trained, stored, asked."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.surrogate import fit as module
from aiida_osc.surrogate.families import boosting, gp
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.training.artifact import ModelArtifact
from aiida_osc.training.loop import DivergedError
from aiida_osc.training.registry import build

SMALL = SurrogateSettings(members=2, hidden=16, depth=2, readout=16, epochs=6, device='cpu', amp='off', family='auto')
HOMO = Column('homo', 'made up')
DIVERGED = 'training diverged in epoch 1: lower the learning rate or look at the data'


def fit(table, family='auto', seed=1, **changes):
    settings = dataclasses.replace(SMALL, family=family, **changes)
    artifact = None
    while artifact is None or not artifact.config['finished']:
        artifact = fit_surrogate_piece(table, settings, seed=seed, checkpoint=artifact)
    return artifact


@pytest.fixture(scope='module', autouse=True)
def few_trees():
    """Boost in fewer rounds, which is enough for five dozen molecules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, 'ROUNDS', 30)
        patch.setattr(boosting, 'ERROR_ROUNDS', 10)
        yield


@pytest.fixture(scope='module')
def models(labelled_table):
    return {family: fit(labelled_table, family) for family in ('mpnn', 'gp', 'boosting')}


@pytest.fixture(scope='module')
def auto(labelled_table):
    return fit(labelled_table, piece_epochs=4)


@pytest.mark.parametrize('family', ['mpnn', 'gp', 'boosting'])
def test_stored_model_predicts_the_same(models, family, labelled_table, tmp_path):
    surrogate = build(models[family])
    surrogate.to_artifact().save(tmp_path)
    again = Surrogate.from_artifact(ModelArtifact.load(tmp_path))
    assert type(again.model) is type(surrogate.model)
    before, after = (item.predict(labelled_table.smiles) for item in (surrogate, again))
    for name in ('mean', 'sigma', 'epistemic', 'similarity', 'in_domain'):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    np.testing.assert_array_equal(before.interval(0.9)[0], after.interval(0.9)[0])
    assert again.to_artifact().content_hash() == models[family].content_hash()


@pytest.mark.parametrize('family', ['mpnn', 'gp', 'boosting'])
def test_every_answer_is_whole(models, family):
    surrogate = build(models[family])
    prediction = surrogate.predict(['Fc1ccccc1', 'CCCCCCCCCCCC[SiH3]'])
    assert prediction.columns == (Column('dipole', 'made up'), HOMO)
    assert (prediction.sigma >= prediction.epistemic).all()
    assert (prediction.epistemic >= 0).all()
    assert prediction.in_domain.tolist() == [True, False]
    assert prediction.similarity[0] > prediction.similarity[1]
    low, high = prediction.interval(0.9)
    assert ((low < prediction.mean) & (prediction.mean < high)).all()
    quick = surrogate.predict(['Fc1ccccc1', 'CCCCCCCCCCCC[SiH3]'], similarity=False)
    assert quick.similarity is None
    np.testing.assert_array_equal(quick.mean, prediction.mean)
    assert surrogate.predict([]).mean.shape == (0, 2)


@pytest.mark.parametrize('family', ['gp', 'boosting'])
def test_baselines_carry_what_networks_carry(models, family, labelled_table):
    config = models[family].config
    assert config['finished']
    assert config['architecture']['family'] == config['training']['choice']['family'] == family
    assert config['training']['progress']['epochs'] == 0
    figures = config['metrics'][str(HOMO)]
    assert figures['split'] == 'test'
    held_out = np.array([in_common_test_split(key) for key in labelled_table.inchikeys])
    prediction = build(models[family]).predict(labelled_table.take(np.flatnonzero(held_out)).smiles)
    error = np.abs(prediction.mean[:, 1] - labelled_table.values(HOMO)[held_out])
    assert figures['mae'] == pytest.approx(error.mean())
    json.dumps(config, allow_nan=False)


@pytest.mark.parametrize('family', ['gp', 'boosting'])
def test_labels_of_common_test_molecules_have_no_influence(models, family, labelled_table):
    held_out = np.array([in_common_test_split(key) for key in labelled_table.inchikeys])
    absurd = {key: np.where(held_out, values + 1000, values) for key, values in labelled_table.columns.items()}
    other = fit(labelled_table.with_columns(absurd), family)
    assert other.to_bytes()['weights.safetensors'] == models[family].to_bytes()['weights.safetensors']
    assert other.config['extra'] == models[family].config['extra']


def test_auto_keeps_the_best_and_says_so(auto, models):
    choice = auto.config['training']['choice']
    alone = {family: model.config['training']['choice']['crps'][family] for family, model in models.items()}
    assert choice['crps'] == alone
    assert choice['family'] == min(alone, key=alone.get) != 'mpnn'  # after six epochs
    assert auto.config['architecture']['family'] == choice['family']
    assert auto.config['training']['progress']['epoch'] == 6
    assert auto.config['training']['progress']['pieces'] == 2


def test_auto_goes_on_from_a_checkpoint_and_starts_anew_after_a_baseline(auto, labelled_table):
    settings = dataclasses.replace(SMALL, epochs=2)
    warm = fit_surrogate_piece(labelled_table, settings, seed=2, checkpoint=auto)
    assert warm.config['training']['start'] == 'new'
    assert warm.config['finished']


def diverge(*arguments, **options):
    raise DivergedError(DIVERGED)


def test_where_the_network_diverges_a_baseline_takes_over(labelled_table, monkeypatch):
    monkeypatch.setattr(module, 'fit_piece', diverge)
    model = fit(labelled_table)
    choice = model.config['training']['choice']
    assert 'mpnn' not in choice['crps']
    assert choice['notes'] == [f'mpnn was rejected: {DIVERGED}']
    assert build(model).predict(['CCO']).mean.shape == (1, 2)
    with pytest.raises(DivergedError):
        fit(labelled_table, 'mpnn')


def test_a_learning_rate_beyond_reason_diverges_for_real(labelled_table):
    model = fit(labelled_table, learning_rate=1e18, clip_norm=1e30, warm_up=0.0)
    assert model.config['training']['choice']['family'] != 'mpnn'
    assert 'mpnn was rejected' in model.config['training']['choice']['notes'][0]


def test_a_network_that_predicts_the_same_for_all_is_rejected(labelled_table, monkeypatch):
    trained = module._train_network

    def collapse(*arguments):
        network, state = trained(*arguments)
        with torch.no_grad():
            network.head.weight.zero_()
        return network, state

    monkeypatch.setattr(module, '_train_network', collapse)
    assert 'the same for every molecule' in fit(labelled_table).config['training']['choice']['notes'][0]
    with pytest.raises(OscError, match='no usable model: mpnn was rejected: it predicts the same for every molecule'):
        fit(labelled_table, 'mpnn')


def test_without_lightgbm_auto_goes_without_trees(labelled_table, monkeypatch):
    monkeypatch.setitem(sys.modules, 'lightgbm', None)
    choice = fit(labelled_table).config['training']['choice']
    assert set(choice['crps']) == {'mpnn', 'gp'}
    assert choice['notes'][0].startswith('boosting was left out: ')
    with pytest.raises(OscError, match='pip install lightgbm'):
        fit(labelled_table, 'boosting')


def test_unknown_families_are_one_sentence():
    with pytest.raises(OscError, match="'forest': give one of auto, mpnn, gp, boosting"):
        dataclasses.replace(SMALL, family='forest')


def test_models_of_other_families_and_kinds_are_refused(models):
    model = models['gp']
    with pytest.raises(OscError, match="of kind 'jtvae': give one of kind 'surrogate'"):
        Surrogate.from_artifact(ModelArtifact({**model.config, 'kind': 'jtvae'}, model.weights))
    with pytest.raises(OscError, match="family 'os' cannot be built"):
        Surrogate.from_artifact(ModelArtifact({**model.config, 'architecture': {'family': 'os'}}, model.weights))


@pytest.mark.parametrize('damage', [{'scale': [1.0, -1.0]}, {'scale': ['a', 'b']}, {'scale': [1.0]}, {'scale': None}])
def test_damaged_scales_are_one_sentence(models, damage):
    config = models['gp'].config
    with pytest.raises(OscError, match='is damaged'):
        build(ModelArtifact({**config, 'extra': {**config['extra'], **damage}}, models['gp'].weights))


@pytest.mark.parametrize('family', ['gp', 'boosting'])
def test_chunks_have_no_influence(models, family, labelled_table, monkeypatch):
    surrogate = build(models[family])
    whole = surrogate.predict(labelled_table.smiles)
    monkeypatch.setattr({'gp': gp, 'boosting': boosting}[family], 'CHUNK', 7)
    parts = surrogate.predict(labelled_table.smiles)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parts.sigma, whole.sigma, rtol=1e-12)


@pytest.mark.parametrize('family', ['mpnn', 'gp', 'boosting'])
@pytest.mark.parametrize('missing', ['scale', 'intervals', 'domain', 'normalisation'])
def test_missing_parts_are_one_sentence(models, family, missing):
    config = models[family].config
    extra = {key: value for key, value in config['extra'].items() if key != missing}
    with pytest.raises(OscError, match=f'the surrogate is damaged: .{missing}. is missing'):
        build(ModelArtifact({**config, 'extra': extra}, models[family].weights))
