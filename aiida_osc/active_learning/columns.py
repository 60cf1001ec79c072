"""Columns that rules ask of a table; the synthetic accessibility is computed where it is missing."""

from collections.abc import Iterable

import numpy as np

from aiida_osc.chem.synthesis import sa_scores
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE

SA_COLUMN = Column('sa_score', SA_SCORE)


def with_sa_score(table: MoleculeTable) -> MoleculeTable:
    """Return the table with the synthetic accessibility of every molecule."""
    if SA_COLUMN in table.columns and np.isfinite(table.values(SA_COLUMN)).all():
        return table
    return table.with_columns({SA_COLUMN: sa_scores(table.smiles)})


def with_required(table: MoleculeTable, columns: Iterable[Column], *, what: str) -> MoleculeTable:
    """Return ``table`` with every column of ``columns``.

    :param what: how the table is called in the message, such as ``the prediction``.
    :raises OscError: when a column is missing that cannot be computed from the molecule alone.
    """
    wanted = set(columns)
    if SA_COLUMN in wanted:
        table = with_sa_score(table)
    missing = wanted - set(table.columns)
    if missing:
        names = ', '.join(sorted(map(str, missing)))
        there = ', '.join(map(str, table.columns)) or 'none'
        raise OscError(f'{what} lacks the columns {names} (it has {there}): train on them or change the rule')
    return table
