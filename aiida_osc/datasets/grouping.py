"""Rows that belong together, as numbers of groups and as lists of rows."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def by_name(names: Iterable[Hashable]) -> np.ndarray:
    """Return a number for each name, equal for equal names, in the order of first names; shape ``(names,)``."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=int)


def members(numbers: np.ndarray) -> list[list[int]]:
    """Return the rows of each group, in the order of their first rows."""
    rows: dict[int, list[int]] = {}
    for row, number in enumerate(numbers.tolist()):
        rows.setdefault(number, []).append(row)
    return list(rows.values())


def repeated(names: Iterable[Hashable]) -> list[list[int]]:
    """Return the rows of each name that stands more than once."""
    return [rows for rows in members(by_name(names)) if len(rows) > 1]


def unite(numbers: np.ndarray, more: Iterable[Sequence[int]]) -> np.ndarray:
    """Return the groups that arise when the rows of each sequence of ``more`` must be in one group, too."""
    pairs = [(numbers[rows[0]], numbers[row]) for rows in more for row in rows[1:]]
    if not pairs:
        return numbers
    first, last = np.array(pairs).T
    size = int(numbers.max()) + 1
    _, parts = connected_components(coo_array((np.ones(len(pairs)), (first, last)), shape=(size, size)), directed=False)
    return by_name(parts[numbers].tolist())
