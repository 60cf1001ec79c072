"""From molecules to numbers: each molecule is featurised once, batches are made of the stored arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import torch

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.generator.graph import MolGraph
from aiida_osc.generator.growing import GrowingTree
from aiida_osc.generator.junction import ROOT, JunctionTree
from aiida_osc.generator.vocabulary import STOP, Joint, Vocabulary, partner, signatures

#: elements -> row of the atom table; the last row is for any other
ELEMENTS = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 32, 33, 34, 35, 52, 53)
#: size of each categorical atom feature: element, charge, hydrogens, degree, aromatic or ring
ATOM_SIZES = (len(ELEMENTS) + 1, 5, 5, 7, 4)
BOND_SIZES = (4, 2, 2)
_ELEMENT_ROW = {number: row for row, number in enumerate(ELEMENTS)}
GraphArrays = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Features:
    """One molecule as integer arrays.

    :param atoms: categorical atom features, offset into one table; shape ``(atoms, 5)``.
    :param bonds: first and last atom of every bond; shape ``(bonds, 2)``.
    :param bond_kinds: categorical bond features, offset into one table; shape ``(bonds, 3)``.
    :param nodes: motif, attachment, site, parent and depth of each tree node; shape ``(nodes, 5)``.
    :param steps: for each decision its node, whether the node is new, the site of its newest child, the step whose
        state belongs to the node (-1 for none), and the place of the answer among the candidates; shape ``(steps, 5)``.
    :param candidates: sites to choose from, all steps after each other.
    :param candidate_counts: candidates of each step; shape ``(steps,)``.
    :param expansions: for each answer that is not the stop its step, site, motif and attachment; ``(nodes - 1, 4)``.
    """

    atoms: np.ndarray
    bonds: np.ndarray
    bond_kinds: np.ndarray
    nodes: np.ndarray
    steps: np.ndarray
    candidates: np.ndarray
    candidate_counts: np.ndarray
    expansions: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Several molecules as tensors; fields that end in ``_owner`` tell the molecule of each row.

    :param atoms: as in :class:`Features`, all molecules after each other.
    :param edges: source and target of every bond, then both exchanged; shape ``(2, edges)``.
    :param edge_kinds: categorical bond features of each edge; shape ``(edges, 3)``.
    :param nodes: motif, attachment, site, parent (-1 for none) and depth; shape ``(nodes, 5)``.
    :param inputs: motif, attachment and newest site of the node of each decision, and whether it is new, padded;
        shape ``(molecules, steps, 4)``.
    :param back: step whose state belongs to the node plus one, 0 for none; shape ``(molecules, steps)``.
    :param real: flat places of the real steps in the padded array; shape ``(decisions,)``.
    :param candidates: sites to choose from, padded with -1; shape ``(decisions, width)``.
    :param answers: place of the answer among the candidates; shape ``(decisions,)``.
    :param expansions: flat step, site, motif and attachment; shape ``(expansions, 4)``.
    :param labels: standardised properties, NaN where missing; shape ``(molecules, properties)``.
    """

    atoms: torch.Tensor
    edges: torch.Tensor
    edge_kinds: torch.Tensor
    atom_owner: torch.Tensor
    nodes: torch.Tensor
    node_owner: torch.Tensor
    inputs: torch.Tensor
    back: torch.Tensor
    real: torch.Tensor
    candidates: torch.Tensor
    answers: torch.Tensor
    expansions: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        """Return the number of molecules."""
        return len(self.inputs)

    def to(self, device: torch.device) -> 'Batch':
        """Return the batch on ``device``."""
        if device.type == 'cpu':
            return self
        return replace(self, **{item.name: getattr(self, item.name).to(device) for item in fields(self)})


