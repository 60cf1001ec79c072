"""Motifs: the pieces of molecules, kept as labelled graphs in a canonical order of atoms.

A ring motif is a ring, or several that cannot be taken apart, with the atoms doubly bonded to it. A chain motif is
an acyclic piece; where it hangs on a ring it holds an *anchor*, a placeholder for the ring's atom. Atoms keep their
aromatic flag; aromatic atoms other than neutral carbon keep how many hydrogens or substituents they carry, which is
what tells a pyrrole-like from a pyridine-like nitrogen. So no motif ever needs a Kekule form of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from rdkit import Chem

RING = 'ring'
CHAIN = 'chain'
AROMATIC = 4
#: bond order code -> RDKit bond type; 4 is aromatic
BOND_TYPES = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE, 4: Chem.BondType.AROMATIC}
BOND_ORDERS = {kind: order for order, kind in BOND_TYPES.items()}
#: Symmetries of one motif that are looked at; only alkyl forests have more.
MAX_SYMMETRIES = 1000
_MAX_VALENCE = {
    1: 1,
    5: 3,
    6: 4,
    7: 3,
    8: 2,
    9: 1,
    14: 4,
    15: 5,
    16: 6,
    17: 1,
    32: 4,
    33: 5,
    34: 6,
    35: 1,
    52: 6,
    53: 1,
}
_CHARGED_VALENCE = {(5, -1): 4, (6, -1): 3, (6, 1): 3, (7, 1): 4, (7, -1): 2, (8, 1): 3, (8, -1): 1, (16, 1): 3}


class AtomKind(NamedTuple):
    """What an atom brings along when its motif is placed.

    :param number: atomic number, 0 for an anchor.
    :param hydrogens: hydrogens plus acyclic substituents of an aromatic atom that is not neutral carbon; -1 elsewhere,
        where the valence model fills in hydrogens.
    :param ring_bonds: ring bonds of such an atom in the whole molecule; 0 elsewhere.
    """

    number: int
    charge: int = 0
    aromatic: bool = False
    hydrogens: int = -1
    ring_bonds: int = 0


ANCHOR = AtomKind(0)
Bond = tuple[int, int, int]


@dataclass(frozen=True)
class Motif:
    """A motif with its atoms in canonical order.

    :param kind: ``ring`` or ``chain``.
    :param atoms: kinds of the atoms.
    :param bonds: ``(first, second, order code)`` with ``first < second``, sorted.
    :param key: canonical text, equal for equal motifs.
    """

    kind: str
    atoms: tuple[AtomKind, ...]
    bonds: tuple[Bond, ...]
    key: str

    def __hash__(self) -> int:
        """Hash by key alone."""
        return hash(self.key)

    @cached_property
    def neighbours(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Return ``(neighbour, order code)`` pairs of each atom."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.atoms]
        for first, second, order in self.bonds:
            found[first].append((second, order))
            found[second].append((first, order))
        return tuple(tuple(sorted(pairs)) for pairs in found)

    @cached_property
    def order(self) -> dict[tuple[int, int], int]:
        """Return the order code of each bond, in both directions."""
        return {pair: code for a, b, code in self.bonds for pair in ((a, b), (b, a))}

    @cached_property
    def symmetries(self) -> tuple[tuple[int, ...], ...]:
        """Return the automorphisms, at most :data:`MAX_SYMMETRIES`; each maps atom ``i`` to entry ``i``."""
        return tuple(_automorphisms(self))

    @cached_property
    def capacities(self) -> tuple[int, ...]:
        """Return how much valence each atom has left; for aromatic atoms, how many more neighbours it can have."""
        return tuple(_capacity(kind, self.neighbours[i]) for i, kind in enumerate(self.atoms))

    @cached_property
    def anchors(self) -> tuple[int, ...]:
        """Return the anchor atoms."""
        return tuple(i for i, kind in enumerate(self.atoms) if kind.number == 0)

    @property
    def size(self) -> int:
        """Return the number of atoms without anchors."""
        return len(self.atoms) - len(self.anchors)

    def consumed(self, atoms: Sequence[int]) -> tuple[int, ...]:
        """Return how much of the partner's valence this motif takes at each of the shared ``atoms``."""
        shared = set(atoms)
        return tuple(
            sum(bond_cost(self.atoms[i], order) for j, order in self.neighbours[i] if j not in shared) for i in atoms
        )


