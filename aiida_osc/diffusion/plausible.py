"""Whether positions can be a structure of the molecule that was asked for, in less than a millisecond."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.chem.handedness import Handedness
from aiida_osc.qc.fourpoint_runner.bonds import BOND_FACTOR, BREAK_FACTOR

#: Kinds of faults, from those of a strained structure to those of another molecule.
KINDS = ('planarity', 'angle', 'bond', 'clash', 'stereo', 'connectivity', 'numbers')
#: How far a bond may be outside the bounds of distance geometry, as a share of them.
BOND_MARGIN = 0.2
#: The same for the distance of atoms two bonds apart.
ANGLE_MARGIN = 0.25
#: Atoms further apart in the graph may come that much nearer than the sum of their van der Waals radii.
CLASH_MARGIN = 0.35
#: Largest distance of an atom of an aromatic ring from the ring's mean plane, in Angstrom.
RING_TOLERANCE = 0.25
_RING_SIZES = (5, 6)
_TABLE = Chem.GetPeriodicTable()
_COVALENT, _CONTACT = (np.array([read(n) for n in range(119)]) for read in (_TABLE.GetRcovalent, _TABLE.GetRvdw))


@dataclass(frozen=True)
class Fault:
    """What is wrong with a structure.

    :param kind: one of :data:`KINDS`.
    :param text: what a person reads.
    """

    kind: str
    text: str

    @property
    def gravity(self) -> int:
        """Return the place in :data:`KINDS`: the higher, the worse."""
        return KINDS.index(self.kind)


class Blueprint:
    """What a molecule asks of its structures: bonds, distances, stereochemistry and flat rings.

    :param mol: the molecule with all its hydrogens.
    """

    def __init__(self, mol: Chem.Mol) -> None:
        # By index: RDKit's own sequences take ten times as long.
        atoms = [mol.GetAtomWithIdx(index) for index in range(mol.GetNumAtoms())]
        bonds = [mol.GetBondWithIdx(index) for index in range(mol.GetNumBonds())]
        self.numbers = np.array([atom.GetAtomicNum() for atom in atoms])
        ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]
        self.bonds = np.array(ends, dtype=int).reshape(-1, 2)
        self.handedness = Handedness.of(mol)
        self._rings = flat_rings(mol)
        self._first, self._second = np.triu_indices(len(self.numbers), 1)
        self._limits = _limits(mol, self.numbers, self.bonds, (self._first, self._second))

    def fault(self, positions: np.ndarray) -> Fault | None:
        """Return the gravest fault of a structure, None when it is plausible.

        :param positions: in Angstrom, shape ``(atoms, 3)``, atoms in the order of the molecule.
        """
        if positions.shape != (len(self.numbers), 3) or not np.isfinite(positions).all():
            return Fault('numbers', f'positions of shape {positions.shape} or not finite')
        distances = np.linalg.norm(positions[self._first] - positions[self._second], axis=1)
        if (fault := self._distance_fault('connectivity', distances)) is not None:
            return fault
        if (text := self.handedness.fault(positions)) is not None:
            return Fault('stereo', text)
        for kind in ('clash', 'bond', 'angle'):
            if (fault := self._distance_fault(kind, distances)) is not None:
                return fault
        return self._ring_fault(positions)

    def _distance_fault(self, kind: str, distances: np.ndarray) -> Fault | None:
        low, high = self._limits[kind]
        excess = np.maximum(low - distances, distances - high)
        if not excess.size or excess.max() <= 0:
            return None
        worst = int(excess.argmax())
        first, second = self._name(self._first[worst]), self._name(self._second[worst])
        return Fault(kind, f'{kind}: {first} and {second} are {distances[worst]:.2f} Angstrom apart')

    def _ring_fault(self, positions: np.ndarray) -> Fault | None:
        for rings in self._rings:
            heights = distances_from_plane(positions[rings])
            if heights.max(initial=0.0) > RING_TOLERANCE:
                ring, _ = np.unravel_index(heights.argmax(), heights.shape)
                names = '-'.join(map(self._name, rings[ring]))
                return Fault('planarity', f'aromatic ring {names} is {heights.max():.2f} Angstrom out of its plane')
        return None

    def _name(self, atom: int) -> str:
        return f'{_TABLE.GetElementSymbol(int(self.numbers[atom]))}{atom + 1}'


def _limits(
    mol: Chem.Mol, numbers: np.ndarray, bonds: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return lowest and highest distances in Angstrom per kind of fault, each of shape ``(pairs,)``.

    Bonds and angles have the bounds of distance geometry with a margin, wider than any of the 130,000 minima of QM9.
    """
    first, second = pairs
    if not len(first):
        return {kind: (np.zeros(0), np.zeros(0)) for kind in ('connectivity', 'clash', 'bond', 'angle')}
    linked = np.zeros((len(numbers),) * 2, dtype=bool)
    linked[bonds[:, 0], bonds[:, 1]] = linked[bonds[:, 1], bonds[:, 0]] = True
    across = (linked.astype(np.float32) @ linked.astype(np.float32) > 0)[first, second]
    linked = linked[first, second]
    across &= ~linked
    matrix = rdDistGeom.GetMoleculeBoundsMatrix(mol, doTriangleSmoothing=False)
    low, high = matrix[second, first], matrix[first, second]
    reach, sizes = (radii[numbers][first] + radii[numbers][second] for radii in (_COVALENT, _CONTACT))
    far = ~(linked | across)
    return {
        'connectivity': (np.where(linked, 0.0, BOND_FACTOR * reach), np.where(linked, BREAK_FACTOR * reach, np.inf)),
        'clash': (np.where(far, (1 - CLASH_MARGIN) * np.minimum(low, sizes), 0.0), np.full(len(first), np.inf)),
        'bond': _widened(linked, low, high, BOND_MARGIN),
        'angle': _widened(across, low, high, ANGLE_MARGIN),
    }


def _widened(chosen: np.ndarray, low: np.ndarray, high: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    return np.where(chosen, (1 - margin) * low, 0.0), np.where(chosen, (1 + margin) * high, np.inf)


def flat_rings(mol: Chem.Mol) -> list[np.ndarray]:
    """Return the aromatic rings of five and six atoms, one array of shape ``(rings, size)`` per size."""
    groups = defaultdict(list)
    for ring in mol.GetRingInfo().AtomRings():
        if len(ring) in _RING_SIZES and all(mol.GetAtomWithIdx(atom).GetIsAromatic() for atom in ring):
            groups[len(ring)].append(ring)
    return [np.array(rings) for rings in groups.values()]


def distances_from_plane(points: np.ndarray) -> np.ndarray:
    """Return the distances of points from their mean plane, in the unit of the points; shape ``(groups, size)``.

    :param points: shape ``(groups, size, 3)``.
    """
    centred = points - points.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum('gsi,gsj->gij', centred, centred))
    return np.abs(np.einsum('gsi,gi->gs', centred, vectors[:, :, 0]))
