"""From the SMILES of a table to featurised molecules, in this process or in several, done once for all pieces."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.datasets.feature_cache import cached
from aiida_osc.errors import OscError
from aiida_osc.generator.assemble import decompose_checked
from aiida_osc.generator.junction import JunctionTree, canonical_graph
from aiida_osc.generator.motifs import CHAIN
from aiida_osc.generator.store import FeatureStore
from aiida_osc.generator.tensors import Features, GraphArrays, featurise, graph_arrays
from aiida_osc.generator.vocabulary import Vocabulary, frequent_chains
from aiida_osc.training.artifact import package_versions

_CHUNK = 250


@dataclass(frozen=True)
class Decomposed:
    """Molecules of a table that decompose exactly.

    :param rows: their rows in the table.
    :param trees: their junction trees.
    :param graphs: the arrays of their atoms and bonds.
    :param rejected: row -> reason of the others.
    """

    rows: tuple[int, ...]
    trees: tuple[JunctionTree, ...]
    graphs: tuple[GraphArrays, ...]
    rejected: dict[int, str]

    def reasons(self) -> dict[str, int]:
        """Return how many molecules were rejected for each reason."""
        return count_reasons(self.rejected)


@dataclass(frozen=True)
class Featurised:
    """Molecules of a table that a vocabulary can tell; the fields are as in :class:`Decomposed`."""

    rows: tuple[int, ...]
    features: FeatureStore
    rejected: dict[int, str]


def count_reasons(rejected: dict[int, str]) -> dict[str, int]:
    """Return how many molecules were rejected for each reason, the most frequent first."""
    return dict(Counter(rejected.values()).most_common())


def decompose_table(
    smiles: Sequence[str],
    least: int,
    base: Vocabulary | None = None,
    chains: frozenset[str] | None = None,
    *,
    jobs: int = 1,
) -> Decomposed:
    """Return the junction trees of molecules; those that fail are listed with the reason.

    :param least: molecules that must share an acyclic motif for it to stay whole.
    :param base: vocabulary whose chains stay whole besides.
    :param chains: the chains that stay whole, in place of counting.
    :param jobs: processes; the result is the same for any number.
    """
    done = dict(enumerate(_decompose_all(smiles, chains, jobs)))
    if chains is None:
        trees = [item[0] for item in done.values() if not isinstance(item, str)]
        chains = frequent_chains(trees, least) | (base.chains if base else frozenset())
        rare = [row for row, item in done.items() if not isinstance(item, str) and _has_other(item[0], chains)]
        done |= zip(rare, _decompose_all([smiles[row] for row in rare], chains, jobs), strict=True)
    kept = {row: item for row, item in done.items() if not isinstance(item, str)}
    rejected = {row: item for row, item in done.items() if isinstance(item, str)}
    return Decomposed(
        tuple(kept), tuple(tree for tree, _ in kept.values()), tuple(arrays for _, arrays in kept.values()), rejected
    )


def _has_other(tree: JunctionTree, chains: frozenset[str]) -> bool:
    return any(node.motif.kind == CHAIN and node.motif.key not in chains for node in tree.nodes)


def _decompose_all(
    smiles: Sequence[str], chains: frozenset[str] | None, jobs: int
) -> Iterator[tuple[JunctionTree, GraphArrays] | str]:
    """Yield tree and arrays of each molecule, or the reason why it has none."""
    work = partial(_decompose_one, chains=chains)
    if jobs == 1 or len(smiles) < 2 * _CHUNK:
        yield from map(work, smiles)
        return
    with get_context('spawn').Pool(jobs) as pool:
        yield from pool.imap(work, smiles, chunksize=_CHUNK)


def _decompose_one(smiles: str, chains: frozenset[str] | None) -> tuple[JunctionTree, GraphArrays] | str:
    try:
        text, graph = canonical_graph(smiles)
        return decompose_checked(text, graph, chains), graph_arrays(graph)
    except MoleculeError as exception:
        return str(exception)


def featurise_table(
    smiles: Sequence[str], vocabulary: Vocabulary, decomposed: Decomposed | None = None, *, jobs: int = 1
) -> Featurised:
    """Return the molecules that ``vocabulary`` can tell; large sets are kept in a file for the next call.

    :param decomposed: what :func:`decompose_table` made of ``smiles``; made here when missing and not in the file.
    :raises OscError: when there are fewer than two.
    """
    names = (json.dumps([package_versions(), vocabulary.to_json()]), *smiles)
    kept = cached('motifs', names, lambda: _featurise_all(smiles, vocabulary, decomposed, jobs))
    rejected = {int(row): reason for row, reason in json.loads(kept['rejected'].tobytes()).items()}
    if len(kept['rows']) < 2:
        reasons = '; '.join(count_reasons(rejected)) or 'the set is empty'
        raise OscError(f'{len(kept["rows"])} molecules decompose into motifs, two at least are needed ({reasons})')
    return Featurised(tuple(kept['rows'].tolist()), FeatureStore.of(kept), rejected)


def _featurise_all(
    smiles: Sequence[str], vocabulary: Vocabulary, decomposed: Decomposed | None, jobs: int
) -> dict[str, np.ndarray]:
    """Return rows, reasons and features as arrays."""
    if decomposed is None:
        decomposed = decompose_table(smiles, 1, chains=vocabulary.chains, jobs=jobs)
    features: dict[int, Features] = {}
    rejected = dict(decomposed.rejected)
    for row, tree, arrays in zip(decomposed.rows, decomposed.trees, decomposed.graphs, strict=True):
        try:
            features[row] = featurise(arrays, tree, vocabulary)
        except MoleculeError as exception:
            rejected[row] = str(exception)
    return {
        'rows': np.array(list(features), dtype=np.int64),
        'rejected': np.frombuffer(json.dumps(rejected).encode(), dtype=np.uint8),
        **(FeatureStore.pack(list(features.values())).flat() if features else {}),
    }