def bond_cost(kind: AtomKind, order: int) -> int:
    """Return what a bond of ``order`` takes from an atom's capacity."""
    return 1 if kind.aromatic or order == AROMATIC else order


def _capacity(kind: AtomKind, neighbours: Sequence[tuple[int, int]]) -> int:
    used = sum(bond_cost(kind, order) for _, order in neighbours)
    if kind.number == 0:
        return 0
    if kind.aromatic and kind.hydrogens < 0:
        return max(3 - used, 0)
    if kind.aromatic:
        double = sum(order in (2, 3) for _, order in neighbours)
        return max(kind.ring_bonds + kind.hydrogens + double - used, 0)
    valence = _CHARGED_VALENCE.get((kind.number, kind.charge), _MAX_VALENCE.get(kind.number, 4))
    return max(valence - used, 0)


@lru_cache(maxsize=100_000)
def canonical_motif(kind: str, atoms: tuple[AtomKind, ...], bonds: tuple[Bond, ...]) -> tuple[Motif, tuple[int, ...]]:
    """Return the canonical motif of a labelled graph and the new index of each of its atoms.

    :param bonds: ``(first, second, order code)`` in any order.
    """
    mol = _labelled_mol(atoms, bonds)
    text = Chem.MolToSmiles(mol)
    order = [int(i) for i in mol.GetPropsAsDict(True, True)['_smilesAtomOutputOrder']]
    index = [0] * len(atoms)
    for new, old in enumerate(order):
        index[old] = new
    renamed = sorted((min(index[a], index[b]), max(index[a], index[b]), code) for a, b, code in bonds)
    key = f'{kind}:{text}'
    return Motif(kind, tuple(atoms[i] for i in order), tuple(renamed), key), tuple(index)


def _labelled_mol(atoms: Sequence[AtomKind], bonds: Sequence[Bond]) -> Chem.Mol:
    """Return an RDKit graph whose isotopes carry the hydrogens and ring bonds, so that SMILES tells them apart."""
    mol = Chem.RWMol()
    for kind in atoms:
        atom = Chem.Atom(kind.number)
        atom.SetFormalCharge(kind.charge)
        atom.SetIsAromatic(kind.aromatic)
        atom.SetNoImplicit(True)
        if kind.hydrogens >= 0:
            atom.SetIsotope(10 * kind.ring_bonds + kind.hydrogens)
        mol.AddAtom(atom)
    for first, second, order in bonds:
        mol.AddBond(first, second, BOND_TYPES[order])
        mol.GetBondBetweenAtoms(first, second).SetIsAromatic(order == AROMATIC)
    mol.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(mol)
    return mol


def _automorphisms(motif: Motif) -> list[tuple[int, ...]]:
    """Return the automorphisms by backtracking over atoms of equal colour, in breadth-first order."""
    colours = _colours(motif)
    order = _search_order(motif)
    found: list[tuple[int, ...]] = []
    image: dict[int, int] = {}
    used: set[int] = set()

    def extend(depth: int) -> None:
        if len(found) >= MAX_SYMMETRIES:
            return
        if depth == len(order):
            found.append(tuple(image[i] for i in range(len(order))))
            return
        atom = order[depth]
        placed = [(j, code) for j, code in motif.neighbours[atom] if j in image]
        pool = [j for j, _ in motif.neighbours[image[placed[0][0]]]] if placed else range(len(order))
        for target in pool:
            fits = target not in used and colours[target] == colours[atom]
            if fits and all(motif.order.get((target, image[j])) == code for j, code in placed):
                image[atom] = target
                used.add(target)
                extend(depth + 1)
                used.discard(target)
                del image[atom]

    extend(0)
    return sorted(found)


def _colours(motif: Motif) -> list[int]:
    """Return atom classes refined by their surroundings until nothing changes."""
    labels: list[tuple] = [tuple(kind) for kind in motif.atoms]
    count = 0
    while True:
        names = {label: rank for rank, label in enumerate(sorted(set(labels)))}
        colours = [names[label] for label in labels]
        if len(names) == count:
            return colours
        count = len(names)
        labels = [
            (colours[i], tuple(sorted((colours[j], code) for j, code in motif.neighbours[i])))
            for i in range(len(colours))
        ]


def _search_order(motif: Motif) -> list[int]:
    order = [0]
    for atom in order:
        order += [j for j, _ in motif.neighbours[atom] if j not in order]
    return order
