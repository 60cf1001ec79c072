"""Which atoms of a molecule form a motif together."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from rdkit import Chem

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.generator.motifs import ANCHOR, BOND_ORDERS, CHAIN, RING, Bond, Motif, atom_kind, canonical_motif


@dataclass(frozen=True)
class Piece:
    """One occurrence of a motif in a molecule.

    :param motif: the canonical motif.
    :param index: atom of the molecule -> atom of the motif, anchors included.
    :param own: atoms of the molecule that are no anchors here.
    """

    motif: Motif
    index: dict[int, int]
    own: frozenset[int]


def partition(mol: Chem.Mol, chains: frozenset[str] | None = None) -> list[Piece]:
    """Return the motif occurrences that cover a sanitised molecule: ring systems first, then chains.

    :param chains: keys of the acyclic motifs that stay whole; others are split into single bonds and the groups that
        multiple bonds or charges hold together. None keeps all whole. Pieces of one heavy atom always stay whole.
    :raises MoleculeError: for bonds that no motif can hold.
    """
    for bond in mol.GetBonds():
        if bond.GetBondType() not in BOND_ORDERS:
            raise MoleculeError(f'bond of type {bond.GetBondType().name.lower()}: motifs do not hold it')
    systems = ring_systems(mol)
    covered = set().union(*systems)
    pieces = [_make_piece(mol, RING, system, frozenset(), covered) for system in systems]
    for group in acyclic_groups(mol, covered):
        piece = _with_anchors(mol, group, covered)
        if chains is None or len(group) < 2 or piece.motif.key in chains:
            pieces.append(piece)
        else:
            pieces += _split(mol, group, covered)
    return pieces + _bridges(mol, systems, covered)


def ring_systems(mol: Chem.Mol) -> list[set[int]]:
    """Return the atom sets of the ring motifs, with the acyclic atoms doubly bonded to them.

    Rings that share more than two atoms, or two that are not bonded, or meet in an atom of three or more rings, or are
    joined by a double bond at an aromatic atom, are one.
    """
    systems = [set(ring) for ring in mol.GetRingInfo().AtomRings()]
    while (pair := _inseparable(mol, systems)) is not None:
        first, second = pair
        systems[first] |= systems[second]
        del systems[second]
    cyclic = set().union(*systems)
    for bond in mol.GetBonds():
        ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        if bond.GetBondType() != Chem.BondType.DOUBLE or (ends[0] in cyclic) == (ends[1] in cyclic):
            continue
        ring_atom, leaf = ends if ends[0] in cyclic else ends[::-1]
        next(system for system in systems if ring_atom in system).add(leaf)
    return systems


def _inseparable(mol: Chem.Mol, systems: list[set[int]]) -> tuple[int, int] | None:
    """Return two systems that must be one, or None."""
    home: dict[int, list[int]] = {}
    for number, system in enumerate(systems):
        for atom in system:
            home.setdefault(atom, []).append(number)
    crowded = next((numbers for numbers in home.values() if len(numbers) > 2), None)
    if crowded is not None:
        return crowded[0], crowded[1]
    for first, second in sorted({tuple(numbers) for numbers in home.values() if len(numbers) == 2}):
        shared = sorted(systems[first] & systems[second])
        if len(shared) > 2 or (len(shared) == 2 and mol.GetBondBetweenAtoms(*shared) is None):
            return first, second
    for bond in mol.GetBonds():
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        if bond.GetBondType() == Chem.BondType.DOUBLE and (begin.GetIsAromatic() or end.GetIsAromatic()):
            homes = {*home.get(begin.GetIdx(), ()), *home.get(end.GetIdx(), ())}
            apart = not set(home.get(begin.GetIdx(), ())) & set(home.get(end.GetIdx(), ()))
            if apart and begin.IsInRing() and end.IsInRing():
                return min(homes), max(homes)
    return None


def acyclic_groups(mol: Chem.Mol, covered: set[int]) -> list[list[int]]:
    """Return the connected groups of atoms outside the ring systems."""
    return _connected(
        mol, [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetIdx() not in covered], lambda bond: True
    )


def _connected(mol: Chem.Mol, atoms: Iterable[int], follow) -> list[list[int]]:  # type: ignore[no-untyped-def]
    left, groups = dict.fromkeys(atoms), []
    while left:
        start = next(iter(left))
        del left[start]
        group = [start]
        for atom in group:
            for bond in mol.GetAtomWithIdx(atom).GetBonds():
                other = bond.GetOtherAtomIdx(atom)
                if other in left and follow(bond):
                    del left[other]
                    group.append(other)
        groups.append(sorted(group))
    return groups


def _split(mol: Chem.Mol, group: list[int], covered: set[int]) -> list[Piece]:
    """Return single bonds and tightly bound groups in place of one rare chain."""
    units = _connected(mol, group, _holds)
    inside = set(group)
    pieces = [_make_piece(mol, CHAIN, set(unit), frozenset(), covered) for unit in units if len(unit) > 1]
    unit_of = {atom: number for number, unit in enumerate(units) for atom in unit}
    for bond in mol.GetBonds():
        a, b = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if a in inside and b in inside and unit_of[a] != unit_of[b]:
            pieces.append(_make_piece(mol, CHAIN, {a, b}, frozenset(), covered))
        elif (a in inside and b in covered) or (b in inside and a in covered):
            anchor = b if b in covered else a
            pieces.append(_make_piece(mol, CHAIN, {a, b}, frozenset({anchor}), covered))
    return pieces


def _holds(bond: Chem.Bond) -> bool:
    """Return whether a bond must not be cut: it is multiple or has a charged end."""
    charged = bond.GetBeginAtom().GetFormalCharge() or bond.GetEndAtom().GetFormalCharge()
    return bond.GetBondType() != Chem.BondType.SINGLE or bool(charged)


def _with_anchors(mol: Chem.Mol, group: list[int], covered: set[int]) -> Piece:
    around = {neighbour.GetIdx() for atom in group for neighbour in mol.GetAtomWithIdx(atom).GetNeighbors()}
    anchors = frozenset(around & covered)
    return _make_piece(mol, CHAIN, {*group, *anchors}, anchors, covered)


def _bridges(mol: Chem.Mol, systems: list[set[int]], covered: set[int]) -> list[Piece]:
    """Return the bonds between ring systems that no system holds, as chains of two anchors."""
    pieces = []
    for bond in mol.GetBonds():
        ends = frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        if ends <= covered and not any(ends <= system for system in systems):
            pieces.append(_make_piece(mol, CHAIN, set(ends), ends, covered))
    return pieces


def _make_piece(mol: Chem.Mol, kind: str, atoms: set[int], anchors: frozenset[int], covered: set[int]) -> Piece:
    members = sorted(atoms)
    place = {atom: number for number, atom in enumerate(members)}
    kinds = []
    for atom in members:
        if atom in anchors:
            kinds.append(ANCHOR)
            continue
        rdkit_atom = mol.GetAtomWithIdx(atom)
        outside = sum(not bond.IsInRing() and bond.GetBondTypeAsDouble() == 1.0 for bond in rdkit_atom.GetBonds())
        kinds.append(atom_kind(rdkit_atom, outside))
    bonds = _bonds_within(mol, members, place, anchors)
    motif, index = canonical_motif(kind, tuple(kinds), bonds)
    return Piece(motif, {atom: index[place[atom]] for atom in members}, frozenset(atoms - anchors))


def _bonds_within(
    mol: Chem.Mol, members: list[int], place: dict[int, int], anchors: frozenset[int]
) -> tuple[Bond, ...]:
    bonds = []
    only_bond = anchors == frozenset(members)
    for first, second in _bonded_pairs(mol, members):
        if only_bond or not (first in anchors and second in anchors):
            order = BOND_ORDERS[mol.GetBondBetweenAtoms(first, second).GetBondType()]
            bonds.append((place[first], place[second], order))
    return tuple(bonds)


def _bonded_pairs(mol: Chem.Mol, members: list[int]) -> list[tuple[int, int]]:
    if len(members) <= 3:
        return [pair for pair in combinations(members, 2) if mol.GetBondBetweenAtoms(*pair) is not None]
    inside = set(members)
    return sorted(
        (atom, neighbour.GetIdx())
        for atom in members
        for neighbour in mol.GetAtomWithIdx(atom).GetNeighbors()
        if neighbour.GetIdx() in inside and atom < neighbour.GetIdx()
    )
