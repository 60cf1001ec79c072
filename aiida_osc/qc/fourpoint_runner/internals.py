"""Redundant internal coordinates with the model Hessian of Lindh."""

from __future__ import annotations

import math

import numpy as np

from .primitives import bend, cross, index_table, linear_bend, norms, stretch, torsion

#: Model force constants of Lindh et al., doi 10.1016/0009-2614(95)00646-L, for stretch, bend and torsion.
LINDH = {'stretch': 0.45, 'bend': 0.15, 'torsion': 0.005}
LINDH_ALPHA = ((1.0, 0.3949, 0.3949), (0.3949, 0.28, 0.28), (0.3949, 0.28, 0.28))
LINDH_REFERENCE = ((1.35, 2.10, 2.53), (2.10, 2.87, 3.40), (2.53, 3.40, 3.40))
LINEAR = math.radians(165)
STRAINED = math.radians(176)


class Internals:
    """Redundant stretches, bends, linear bends and torsions along the bonds of a molecule.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param bonds: pairs of atoms, shape ``(bonds, 2)``.
    :param positions: in bohr, shape ``(atoms, 3)``; decide which bends are linear.
    """

    def __init__(self, numbers: np.ndarray, bonds: np.ndarray, positions: np.ndarray) -> None:
        self.numbers = numbers
        neighbours = _neighbours(len(numbers), bonds)
        triples = [
            (i, j, k) for j, around in enumerate(neighbours) for n, i in enumerate(around) for k in around[n + 1 :]
        ]
        bends = index_table(triples, 3)
        linear = bend(positions, bends)[0] > LINEAR if len(bends) else np.zeros(0, dtype=bool)
        self.stretches, self.bends, self.linear = index_table(bonds, 2), bends[~linear], bends[linear]
        self.torsions = index_table(_find_torsions(positions, neighbours, self.stretches, self.linear), 4)
        self.axes = _perpendicular(positions, self.linear)
        self._sizes = (len(self.stretches), len(self.bends), 2 * len(self.linear), len(self.torsions))

    def values(self, positions: np.ndarray) -> np.ndarray:
        """Return the coordinates, shape ``(coordinates,)``, in bohr and radian."""
        return self._evaluate(positions)[0]

    def difference(self, new: np.ndarray, old: np.ndarray) -> np.ndarray:
        """Return ``new - old`` with torsions in (-pi, pi]."""
        change = new - old
        first = len(change) - self._sizes[3]
        change[first:] = (change[first:] + np.pi) % (2 * np.pi) - np.pi
        return change

    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates and their derivatives, shape ``(coordinates, 3 * atoms)``."""
        values, blocks = self._evaluate(positions)
        matrix = np.zeros((sum(self._sizes), len(self.numbers), 3))
        row = 0
        for atoms, derivatives in blocks:
            matrix[np.arange(row, row + len(atoms))[:, None], atoms] = derivatives
            row += len(atoms)
        return values, matrix.reshape(len(matrix), -1)

    def strained(self, positions: np.ndarray) -> bool:
        """Return whether a bend has become linear, where its derivative has a pole."""
        return bool(len(self.bends) and (bend(positions, self.bends)[0] > STRAINED).any())

    def force_constants(self, positions: np.ndarray) -> np.ndarray:
        """Return the diagonal of the model Hessian, shape ``(coordinates,)``, in Eh and bohr or radian."""
        rho = lindh_weights(self.numbers, positions)
        bend = [LINDH['bend'] * rho[t[:, 0], t[:, 1]] * rho[t[:, 1], t[:, 2]] for t in (self.bends, self.linear)]
        t = self.torsions
        weights = rho[t[:, 0], t[:, 1]] * rho[t[:, 1], t[:, 2]] * rho[t[:, 2], t[:, 3]]
        stretch = LINDH['stretch'] * rho[self.stretches[:, 0], self.stretches[:, 1]]
        return np.concatenate([stretch, bend[0], np.tile(bend[1], 2), np.maximum(LINDH['torsion'] * weights, 5e-4)])

    def hessian(self, positions: np.ndarray) -> np.ndarray:
        """Return the model Hessian in these coordinates."""
        return np.diag(self.force_constants(positions))

    def _evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        parts = [
            (self.stretches, *stretch(positions, self.stretches)),
            (self.bends, *bend(positions, self.bends)),
            *((self.linear, *linear_bend(positions, self.linear, axis)) for axis in self.axes if len(axis)),
            (self.torsions, *torsion(positions, self.torsions)),
        ]
        return np.concatenate([part[1] for part in parts]), [(part[0], part[2]) for part in parts]


class Cartesians:
    """Cartesian coordinates with the model Hessian of the internal ones: slower, but never singular."""

    def __init__(self, internals: Internals) -> None:
        self.internals = internals

    def values(self, positions: np.ndarray) -> np.ndarray:
        """Return the coordinates in bohr, shape ``(3 * atoms,)``."""
        return positions.ravel().copy()

    def difference(self, new: np.ndarray, old: np.ndarray) -> np.ndarray:
        """Return ``new - old``."""
        return new - old

    def evaluate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates and the unit matrix."""
        return self.values(positions), np.eye(positions.size)

    def strained(self, positions: np.ndarray) -> bool:
        """Return False: there is no pole."""
        return False

    def hessian(self, positions: np.ndarray) -> np.ndarray:
        """Return the model Hessian, raised by a little so that soft modes take bounded steps."""
        wilson = self.internals.evaluate(positions)[1]
        return (wilson.T * self.internals.force_constants(positions)) @ wilson + 0.01 * np.eye(positions.size)


