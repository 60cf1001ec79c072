"""Optimisation by geomeTRIC (doi 10.1063/1.4952956), without its banner and files."""

from __future__ import annotations

import logging
import tempfile
from typing import Any

import numpy as np

from .engine import Engine
from .optimiser import Minimum
from .settings import BOHR, RunnerSettings

# It must be quiet before its modules make their loggers.
logging.getLogger('geometric').setLevel(logging.CRITICAL)

import geometric  # noqa: E402
from geometric.engine import Engine as GeometricEngine  # noqa: E402
from geometric.errors import GeomOptNotConvergedError  # noqa: E402
from geometric.internal import DelocalizedInternalCoordinates  # noqa: E402
from geometric.molecule import Molecule  # noqa: E402
from geometric.optimize import Optimizer  # noqa: E402
from geometric.params import OptParams  # noqa: E402
from rdkit import Chem  # noqa: E402

NAME = f'geometric {geometric.__version__}'


class _Adapter(GeometricEngine):
    """Our engine in the shape that geomeTRIC calls."""

    def __init__(self, molecule: Any, engine: Engine) -> None:
        super().__init__(molecule)
        self.engine, self.steps = engine, 0
        self.first = self.energy = float('nan')
        self.gradient = np.zeros(0)

    def calc_new(self, coords: np.ndarray, dirname: str) -> dict[str, Any]:
        """Return energy and gradient at ``coords`` (bohr, flat)."""
        self.energy, gradient = self.engine.evaluate(coords.reshape(-1, 3))
        self.first = self.first if self.steps else self.energy
        self.steps, self.gradient = self.steps + 1, gradient.ravel()
        return {'energy': self.energy, 'gradient': self.gradient}


def optimise_by_geometric(engine: Engine, positions: np.ndarray, settings: RunnerSettings) -> Minimum:
    """Return the nearest minimum in translation-rotation internal coordinates, by geomeTRIC's own criteria.

    :param positions: start, in bohr, shape ``(atoms, 3)``.
    """
    if len(engine.numbers) == 1:
        energy = engine.evaluate(positions)[0]
        return Minimum(positions, energy, 0.0, 1, True, None, None, energy)
    molecule = Molecule()
    table = Chem.GetPeriodicTable()
    molecule.elem = [table.GetElementSymbol(int(number)) for number in engine.numbers]
    molecule.xyzs = [positions * BOHR]
    molecule.build_topology()
    adapter = _Adapter(molecule, engine)
    coordinates = DelocalizedInternalCoordinates(molecule, build=True, connect=False, addcart=False)
    parameters = OptParams(maxiter=settings.max_steps)
    with tempfile.TemporaryDirectory(prefix='geometric-') as folder:
        search = Optimizer(positions.ravel().copy(), molecule, coordinates, adapter, folder, parameters, False)
        try:
            search.optimizeGeometry()
            converged = True
        except GeomOptNotConvergedError:
            converged = False
    end = np.asarray(search.X).reshape(-1, 3)
    norm = float(np.linalg.norm(adapter.gradient))
    return Minimum(end, adapter.energy, norm, adapter.steps, converged, None, None, adapter.first)
