"""A junction tree in the making: the open places, and what may be joined there.

Training replays known trees through the same object that grows new ones, so both see the same choices.
"""

from dataclasses import dataclass, field

from aiida_osc.generator.junction import ROOT, JunctionTree, Node
from aiida_osc.generator.motifs import RING, bond_cost
from aiida_osc.generator.vocabulary import STOP, Vocabulary


@dataclass
class GrowingTree:
    """A tree that grows depth first, children in the order of their sites.

    :param vocabulary: what the numbers mean.
    :param path: open nodes from the root to the current one.
    :param motifs: motif of each node.
    :param attachments: attachment of each node, 0 for the root.
    :param last_site: site of the newest child of each node, 0 before the first.
    """

    vocabulary: Vocabulary
    path: list[int] = field(default_factory=list)
    motifs: list[int] = field(default_factory=list)
    attachments: list[int] = field(default_factory=list)
    last_site: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)
    heavy_atoms: int = 0
    _maps: list[list[int]] = field(default_factory=list)
    _capacity: list[int] = field(default_factory=list)
    _kinds: list = field(default_factory=list)
    _rings: list[int] = field(default_factory=list)

    @property
    def current(self) -> int:
        """Return the node whose children are being decided."""
        return self.path[-1]

    @property
    def open(self) -> bool:
        """Return whether anything is left to decide."""
        return bool(self.path)

    def start(self, motif: int) -> None:
        """Place the root."""
        self._place(motif, STOP, 0, [], ())

    def candidates(self) -> list[int]:
        """Return the sites of the current node that can take a child now, the stop first where it is allowed.

        An anchor must be filled before any later site is, and before the node is closed. Empty when the only choice is
        to close the node.
        """
        node = self.path[-1]
        place, kinds, capacity = self._maps[node], self._kinds, self._capacity
        last = self.vocabulary.sites[self.last_site[node]].atoms
        found: list[int] = []
        for number, atoms, side, order, fused in self.vocabulary.places_of[self.motifs[node]]:
            first = place[atoms[0]]
            if atoms < last or (capacity[first] < 1 and side != 'anchor'):
                continue
            if side == 'anchor':
                if kinds[first].number == 0:
                    return [*found, number]
            elif side == 'atom':
                if capacity[first] >= bond_cost(kinds[first], order):
                    found.append(number)
            elif self._can_share([place[atom] for atom in atoms], fused):
                found.append(number)
        return [STOP, *found] if found else found

    def free_capacity(self, site: int) -> tuple[int, int]:
        """Return what the one or two atoms of a site of the current node can still take; large where unlimited."""
        joint = self.vocabulary.sites[site]
        if joint.signature.startswith('anchor'):
            return 99, 99
        free = [self._capacity[self._maps[self.path[-1]][atom]] for atom in joint.atoms]
        return free[0], free[-1] if len(free) > 1 else 99

    def expand(self, site: int, attachment: int) -> None:
        """Hang the motif of ``attachment`` on ``site`` of the current node and go there."""
        node = self.path[-1]
        self.last_site[node] = site
        shared = [self._maps[node][atom] for atom in self.vocabulary.sites[site].atoms]
        joint = self.vocabulary.attachments[attachment]
        self._place(joint.motif, site, attachment, shared, joint.atoms)

    def close(self) -> None:
        """Go back to the parent of the current node."""
        self.path.pop()

    def abandon(self) -> None:
        """Close every open node."""
        self.path.clear()

    def tree(self) -> JunctionTree:
        """Return the tree grown so far."""
        nodes = []
        for number, motif in enumerate(self.motifs):
            site = self.vocabulary.sites[self.sites[number]].atoms
            attachment = self.vocabulary.attachments[self.attachments[number]].atoms
            nodes.append(Node(self.vocabulary.motifs[motif], self.parents[number], site, attachment))
        return JunctionTree(tuple(nodes))

    def _can_share(self, atoms: list[int], fused: bool) -> bool:
        """Return whether another motif can hold ``atoms`` too; a ring only where one ring does so far."""
        if any(self._capacity[atom] < 1 for atom in atoms):
            return False
        return not fused or all(self._rings[atom] == 1 for atom in atoms)

    def _place(self, motif: int, site: int, attachment: int, shared: list[int], atoms: tuple[int, ...]) -> None:
        piece = self.vocabulary.motifs[motif]
        taken = piece.consumed(atoms)
        place = dict(zip(atoms, shared, strict=True))
        for index, kind in enumerate(piece.atoms):
            if index not in place:
                place[index] = len(self._kinds)
                self._kinds.append(kind)
                self._capacity.append(piece.capacities[index])
                self._rings.append(int(piece.kind == RING))
                self.heavy_atoms += kind.number > 1
        for index, old, cost in zip(atoms, shared, taken, strict=True):
            self._join(old, piece, index, cost)
        self.parents.append(self.path[-1] if self.path else ROOT)
        self.path.append(len(self.motifs))
        self.motifs.append(motif)
        self.sites.append(site)
        self.attachments.append(attachment)
        self.last_site.append(STOP)
        self._maps.append([place[index] for index in range(len(piece.atoms))])

    def _join(self, old: int, piece, index: int, cost: int) -> None:  # type: ignore[no-untyped-def]
        kind = piece.atoms[index]
        if self._kinds[old].number == 0:
            self._kinds[old] = kind
            self._capacity[old] = piece.capacities[index] - self._anchor_cost(old, kind)
            self._rings[old] = int(piece.kind == RING)
            self.heavy_atoms += 1
            return
        self._capacity[old] -= 1 if self._kinds[old].aromatic and kind.number == 0 else cost
        self._rings[old] += piece.kind == RING

    def _anchor_cost(self, old: int, kind) -> int:  # type: ignore[no-untyped-def]
        node = self.path[-1]
        piece, index = self.vocabulary.motifs[self.motifs[node]], self._maps[node].index(old)
        return sum(bond_cost(kind, order) for _, order in piece.neighbours[index])
