"""Junction trees: motifs joined by the atoms they share, rooted at the centre and written in one canonical order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush

from rdkit import Chem

from aiida_osc.chem.molecules import MoleculeError, parse_smiles
from aiida_osc.generator.graph import MolGraph
from aiida_osc.generator.motifs import CHAIN, RING, Motif
from aiida_osc.generator.partition import Piece, partition
from aiida_osc.generator.stereo import NO_STEREO, Stereo, read_stereo

ROOT = -1


@dataclass(frozen=True)
class Node:
    """One motif of a tree.

    :param parent: place of the parent in the tree, -1 for the root.
    :param site: atoms of the parent's motif that are shared, empty for the root.
    :param attachment: atoms of this motif that are shared, in the order of ``site``.
    """

    motif: Motif
    parent: int = ROOT
    site: tuple[int, ...] = ()
    attachment: tuple[int, ...] = ()


@dataclass(frozen=True)
class JunctionTree:
    """Nodes in depth-first order, children in the order of their sites; with the stereo marks of the molecule.

    The tree stores every shared atom, so it stands for exactly one molecule.
    """

    nodes: tuple[Node, ...]
    stereo: Stereo = NO_STEREO

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.nodes)

    def children(self) -> list[list[int]]:
        """Return the children of each node."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            if node.parent != ROOT:
                found[node.parent].append(number)
        return found


def decompose(smiles: str, chains: frozenset[str] | None = None) -> JunctionTree:
    """Return the junction tree of a molecule; the same for every way to write its SMILES.

    :param chains: acyclic motifs that stay whole, as in :func:`~aiida_osc.generator.partition.partition`.
    :raises MoleculeError: when the molecule has no junction tree.
    """
    return decompose_graph(canonical_graph(smiles)[1], chains)


def canonical_graph(smiles: str) -> tuple[str, MolGraph]:
    """Return the canonical SMILES of a molecule, and the molecule with its atoms in that order.

    :raises MoleculeError: when the SMILES is invalid, or no motifs can hold the molecule.
    """
    mol = parse_smiles(smiles)
    if '.' in smiles:
        raise MoleculeError('more than one fragment: give the molecule alone, without salts or solvents')
    text = Chem.MolToSmiles(mol)
    return text, MolGraph.read(mol if text == smiles else parse_smiles(text), text)


def decompose_graph(graph: MolGraph, chains: frozenset[str] | None = None) -> JunctionTree:
    """Return the junction tree of a molecule whose atoms are in canonical order, as in :func:`decompose`."""
    pieces = partition(graph, chains)
    if not pieces:
        raise MoleculeError('no heavy atom to build a motif from')
    links = _links(pieces)
    parents = _span(links, _centre(pieces, links))
    nodes, places = _Ordering(pieces, links, parents).run()
    stereo = read_stereo(graph.mol, _numbering(nodes, places, pieces)) if graph.marked else NO_STEREO
    return JunctionTree(tuple(nodes), stereo)


def _links(pieces: Sequence[Piece]) -> list[dict[int, tuple[int, ...]]]:
    """Return, for each piece, the pieces it can be joined to and the shared atoms of the molecule."""
    homes: dict[int, list[int]] = {}
    for number, piece in enumerate(pieces):
        for atom in piece.index:
            homes.setdefault(atom, []).append(number)
    links: list[dict[int, tuple[int, ...]]] = [{} for _ in pieces]
    for atom in sorted(homes):
        for first in homes[atom]:
            for second in homes[atom]:
                anchored = atom not in pieces[first].own and atom not in pieces[second].own
                if first != second and not anchored and _may_join(pieces[first], pieces[second], atom):
                    links[first][second] = (*links[first].get(second, ()), atom)
    return links


def _may_join(first: Piece, second: Piece, atom: int) -> bool:
    """Return whether two pieces meet at ``atom``: as anchor and ring, or as equals that both own it."""
    owned = (atom in first.own) + (atom in second.own)
    return owned == 2 or first.motif.kind != second.motif.kind or RING in (first.motif.kind, second.motif.kind)


def _span(links: Sequence[dict[int, tuple[int, ...]]], root: int) -> dict[int, int]:
    """Return the parent of each piece, from ``root`` outwards.

    Links of two atoms go before those of one: of all spanning trees, those whose links share most atoms tell every
    shared atom (Jensen and Jensen, Optimal junction trees, UAI 1994, 360-366).
    """
    parents: dict[int, int] = {}
    waiting = [(0, 0, root, ROOT)]
    while waiting:
        _, _, piece, parent = heappop(waiting)
        if piece in parents:
            continue
        parents[piece] = parent
        for other, shared in links[piece].items():
            if other not in parents:
                heappush(waiting, (-len(shared), len(parents), other, piece))
    return parents


