"""Whether a result is of the molecule that was asked for."""

from collections import Counter
from collections.abc import Sequence

from aiida_osc.qc.result import QcResult


def formula(symbols: Sequence[str]) -> str:
    """Return the formula, carbon and hydrogen first (Hill), then by the alphabet."""
    counts = Counter(symbols)
    first = [symbol for symbol in ('C', 'H') if symbol in counts] if 'C' in counts else []
    order = first + sorted(set(counts) - set(first))
    return ''.join(f'{symbol}{counts[symbol] if counts[symbol] > 1 else ""}' for symbol in order)


def find_mismatch(result: QcResult, symbols: Sequence[str], charge: int, multiplicity: int) -> str | None:
    """Return in what a result differs from the molecule that was asked for, None when it is the same.

    What the result does not tell, as after an early failure, is no difference.
    """
    if result.symbols and tuple(result.symbols) != tuple(symbols):
        theirs, asked = formula(result.symbols), formula(symbols)
        return f'{theirs} instead of {asked}' if theirs != asked else f'the atoms of {asked} in another order'
    if result.charge is not None and result.charge != charge:
        return f'charge {result.charge:+d} instead of {charge:+d}'
    if result.multiplicity is not None and result.multiplicity != multiplicity:
        return f'multiplicity {result.multiplicity} instead of {multiplicity}'
    return None
