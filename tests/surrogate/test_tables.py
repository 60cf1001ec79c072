"""Predictions as tables."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

from aiida_osc.datasets.columns import Column
from aiida_osc.surrogate.prediction import Prediction
from aiida_osc.surrogate.tables import predict_table, prediction_csv

HOMO = Column('homo', 'x')


class Known:
    """A surrogate that predicts the length of each SMILES."""

    finishing = SimpleNamespace(delta=None)

    def predict(self, smiles, **_):
        lengths = np.array([[float(len(item))] for item in smiles])
        return Prediction((HOMO,), lengths, lengths / 10, np.arange(len(smiles)) > 0)


def test_tables_keep_rows_and_computed_columns(labelled_table):
    score = Column('sa_score', 'Ertl-Schuffenhauer')
    table = labelled_table.take([5, 2, 9]).with_columns({score: np.array([1.0, 2.0, 3.0])})
    mean, sigma, domain = predict_table(Known(), table)
    assert {name: array.tolist() for name, array in domain.items()} == {'in_domain': [False, True, True]}
    assert mean.inchikeys == sigma.inchikeys == table.inchikeys
    assert set(mean.columns) == {HOMO, score}
    assert set(sigma.columns) == {HOMO}
    np.testing.assert_allclose(sigma.columns[HOMO], mean.columns[HOMO] / 10)


def test_csv_has_mean_spread_interval_and_domain(labelled_table):
    table = labelled_table.take([0, 1])
    rows = list(csv.DictReader(io.StringIO(prediction_csv(table, Known().predict(table.smiles), 0.9))))
    assert [row['smiles'] for row in rows] == list(table.smiles)
    assert [row['in_domain'] for row in rows] == ['false', 'true']
    mean, sigma = float(rows[0]['homo@x']), float(rows[0]['homo@x sigma'])
    assert mean == len(table.smiles[0])
    assert norm.cdf(float(rows[0]['homo@x high']), mean, sigma) == pytest.approx(0.95)
    assert norm.cdf(float(rows[0]['homo@x low']), mean, sigma) == pytest.approx(0.05)
