"""Make the engine of a level."""

from __future__ import annotations

import numpy as np

from .engine import Engine, Surroundings
from .plan import Level


def make_engine(level: Level, numbers: np.ndarray, positions: np.ndarray, charge: int, around: Surroundings) -> Engine:
    """Return an engine; only the package that it needs is imported.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param positions: first structure, in bohr, shape ``(atoms, 3)``.
    """
    if level.is_xtb:
        from .tblite_engine import TbliteEngine

        return TbliteEngine(level, numbers, positions, charge, around.meter)
    from .pyscf_engine import PyscfEngine

    return PyscfEngine(level, numbers, charge, around)
