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
#: Elements whose bonds the bounds of distance geometry know well, and the valence at which they do.
_KNOWN = {1: 1, 6: 4, 7: 3, 8: 2, 9: 1, 16: 2, 17: 1, 35: 1}
#: Shortest and longest bond of all other elements, as a share of the sum of covalent radii.
_OTHER_BONDS = (0.75, 1.25)
#: How far a bond may be outside the bounds of distance geometry, as a share of them.
BOND_MARGIN = 0.2
#: The same for the distance of atoms two bonds apart.
ANGLE_MARGIN = 0.25
#: Atoms further apart in the graph may come that much nearer than the sum of their van der Waals radii.
CLASH_MARGIN = 0.35
#: The same for hydrogen and what it makes hydrogen bonds with.
HYDROGEN_BOND_MARGIN = 0.5
_ACCEPTOR = np.isin(np.arange(119), (7, 8, 9, 16, 17))
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

    Bonds and angles have the bounds of distance geometry with a margin. No bond, angle or contact of 3,000 random
    minima of QM9 and 1,000 conjugated dimers lies outside, so that a good structure is hardly ever refused.
    """
    first, second = pairs
    if not len(first):
        return {kind: (np.zeros(0), np.zeros(0)) for kind in ('connectivity', 'clash', 'bond', 'angle')}
    adjacency = np.zeros((len(numbers),) * 2, dtype=np.float32)
    adjacency[bonds[:, 0], bonds[:, 1]] = adjacency[bonds[:, 1], bonds[:, 0]] = 1.0
    linked = adjacency[first, second] > 0
    across = _joined_by(adjacency, np.ones(len(numbers), dtype=bool))[first, second] & ~linked
    far = ~(linked | across)
    matrix = rdDistGeom.GetMoleculeBoundsMatrix(mol, doTriangleSmoothing=False)
    low, high = matrix[second, first], matrix[first, second]
    reach, sizes = (radii[numbers][first] + radii[numbers][second] for radii in (_COVALENT, _CONTACT))
    known = _known_atoms(mol)
    sure = (known[:, None] & known)[first, second]
    short, long = (share * reach for share in _OTHER_BONDS)
    bond = _widened(linked, np.where(sure, low, short), np.where(sure, high, long), np.where(sure, BOND_MARGIN, 0.0))
    across &= sure & ~_joined_by(adjacency, ~known)[first, second]
    donor, acceptor = numbers == 1, _ACCEPTOR[numbers]
    bridged = (donor[first] & acceptor[second]) | (acceptor[first] & donor[second])
    contact = np.where(bridged, 1 - HYDROGEN_BOND_MARGIN, 1 - CLASH_MARGIN) * np.minimum(low, sizes)
    return {
        'connectivity': (np.where(linked, 0.0, BOND_FACTOR * reach), np.where(linked, BREAK_FACTOR * reach, np.inf)),
        'clash': (np.where(far, contact, 0.0), np.full(len(first), np.inf)),
        'bond': bond,
        'angle': _widened(across, low, high, ANGLE_MARGIN),
    }


def _known_atoms(mol: Chem.Mol) -> np.ndarray:
    """Return which atoms have an element and valence that distance geometry knows well; shape ``(atoms,)``, bool.

    For others, such as selenium in rings or sulphur of valence four, its bounds are guesses, far from real structures.
    """
    atoms = (mol.GetAtomWithIdx(index) for index in range(mol.GetNumAtoms()))
    return np.array(
        [atom.GetTotalValence() - abs(atom.GetFormalCharge()) <= _KNOWN.get(atom.GetAtomicNum(), -9) for atom in atoms]
    )


def _joined_by(adjacency: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return which pairs have one of the chosen atoms as a common neighbour; shape ``(atoms, atoms)``."""
    return (adjacency * centres) @ adjacency > 0


def _widened(
    chosen: np.ndarray, low: np.ndarray, high: np.ndarray, margin: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    return np.where(chosen, (1 - margin) * low, 0.0), np.where(chosen, (1 + margin) * high, np.inf)


def flat_rings(mol: Chem.Mol) -> list[np.ndarray]:
    """Return the rings of five and six atoms that must be flat, one array of shape ``(rings, size)`` per size.

    These are the aromatic ones, but for quinoid rings, which fold when they are crowded, and 1,4-dithiins.
    """
    groups = defaultdict(list)
    rings = mol.GetRingInfo()
    for ring, bonds in zip(rings.AtomRings(), rings.BondRings(), strict=True):
        if len(ring) in _RING_SIZES and all(mol.GetBondWithIdx(bond).GetIsAromatic() for bond in bonds):
            atoms = [mol.GetAtomWithIdx(atom) for atom in ring]
            if not any(map(_is_quinoid, atoms)) and not (len(ring) == 6 and any(map(_is_chalcogen, atoms))):
                groups[len(ring)].append(ring)
    return [np.array(found) for found in groups.values()]


def _is_quinoid(atom: Chem.Atom) -> bool:
    return any(bond.GetBondType() == Chem.BondType.DOUBLE for bond in atom.GetBonds())


def _is_chalcogen(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() in (8, 16, 34, 52)


def distances_from_plane(points: np.ndarray) -> np.ndarray:
    """Return the distances of points from their mean plane, in the unit of the points; shape ``(groups, size)``.

    :param points: shape ``(groups, size, 3)``.
    """
    centred = points - points.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum('gsi,gsj->gij', centred, centred))
    return np.abs(np.einsum('gsi,gi->gs', centred, vectors[:, :, 0]))
