"""Statistics of columns, outliers, and values that cannot be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from aiida_osc.datasets.audit.records import IMPOSSIBLE, KINDS, OUTLIER, SUSPECT, ColumnAudit, Finding, Histogram
from aiida_osc.datasets.audit.settings import AuditSettings
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.plausibility import check_scale
from aiida_osc.datasets.spread import spread
from aiida_osc.errors import OscError

BINS = 40
#: Share of the values at each end that does not decide the range of a histogram.
TAIL = 0.001


@dataclass(frozen=True)
class Fault:
    """Rows of a column that break one rule, and by how much."""

    kind: str
    column: Column
    rows: np.ndarray
    excess: np.ndarray
    reason: str


def audit_columns(table: MoleculeTable, settings: AuditSettings) -> tuple[list[ColumnAudit], list[Finding]]:
    """Return the audit of each column, and the findings that are named."""
    faults = [*_out_of_range(table), *_contradictions(table, settings), *_outliers(table, settings.outlier)]
    columns, findings = [], []
    for column, values in table.columns.items():
        own = [fault for fault in faults if fault.column == column]
        columns.append(_column(column, values, {kind: _count(own, kind) for kind in KINDS}))
        for kind in KINDS:
            cases = [
                (-float(excess), int(row), fault.reason)
                for fault in own
                if fault.kind == kind
                for row, excess in zip(fault.rows, fault.excess, strict=True)
            ]
            findings += [_finding(table, column, kind, *case) for case in sorted(cases)[: settings.listed]]
    return columns, findings


def robust_scores(values: np.ndarray) -> np.ndarray:
    """Return the distance of each value from the median in units of the scaled median distance (Iglewicz and Hoaglin).

    Where more than half of the values are equal, the mean distance takes the place of the median one; constant values
    have a score of 0, missing ones NaN.
    """
    if not np.isfinite(values).any():
        return np.full(len(values), np.nan)
    distance = values - np.nanmedian(values)
    spread = 1.4826 * float(np.nanmedian(np.abs(distance))) or 1.2533 * float(np.nanmean(np.abs(distance)))
    return distance / spread if spread > 0 else distance * 0


def _column(column: Column, values: np.ndarray, counts: Mapping[str, int]) -> ColumnAudit:
    known = values[np.isfinite(values)]
    statistics = (known.min(), np.median(known), known.max(), known.mean(), known.std()) if len(known) else (None,) * 5
    low, median, high, mean, std = (None if item is None else float(item) for item in statistics)
    return ColumnAudit(
        column=str(column),
        unit=column.definition.unit,
        labels=len(known),
        share=len(known) / len(values),
        low=low,
        median=median,
        high=high,
        mean=mean,
        std=std,
        impossible=counts[IMPOSSIBLE],
        suspect=counts[SUSPECT],
        outliers=counts[OUTLIER],
        flags=tuple(_flags(column, known)),
        histogram=_histogram(known) if len(known) else None,
    )


def _flags(column: Column, known: np.ndarray) -> Iterator[str]:
    if not len(known):
        yield 'no labels'
        return
    if len(known) > 1 and not spread(known):
        yield f'all {len(known)} values are {known[0]:g}'
    try:
        check_scale(str(column), column, 1.0, known)
    except OscError as exception:
        yield str(exception)


def _histogram(known: np.ndarray) -> Histogram:
    low, high = np.quantile(known, [TAIL, 1 - TAIL]).tolist()
    counts, _ = np.histogram(np.clip(known, low, high), bins=BINS, range=(low, high if high > low else low + 1))
    return Histogram(low, high, tuple(counts.tolist()))


def _out_of_range(table: MoleculeTable) -> Iterator[Fault]:
    for column, values in table.columns.items():
        target = column.definition
        beyond = np.maximum(target.low - values, values - target.high)
        rows = np.flatnonzero(beyond > 0)
        if len(rows):
            reason = f'outside {target.low:g} to {target.high:g} {target.unit}'
            yield Fault(IMPOSSIBLE, column, rows, beyond[rows], reason)


def _outliers(table: MoleculeTable, limit: float) -> Iterator[Fault]:
    for column, values in table.columns.items():
        scores = np.abs(robust_scores(values))
        rows = np.flatnonzero(scores > limit)
        if len(rows):
            yield Fault(OUTLIER, column, rows, scores[rows], '')


def _contradictions(table: MoleculeTable, settings: AuditSettings) -> Iterator[Fault]:
    """Yield values that contradict others of the same molecule, level and environment."""
    places = sorted({(column.level, column.environment) for column in table.columns})
    for place in places:
        found = {
            column.target: values
            for column, values in table.columns.items()
            if (column.level, column.environment) == place
        }
        for kind, target, excess, reason in (*_impossible(found, settings.tolerance), *_suspect(found, settings)):
            rows = np.flatnonzero(excess > 0)
            if len(rows):
                yield Fault(kind, Column(target, *place), rows, excess[rows], reason)


def _impossible(found: Mapping[str, np.ndarray], tolerance: float) -> Iterator[tuple[str, str, np.ndarray, str]]:
    """Yield kind, target, by how much eV each molecule breaks a rule, and the rule."""
    for kind in ('vertical', 'adiabatic'):
        if {f'ie_{kind}', f'ea_{kind}'} <= found.keys():
            # Equal is impossible, too.
            excess = np.nextafter(found[f'ea_{kind}'] - found[f'ie_{kind}'], np.inf)
            yield IMPOSSIBLE, f'ie_{kind}', excess, f'not above ea_{kind}'
    if {'homo', 'lumo'} <= found.keys():
        yield IMPOSSIBLE, 'lumo', found['homo'] - found['lumo'], 'below homo'
        if 'gap' in found:
            excess = np.abs(found['gap'] - (found['lumo'] - found['homo'])) - tolerance
            yield IMPOSSIBLE, 'gap', excess, f'differs from lumo - homo by more than {tolerance:g} eV'


def _suspect(found: Mapping[str, np.ndarray], settings: AuditSettings) -> Iterator[tuple[str, str, np.ndarray, str]]:
    """Yield the same for ions that do not gain by their own relaxation."""
    limit = settings.relaxation
    if {'ie_vertical', 'ie_adiabatic'} <= found.keys():
        excess = found['ie_adiabatic'] - found['ie_vertical'] - limit
        yield SUSPECT, 'ie_adiabatic', excess, f'more than {limit:g} eV above ie_vertical'
    if {'ea_vertical', 'ea_adiabatic'} <= found.keys():
        excess = found['ea_vertical'] - found['ea_adiabatic'] - limit
        yield SUSPECT, 'ea_adiabatic', excess, f'more than {limit:g} eV below ea_vertical'


def _count(faults: list[Fault], kind: str) -> int:
    """Return how many molecules have a fault of that kind."""
    rows = [fault.rows for fault in faults if fault.kind == kind]
    return len(np.unique(np.concatenate(rows))) if rows else 0


def _finding(table: MoleculeTable, column: Column, kind: str, excess: float, row: int, reason: str) -> Finding:
    reason = f'{-excess:.1f} scaled distances from the median' if kind == OUTLIER else reason
    value = float(table.columns[column][row])
    return Finding(kind, str(column), table.inchikeys[row], table.smiles[row], value, reason)
