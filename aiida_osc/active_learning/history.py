"""What each iteration of a campaign brought: counts, hits, hypervolume, best values and the surrogate's errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aiida_osc.active_learning.columns import with_sa_score
from aiida_osc.active_learning.pareto import hypervolume
from aiida_osc.active_learning.promote import hit_families
from aiida_osc.active_learning.settings import Objective, Windows
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

#: A share of 0.90 of a normal distribution lies within this many standard deviations.
Z_90 = 1.6448536269514722
#: The reference point lies this share of the range beyond the worst value of the first data.
MARGIN = 0.1
#: What a history is made of, per iteration.
RECORD_NAMES = (
    'labels',
    'control_labels',
    'mean',
    'sigma',
    'generated',
    'batch',
    'control',
    'failures',
    'control_failures',
    'model',
)


@dataclass(frozen=True)
class IterationRecord:
    """What is known about one iteration; ``None`` where it was not recorded.

    :param labels: molecules computed for the batch that passed all checks.
    :param control_labels: the same for the random control.
    :param mean: predictions for all candidates before the batch was chosen.
    :param sigma: their standard deviations.
    :param generated: the new molecules.
    :param batch: the molecules chosen, computed or not; likewise ``control``.
    :param failures: entries with a ``status`` such as ``failed`` or ``flagged``, keyed by InChIKey.
    :param model_metrics: metrics of the surrogate that predicted.
    """

    number: int
    labels: MoleculeTable | None = None
    control_labels: MoleculeTable | None = None
    mean: MoleculeTable | None = None
    sigma: MoleculeTable | None = None
    generated: MoleculeTable | None = None
    batch: MoleculeTable | None = None
    control: MoleculeTable | None = None
    failures: Mapping[str, Any] = field(default_factory=dict)
    model_metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Box:
    """Corner points, as costs, between which the hypervolume of a family is measured."""

    ideal: tuple[float, ...]
    reference: tuple[float, ...]


def build_history(
    records: Sequence[IterationRecord],
    families: Mapping[str, tuple[Objective, ...]],
    rules: Mapping[str, Windows],
    *,
    initial: MoleculeTable | None = None,
) -> dict[str, Any]:
    """Return the history of a campaign as JSON values: ``iterations``, ``totals`` and ``reference``.

    :param initial: molecules labelled before the first iteration. They fix the reference point of the
        hypervolume; without them the labels of the first iteration do.
    """
    records = sorted(records, key=lambda item: item.number)
    first = initial if initial is not None and len(initial) else _first_labels(records)
    boxes = {name: box_of(first, items) for name, items in families.items()}
    start = [] if initial is None else [initial]
    batches, controls, iterations = list(start), list(start), []
    for record in records:
        batches += [] if record.labels is None else [record.labels]
        controls += [] if record.control_labels is None else [record.control_labels]
        entry = _entry(record, rules, sorted({item.column for items in families.values() for item in items}))
        entry['hypervolume'] = {name: _volume(batches, families[name], box) for name, box in boxes.items()}
        if record.control_labels is not None:
            entry['hypervolume_control'] = {name: _volume(controls, families[name], box) for name, box in boxes.items()}
        entry['best'] = _best(batches, families)
        iterations.append(entry)
    return {
        'iterations': iterations,
        'totals': _totals(iterations),
        'initial': _initial(initial, families, boxes, rules),
        'reference': {name: _reference(box, families[name]) for name, box in boxes.items()},
        'scales': {family: windows.scale for family, windows in rules.items()},
    }


def records_of(values: Mapping[str, Any]) -> list[IterationRecord]:
    """Return one record per iteration from values named ``labels_01``, ``mean_01``, ``generated_02``, ...

    :param values: tables and dictionaries by name and two-digit iteration; ``model_nn`` are the metrics of a model,
        ``failures_nn`` and ``control_failures_nn`` what :func:`aiida_osc.datasets.labels.collect_failures` returns.
    :raises OscError: when a name is unknown.
    """
    parts: dict[int, dict[str, Any]] = {}
    for key, value in values.items():
        name, _, number = key.rpartition('_')
        if name not in RECORD_NAMES or not number.isdigit():
            raise OscError(f'{key!r} is no part of a history: use {", ".join(RECORD_NAMES)} with _01, _02, ...')
        fields = parts.setdefault(int(number), {'failures': {}})
        if name in ('failures', 'control_failures'):
            fields['failures'] |= value.get('molecules', {})
        else:
            fields['model_metrics' if name == 'model' else name] = value
    return [IterationRecord(number, **fields) for number, fields in sorted(parts.items())]


def box_of(table: MoleculeTable | None, objectives: Sequence[Objective]) -> Box | None:
    """Return the box of a family: best values seen in ``table`` to a margin beyond the worst; None without data."""
    costs = _costs([] if table is None else [table], objectives)
    if not len(costs):
        return None
    low, high = costs.min(axis=0), costs.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    return Box(tuple(low.tolist()), tuple((low + (1 + MARGIN) * span).tolist()))


def prediction_errors(mean: MoleculeTable, sigma: MoleculeTable, labels: MoleculeTable) -> dict[str, Any]:
    """Return how far the predictions were from what was computed afterwards, per column.

    :return: column -> ``n``, ``mae`` and ``bias`` (prediction minus label) in ``unit``, ``mean_abs_z`` and
        ``coverage_90``, the share of labels inside the central 90 % interval; without sigma the last two are None.
    """
    row_of = mean.index()
    shared = [row for row, key in enumerate(labels.inchikeys) if key in row_of]
    predicted = [row_of[labels.inchikeys[row]] for row in shared]
    errors = {}
    for column in sorted(set(mean.columns) & set(labels.columns) & set(sigma.columns)):
        difference = mean.values(column)[predicted] - labels.values(column)[shared]
        spread = sigma.values(column)[predicted]
        known = np.isfinite(difference)
        if known.any():
            errors[str(column)] = {'unit': column.definition.unit, **_error(difference[known], spread[known])}
    return errors


def _error(difference: np.ndarray, spread: np.ndarray) -> dict[str, Any]:
    usable = np.isfinite(spread) & (spread > 0)
    z = np.abs(difference[usable] / spread[usable])
    return {
        'n': len(difference),
        'mae': float(np.abs(difference).mean()),
        'bias': float(difference.mean()),
        'mean_abs_z': float(z.mean()) if len(z) else None,
        'coverage_90': float((z <= Z_90).mean()) if len(z) else None,
    }


def _entry(record: IterationRecord, rules: Mapping[str, Windows], columns: Sequence[Any]) -> dict[str, Any]:
    """Return the counts, hits and errors of one iteration."""
    entry: dict[str, Any] = {
        'iteration': record.number,
        'generated': _count(record.generated),
        'candidates': _count(record.mean),
        'proposed_by_family': _predicted(record.mean, None, rules),
        **_computed(record.batch, record.labels, record.failures, rules),
        'predicted_by_family': _predicted(record.mean, record.batch, rules),
        'control': None,
        'surrogate': dict(record.model_metrics),
        'errors': _errors(record, record.labels, columns),
        'errors_control': _errors(record, record.control_labels, columns),
    }
    if record.control_labels is not None:
        entry['control'] = {
            **_computed(record.control, record.control_labels, record.failures, rules),
            'predicted_by_family': _predicted(record.mean, record.control, rules),
        }
    return entry


def _computed(
    asked: MoleculeTable | None, labels: MoleculeTable | None, failures: Mapping[str, Any], rules: Mapping[str, Windows]
) -> dict[str, Any]:
    """Return how many molecules were asked for, computed, flagged and failed, and the hits among them."""
    hits = hit_families(labels, rules) if labels is not None else {family: [] for family in rules}
    mine = failures if asked is None else {key: failures[key] for key in asked.inchikeys if key in failures}
    states = [item.get('status', 'failed') if isinstance(item, Mapping) else 'failed' for item in mine.values()]
    return {
        'selected': _count(asked),
        'computed': len(labels) if labels is not None else 0,
        'flagged': states.count('flagged'),
        'failed': states.count('failed'),
        'hits': len({key for keys in hits.values() for key in keys}),
        'hits_by_family': {family: len(keys) for family, keys in hits.items()},
        'hit_molecules': sorted({key for keys in hits.values() for key in keys}),
    }


def _predicted(
    mean: MoleculeTable | None, among: MoleculeTable | None, rules: Mapping[str, Windows]
) -> dict[str, int] | None:
    """Return how many molecules lie in each family's windows by prediction.

    :param among: the molecules that count; all that were predicted by default.
    """
    if mean is None:
        return None
    keys = set(mean.inchikeys if among is None else among.inchikeys)
    return {family: len(keys.intersection(hits)) for family, hits in hit_families(mean, rules).items()}


def _errors(record: IterationRecord, labels: MoleculeTable | None, columns: Sequence[Any]) -> dict[str, Any]:
    if record.mean is None or record.sigma is None or labels is None:
        return {}
    wanted = {str(column) for column in columns}
    found = prediction_errors(record.mean, record.sigma, labels)
    return {key: value for key, value in found.items() if key in wanted}


def _costs(tables: Sequence[MoleculeTable], objectives: Sequence[Objective]) -> np.ndarray:
    """Return the costs of all fully labelled molecules, shape ``(molecules, objectives)``."""
    parts = [
        np.column_stack([item.sign * table.values(item.column) for item in objectives])
        for table in map(with_sa_score, tables)
        if len(table)
    ]
    costs = np.concatenate(parts) if parts else np.zeros((0, len(objectives)))
    return costs[np.isfinite(costs).all(axis=1)]


def _volume(tables: Sequence[MoleculeTable], objectives: Sequence[Objective], box: Box | None) -> float | None:
    return None if box is None else hypervolume(_costs(tables, objectives), box.ideal, box.reference)


def _best(tables: Sequence[MoleculeTable], families: Mapping[str, tuple[Objective, ...]]) -> dict[str, Any]:
    """Return the best label so far of every objective, with the molecule that has it."""
    best: dict[str, Any] = {}
    for objective in (item for items in families.values() for item in items):
        for table in map(with_sa_score, tables):
            costs = objective.sign * table.values(objective.column)
            if not np.isfinite(costs).any():
                continue
            row = int(np.nanargmin(costs))
            entry = {'value': objective.sign * float(costs[row]), 'unit': objective.column.definition.unit}
            known = best.get(str(objective.column))
            if known is None or float(costs[row]) < objective.sign * known['value']:
                best[str(objective.column)] = {**entry, 'inchikey': table.inchikeys[row]}
    return best


def _totals(iterations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over all iterations, of the batches and of the random control."""
    keys = ('generated', 'selected', 'computed', 'flagged', 'failed', 'hits')
    totals: dict[str, Any] = {key: sum(item[key] or 0 for item in iterations) for key in keys}
    controls = [item['control'] for item in iterations if item['control'] is not None]
    totals['control'] = {key: sum(item[key] or 0 for item in controls) for key in keys[1:]} if controls else None
    totals['iterations'] = len(iterations)
    return totals


def _initial(
    table: MoleculeTable | None,
    families: Mapping[str, tuple[Objective, ...]],
    boxes: Mapping[str, Box | None],
    rules: Mapping[str, Windows],
) -> dict[str, Any] | None:
    """Return what was known before the first iteration."""
    if table is None:
        return None
    hits = hit_families(table, rules)
    return {
        'molecules': len(table),
        'hits': len({key for keys in hits.values() for key in keys}),
        'hits_by_family': {family: len(keys) for family, keys in hits.items()},
        'hypervolume': {name: _volume([table], families[name], box) for name, box in boxes.items()},
        'best': _best([table], families),
    }


def _reference(box: Box | None, objectives: Sequence[Objective]) -> dict[str, Any] | None:
    """Return the corner points in the units of the columns."""
    if box is None:
        return None
    return {
        str(item.column): {'ideal': item.sign * box.ideal[i], 'reference': item.sign * box.reference[i]}
        for i, item in enumerate(objectives)
    }


def _first_labels(records: Sequence[IterationRecord]) -> MoleculeTable | None:
    return next((item.labels for item in records if item.labels is not None and len(item.labels)), None)


def _count(table: MoleculeTable | None) -> int | None:
    return None if table is None else len(table)
