"""Bond lengths, angles and torsions: errors against a reference, and distances of their distributions per type."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from rdkit import Chem
from scipy.stats import wasserstein_distance

from aiida_osc.diffusion.quality.coverage import mean_or_none
from aiida_osc.diffusion.quality.rmsd import Fit

QUANTITIES = ('bond', 'angle', 'torsion')
_ORDERS = {Chem.BondType.SINGLE: '-', Chem.BondType.DOUBLE: '=', Chem.BondType.TRIPLE: '#', Chem.BondType.AROMATIC: ':'}


@dataclass(frozen=True)
class Terms:
    """The bonds, angles and torsions of a molecule, and their types such as ``C:C``, ``C-C-H`` or ``N-C=C-S``.

    Torsions run over heavy atoms only and not around bonds of a ring, whose planarity is looked at by itself.

    :param atoms: by quantity, shapes ``(bonds, 2)``, ``(angles, 3)`` and ``(torsions, 4)``.
    :param types: by quantity, one for each.
    """

    atoms: dict[str, np.ndarray]
    types: dict[str, list[str]]

    @classmethod
    def of(cls, mol: Chem.Mol) -> 'Terms':
        """Return the terms of a molecule with all its hydrogens."""
        paths: dict[str, list[tuple[int, ...]]] = {
            'bond': [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()],
            'angle': list(_angles(mol)),
            'torsion': list(_torsions(mol)),
        }
        atoms = {
            name: np.array(found, dtype=int).reshape(-1, size)
            for size, (name, found) in enumerate(paths.items(), start=2)
        }
        return cls(atoms, {name: [_type_of(mol, path) for path in found] for name, found in paths.items()})

    def values(self, positions: np.ndarray, order: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return lengths in Angstrom, and angles and torsions in degrees, torsions in (-180, 180].

        :param positions: in Angstrom, shape ``(atoms, 3)``.
        :param order: which atom stands for each; only torsions ask, as equal arms have equal bonds and angles.
        """
        torsions = self.atoms['torsion'] if order is None else order[self.atoms['torsion']]
        return {
            'bond': _lengths(*_split(positions, self.atoms['bond'])),
            'angle': _bends(*_split(positions, self.atoms['angle'])),
            'torsion': torsion_angles(*_split(positions, torsions)),
        }


@dataclass
class LocalErrors:
    """Collects the terms of many pairs of a structure and its reference."""

    errors: dict[str, list[np.ndarray]] = field(default_factory=lambda: {name: [] for name in QUANTITIES})
    pools: dict[str, dict[str, tuple[list[float], list[float]]]] = field(
        default_factory=lambda: {name: defaultdict(lambda: ([], [])) for name in QUANTITIES}
    )

    def add(self, terms: Terms, structure: np.ndarray, reference: np.ndarray, fit: Fit) -> None:
        """Add one pair; atoms of the structure are exchanged and it is reflected as in its superposition."""
        found, right = terms.values(structure, fit.order), terms.values(reference)
        if fit.reflected:
            found['torsion'] = -found['torsion']
        for name in QUANTITIES:
            differences = found[name] - right[name]
            if name == 'torsion':
                differences = (differences + 180.0) % 360.0 - 180.0
            self.errors[name].append(np.abs(differences))
            for kind, own, other in zip(terms.types[name], found[name], right[name], strict=True):
                pool = self.pools[name][kind]
                pool[0].append(abs(own))  # of torsions, so that a molecule and its mirror image count alike
                pool[1].append(abs(other))

    def mean_absolute(self) -> dict[str, float | None]:
        """Return the mean absolute error of each quantity, in Angstrom and degrees."""
        return {name: mean_or_none(np.concatenate([np.zeros(0), *parts])) for name, parts in self.errors.items()}

    def wasserstein(self, least: int) -> dict[str, dict[str, float]]:
        """Return the distance of the distributions per type, in Angstrom and degrees.

        :param least: types with fewer values are left out.
        """
        return {
            name: {
                kind: float(wasserstein_distance(*pool))
                for kind, pool in sorted(pools.items())
                if len(pool[0]) >= least
            }
            for name, pools in self.pools.items()
        }


def torsion_angles(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return the torsions around b-c in degrees; each argument of shape ``(torsions, 3)``."""
    axis = c - b
    first, second = np.cross(b - a, axis), np.cross(axis, d - c)
    length = np.maximum(np.linalg.norm(axis, axis=-1), 1e-9)
    sine = np.sum(np.cross(first, second) * axis, axis=-1) / length
    return np.degrees(np.arctan2(sine, np.sum(first * second, axis=-1)))


def _split(positions: np.ndarray, atoms: np.ndarray) -> list[np.ndarray]:
    return [positions[column] for column in atoms.T]


def _lengths(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a - b, axis=-1)


def _bends(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    arms = np.linalg.norm(a - b, axis=-1) * np.linalg.norm(c - b, axis=-1)
    cosine = np.sum((a - b) * (c - b), axis=-1) / np.maximum(arms, 1e-9)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _angles(mol: Chem.Mol) -> Iterable[tuple[int, int, int]]:
    for atom in mol.GetAtoms():
        around = [other.GetIdx() for other in atom.GetNeighbors()]
        for place, first in enumerate(around):
            for last in around[place + 1 :]:
                yield first, atom.GetIdx(), last


def _torsions(mol: Chem.Mol) -> Iterable[tuple[int, int, int, int]]:
    for bond in mol.GetBonds():
        if bond.IsInRing():
            continue
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        for first in begin.GetNeighbors():
            for last in end.GetNeighbors():
                path = (first.GetIdx(), begin.GetIdx(), end.GetIdx(), last.GetIdx())
                if len(set(path)) == 4 and first.GetAtomicNum() > 1 and last.GetAtomicNum() > 1:
                    yield path


def _type_of(mol: Chem.Mol, path: tuple[int, ...]) -> str:
    symbols = [mol.GetAtomWithIdx(atom).GetSymbol() for atom in path]
    orders = [_ORDERS.get(mol.GetBondBetweenAtoms(one, other).GetBondType(), '~') for one, other in pairwise(path)]
    texts = [
        ''.join(symbol + order for symbol, order in zip(names, [*links, ''], strict=True))
        for names, links in ((symbols, orders), (symbols[::-1], orders[::-1]))
    ]
    return min(texts)
