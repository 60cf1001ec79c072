"""Choose the next molecules: what may lie inside the windows first, by optimistic Pareto fronts, kept diverse."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rdkit import DataStructs

from aiida_osc.active_learning.acquisition import costs, optimistic_values
from aiida_osc.active_learning.columns import SA_COLUMN, with_required
from aiida_osc.active_learning.pareto import ranking
from aiida_osc.active_learning.settings import Objective, SelectionSettings, Windows
from aiida_osc.chem.fingerprints import morgan
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError


@dataclass(frozen=True)
class Selection:
    """A batch, the random control and why they were chosen.

    :param batch: the molecules to compute, without predictions, best first.
    :param control: as many drawn at random, disjoint from the batch; None when not asked for.
    :param ranking: JSON values: ``molecules``, one entry per molecule of the batch, and the counts.
    """

    batch: MoleculeTable
    control: MoleculeTable | None
    ranking: dict[str, Any]


@dataclass(frozen=True)
class _Family:
    """The usable candidates of one family in the order of their merit."""

    objectives: tuple[Objective, ...]
    values: np.ndarray
    fronts: np.ndarray
    outside: np.ndarray | None
    rows: Iterator[int]


@dataclass
class _Picker:
    """Takes one molecule after the other unless it resembles one that was taken."""

    smiles: tuple[str, ...]
    cap: float
    rows: list[int] = field(default_factory=list)
    prints: list[Any] = field(default_factory=list)
    similar: set[int] = field(default_factory=set)

    def take(self, row: int) -> bool:
        """Return whether ``row`` was taken."""
        if row in self.rows:
            return False
        (bits,) = morgan([self.smiles[row]])
        if self.cap < 1 and self.prints and max(DataStructs.BulkTanimotoSimilarity(bits, self.prints)) > self.cap:
            self.similar.add(row)
            return False
        self.rows.append(row)
        self.prints.append(bits)
        return True


def select_molecules(
    mean: MoleculeTable,
    sigma: MoleculeTable,
    settings: SelectionSettings,
    *,
    exclude: Collection[str] = (),
    rules: Mapping[str, Windows] | None = None,
    seed: int = 0,
) -> Selection:
    """Return the next batch: families in turn, front by front, the least crowded first, none too similar.

    With windows, what may lie inside those of its family goes before all that lies outside, the nearest first
    (constrained domination, Deb et al. 2002, doi 10.1109/4235.996017).

    :param mean: predictions of the candidates.
    :param sigma: their standard deviations, the same rows.
    :param exclude: InChIKeys already computed, pending or failed.
    :param rules: windows of families.
    :param seed: decides the random control alone.
    :raises OscError: when the tables do not match or lack a column of an objective.
    """
    if mean.inchikeys != sigma.inchikeys:
        raise OscError('mean and sigma hold different molecules: give both outputs of one prediction')
    families = settings.families()
    mean = with_required(mean, _columns(families), what='the prediction')
    known = set(exclude)
    fresh = np.array([key not in known for key in mean.inchikeys], dtype=bool)
    outside = {name: _outside(mean, sigma, windows, settings.beta) for name, windows in (rules or {}).items()}
    pools = {
        name: _family(mean, sigma, items, fresh, outside.get(name), settings.beta) for name, items in families.items()
    }
    picker = _Picker(mean.smiles, settings.tanimoto_cap)
    chosen = _fill(pools, picker, settings.size)
    counts = {
        'asked': settings.size,
        'candidates': len(mean),
        'excluded': int((~fresh).sum()),
        'too_similar': len(picker.similar - set(picker.rows)),
    }
    entries = [_entry(mean, sigma, pools[name], name, row, place) for place, (row, name) in enumerate(chosen, start=1)]
    control = _control(fresh, picker.rows, seed) if settings.control else None
    record = {
        'molecules': entries,
        'control': None if control is None else [mean.inchikeys[row] for row in control],
        'counts': counts,
        'reason': _reason(len(chosen), counts),
        'beta': settings.beta,
        'tanimoto_cap': settings.tanimoto_cap,
    }
    return Selection(_bare(mean, picker.rows), None if control is None else _bare(mean, control), record)


def _columns(families: Mapping[str, tuple[Objective, ...]]) -> list[Column]:
    return sorted({item.column for items in families.values() for item in items})


def _outside(mean: MoleculeTable, sigma: MoleculeTable, windows: Windows, beta: float) -> np.ndarray:
    """Return how far ``mean`` plus or minus ``beta`` standard deviations stays outside the windows, 0 for inside.

    The windows are summed, each in standard deviations of the candidates; what is not predicted may lie inside.
    """
    total = np.zeros(len(mean))
    for column, (low, high) in windows.bounds.items():
        values = mean.values(column) if column in mean.columns else np.zeros(0)
        if np.isfinite(values).any():
            reach = beta * sigma.values(column) if column in sigma.columns else 0.0
            miss = np.maximum(np.maximum(low - values - reach, values - reach - high), 0.0)
            total += np.nan_to_num(miss / max(float(np.nanstd(values)), 1e-9))
    return total


def _family(
    mean: MoleculeTable,
    sigma: MoleculeTable,
    objectives: tuple[Objective, ...],
    fresh: np.ndarray,
    outside: np.ndarray | None,
    beta: float,
) -> _Family:
    """Return the candidates of one family that are new and fully predicted, in order."""
    values = optimistic_values(mean, sigma, objectives, beta)
    usable = np.flatnonzero(fresh & np.isfinite(values).all(axis=1))
    order, ranks = ranking(costs(values[usable], objectives))
    fronts = np.full(len(mean), -1)
    fronts[usable] = ranks
    rows = usable[order]
    if outside is not None:
        rows = rows[np.argsort(outside[rows], kind='stable')]
    return _Family(objectives, values, fronts, outside, iter(rows.tolist()))


def _fill(pools: Mapping[str, _Family], picker: _Picker, size: int) -> list[tuple[int, str]]:
    """Return (row, family) of the batch: the families choose in turn until it is full or nothing is left."""
    chosen: list[tuple[int, str]] = []
    waiting = list(pools)
    while waiting and len(chosen) < size:
        name = waiting.pop(0)
        row = next((row for row in pools[name].rows if picker.take(row)), None)
        if row is not None:
            chosen.append((row, name))
            waiting.append(name)
    return chosen


def _entry(
    mean: MoleculeTable, sigma: MoleculeTable, pool: _Family, family: str, row: int, place: int
) -> dict[str, Any]:
    """Return why the molecule of ``row`` was chosen, as JSON values."""
    columns = [item.column for item in pool.objectives]
    return {
        'inchikey': mean.inchikeys[row],
        'smiles': mean.smiles[row],
        'family': family,
        'front': int(pool.fronts[row]),
        'outside': None if pool.outside is None else float(pool.outside[row]),
        'rank': place,
        'acquisition': {str(key): float(pool.values[row, i]) for i, key in enumerate(columns)},
        'mean': {str(key): float(mean.values(key)[row]) for key in columns},
        'sigma': {str(key): float(sigma.values(key)[row]) if key in sigma.columns else 0.0 for key in columns},
    }


def _control(fresh: np.ndarray, batch: list[int], seed: int) -> list[int]:
    """Return as many rows as the batch has, drawn from the new candidates outside it."""
    rest = np.setdiff1d(np.flatnonzero(fresh), batch)
    number = min(len(batch), len(rest))
    return np.random.default_rng(seed).choice(rest, number, replace=False).tolist()


def _reason(taken: int, counts: Mapping[str, int]) -> str | None:
    """Return why the batch is smaller than asked for, None when it is full."""
    if taken == counts['asked']:
        return None
    fresh = counts['candidates'] - counts['excluded']
    return (
        f'{taken} of {counts["asked"]} molecules selected: of {counts["candidates"]} candidates {fresh} are new, and '
        f'{counts["too_similar"]} of those are too similar to the batch; generate more or raise tanimoto_cap'
    )


def _bare(table: MoleculeTable, rows: list[int]) -> MoleculeTable:
    """Return the molecules without predictions, which must never be mistaken for labels."""
    return table.take(rows).only([SA_COLUMN])
