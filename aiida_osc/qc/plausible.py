"""Energies that no molecule has: a wave function that converged to nonsense looks like a success otherwise."""

import math
from collections.abc import Sequence

from ase.data import atomic_numbers

#: No molecule lies below minus this times the sum of Z^2.4: atoms, relativistic ones too, lie near 0.5 to 0.58.
LOWEST = 0.65


def is_impossible(energy: float, symbols: Sequence[str]) -> bool:
    """Return whether a total energy of all electrons, or of the valence ones, is none of these atoms.

    :param energy: in hartree.
    :param symbols: chemical symbols; without any, only numbers that are not finite are impossible.
    """
    if not math.isfinite(energy):
        return True
    bound = -LOWEST * sum(atomic_numbers.get(symbol, 0) ** 2.4 for symbol in symbols) - 1
    return bool(symbols) and energy < bound
