"""Predictions as molecule tables and as CSV."""

import csv
import io

import numpy as np
from scipy.special import ndtri

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.export import escape_cell, format_number
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.surrogate.ensemble import Prediction, Surrogate
from aiida_osc.targets import COMPUTED


def predict_table(surrogate: Surrogate, table: MoleculeTable) -> tuple[MoleculeTable, MoleculeTable]:
    """Return two tables with the rows of ``table``: the means and the standard deviations.

    :return: ``(mean, sigma)``, both with the columns of the surrogate; ``mean`` keeps the columns of ``table`` that are
        computed from the graph alone, such as ``sa_score``.
    """
    prediction = surrogate.predict(table.smiles)
    bare = MoleculeTable(table.smiles, table.inchikeys, table.source)
    computed = {key: values for key, values in table.columns.items() if key.target in COMPUTED}
    mean = {**computed, **_by_column(prediction, prediction.mean)}
    return bare.with_columns(mean), bare.with_columns(_by_column(prediction, prediction.sigma))


def prediction_csv(table: MoleculeTable, prediction: Prediction, confidence: float) -> str:
    """Return the predictions for ``table`` as CSV.

    After ``smiles``, ``inchikey`` and ``in_domain`` each column has its mean under its own written name, and
    ``sigma``, ``low`` and ``high`` after a space; all in canonical units.

    :param confidence: probability of the interval from ``low`` to ``high``, within (0, 1).
    """
    half = ndtri(0.5 + confidence / 2) * prediction.sigma
    blocks = [prediction.mean, prediction.sigma, prediction.mean - half, prediction.mean + half]
    numbers = np.stack(blocks, axis=2).reshape(len(table), -1)
    names = [f'{column}{suffix}' for column in prediction.columns for suffix in ('', ' sigma', ' low', ' high')]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    writer.writerow(['smiles', 'inchikey', 'in_domain', *names])
    for smiles, inchikey, known, row in zip(table.smiles, table.inchikeys, prediction.in_domain, numbers, strict=True):
        writer.writerow([escape_cell(smiles), inchikey, str(bool(known)).lower(), *map(format_number, row)])
    return buffer.getvalue()


def _by_column(prediction: Prediction, values: np.ndarray) -> dict[Column, np.ndarray]:
    return dict(zip(prediction.columns, values.T, strict=True))