def lindh_weights(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return exp(alpha (r_ref^2 - r^2)) of all pairs, shape ``(atoms, atoms)``."""
    row = np.searchsorted([2, 10], numbers)
    alpha, reference = np.array(LINDH_ALPHA)[row[:, None], row], np.array(LINDH_REFERENCE)[row[:, None], row]
    return np.exp(alpha * (reference**2 - np.sum((positions[:, None] - positions) ** 2, axis=2)))


def _neighbours(atoms: int, bonds: np.ndarray) -> list[list[int]]:
    around: list[list[int]] = [[] for _ in range(atoms)]
    for i, j in bonds:
        around[int(i)].append(int(j))
        around[int(j)].append(int(i))
    return around


def _find_torsions(
    positions: np.ndarray, neighbours: list[list[int]], stretches: np.ndarray, linear: np.ndarray
) -> list[tuple[int, int, int, int]]:
    """Return the torsions around bonds and around linear chains, and one improper per three-coordinate atom."""
    straight = {int(j) for j in linear[:, 1]}
    partners = {int(j): (int(i), int(k)) for i, j, k in linear}
    ends = [(int(j), int(k), int(j), int(k)) for j, k in stretches if not straight & {int(j), int(k)}]
    chains = (
        sorted([_follow(partners, middle, left), _follow(partners, middle, right)])
        for middle, (left, right) in partners.items()
    )
    ends += sorted({(one[1], other[1], one[0], other[0]) for one, other in chains})
    found = [
        (i, j, k, m)
        for j, k, beside_j, beside_k in ends
        for i in neighbours[j]
        for m in neighbours[k]
        if i not in (k, m, beside_j if beside_j != j else -1) and m not in (j, beside_k if beside_k != k else -1)
    ]
    found += [(a[0], j, a[1], a[2]) for j, a in enumerate(neighbours) if len(a) == 3]
    table = index_table(found, 4)
    if not len(table):
        return []
    bent = [np.sin(bend(positions, table[:, part])[0]) > math.sin(LINEAR) for part in ([0, 1, 2], [1, 2, 3])]
    return [tuple(row) for row in table[bent[0] & bent[1]]]


def _follow(partners: dict[int, tuple[int, int]], previous: int, atom: int) -> tuple[int, int]:
    """Return the last linear atom and the first one that is not, from ``previous`` in the direction of ``atom``."""
    for _ in range(len(partners)):
        if atom not in partners:
            break
        one, other = partners[atom]
        previous, atom = atom, other if one == previous else one
    return previous, atom


def _perpendicular(positions: np.ndarray, linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two unit vectors across each linear bend, each of shape ``(bends, 3)``."""
    axis = positions[linear[:, 2]] - positions[linear[:, 0]]
    axis = axis / norms(axis)[:, None]
    helper = np.eye(3)[np.argmin(np.abs(axis), axis=1)] if len(axis) else np.zeros((0, 3))
    first = cross(axis, helper)
    first = first / norms(first)[:, None]
    return first, cross(axis, first)
