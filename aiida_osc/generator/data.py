"""The training set of a generator: which molecules and columns it has, and how it is parted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.generator.preprocess import Decomposed, Featurised
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.tensors import Features
from aiida_osc.generator.vocabulary import Vocabulary, build_vocabulary


@dataclass(frozen=True)
class TrainingData:
    """Featurised molecules and their standardised labels.

    :param train, validation: places among ``features``.
    :param labels: standardised, NaN where missing; shape ``(molecules, properties)``.
    """

    features: Sequence[Features]
    smiles: Sequence[str]
    labels: np.ndarray
    train: np.ndarray
    validation: np.ndarray


def usable_rows(table: MoleculeTable, settings: JtvaeSettings) -> list[int]:
    """Return the rows a training may use.

    :raises OscError: when there are fewer than two.
    """
    rows = [
        row for row, key in enumerate(table.inchikeys) if not (settings.hold_out_test and in_common_test_split(key))
    ]
    if len(rows) < 2:
        raise OscError(f'{len(rows)} molecules outside the common test split: a generator needs two at least')
    return rows


def choose_vocabulary(decomposed: Decomposed, base: Vocabulary | None = None) -> Vocabulary:
    """Return the vocabulary of the molecules that decompose.

    :raises OscError: when there are fewer than two.
    """
    if len(decomposed.rows) < 2:
        reasons = '; '.join(decomposed.reasons()) or 'the set is empty'
        raise OscError(f'{len(decomposed.rows)} molecules decompose into motifs, two at least are needed ({reasons})')
    return build_vocabulary(decomposed.trees, base)


def choose_columns(table: MoleculeTable, rows: Sequence[int], least: int) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of each column that gets a property head, by written column."""
    chosen = {}
    for column, values in table.columns.items():
        known = values[list(rows)]
        known = known[np.isfinite(known)]
        if len(known) >= least and known.std() > 0:
            chosen[str(column)] = (float(known.mean()), float(known.std()))
    return chosen


def prepare(
    table: MoleculeTable,
    featurised: Featurised,
    normalisation: dict[str, tuple[float, float]],
    settings: JtvaeSettings,
    seed: int,
) -> TrainingData:
    """Return the training data of the featurised molecules of ``table``, parted by ``seed``."""
    rows = list(featurised.rows)
    columns = [
        (table.values(Column.parse(name))[rows] - mean) / spread for name, (mean, spread) in normalisation.items()
    ]
    labels = np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0))
    order = np.random.default_rng(abs(seed)).permutation(len(rows))
    held = int(settings.validation * len(rows))
    parts = np.sort(order[held:]), np.sort(order[:held])
    return TrainingData(featurised.features, [table.smiles[row] for row in rows], labels, *parts)
