"""Which atoms of a molecule form a motif together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiida_osc.generator.graph import MolGraph
from aiida_osc.generator.motifs import ANCHOR, CHAIN, RING, Motif, canonical_motif


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


def partition(graph: MolGraph, chains: frozenset[str] | None = None) -> list[Piece]:
    """Return the motif occurrences that cover a molecule: ring systems first, then chains.

    :param chains: keys of the acyclic motifs that stay whole; others are split into single bonds and the groups that
        multiple bonds or charges hold together. None keeps all whole. Pieces of one heavy atom always stay whole.
    """
    systems = ring_systems(graph)
    covered = set().union(*systems)
    pieces = [_make_piece(graph, RING, system) for system in systems]
    for group in acyclic_groups(graph, covered):
        piece = _with_anchors(graph, group, covered)
        if chains is None or len(group) < 2 or piece.motif.key in chains:
            pieces.append(piece)
        else:
            pieces += _split(graph, group, covered)
    return pieces + _bridges(graph, systems, covered)


def ring_systems(graph: MolGraph) -> list[set[int]]:
    """Return the atom sets of the ring motifs, with the acyclic atoms doubly bonded to them.

    Rings that share more than two atoms, or two that are not bonded, or meet in an atom of three or more rings, or are
    joined by a double bond at an aromatic atom, are one.
    """
    systems = [set(ring) for ring in graph.rings]
    doubles = [(begin, end) for begin, end, order, _ in graph.bonds if order == 2]
    while (pair := _inseparable(graph, systems, doubles)) is not None:
        first, second = pair
        systems[first] |= systems[second]
        del systems[second]
    cyclic = set().union(*systems)
    for begin, end in doubles:
        if (begin in cyclic) != (end in cyclic):
            ring_atom, leaf = (begin, end) if begin in cyclic else (end, begin)
            next(system for system in systems if ring_atom in system).add(leaf)
    return systems


def _inseparable(
    graph: MolGraph, systems: list[set[int]], doubles: Iterable[tuple[int, int]]
) -> tuple[int, int] | None:
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
        if len(shared) > 2 or (len(shared) == 2 and shared[1] not in graph.neighbours[shared[0]]):
            return first, second
    for begin, end in doubles:
        homes = {*home.get(begin, ()), *home.get(end, ())}
        apart = begin in home and end in home and not set(home[begin]) & set(home[end])
        if apart and (graph.kinds[begin].aromatic or graph.kinds[end].aromatic):
            return min(homes), max(homes)
    return None


def acyclic_groups(graph: MolGraph, covered: set[int]) -> list[list[int]]:
    """Return the connected groups of atoms outside the ring systems."""
    return _connected(
        graph, [atom for atom in range(len(graph.kinds)) if atom not in covered], lambda first, second: True
    )


def _connected(graph: MolGraph, atoms: Iterable[int], follow: Callable[[int, int], bool]) -> list[list[int]]:
    left, groups = dict.fromkeys(atoms), []
    while left:
        start = next(iter(left))
        del left[start]
        group = [start]
        for atom in group:
            for other in graph.neighbours[atom]:
                if other in left and follow(atom, other):
                    del left[other]
                    group.append(other)
        groups.append(sorted(group))
    return groups


def _split(graph: MolGraph, group: list[int], covered: set[int]) -> list[Piece]:
    """Return single bonds and tightly bound groups in place of one rare chain."""

    def holds(first: int, second: int) -> bool:
        """Return whether a bond must not be cut: it is multiple or has a charged end."""
        charged = graph.kinds[first].charge or graph.kinds[second].charge
        return graph.neighbours[first][second] != 1 or bool(charged)

    units = _connected(graph, group, holds)
    pieces = [_make_piece(graph, CHAIN, unit) for unit in units if len(unit) > 1]
    unit_of = {atom: number for number, unit in enumerate(units) for atom in unit}
    for a, b, _, _ in graph.bonds:
        if a in unit_of and b in unit_of and unit_of[a] != unit_of[b]:
            pieces.append(_make_piece(graph, CHAIN, (a, b)))
        elif (a in unit_of and b in covered) or (b in unit_of and a in covered):
            pieces.append(_make_piece(graph, CHAIN, (a, b), frozenset({b if b in covered else a})))
    return pieces


def _with_anchors(graph: MolGraph, group: list[int], covered: set[int]) -> Piece:
    anchors = frozenset(other for atom in group for other in graph.neighbours[atom] if other in covered)
    return _make_piece(graph, CHAIN, (*group, *anchors), anchors)


def _bridges(graph: MolGraph, systems: list[set[int]], covered: set[int]) -> list[Piece]:
    """Return the bonds between ring systems that no system holds, as chains of two anchors."""
    return [
        _make_piece(graph, CHAIN, (begin, end), frozenset((begin, end)))
        for begin, end, _, _ in graph.bonds
        if begin in covered
        and end in covered
        and (begin, end) not in graph.ring_bonds
        and not any(begin in system and end in system for system in systems)
    ]


def _make_piece(graph: MolGraph, kind: str, atoms: Iterable[int], anchors: frozenset[int] = frozenset()) -> Piece:
    members = sorted(atoms)
    place = {atom: number for number, atom in enumerate(members)}
    only_bond = len(anchors) == len(members)
    bonds = sorted(
        (place[atom], place[other], order)
        for atom in members
        for other, order in graph.neighbours[atom].items()
        if atom < other and other in place and (only_bond or not (atom in anchors and other in anchors))
    )
    kinds = tuple(ANCHOR if atom in anchors else graph.kinds[atom] for atom in members)
    motif, index = canonical_motif(kind, kinds, tuple(bonds))
    return Piece(motif, {atom: index[place[atom]] for atom in members}, frozenset(members) - anchors)
