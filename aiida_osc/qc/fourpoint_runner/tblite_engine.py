"""xTB by tblite."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
from tblite.interface import Calculator, Result
from tblite.library import ffi  # type: ignore[attr-defined]

from .meter import Meter
from .settings import HARTREE_TO_EV, MoleculeFailure

#: Converges a third faster than tblite's 0.4 for ions that start from the density of the last step.
MIXING = 0.3


class Engine:
    """Single points of one molecule at one charge, each starting from the density of the last.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param positions: in bohr, shape ``(atoms, 3)``.
    """

    def __init__(self, method: str, numbers: np.ndarray, positions: np.ndarray, charge: int, meter: Meter) -> None:
        self.method, self.numbers, self.charge, self.meter = method, numbers, charge, meter
        self.result: Any = None
        self._parent = os.getppid()
        self._calculator = self._new(positions)

    def _new(self, positions: np.ndarray) -> Any:
        electrons = int(self.numbers.sum()) - self.charge
        calculator = Calculator(self.method, self.numbers, positions, charge=self.charge, uhf=electrons % 2)
        calculator.set('verbosity', 0)
        calculator.set('mixer-damping', MIXING)
        return calculator

    def evaluate(self, positions: np.ndarray, accuracy: float = 10.0) -> tuple[float, np.ndarray]:
        """Return energy (Eh) and gradient (Eh/bohr, shape ``(atoms, 3)``).

        :raises MoleculeFailure: when the SCF does not converge, also not with small mixing from a new guess.
        """
        if os.getppid() != self._parent:
            os._exit(1)  # the supervisor died: nobody would read the result
        self._calculator.update(positions)
        self._calculator.set('accuracy', accuracy)
        try:
            self.result = self.meter.run(self._calculator.singlepoint, self.result)
        except Exception:
            self.result = self._recover(positions)
        energy, gradient = float(self.result.get('energy')), np.array(self.result.get('gradient'))
        if not math.isfinite(energy) or not np.isfinite(gradient).all():
            raise MoleculeFailure('scf', f'{self.method} at charge {self.charge:+d} gives numbers that are not finite')
        return energy, gradient

    def _recover(self, positions: np.ndarray) -> Any:
        """Return a single point from a new guess with small mixing."""
        calculator = self._new(positions)
        calculator.set('mixer-damping', 0.1)
        calculator.set('max-iter', 1000)
        try:
            return self.meter.run(calculator.singlepoint)
        except Exception as exception:
            text = ' '.join(str(exception).split())
            raise MoleculeFailure('scf', f'{self.method} at charge {self.charge:+d}: {text}') from None

    def frontier(self) -> tuple[float, float]:
        """Return the energies of HOMO and LUMO of the last call, in eV."""
        energies, occupations = self.result.get('orbital-energies'), self.result.get('orbital-occupations')
        occupied = round(float(occupations.sum())) // 2
        return float(energies[occupied - 1]) * HARTREE_TO_EV, float(energies[occupied]) * HARTREE_TO_EV

    def dipole(self) -> np.ndarray:
        """Return the dipole vector of the last call in e bohr, shape ``(3,)``."""
        return np.array(self.result.get('dipole'))

    def polarizability(self, positions: np.ndarray, strength: float = 1e-3) -> float:
        """Return the isotropic static polarizability by central differences of the dipole, in bohr^3."""
        trace = 0.0
        for axis in range(3):
            along = [self._dipole_in_field(positions, axis, sign * strength)[axis] for sign in (1, -1)]
            trace += (along[0] - along[1]) / (2 * strength)
        return abs(trace) / 3

    def _dipole_in_field(self, positions: np.ndarray, axis: int, strength: float) -> np.ndarray:
        calculator, vector = self._new(positions), np.zeros(3)
        vector[axis] = strength
        # tblite passes the vector on as it is: only a C pointer will do.
        calculator.add('electric-field', ffi.cast('double*', vector.ctypes.data))
        calculator.set('accuracy', 10.0)
        return np.array(self.meter.run(calculator.singlepoint, Result(self.result)).get('dipole'))
