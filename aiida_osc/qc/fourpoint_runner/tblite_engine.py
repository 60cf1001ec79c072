"""xTB by tblite."""

from __future__ import annotations

from typing import Any

import numpy as np
from tblite.interface import Calculator, Result
from tblite.library import ffi  # type: ignore[attr-defined]

from .engine import Engine
from .meter import Meter
from .plan import Level
from .settings import HARTREE_TO_EV

#: Converges a third faster than tblite's 0.4 for ions that start from the density of the last step.
MIXING = 0.3


class TbliteEngine(Engine):
    """Single points with an xTB method.

    :param positions: first structure, in bohr, shape ``(atoms, 3)``.
    """

    def __init__(self, level: Level, numbers: np.ndarray, positions: np.ndarray, charge: int, meter: Meter) -> None:
        super().__init__(level, numbers, charge, meter)
        self.result: Any = None
        self._calculator = self._new(positions)

    def _new(self, positions: np.ndarray) -> Any:
        calculator = Calculator(self.level.method, self.numbers, positions, charge=self.charge, uhf=self.unpaired)
        calculator.set('verbosity', 0)
        calculator.set('mixer-damping', MIXING)
        return calculator

    def evaluate(self, positions: np.ndarray, accuracy: float = 10.0) -> tuple[float, np.ndarray]:
        """Return energy (Eh) and gradient (Eh/bohr, shape ``(atoms, 3)``).

        :raises MoleculeFailure: when the SCF does not converge, also not with small mixing from a new guess.
        """
        self.leave_with_parent()
        self._calculator.update(positions)
        self._calculator.set('accuracy', accuracy)
        try:
            self.result = self.meter.run(self._calculator.singlepoint, self.result)
        except Exception:
            self.result = self._recover(positions)
        energy, gradient = float(self.result.get('energy')), np.array(self.result.get('gradient'))
        self.checked(energy, gradient)
        return energy, gradient

    def energy(self, positions: np.ndarray, accuracy: float = 10.0) -> float:
        """Return the energy in Eh; tblite has it at the price of the gradient."""
        return self.evaluate(positions, accuracy)[0]

    def _recover(self, positions: np.ndarray) -> Any:
        """Return a single point from a new guess with small mixing."""
        calculator = self._new(positions)
        calculator.set('mixer-damping', 0.1)
        calculator.set('max-iter', 1000)
        try:
            result = self.meter.run(calculator.singlepoint)
        except Exception as exception:
            raise self.fail(f': {" ".join(str(exception).split())}') from None
        self.remedies.append('small mixing')
        return result

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
