"""Training of the surrogate as a whole."""

import dataclasses

import numpy as np
import pytest
import torch

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.training.artifact import ModelArtifact
from aiida_osc.training.registry import build

HOMO, DIPOLE = Column('homo', 'made up'), Column('dipole', 'made up')
SMALL = SurrogateSettings(members=2, hidden=16, depth=2, readout=16, epochs=6, device='cpu', amp='off')


def fit(table, settings=SMALL, seed=1):
    artifact = None
    while artifact is None or not artifact.config['finished']:
        artifact = fit_surrogate_piece(table, settings, seed=seed, checkpoint=artifact)
    return artifact


def same_weights(left, right):
    return left.weights.keys() == right.weights.keys() and all(
        torch.equal(left.weights[name], right.weights[name]) for name in left.weights
    )


@pytest.fixture(scope='module')
def model(labelled_table):
    return fit(labelled_table)


def test_every_label_can_be_learnt_by_heart(labelled_table):
    """The network has the power to fit its training molecules far below their spread."""
    table = labelled_table.take(range(0, 60, 2))
    settings = dataclasses.replace(
        SMALL, members=1, hidden=32, depth=3, epochs=100, bootstrap=False, learning_rate=3e-3, weight_decay=0.0
    )
    surrogate = build(fit(table, settings))
    train = surrogate.predict(table.smiles)
    for number, column in enumerate(surrogate.columns):
        labels = table.values(column)
        keep = np.isfinite(labels) & ~np.array([in_common_test_split(key) for key in table.inchikeys])
        errors = np.abs(train.mean[keep, number] - labels[keep])
        assert np.median(errors) < 0.1 * labels[keep].std()


def test_pieces_give_the_model_of_one_piece(labelled_table, model):
    pieces = fit(labelled_table, dataclasses.replace(SMALL, piece_epochs=2))
    assert pieces.config['training']['progress']['pieces'] == 3
    assert same_weights(pieces, model)
    assert pieces.config['metrics'] == model.config['metrics']
    assert pieces.config['extra'] == model.config['extra']


def test_checkpoint_survives_its_files(labelled_table, model, tmp_path):
    settings = dataclasses.replace(SMALL, piece_epochs=3)
    fit_surrogate_piece(labelled_table, settings, seed=1).save(tmp_path)
    rest = fit_surrogate_piece(labelled_table, settings, seed=1, checkpoint=ModelArtifact.load(tmp_path))
    assert rest.config['finished']
    assert same_weights(rest, model)


def test_the_seed_decides(labelled_table, model):
    assert fit(labelled_table).content_hash() == model.content_hash()
    assert not same_weights(fit(labelled_table, seed=2), model)


def test_what_a_finished_model_carries(labelled_table, model):
    config = model.config
    assert config['finished']
    assert config['data_hash'] == labelled_table.content_hash()
    assert config['targets'] == [str(DIPOLE), str(HOMO)]
    assert config['training']['start'] == 'new'
    assert all(scale > 0 for scale in config['extra']['scale'])
    tests = sum(in_common_test_split(key) for key in labelled_table.inchikeys)
    assert config['training']['molecules']['test'] == tests > 0
    figures = config['metrics'][str(HOMO)]
    assert (figures['split'], figures['n']) == ('test', tests)
    assert {'mae', 'rmse', 'nll', 'crps'} <= set(figures)
    prediction = Surrogate.from_artifact(model).predict(labelled_table.smiles)
    held_out = np.array([in_common_test_split(key) for key in labelled_table.inchikeys])
    error = np.abs(prediction.mean[:, 1] - labelled_table.values(HOMO))[held_out]
    assert figures['mae'] == pytest.approx(error.mean())


def test_calibration_improves_the_likelihood(model, labelled_table):
    uncalibrated = ModelArtifact(
        {**model.config, 'extra': {**model.config['extra'], 'scale': [1.0, 1.0]}}, model.weights
    )
    validation = [metrics['validation'] for metrics in model.config['metrics'].values()]
    raw = Surrogate.from_artifact(uncalibrated)
    scaled = Surrogate.from_artifact(model)
    smiles = labelled_table.smiles
    ratio = scaled.predict(smiles).sigma / raw.predict(smiles).sigma
    np.testing.assert_allclose(ratio, np.tile(model.config['extra']['scale'], (len(smiles), 1)))
    assert all(np.isfinite(item['nll']) for item in validation)


def test_labels_of_common_test_molecules_have_no_influence(labelled_table, model):
    held_out = np.array([in_common_test_split(key) for key in labelled_table.inchikeys])
    absurd = {key: np.where(held_out, values + 1000, values) for key, values in labelled_table.columns.items()}
    other = fit(labelled_table.with_columns(absurd))
    assert same_weights(other, model)
    assert other.config['extra'] == model.config['extra']
    assert other.config['metrics'][str(HOMO)]['mae'] > 900


def test_a_column_with_few_labels_is_trained_beside_a_full_one(labelled_table):
    sparse = labelled_table.values(DIPOLE).copy()
    sparse[8:] = np.nan
    table = labelled_table.with_columns({DIPOLE: sparse})
    model = fit(table, dataclasses.replace(SMALL, columns=(str(HOMO), str(DIPOLE))))
    prediction = build(model).predict(table.smiles)
    assert prediction.columns == (DIPOLE, HOMO)
    assert np.isfinite(prediction.mean).all()
    assert (prediction.sigma > 0).all()


