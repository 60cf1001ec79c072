"""Whether positions can be those of one molecule, before any program is asked."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from aiida_osc.errors import OscError

#: Atoms nearer than this, in Angstrom, lie on top of each other; the shortest bond, of H2, has 0.74.
CLOSEST = 0.5
#: Atoms farther apart than this times the sum of their covalent radii are not bonded.
STRETCH = 1.5


def check_geometry(symbols: Sequence[str], positions: np.ndarray) -> None:
    """Check that no atoms lie on top of each other and that all hang together.

    :param symbols: chemical symbols.
    :param positions: in Angstrom, shape ``(atoms, 3)``.
    :raises OscError: when two atoms are too close, or there are several fragments.
    """
    check_distances(symbols, positions)
    count = count_fragments(symbols, positions)
    if count > 1:
        raise OscError(f'the structure has {count} fragments: give one molecule alone, without salts or solvents')


def check_distances(symbols: Sequence[str], positions: np.ndarray) -> None:
    """Check that no atoms lie on top of each other.

    :raises OscError: when two are nearer than 0.5 Angstrom.
    """
    for first, second in combinations(range(len(symbols)), 2):
        distance = float(np.linalg.norm(positions[first] - positions[second]))
        if distance < CLOSEST:
            names = f'{symbols[first]}{first + 1} and {symbols[second]}{second + 1}'
            raise OscError(f'atoms {names} lie on top of each other, {distance:.2f} Angstrom apart: correct them')


def count_fragments(symbols: Sequence[str], positions: np.ndarray) -> int:
    """Return the number of groups of atoms that no bond connects."""
    radii = np.array([covalent_radii[atomic_numbers[symbol]] for symbol in symbols])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    bonded = distances < STRETCH * (radii[:, None] + radii[None])
    left, count = set(range(len(symbols))), 0
    while left:
        edge, count = [left.pop()], count + 1
        while edge:
            reached = left & set(np.flatnonzero(bonded[edge.pop()]).tolist())
            left -= reached
            edge += reached
    return count
