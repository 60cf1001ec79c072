"""The motifs of a training set, and where they were seen joined.

A *signature* names one side of a joint: a real atom that an anchor's bond goes to, an anchor that waits for an atom, or
atoms that two motifs share. Two sides fit when their signatures are partners. *Sites* are the places of a parent
motif where a child may be joined, *attachments* the ways a child may be joined; both only as seen in training, up to
the symmetry of the motif and the exchange of the two roles.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from rdkit import rdBase

from aiida_osc.errors import OscError
from aiida_osc.generator.junction import ROOT, JunctionTree, Node, canonical_attachment
from aiida_osc.generator.motifs import CHAIN, RING, AtomKind, Motif, canonical_motif

#: The site that means: no more children here.
STOP = 0
MAX_MOTIF_ATOMS = 300


@dataclass(frozen=True)
class Joint:
    """One side of a joint: a motif, its shared atoms and the signature; -1 and empty for the stop and the root."""

    motif: int
    atoms: tuple[int, ...]
    signature: str


_NOTHING = Joint(-1, (), '')
_SWAP = {'anchor': 'atom', 'atom': 'anchor'}


class Vocabulary:
    """Numbers for motifs, sites and attachments."""

    def __init__(
        self,
        motifs: Sequence[Motif],
        counts: Sequence[int],
        roots: Iterable[int],
        sites: Sequence[Joint],
        attachments: Sequence[Joint],
    ) -> None:
        """Keep the tables; site 0 is the stop and attachment 0 the root's."""
        self.motifs, self.counts, self.roots = tuple(motifs), tuple(counts), frozenset(roots)
        self.sites, self.attachments = (_NOTHING, *sites), (_NOTHING, *attachments)
        self.motif_index = {motif.key: number for number, motif in enumerate(self.motifs)}
        self.site_index = {joint: number for number, joint in enumerate(self.sites)}
        self.attachment_index = {joint: number for number, joint in enumerate(self.attachments)}

    @cached_property
    def chains(self) -> frozenset[str]:
        """Return the keys of the chain motifs, which stay whole when a molecule is decomposed."""
        return frozenset(motif.key for motif in self.motifs if motif.kind == CHAIN)

    @cached_property
    def sites_of(self) -> list[list[int]]:
        """Return the sites of each motif in the order of their atoms, in which children are told."""
        found: list[list[int]] = [[] for _ in self.motifs]
        for number, joint in enumerate(self.sites):
            if joint is not _NOTHING:
                found[joint.motif].append(number)
        return [sorted(numbers, key=lambda i: (self.sites[i].atoms, self.sites[i].signature)) for numbers in found]

    @cached_property
    def places_of(self) -> list[list[tuple[int, tuple[int, ...], str, int, bool]]]:
        """Return :attr:`sites_of` with what decides on them.

        :returns: number, atoms, side (``anchor``, ``atom`` or ``share``), bond order, and whether rings share the site.
        """
        table = []
        for joint in self.sites:
            side, *rest = joint.signature.split(' ')
            table.append((joint.atoms, side, int(rest[0]) if side in _SWAP else 1, rest[:1] == [RING]))
        return [[(number, *table[number]) for number in numbers] for numbers in self.sites_of]

    @cached_property
    def fitting(self) -> dict[str, list[int]]:
        """Return the attachments that fit each signature of a site."""
        found: dict[str, list[int]] = {joint.signature: [] for joint in self.sites}
        for number, joint in enumerate(self.attachments):
            if joint is not _NOTHING:
                found.setdefault(partner(joint.signature), []).append(number)
        return found

    @cached_property
    def consumption(self) -> np.ndarray:
        """Return what each attachment takes from the one or two atoms it is joined to; shape ``(attachments, 2)``."""
        table = np.zeros((len(self.attachments), 2), dtype=np.int64)
        for number, joint in enumerate(self.attachments[1:], start=1):
            taken = self.motifs[joint.motif].consumed(joint.atoms)[:2]
            table[number, : len(taken)] = taken
        return table

    def find_site(self, motif: Motif, node: Node, child: Node) -> int | None:
        """Return the number of the site at which ``child`` hangs on ``motif``, None when it was never seen."""
        own, _ = signatures(motif, node, child)
        return self.site_index.get(Joint(self.motif_index.get(motif.key, -1), child.site, own))

    def to_json(self) -> dict[str, Any]:
        """Return JSON values for :meth:`from_json`, with their hash and the RDKit that made them."""
        values = {
            'motifs': [
                {'kind': motif.kind, 'atoms': [list(map(int, kind)) for kind in motif.atoms], 'bonds': motif.bonds}
                for motif in self.motifs
            ],
            'counts': list(self.counts),
            'roots': sorted(self.roots),
            'sites': [[joint.motif, list(joint.atoms), joint.signature] for joint in self.sites[1:]],
            'attachments': [[joint.motif, list(joint.atoms), joint.signature] for joint in self.attachments[1:]],
        }
        return {**values, 'hash': _digest(values), 'rdkit': rdBase.rdkitVersion}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> 'Vocabulary':
        """Return the vocabulary stored by :meth:`to_json`.

        :raises OscError: when the values are damaged.
        """
        try:
            motifs = [_read_motif(item) for item in values['motifs']]
            tables = [[_read_joint(item, motifs) for item in values[name]] for name in ('sites', 'attachments')]
            counts, roots = [int(item) for item in values['counts']], [int(item) for item in values['roots']]
        except (KeyError, TypeError, ValueError, IndexError) as exception:
            raise OscError(f'damaged vocabulary of motifs ({exception!r}): train the generator again') from None
        if values.get('hash', _digest(values)) != _digest(values):
            raise OscError('the vocabulary of motifs is not the one the generator was trained with: train it again')
        if len(counts) != len(motifs) or not all(0 <= root < len(motifs) for root in roots):
            raise OscError('damaged vocabulary of motifs (its counts do not fit): train the generator again')
        return cls(motifs, counts, roots, *tables)