def test_molecules_without_bonds_and_unseen_elements(model):
    prediction = build(model).predict(['C', 'Fc1ccccc1', '[GeH4]'])
    assert np.isfinite(prediction.mean).all()
    assert prediction.in_domain.tolist() == [False, True, False]
    assert build(model).predict([]).mean.shape == (0, 2)


def test_saved_model_predicts_the_same(model, labelled_table, tmp_path):
    surrogate = build(model)
    surrogate.to_artifact().save(tmp_path)
    again = build(ModelArtifact.load(tmp_path))
    before, after = surrogate.predict(labelled_table.smiles), again.predict(labelled_table.smiles)
    np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(before.sigma, after.sigma)
    assert ModelArtifact.load(tmp_path).content_hash() == model.content_hash()


def test_spread_holds_both_kinds_of_uncertainty(model):
    surrogate = build(model)
    graphs_mean, _ = (tensor.detach().double() for tensor in surrogate.model.network(_batch(['CCO'])))
    prediction = surrogate.predict(['CCO'])
    extra = model.config['extra']
    epistemic = graphs_mean.std(dim=0, correction=0).numpy() * extra['normalisation']['std'] * extra['scale']
    assert (prediction.sigma > epistemic).all()


def _batch(smiles):
    from aiida_osc.surrogate.featurise import featurise

    return featurise(smiles).batch(range(len(smiles)))


def test_warm_start_takes_weights_normalisation_and_split(labelled_table, model):
    settings = dataclasses.replace(SMALL, epochs=5)
    table = labelled_table.take(range(50))
    warm = fit_surrogate_piece(table, settings, seed=9, checkpoint=model)
    training = warm.config['training']
    assert (training['start'], training['split_seed'], training['seed']) == ('warm', 1, 9)
    assert training['progress']['epochs'] == 2  # 0.4 of 5
    assert warm.config['extra']['normalisation'] == model.config['extra']['normalisation']
    cold = fit_surrogate_piece(table, dataclasses.replace(settings, epochs=2), seed=1)
    first, again = (item.config['training']['progress']['history'][0]['train_loss'] for item in (warm, cold))
    assert first < again


def test_a_model_of_another_shape_starts_anew(labelled_table, model):
    other = fit_surrogate_piece(labelled_table, dataclasses.replace(SMALL, hidden=8), seed=1, checkpoint=model)
    assert other.config['training']['start'] == 'new'


@pytest.mark.parametrize('change', ['data', 'settings', 'seed'])
def test_a_checkpoint_goes_on_with_what_it_began_with(labelled_table, change):
    settings = dataclasses.replace(SMALL, piece_epochs=2)
    checkpoint = fit_surrogate_piece(labelled_table, settings, seed=1)
    with pytest.raises(OscError, match='began with other data, settings or seed'):
        fit_surrogate_piece(
            labelled_table.take(range(55)) if change == 'data' else labelled_table,
            dataclasses.replace(settings, depth=3) if change == 'settings' else settings,
            seed=2 if change == 'seed' else 1,
            checkpoint=checkpoint,
        )


def test_an_unfinished_model_does_not_predict(labelled_table):
    checkpoint = fit_surrogate_piece(labelled_table, dataclasses.replace(SMALL, piece_epochs=2), seed=1)
    with pytest.raises(OscError, match='in the middle of its training'):
        build(checkpoint)


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        ({'architecture': {}}, 'settings members, hidden, .* are missing'),
        ({'architecture': {'hidden': 10**9}}, 'are missing'),
        ({'targets': ['homo@x']}, 'does not fit its columns'),
        ({'extra': {'features': 1}}, 'normalisation'),
        ({'extra': {}}, 'train it again'),
        ({'kind': 'jtvae'}, "kind 'jtvae': give one of kind 'surrogate'"),
    ],
)
def test_damaged_models_are_one_sentence(model, damage, message):
    with pytest.raises(OscError, match=message):
        Surrogate.from_artifact(ModelArtifact({**model.config, **damage}, model.weights))


def test_missing_weights_are_one_sentence(model):
    with pytest.raises(OscError, match='weights do not fit'):
        build(ModelArtifact(model.config, {}))


@pytest.mark.parametrize(
    ('table', 'message'),
    [
        (MoleculeTable(), 'no column has 20 labels'),
        (MoleculeTable(('C',), ('VNWKTOKETHGBQD-UHFFFAOYSA-N',), ('x',), {HOMO: [1.0]}), 'no column has 20 labels'),
    ],
)
def test_too_little_data_is_one_sentence(table, message):
    with pytest.raises(OscError, match=message):
        fit_surrogate_piece(table, SMALL, seed=0)


def test_report_gets_the_epochs(labelled_table):
    records = []
    fit_surrogate_piece(labelled_table, SMALL, seed=0, report=records.append)
    assert [record['epoch'] for record in records] == list(range(6))
    assert {'train_loss', 'loss', 'validation_rmse'} <= set(records[0])
