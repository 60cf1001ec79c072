"""The molecules that an iteration chose, with every number and where it comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from aiida_osc.active_learning.columns import SA_COLUMN
from aiida_osc.active_learning.promote import hit_families
from aiida_osc.active_learning.settings import Windows
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.provenance.graph import Process
from aiida_osc.report.records import BATCH, COMPUTED, CONTROL, PENDING, PREDICTED, MoleculeRecord, NodeRef, Number


@dataclass(frozen=True)
class Labelled:
    """Where the labels of one molecule are: row ``row`` of the table in ``node``, made by ``process``."""

    process: Process
    node: NodeRef
    table: MoleculeTable
    row: int


@dataclass(frozen=True)
class Iteration:
    """What one iteration left behind.

    :param parts: (node, content) by name: ``generated``, ``mean``, ``sigma``, ``batch``, ``control``, ``ranking``,
        ``labels``, ``control_labels``, ``failures``, ``control_failures``, ``model``.
    :param labelled: origin of the labels, by InChIKey.
    """

    number: int
    generate: Process | None
    predict: Process | None
    select: Process | None
    parts: Mapping[str, tuple[NodeRef, Any]]
    labelled: Mapping[str, Labelled]

    def node(self, name: str) -> NodeRef | None:
        """Return the node of a part, None when it is not there."""
        return self.parts[name][0] if name in self.parts else None

    def content(self, name: str) -> Any:
        """Return the content of a part, an empty dictionary when it is not there."""
        return self.parts[name][1] if name in self.parts else {}

    @cached_property
    def candidates(self) -> dict[str, int]:
        """Return the row of each candidate in the tables of predictions."""
        return self.parts['mean'][1].index() if 'mean' in self.parts else {}

    def hits(self, rules: Mapping[str, Windows]) -> dict[str, tuple[str, ...]]:
        """Return the families whose windows each computed molecule lies in, each table looked at once."""
        found: dict[str, tuple[str, ...]] = {}
        for table in {item.node.pk: item.table for item in self.labelled.values()}.values():
            for family, keys in hit_families(table, rules).items():
                found |= {key: (*found.get(key, ()), family) for key in keys}
        return found


def molecule_records(iteration: Iteration, rules: Mapping[str, Windows]) -> Iterator[MoleculeRecord]:
    """Yield the molecules of the batch in the order of the selection, then those of the control."""
    chosen = {item['inchikey']: item for item in iteration.content('ranking').get('molecules', ())}
    hits = iteration.hits(rules)
    for role, failures in ((BATCH, 'failures'), (CONTROL, 'control_failures')):
        if role not in iteration.parts:
            continue
        node, table = iteration.parts[role]
        failed = iteration.content(failures).get('molecules', {})
        for row, key in enumerate(table.inchikeys):
            entry = chosen.get(key, {}) if role == BATCH else {}
            status, reason = _status(key, iteration, failed)
            yield MoleculeRecord(
                inchikey=key,
                smiles=table.smiles[row],
                iteration=iteration.number,
                role=role,
                family=entry.get('family'),
                front=entry.get('front'),
                status=status,
                reason=reason,
                hits=hits.get(key, ()),
                numbers=(*_predicted(key, iteration), *_computed(key, iteration), *_exact(node, table, row, iteration)),
                nodes=_nodes(key, iteration),
            )


def _status(key: str, iteration: Iteration, failed: Mapping[str, Any]) -> tuple[str, str | None]:
    if key in iteration.labelled:
        return COMPUTED, None
    entry = failed.get(key)
    return (PENDING, None) if entry is None else (entry.get('status', 'failed'), entry.get('reason'))


def _predicted(key: str, iteration: Iteration) -> Iterator[Number]:
    """Yield the predictions that the selection saw."""
    if 'mean' not in iteration.parts or 'sigma' not in iteration.parts:
        return
    (mean_node, mean), (_, sigma) = iteration.parts['mean'], iteration.parts['sigma']
    row, model = iteration.candidates.get(key), iteration.node('model')
    for column in sigma.columns if row is not None else ():
        value, spread = mean.values(column)[row], sigma.values(column)[row]
        if column != SA_COLUMN and np.isfinite(value):
            yield Number(column, float(value), _finite(spread), PREDICTED, mean_node, model)


def _computed(key: str, iteration: Iteration) -> Iterator[Number]:
    """Yield the labels."""
    found = iteration.labelled.get(key)
    if found is None:
        return
    for column, values in found.table.columns.items():
        if column != SA_COLUMN and np.isfinite(values[found.row]):
            yield Number(column, float(values[found.row]), None, COMPUTED, found.node, found.process.ref())


def _exact(node: NodeRef, table: MoleculeTable, row: int, iteration: Iteration) -> Iterator[Number]:
    """Yield what follows from the molecule alone."""
    value = table.values(SA_COLUMN)[row]
    if np.isfinite(value):
        process = None if iteration.select is None else iteration.select.ref()
        yield Number(SA_COLUMN, float(value), None, COMPUTED, node, process)


def _nodes(key: str, iteration: Iteration) -> dict[str, NodeRef]:
    """Return what the molecule came from, by step."""
    nodes = {}
    if iteration.generate is not None and 'model' in iteration.generate.inputs:
        nodes['generator'] = iteration.generate.inputs['model']
    surrogate = iteration.node('model')
    if surrogate is not None:
        nodes['surrogate'] = surrogate
    if iteration.select is not None:
        nodes['select'] = iteration.select.ref('selection')
    found = iteration.labelled.get(key)
    if found is not None:
        nodes |= {'job': found.process.ref('labelling job'), 'labels': found.node}
    return nodes


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
