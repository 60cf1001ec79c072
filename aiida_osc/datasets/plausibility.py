"""Checks whether a number is possible for its property, and whether a column looks as if in another unit."""

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.units import UNITS, conversion_factor

#: Where the median of a column lies for any set of organic molecules, in the canonical unit. Tighter than the range of
#: the target, so that hartree read as eV are noticed (a HOMO of -0.25, a gap of 0.2).
TYPICAL_MEDIAN = {
    'homo': (-20.0, -1.5),
    'gap': (0.4, 25.0),
    'ie_vertical': (2.0, 25.0),
    'ie_adiabatic': (2.0, 25.0),
}


def is_plausible(value: float, column: Column) -> bool:
    """Return whether ``value``, in the canonical unit, lies in the range of the target."""
    target = column.definition
    return target.low <= value <= target.high


def check_scale(header: str, column: Column, factor: float, raw: np.ndarray) -> None:
    """Refuse a column whose values only make sense in another unit.

    :param factor: from the unit that was declared to the canonical unit.
    :param raw: numbers as the file has them, shape ``(count,)``.
    :raises OscError: with the unit that would make sense, where there is one.
    """
    raw = raw[np.isfinite(raw)]
    if not len(raw) or _makes_sense(column, factor * raw):
        return
    quantity = column.definition.quantity
    units = [name for name, (kind, _) in UNITS.items() if kind == quantity]
    fitting = [unit for unit in units if _makes_sense(column, conversion_factor(unit, quantity) * raw)]
    advice = f'they would fit {fitting[0]}' if fitting else 'check the column and its unit'
    raise OscError(
        f'column {header!r} holds values (median {np.median(raw):.6g}) that are impossible for {column.target} in the '
        f'unit given: {advice}; map it with {header}={column.target}:UNIT'
    )


def _makes_sense(column: Column, values: np.ndarray) -> bool:
    """Return whether at least half of the values are possible and their median is typical."""
    target = column.definition
    low, high = TYPICAL_MEDIAN.get(target.name, (target.low, target.high))
    possible = (values >= target.low) & (values <= target.high)
    return bool(possible.mean() >= 0.5 and low <= float(np.median(values[possible])) <= high)