def build_vocabulary(trees: Iterable[JunctionTree], base: Vocabulary | None = None) -> Vocabulary:
    """Return the vocabulary of ``trees``; the entries of ``base`` keep their numbers, new ones follow."""
    counts: Counter[str] = Counter()
    motifs: dict[str, Motif] = {}
    roots: set[str] = set()
    joints: dict[tuple[str, tuple[int, ...], str], None] = {}
    for tree in trees:
        for node in tree.nodes:
            motifs.setdefault(node.motif.key, node.motif)
            counts[node.motif.key] += 1
            if node.parent == ROOT:
                roots.add(node.motif.key)
                continue
            above = tree.nodes[node.parent]
            own, other = signatures(above.motif, above, node)
            joints[(above.motif.key, node.site, own)] = None
            joints[(node.motif.key, node.attachment, other)] = None
    old = [motif.key for motif in base.motifs] if base else []
    keys = [*old, *sorted(set(motifs) - set(old), key=lambda key: (-counts[key], key))]
    table = [base.motifs[base.motif_index[key]] if base and key in base.motif_index else motifs[key] for key in keys]
    index = {key: number for number, key in enumerate(keys)}
    seen = [Joint(index[key], atoms, signature) for key, atoms, signature in sorted(joints)]
    known_sites, known_attachments = (base.sites[1:], base.attachments[1:]) if base else ((), ())
    sites = [*known_sites, *sorted(_all_sites(seen, table) - set(known_sites), key=_rank)]
    attachments = [*known_attachments, *sorted(_all_attachments(seen, table) - set(known_attachments), key=_rank)]
    numbers = {index[key] for key in roots} | (set(base.roots) if base else set())
    return Vocabulary(table, [counts[key] for key in keys], numbers, sites, attachments)


def frequent_chains(trees: Iterable[JunctionTree], least: int) -> frozenset[str]:
    """Return the chain motifs that at least ``least`` of the trees hold."""
    counts = Counter(key for tree in trees for key in {n.motif.key for n in tree.nodes if n.motif.kind == CHAIN})
    return frozenset(key for key, count in counts.items() if count >= least)