def featurise(arrays: GraphArrays, tree: JunctionTree, vocabulary: Vocabulary) -> Features:
    """Return the arrays of one molecule.

    :param arrays: what :func:`graph_arrays` returned.
    :raises MoleculeError: when a motif or a joint is not in the vocabulary.
    """
    nodes = _tree_nodes(tree, vocabulary)
    return Features(*arrays, nodes, *_replay(nodes, vocabulary))


def graph_arrays(graph: MolGraph) -> GraphArrays:
    """Return the arrays of the atoms and bonds of a molecule, the first three of :class:`Features`."""
    cyclic = {atom for ring in graph.rings for atom in ring}
    rows = [
        (
            _ELEMENT_ROW.get(kind.number, len(ELEMENTS)),
            min(max(kind.charge, -2), 2) + 2,
            min(hydrogens, 4),
            min(len(around), 6),
            2 * kind.aromatic + (atom in cyclic),
        )
        for atom, (kind, hydrogens, around) in enumerate(
            zip(graph.kinds, graph.hydrogens, graph.neighbours, strict=True)
        )
    ]
    ends = [(begin, end) for begin, end, _, _ in graph.bonds]
    kinds = [(order - 1, (begin, end) in graph.ring_bonds, conjugated) for begin, end, order, conjugated in graph.bonds]
    return (
        (np.array(rows) + _offsets(ATOM_SIZES)).astype(np.uint8),
        np.array(ends, dtype=np.uint16).reshape(-1, 2),
        (np.array(kinds, dtype=np.int64).reshape(-1, 3) + _offsets(BOND_SIZES)).astype(np.uint8),
    )


@lru_cache
def _offsets(sizes: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]])


def _tree_nodes(tree: JunctionTree, vocabulary: Vocabulary) -> np.ndarray:
    rows, depth = [], []
    for node in tree.nodes:
        motif = vocabulary.motif_index.get(node.motif.key)
        if motif is None:
            raise MoleculeError(f'motif {node.motif.key} is not in the vocabulary')
        if node.parent == ROOT:
            depth.append(0)
            rows.append((motif, STOP, STOP, ROOT, 0))
            continue
        above = tree.nodes[node.parent]
        _, side = signatures(above.motif, above, node)
        site = vocabulary.find_site(above.motif, above, node)
        attachment = vocabulary.attachment_index.get(Joint(motif, node.attachment, side))
        if site is None or attachment is None:
            raise MoleculeError(f'{node.motif.key} on {above.motif.key} is a joint that is not in the vocabulary')
        depth.append(depth[node.parent] + 1)
        rows.append((motif, attachment, site, node.parent, depth[-1]))
    return np.array(rows, dtype=np.int64)


