"""Predictions as molecule tables and as CSV."""

import csv
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.export import escape_cell
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.surrogate.prediction import Prediction
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.targets import COMPUTED


def predict_molecules(
    surrogate: Surrogate, table: MoleculeTable, *, similarity: bool = True, structures: GeometryTable | None = None
) -> Prediction:
    """Return the predictions for the rows of ``table``, from its columns where the model starts from some.

    :param structures: of these molecules or others, for models that read them.
    :raises OscError: when the table lacks such a column.
    """
    delta = surrogate.finishing.delta
    cheap = None if delta is None else delta.read(table)
    found = None if structures is None else structures.select(table.inchikeys)
    return surrogate.predict(table.smiles, similarity=similarity, cheap=cheap, structures=found)


def predict_table(
    surrogate: Surrogate, table: MoleculeTable, structures: GeometryTable | None = None
) -> tuple[MoleculeTable, MoleculeTable, dict[str, np.ndarray]]:
    """Return two tables with the rows of ``table``, the means and the standard deviations, and arrays of the domain.

    :return: ``(mean, sigma, domain)``, the tables with the columns of the surrogate; ``mean`` keeps the columns of
        ``table`` that are computed from the graph alone, such as ``sa_score``. The arrays are those of
        :class:`Prediction` that are there, by their names.
    """
    prediction = predict_molecules(surrogate, table, structures=structures)
    bare = MoleculeTable(table.smiles, table.inchikeys, table.source)
    computed = {key: values for key, values in table.columns.items() if key.target in COMPUTED}
    mean = {**computed, **_by_column(prediction, prediction.mean)}
    arrays = {name: getattr(prediction, name) for name in ('in_domain', 'similarity', 'epistemic', 'has_structure')}
    domain = {name: array for name, array in arrays.items() if array is not None}
    return bare.with_columns(mean), bare.with_columns(_by_column(prediction, prediction.sigma)), domain


def prediction_csv(table: MoleculeTable, prediction: Prediction, confidence: float) -> str:
    """Return the predictions for ``table`` as CSV; see :func:`csv_header` and :func:`csv_lines`."""
    lines = csv_lines(table.smiles, table.inchikeys, prediction, confidence)
    return ''.join([csv_header(prediction.columns), *lines])


def csv_header(columns: Sequence[Column]) -> str:
    """Return the first line of predictions as CSV.

    After ``smiles``, ``inchikey``, ``in_domain`` and ``similarity`` to the nearest training molecule, each column has
    its mean under its own written name, and ``sigma``, its part ``epistemic``, ``low`` and ``high`` after a space; all
    in canonical units. What the prediction does not say is empty.
    """
    suffixes = ('', ' sigma', ' epistemic', ' low', ' high')
    names = (f'{column}{suffix}' for column in columns for suffix in suffixes)
    return _lines([['smiles', 'inchikey', 'in_domain', 'similarity', *names]])[0]


def csv_lines(smiles: Sequence[str], inchikeys: Sequence[str], prediction: Prediction, confidence: float) -> list[str]:
    """Return the line of CSV of each molecule, its end included.

    :param confidence: probability of the conformal interval from ``low`` to ``high``, within (0, 1).
    """
    unknown = np.full(prediction.mean.shape, np.nan)
    epistemic = unknown if prediction.epistemic is None else prediction.epistemic
    similarity = unknown[:, :1] if prediction.similarity is None else prediction.similarity[:, None]
    blocks = [prediction.mean, prediction.sigma, epistemic, *prediction.interval(confidence)]
    numbers = np.hstack([similarity, np.stack(blocks, axis=2).reshape(len(smiles), -1)])
    cells = numbers.astype(object)
    cells[np.isnan(numbers)] = None  # an empty cell
    known = np.where(prediction.in_domain, 'true', 'false').tolist()
    texts = map(escape_cell, smiles)
    return _lines([*item, *row] for *item, row in zip(texts, inchikeys, known, cells.tolist(), strict=True))


def _lines(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return rows as lines of CSV; numbers are the shortest text that reads back as the same."""
    lines: list[str] = []
    csv.writer(SimpleNamespace(write=lines.append), lineterminator='\n').writerows(rows)
    return lines


def _by_column(prediction: Prediction, values: np.ndarray) -> dict[Column, np.ndarray]:
    return dict(zip(prediction.columns, values.T, strict=True))