def _centre(pieces: Sequence[Piece], links: Sequence[dict[int, tuple[int, ...]]]) -> int:
    """Return the piece whose removal leaves the smallest largest part; rings and large motifs first among equals."""
    parents = _span(links, 0)
    below = dict.fromkeys(parents, 1)
    for piece in reversed(list(parents)):
        if parents[piece] != ROOT:
            below[parents[piece]] += below[piece]
    largest = {piece: len(parents) - below[piece] for piece in parents}
    for piece, parent in parents.items():
        if parent != ROOT:
            largest[parent] = max(largest[parent], below[piece])

    def rank(piece: int) -> tuple:
        motif = pieces[piece].motif
        return motif.kind == CHAIN, largest[piece], -motif.size, motif.key, piece

    return min(parents, key=rank)


class _Ordering:
    """Puts the pieces of one molecule into the canonical order and chooses among the symmetries of each motif."""

    def __init__(
        self, pieces: Sequence[Piece], links: Sequence[dict[int, tuple[int, ...]]], parents: dict[int, int]
    ) -> None:
        self.pieces, self.links, self.parents = pieces, links, parents
        self.children: list[list[int]] = [[] for _ in pieces]
        for piece, parent in parents.items():
            if parent != ROOT:
                self.children[parent].append(piece)
        self.signature: dict[int, str] = {}
        for piece in reversed(list(parents)):
            inner = ','.join(sorted(self.signature[child] for child in self.children[piece]))
            self.signature[piece] = f'{pieces[piece].motif.key}({inner})'

    def run(self) -> tuple[list[Node], list[tuple[int, tuple[int, ...]]]]:
        """Return the nodes, and for each its piece and the symmetry that was applied to it."""
        nodes: list[Node] = []
        places: list[tuple[int, tuple[int, ...]]] = []
        root = next(iter(self.parents))
        stack: list[tuple[int, int, tuple[int, ...], tuple[int, ...]]] = [(root, ROOT, (), ())]
        while stack:
            piece, parent, site, shared = stack.pop()
            motif, index = self.pieces[piece].motif, self.pieces[piece].index
            fixed, allowed = canonical_attachment(motif, tuple(index[atom] for atom in shared))
            joints = [(child, *self._child_orders(child, self.links[piece][child])) for child in self.children[piece]]
            entries, symmetry = min((self._entries(piece, candidate, joints), candidate) for candidate in allowed)
            number = len(nodes)
            nodes.append(Node(motif, parent, site, fixed))
            places.append((piece, symmetry))
            stack += [(child, number, place, atoms) for place, _, _, child, atoms in reversed(entries)]
        return nodes, places

    def _entries(self, piece: int, symmetry: tuple[int, ...], joints: Sequence[tuple]) -> list[tuple]:
        """Return ``(site, signature, attachment, child, shared atoms)`` of the children, sorted."""
        index = self.pieces[piece].index
        entries = []
        for child, fixed, orders in joints:
            site, order = min((tuple(symmetry[index[atom]] for atom in order), order) for order in orders)
            entries.append((site, self.signature[child], fixed, child, order))
        return sorted(entries)

    def _child_orders(self, child: int, shared: tuple[int, ...]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
        """Return the child's canonical attachment and the orders of the shared atoms that give it."""
        motif, index = self.pieces[child].motif, self.pieces[child].index
        orders = [shared, shared[::-1]] if len(shared) > 1 else [shared]
        fixed = [canonical_attachment(motif, tuple(index[atom] for atom in order))[0] for order in orders]
        best = min(fixed)
        return best, [order for order, attachment in zip(orders, fixed, strict=True) if attachment == best]


@lru_cache(maxsize=100_000)
def canonical_attachment(motif: Motif, atoms: tuple[int, ...]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Return the smallest image of ``atoms`` under the motif's symmetries, and the symmetries that lead there."""
    images = [(tuple(symmetry[atom] for atom in atoms), symmetry) for symmetry in motif.symmetries]
    best = min(image for image, _ in images)
    return best, [symmetry for image, symmetry in images if image == best]


def _numbering(
    nodes: Sequence[Node], places: Sequence[tuple[int, tuple[int, ...]]], pieces: Sequence[Piece]
) -> dict[int, int]:
    """Return the number each atom of the molecule gets when the tree is assembled."""
    atoms: dict[int, int] = {}
    for piece, symmetry in places:
        by_index = {symmetry[index]: atom for atom, index in pieces[piece].index.items()}
        for index in sorted(by_index):
            atoms.setdefault(by_index[index], len(atoms))
    return atoms