def signatures(motif: Motif, node: Node, child: Node) -> tuple[str, str]:
    """Return the signatures of the parent's and the child's side of a joint."""
    first, second = motif.atoms[child.site[0]], child.motif.atoms[child.attachment[0]]
    if first.number == 0:
        order = motif.neighbours[child.site[0]][0][1]
        return f'anchor {order}', f'atom {order}'
    if second.number == 0:
        order = child.motif.neighbours[child.attachment[0]][0][1]
        return f'atom {order}', f'anchor {order}'
    text = _shared(motif, child.site)
    return text, text


def partner(signature: str) -> str:
    """Return the signature of the side that fits ``signature``."""
    side, _, rest = signature.partition(' ')
    return f'{_SWAP[side]} {rest}' if side in _SWAP else signature


def _shared(motif: Motif, atoms: Sequence[int]) -> str:
    kinds = ','.join(_kind_text(motif.atoms[atom]) for atom in atoms)
    order = motif.order.get((atoms[0], atoms[-1]), 0)
    return f'share {motif.kind} {kinds} {order}'


@cache
def _kind_text(kind: AtomKind) -> str:
    return '.'.join(str(int(value)) for value in kind)


def _images(joint: Joint, motif: Motif) -> set[tuple[int, ...]]:
    return {tuple(symmetry[atom] for atom in joint.atoms) for symmetry in motif.symmetries}


def _all_sites(seen: Sequence[Joint], motifs: Sequence[Motif]) -> set[Joint]:
    """Return the seen joints, their symmetric images, and shared bonds in both directions."""
    sites = set()
    for joint in seen:
        motif = motifs[joint.motif]
        for atoms in _images(joint, motif):
            sites.add(Joint(joint.motif, atoms, joint.signature))
            if len(atoms) > 1:
                sites.add(Joint(joint.motif, atoms[::-1], _shared(motif, atoms[::-1])))
    return sites


def _all_attachments(seen: Sequence[Joint], motifs: Sequence[Motif]) -> set[Joint]:
    """Return the seen joints in the canonical form of a child's side."""
    attachments = set()
    for joint in seen:
        motif = motifs[joint.motif]
        options = [joint.atoms, joint.atoms[::-1]] if len(joint.atoms) > 1 else [joint.atoms]
        best = min(canonical_attachment(motif, atoms)[0] for atoms in options)
        text = _shared(motif, best) if len(best) > 1 else joint.signature
        attachments.add(Joint(joint.motif, best, text))
    return attachments


def _digest(values: dict[str, Any]) -> str:
    tables = {name: values[name] for name in ('motifs', 'counts', 'roots', 'sites', 'attachments')}
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def _rank(joint: Joint) -> tuple:
    return joint.motif, joint.atoms, joint.signature


def _read_motif(item: dict[str, Any]) -> Motif:
    atoms = tuple(AtomKind(int(n), int(q), bool(ring), int(h), int(r)) for n, q, ring, h, r in item['atoms'])
    bonds = tuple((int(a), int(b), int(order)) for a, b, order in item['bonds'])
    inside = all(0 <= a < b < len(atoms) and order in (1, 2, 3, 4) for a, b, order in bonds)
    if not (0 < len(atoms) <= MAX_MOTIF_ATOMS and inside and all(0 <= kind.number <= 118 for kind in atoms)):
        raise ValueError('a motif with impossible atoms or bonds')
    key = canonical_motif(str(item['kind']), atoms, bonds)[0].key
    return Motif(str(item['kind']), atoms, bonds, key)


def _read_joint(item: Sequence[Any], motifs: Sequence[Motif]) -> Joint:
    motif, atoms, signature = int(item[0]), tuple(int(atom) for atom in item[1]), str(item[2])
    if not (0 <= motif < len(motifs) and atoms and all(0 <= atom < len(motifs[motif].atoms) for atom in atoms)):
        raise ValueError('a joint at an atom that is not there')
    return Joint(motif, atoms, signature)
