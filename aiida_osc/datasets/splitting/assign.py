"""Deal groups of molecules to training, validation and test."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.grouping import members
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.datasets.splitting.groups import Groups
from aiida_osc.datasets.splitting.settings import ROWS, SOURCE, SplitSettings
from aiida_osc.errors import OscError

TRAIN, VALIDATION, TEST, NOWHERE = 0, 1, 2, -1
PARTS = ('train', 'validation', 'test')


def assign(table: MoleculeTable, groups: Groups, settings: SplitSettings, seed: int) -> np.ndarray:
    """Return the part of each molecule, shape ``(molecules,)``.

    Each group goes whole to the part that lacks most molecules; large groups come first, the others in an order that
    follows from ``seed`` and their InChIKeys alone, so that the order of the rows does not matter.
    """
    parts = np.full(len(table), TRAIN)
    held = held_apart(table, groups) if settings.common_test != 'ignore' else np.zeros(len(table), dtype=bool)
    parts[held] = TEST if settings.common_test == 'test' else NOWHERE
    free = [kept for rows in members(groups.alike) if (kept := [row for row in rows if not held[row]])]
    wanted = _sizes(settings.fractions, len(table), int(held.sum()) if settings.common_test == 'test' else 0)
    if settings.common_test == 'leave_out':
        wanted = np.array(settings.fractions) * (len(table) - held.sum())
    if settings.by == 'time':
        place = {row: number for number, row in enumerate(order_of_rows(table, settings.order))}
        _deal_in_order(sorted(free, key=lambda rows: min(place[row] for row in rows)), wanted, parts)
    else:
        keys = {id(rows): _draw(seed, min(table.inchikeys[row] for row in rows)) for rows in free}
        large = 0.5 * min((size for size in wanted if size > 0), default=0)
        free.sort(key=lambda rows: (-len(rows) if len(rows) > max(large, 1) else 0, keys[id(rows)]))
        _deal(free, wanted, parts)
    return parts


def held_apart(table: MoleculeTable, groups: Groups) -> np.ndarray:
    """Return whether each molecule, or one that is the same but for stereochemistry, is in the common test split."""
    common = np.array([in_common_test_split(key) for key in table.inchikeys], dtype=bool)
    return np.isin(groups.same, groups.same[common])


def order_of_rows(table: MoleculeTable, order: str) -> list[int]:
    """Return the rows from the earliest to the latest.

    :raises OscError: when ``order`` names a column that the table does not have.
    """
    rows = list(range(len(table)))
    if order == ROWS:
        return rows
    if order == SOURCE:
        return sorted(rows, key=lambda row: (_natural(table.source[row]), row))
    column = Column.parse(order) if '@' in order else None
    if column not in table.columns or column is None:
        known = ', '.join(map(str, table.columns)) or 'no columns'
        raise OscError(f'order is {order!r}: use {ROWS}, {SOURCE} or a column (the table has {known})')
    values = np.where(np.isnan(table.values(column)), -np.inf, table.values(column))
    return [int(row) for row in np.argsort(values, kind='stable')]


def _sizes(fractions: Sequence[float], count: int, held: int) -> np.ndarray:
    """Return how many molecules each part still gets when ``held`` are in the test part already."""
    test = max(0.0, fractions[TEST] * count - held)
    rest = count - held - test
    scale = rest / (fractions[TRAIN] + fractions[VALIDATION])
    return np.array([fractions[TRAIN] * scale, fractions[VALIDATION] * scale, test])


def _deal(groups: Sequence[Sequence[int]], wanted: np.ndarray, parts: np.ndarray) -> None:
    lacking = wanted.copy()
    for rows in groups:
        part = int(lacking.argmax())
        lacking[part] -= len(rows)
        parts[list(rows)] = part


def _deal_in_order(groups: Sequence[Sequence[int]], wanted: np.ndarray, parts: np.ndarray) -> None:
    ends = np.cumsum(wanted)
    dealt = 0
    for rows in groups:
        # The middle of a group decides, so that a group at a border goes where most of it belongs.
        parts[list(rows)] = min(int(np.searchsorted(ends, dealt + len(rows) / 2, side='left')), TEST)
        dealt += len(rows)


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts ``batch 2`` before ``batch 10``."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r'([0-9]+)', text) if part]


def _draw(seed: int, key: str) -> str:
    return hashlib.sha256(f'{seed}:{key}'.encode()).hexdigest()
