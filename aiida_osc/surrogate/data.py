"""From a molecule table to what a surrogate trains on: columns, parts, normalised labels."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.datasets.spread import spread
from aiida_osc.errors import OscError
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.targets import COMPUTED

#: Labelled molecules outside the common test split that a training needs.
MIN_MOLECULES = 5
#: From this many on, calibration has molecules of its own; below, it shares those of validation.
APART = 1000
#: Molecules of validation, and of calibration, at most.
MAX_PART = 1000


@dataclass(frozen=True)
class Parts:
    """Rows of a table by their use; ``calibration`` equals ``validation`` in small sets.

    :param test: molecules of the common test split, for quoted metrics alone.
    """

    train: np.ndarray
    validation: np.ndarray
    calibration: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class TrainingData:
    """All that a training reads.

    :param molecules: those with at least one label.
    :param labels: in canonical units, shape ``(molecules, targets)``; NaN where missing.
    :param cheap: values of the columns that predictions start from, shape ``(molecules, inputs)``.
    """

    columns: tuple[Column, ...]
    molecules: Molecules
    labels: np.ndarray
    parts: Parts
    cheap: np.ndarray


def prepare(
    table: MoleculeTable,
    columns: Sequence[str] | None,
    min_labels: int,
    fraction: float,
    seed: int,
    inputs: Sequence[str] = (),
    structures: GeometryTable | None = None,
) -> TrainingData:
    """Return columns, graphs, labels and parts of ``table``.

    :param columns: written columns; None for those that :func:`choose_columns` finds.
    :param fraction: part of the molecules that goes to validation.
    :param seed: decides the parts, molecule by molecule, whatever else is in the table.
    :param inputs: written columns that predictions start from; molecules without them are left out.
    :param structures: of the molecules, as far as there are some; the neutral ones count.
    :raises OscError: when there is too little to learn from.
    """
    chosen = choose_columns(table, columns, min_labels, inputs)
    labels = np.stack([table.values(column) for column in chosen], axis=1)
    cheap = np.stack([np.zeros(len(table)), *(table.values(Column.parse(name)) for name in inputs)], axis=1)[:, 1:]
    rows = np.flatnonzero(np.isfinite(labels).any(axis=1) & np.isfinite(cheap).all(axis=1))
    parts = split([table.inchikeys[row] for row in rows], fraction, seed)
    labels = labels[rows]
    for column, values in zip(chosen, labels[parts.train].T, strict=True):
        _check_spread(column, values)
    found = None if structures is None else structures.select([table.inchikeys[row] for row in rows])
    molecules = Molecules([table.smiles[row] for row in rows], structures=found)
    with_structure = int(molecules.spatial.present[parts.train].sum())
    if structures is not None and with_structure < MIN_MOLECULES:
        raise OscError(
            f'{with_structure} molecules of the training part have a structure that fits them: '
            f'give structures of at least {MIN_MOLECULES}'
        )
    return TrainingData(chosen, molecules, labels, parts, cheap[rows])


def choose_columns(
    table: MoleculeTable, columns: Sequence[str] | None, min_labels: int, inputs: Sequence[str] = ()
) -> tuple[Column, ...]:
    """Return the columns to train on, in the order of the table.

    :param inputs: written columns that predictions start from, which are not predicted.
    :raises OscError: when a named column has no label, or no column qualifies.
    """
    counts = table.coverage()
    given = {Column.parse(name) for name in inputs}
    unlabelled = sorted(str(column) for column in given if not counts.get(str(column)))
    if unlabelled:
        raise OscError(f'no values in column {unlabelled[0]} to start from: the data have {", ".join(counts)}')
    if columns is None:
        chosen = tuple(
            key
            for key, values in table.columns.items()
            if key.target not in COMPUTED and key not in given and counts[str(key)] >= min_labels and spread(values) > 0
        )
        if not chosen:
            raise OscError(
                f'no column has {min_labels} labels that differ: label more molecules, or name the columns '
                f'(labels now: {", ".join(f"{name} {count}" for name, count in counts.items()) or "none"})'
            )
        return chosen
    wanted = {Column.parse(name) for name in columns}
    if wanted & given:
        raise OscError(f'column {min(wanted & given)} is predicted and started from: choose one')
    missing = sorted(str(column) for column in wanted if not counts.get(str(column)))
    if missing or not wanted:
        raise OscError(f'no labels in column {", ".join(missing) or "(none named)"}: the data have {", ".join(counts)}')
    return tuple(sorted(wanted))


def split(inchikeys: Sequence[str], fraction: float, seed: int) -> Parts:
    """Return the parts; the common test split is apart whatever the seed.

    Each molecule's place follows from ``seed`` and its InChIKey, so it keeps its part when others are added.

    :raises OscError: when the fraction is not within (0, 0.5) or there are too few molecules.
    """
    if not 0 < fraction < 0.5:
        raise OscError(f'validation_fraction is {fraction}: give more than 0 and less than 0.5')
    held_out = np.array([in_common_test_split(key) for key in inchikeys], dtype=bool)
    rest = np.flatnonzero(~held_out)
    if len(rest) < MIN_MOLECULES:
        raise OscError(
            f'{len(rest)} labelled molecules outside the common test split are too few to train on: '
            f'give at least {MIN_MOLECULES}'
        )
    place = np.array([_unit_hash(f'{seed}:{inchikeys[row]}') for row in rest.tolist()])
    fraction = min(fraction, MAX_PART / len(rest))
    # At least one molecule, so that tiny sets can be trained too.
    limit = max(fraction, float(place.min()) + 1e-12)
    validation = rest[place < limit]
    if len(rest) < APART:
        return Parts(rest[place >= limit], validation, validation, np.flatnonzero(held_out))
    calibration = rest[(place >= limit) & (place < limit + fraction)]
    return Parts(rest[place >= limit + fraction], validation, calibration, np.flatnonzero(held_out))


def normalisation(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each target's labels; both of shape ``(targets,)``."""
    return np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)


def _check_spread(column: Column, values: np.ndarray) -> None:
    there = values[np.isfinite(values)]
    if len(there) < 2 or spread(there) == 0:
        found = 'no two labels' if len(there) < 2 else f'the same value {there[0]:g} for all {len(there)} molecules'
        raise OscError(f'column {column} has {found} in the training part: leave it out or give more labels')


def _unit_hash(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16) / 16**13
