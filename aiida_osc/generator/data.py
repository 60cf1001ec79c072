"""The training set of a generator: decomposed, featurised and parted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.generator.assemble import decompose_exactly
from aiida_osc.generator.junction import JunctionTree, canonical_graph
from aiida_osc.generator.motifs import CHAIN
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.tensors import Features, featurise
from aiida_osc.generator.vocabulary import Vocabulary, build_vocabulary, frequent_chains


@dataclass(frozen=True)
class Decomposed:
    """Molecules of a table that decompose exactly.

    :param rows: their rows in the table.
    :param trees: their junction trees.
    :param rejected: row -> reason of the others.
    """

    rows: tuple[int, ...]
    trees: tuple[JunctionTree, ...]
    rejected: dict[int, str]

    def reasons(self) -> dict[str, int]:
        """Return how many molecules were rejected for each reason."""
        return dict(Counter(self.rejected.values()).most_common())


@dataclass(frozen=True)
class TrainingData:
    """Featurised molecules and their standardised labels.

    :param train, validation: places among ``features``.
    :param labels: standardised, NaN where missing; shape ``(molecules, properties)``.
    """

    features: Sequence[Features]
    smiles: Sequence[str]
    labels: np.ndarray
    train: np.ndarray
    validation: np.ndarray


def decompose_table(
    smiles: Sequence[str], least: int, base: Vocabulary | None = None, chains: frozenset[str] | None = None
) -> Decomposed:
    """Return the junction trees of molecules; those that fail are listed with the reason.

    :param least: molecules that must share an acyclic motif for it to stay whole.
    :param base: vocabulary whose chains stay whole besides.
    :param chains: the chains that stay whole, in place of counting.
    """
    whole = _decompose_all(smiles, chains)
    if chains is not None:
        return whole
    chains = frequent_chains(whole.trees, least) | (base.chains if base else frozenset())
    return _split_rare_chains(whole, smiles, chains)


def _decompose_all(smiles: Sequence[str], chains: frozenset[str] | None) -> Decomposed:
    rows, trees, rejected = [], [], {}
    for row, text in enumerate(smiles):
        try:
            trees.append(decompose_exactly(text, chains))
            rows.append(row)
        except MoleculeError as exception:
            rejected[row] = str(exception)
    return Decomposed(tuple(rows), tuple(trees), rejected)


def _split_rare_chains(whole: Decomposed, smiles: Sequence[str], chains: frozenset[str]) -> Decomposed:
    """Decompose those molecules again that have a chain which does not stay whole."""
    trees = dict(zip(whole.rows, whole.trees, strict=True))
    rare = [
        row
        for row, tree in trees.items()
        if any(node.motif.kind == CHAIN and node.motif.key not in chains for node in tree.nodes)
    ]
    again = _decompose_all([smiles[row] for row in rare], chains)
    rejected = {**whole.rejected, **{rare[place]: reason for place, reason in again.rejected.items()}}
    trees |= {rare[place]: tree for place, tree in zip(again.rows, again.trees, strict=True)}
    rows = [row for row in whole.rows if row not in rejected]
    return Decomposed(tuple(rows), tuple(trees[row] for row in rows), rejected)


def usable_rows(table: MoleculeTable, settings: JtvaeSettings) -> list[int]:
    """Return the rows a training may use.

    :raises OscError: when there are fewer than two.
    """
    rows = [
        row for row, key in enumerate(table.inchikeys) if not (settings.hold_out_test and in_common_test_split(key))
    ]
    if len(rows) < 2:
        raise OscError(f'{len(rows)} molecules outside the common test split: a generator needs two at least')
    return rows


def choose_vocabulary(decomposed: Decomposed, base: Vocabulary | None = None) -> Vocabulary:
    """Return the vocabulary of the molecules that decompose.

    :raises OscError: when there are fewer than two.
    """
    if len(decomposed.rows) < 2:
        reasons = '; '.join(decomposed.reasons()) or 'the set is empty'
        raise OscError(f'{len(decomposed.rows)} molecules decompose into motifs, two at least are needed ({reasons})')
    return build_vocabulary(decomposed.trees, base)


def choose_columns(table: MoleculeTable, rows: Sequence[int], least: int) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of each column that gets a property head, by written column."""
    chosen = {}
    for column, values in table.columns.items():
        known = values[list(rows)]
        known = known[np.isfinite(known)]
        if len(known) >= least and known.std() > 0:
            chosen[str(column)] = (float(known.mean()), float(known.std()))
    return chosen


def prepare(
    table: MoleculeTable,
    decomposed: Decomposed,
    vocabulary: Vocabulary,
    normalisation: dict[str, tuple[float, float]],
    settings: JtvaeSettings,
    seed: int,
) -> TrainingData:
    """Return the training data of the molecules of ``table`` that decompose, parted by ``seed``."""
    features, rows = [], []
    for row, tree in zip(decomposed.rows, decomposed.trees, strict=True):
        graph = canonical_graph(table.smiles[row])[1]
        try:
            features.append(featurise(graph, tree, vocabulary))
            rows.append(row)
        except MoleculeError as exception:
            decomposed.rejected[row] = str(exception)
    columns = [
        (table.values(Column.parse(name))[rows] - mean) / spread for name, (mean, spread) in normalisation.items()
    ]
    labels = np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0))
    order = np.random.default_rng(abs(seed)).permutation(len(rows))
    held = int(settings.validation * len(rows))
    parts = np.sort(order[held:]), np.sort(order[:held])
    return TrainingData(features, [table.smiles[row] for row in rows], labels, *parts)
