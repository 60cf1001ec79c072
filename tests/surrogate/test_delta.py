"""Predictions that start from a cheaper level."""

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.surrogate.delta import Delta
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import predict_molecules, predict_table
from aiida_osc.training.artifact import ModelArtifact

CHEAP = Column('homo', 'cheap')
SETTINGS = {'inputs': [str(CHEAP)], 'epochs': 3, 'members': 2, 'hidden': 8, 'depth': 1, 'readout': 8}


@pytest.fixture(scope='module')
def table(labelled_table):
    """Return the table with a cheap column that a straight line turns into the dear one, but for a small error."""
    (dear,) = [column for column in labelled_table.columns if column.target == 'homo']
    error = np.random.default_rng(0).normal(scale=0.01, size=len(labelled_table))
    return labelled_table.only([dear]).with_columns({CHEAP: 2.0 * labelled_table.values(dear) + 3.0 + error})


@pytest.fixture(scope='module')
def artifact(table):
    return fit_surrogate_piece(table, SurrogateSettings.from_dict({**SETTINGS, 'columns': None}), seed=0)


def test_lines_are_found_and_stored():
    values = np.random.default_rng(0).normal(size=(40, 2))
    labels = np.stack([values @ [2.0, -1.0] + 0.5, values[:, 0]], axis=1)
    labels[3, 1] = np.nan
    delta = Delta.fit((CHEAP, Column('lumo', 'cheap')), values, labels)
    assert np.allclose(delta.lines, [[2, 1], [-1, 0], [0.5, 0]])
    again = Delta.from_json(delta.to_json(), 2)
    assert np.allclose(again(values)[:, 0], labels[:, 0])
    assert np.isnan(again(np.array([[np.nan, 0.0]]))).all()
    with pytest.raises(OscError, match='damaged'):
        Delta.from_json(delta.to_json(), 3)


def test_too_few_labels_for_the_lines_are_refused():
    with pytest.raises(OscError, match='5 labels for 2 coefficients'):
        Delta.fit((CHEAP,), np.arange(5.0)[:, None], np.arange(5.0)[:, None])


@pytest.mark.parametrize('family', ['mpnn', 'gp', 'boosting'])
def test_what_the_line_says_is_kept_whatever_the_family(table, family, tmp_path):
    settings = SurrogateSettings.from_dict({**SETTINGS, 'family': family})
    fit_surrogate_piece(table, settings, seed=0).save(tmp_path)
    model = Surrogate.from_artifact(ModelArtifact.load(tmp_path))
    prediction = predict_molecules(model, table)
    assert [column.level for column in prediction.columns] == [c.level for c in table.columns if c != CHEAP]
    # The line alone is off by 0.005 eV, its error over its slope; the labels spread over 0.5 eV.
    assert np.abs(prediction.mean[:, 0] - table.values(prediction.columns[0])).mean() < 0.02


def test_molecules_without_the_cheap_value_are_not_predicted(table, artifact):
    values = table.values(CHEAP).copy()
    values[2] = np.nan
    mean, sigma, domain = predict_table(Surrogate.from_artifact(artifact), table.with_columns({CHEAP: values}))
    (column,) = mean.columns
    assert np.flatnonzero(np.isnan(mean.values(column))).tolist() == [2]
    assert not domain['in_domain'][2]
    assert np.isfinite(sigma.values(column)).all()


def test_a_table_or_a_call_without_the_cheap_column_is_refused(table, artifact):
    model = Surrogate.from_artifact(artifact)
    with pytest.raises(OscError, match=r'compute homo@cheap first'):
        predict_molecules(model, table.only([column for column in table.columns if column != CHEAP]))
    with pytest.raises(OscError, match='starts from homo@cheap'):
        model.predict(table.smiles)


def test_columns_that_do_not_fit_are_refused(table):
    for values, reason in (
        ({'inputs': ['lumo@cheap']}, 'no values in column lumo@cheap'),
        ({'inputs': [str(CHEAP)], 'columns': [str(CHEAP)]}, 'predicted and started from'),
    ):
        with pytest.raises(OscError, match=reason):
            fit_surrogate_piece(table, SurrogateSettings.from_dict(values), seed=0)


def test_a_warm_start_keeps_the_lines_and_another_input_starts_anew(table, artifact):
    settings = SurrogateSettings.from_dict(SETTINGS)
    warm = fit_surrogate_piece(table.take(range(50)), settings, seed=1, checkpoint=artifact)
    assert warm.config['training']['start'] == 'warm'
    assert warm.config['extra']['delta'] == artifact.config['extra']['delta']
    plain = fit_surrogate_piece(
        table, SurrogateSettings.from_dict({**SETTINGS, 'inputs': None}), seed=1, checkpoint=artifact
    )
    assert plain.config['training']['start'] == 'new'