def _replay(nodes: np.ndarray, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return steps, candidates, their counts and expansions of building a known tree."""
    growth = GrowingTree(vocabulary)
    growth.start(int(nodes[0, 0]))
    state = {0: -1}
    steps: list[tuple[int, ...]] = []
    candidates: list[int] = []
    counts, expansions = [], []
    waiting = 1
    while growth.open:
        node, sites = growth.current, growth.candidates()
        expands = waiting < len(nodes) and nodes[waiting, 3] == node
        answer = int(nodes[waiting, 2]) if expands else STOP
        if answer not in sites and (expands or sites):
            raise MoleculeError('a motif sits where the valence model leaves no room')
        if not sites:
            growth.close()
            continue
        fresh = int(growth.last_site[node] == STOP)
        steps.append((node, fresh, growth.last_site[node], state[node], sites.index(answer)))
        candidates += sites
        counts.append(len(sites))
        state[node] = len(steps) - 1
        if expands:
            expansions.append((len(steps) - 1, answer, int(nodes[waiting, 0]), int(nodes[waiting, 1])))
            state[waiting] = len(steps) - 1
            growth.expand(answer, int(nodes[waiting, 1]))
            waiting += 1
        else:
            growth.close()
    return (
        np.array(steps, dtype=np.int64).reshape(-1, 5),
        np.array(candidates, dtype=np.int64),
        np.array(counts, dtype=np.int64),
        np.array(expansions, dtype=np.int64).reshape(-1, 4),
    )


def collate(items: Sequence[Features], labels: np.ndarray) -> Batch:
    """Return the batch of ``items``.

    :param labels: standardised properties, shape ``(len(items), properties)``.
    """
    atoms = np.array([len(item.atoms) for item in items])
    nodes = np.array([len(item.nodes) for item in items])
    steps = np.array([len(item.steps) for item in items])
    longest = max(int(steps.max()), 1)
    inputs = np.zeros((len(items), longest, 4), dtype=np.int64)
    back = np.zeros((len(items), longest), dtype=np.int64)
    for row, item in enumerate(items):
        node = item.steps[:, 0]
        inputs[row, : len(node), :2] = item.nodes[node, :2]
        inputs[row, : len(node), 2] = item.steps[:, 2]
        inputs[row, : len(node), 3] = item.steps[:, 1]
        back[row, : len(node)] = item.steps[:, 3] + 1
    real = np.concatenate([row * longest + np.arange(count) for row, count in enumerate(steps)])
    first_step = np.repeat(np.cumsum(steps) - steps, [len(item.expansions) for item in items])
    expansions = np.concatenate([item.expansions for item in items])
    expansions = np.concatenate([expansions[:, :1] + first_step[:, None], expansions[:, 1:]], axis=1)
    bonds = np.concatenate([item.bonds for item in items]).astype(np.int64)
    bonds += np.repeat(np.cumsum(atoms) - atoms, [len(item.bonds) for item in items])[:, None]
    kinds = np.concatenate([item.bond_kinds for item in items])
    arrays = (
        np.concatenate([item.atoms for item in items]),
        np.concatenate([bonds, bonds[:, ::-1]]).T,
        np.concatenate([kinds, kinds]),
        np.repeat(np.arange(len(items)), atoms),
        _stack_nodes(items, nodes),
        np.repeat(np.arange(len(items)), nodes),
        inputs,
        back,
        real,
        _pad_candidates(items),
        np.concatenate([item.steps[:, 4] for item in items]),
        expansions,
    )
    numbers = [np.ascontiguousarray(array, dtype=np.int64) for array in arrays]
    return Batch(*[torch.from_numpy(array) for array in (*numbers, labels.astype(np.float32))])


def _stack_nodes(items: Sequence[Features], counts: np.ndarray) -> np.ndarray:
    table = np.concatenate([item.nodes for item in items]).astype(np.int64)
    start = np.repeat(np.cumsum(counts) - counts, counts)
    table[:, 3] = np.where(table[:, 3] >= 0, table[:, 3] + start, -1)
    return table


def _pad_candidates(items: Sequence[Features]) -> np.ndarray:
    counts = np.concatenate([item.candidate_counts for item in items])
    table = np.full((len(counts), int(counts.max(initial=1))), -1, dtype=np.int64)
    table[np.arange(table.shape[1])[None, :] < counts[:, None]] = np.concatenate([item.candidates for item in items])
    return table


def expansion_tables(vocabulary: Vocabulary) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the constants of the choice of motif and attachment.

    :returns: signature of each site, shape ``(sites,)``; signature that each attachment fits, shape
        ``(attachments,)``; motif of each attachment, shape ``(attachments,)``. The stop and the root have -1 and -2.
    """
    names: dict[str, int] = {}
    for joint in vocabulary.sites[1:]:
        names.setdefault(joint.signature, len(names))
    sites = [-1, *(names[joint.signature] for joint in vocabulary.sites[1:])]
    fits = [-2, *(names.get(partner(joint.signature), -2) for joint in vocabulary.attachments[1:])]
    motifs = [0, *(joint.motif for joint in vocabulary.attachments[1:])]
    return torch.tensor(sites), torch.tensor(fits), torch.tensor(motifs)
