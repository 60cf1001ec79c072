"""Density functionals and Hartree-Fock by PySCF."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyscf import lib

from .engine import Engine, Surroundings
from .plan import Level
from .pyscf_scf import build_field, build_molecule, converge, density_of, gpu_is_there, to_host
from .settings import HARTREE_TO_EV


class PyscfEngine(Engine):
    """Single points with density fitting; restricted for paired electrons, else unrestricted."""

    def __init__(self, level: Level, numbers: np.ndarray, charge: int, around: Surroundings) -> None:
        super().__init__(level, numbers, charge, around.meter)
        self.settings, self.memory_mb = around.settings, around.memory_mb
        self.gpu = self.settings.device == 'gpu' or (self.settings.device == 'auto' and gpu_is_there())
        self._last: _SinglePoint | None = None
        self._neutral: _SinglePoint | None = None
        lib.num_threads(around.threads)

    def evaluate(self, positions: np.ndarray, accuracy: float = 10.0) -> tuple[float, np.ndarray]:
        """Return energy (Eh) and gradient (Eh/bohr, shape ``(atoms, 3)``).

        :raises MoleculeFailure: when the SCF does not converge, also not with help.
        """
        self.leave_with_parent()
        energy, gradient = self.meter.run(self._evaluate, positions)
        self.checked(energy, gradient)
        return energy, gradient

    def energy(self, positions: np.ndarray, accuracy: float = 10.0) -> float:
        """Return the energy in Eh, without a new SCF where the last one was of the same structure."""
        self.leave_with_parent()
        if self._last is None or not np.array_equal(self._last.positions, positions):
            self.meter.run(self._converge, positions)
        energy = self._done.energy
        self.checked(energy)
        return energy

    def start_from(self, neutral: Any) -> None:
        """Take the orbitals of the neutral, with as many occupied as this charge has electrons."""
        if isinstance(neutral, PyscfEngine):
            self._neutral = neutral._last

    def frontier(self) -> tuple[float, float]:
        """Return the energies of HOMO and LUMO of the last call, in eV."""
        energies, occupations = self._done.orbital_energies, self._done.occupations
        homo, lumo = energies[occupations > 0].max(), energies[occupations == 0].min()
        return float(homo) * HARTREE_TO_EV, float(lumo) * HARTREE_TO_EV

    def dipole(self) -> np.ndarray:
        """Return the dipole vector of the last call in e bohr, shape ``(3,)``."""
        return self._done.dipole

    @property
    def s_squared(self) -> float | None:
        """Return <S^2> of the last call, None where the orbitals are restricted."""
        return self._done.s_squared

    def polarizability(self, positions: np.ndarray, strength: float = 1e-3) -> float:
        """Return the isotropic static polarizability by central differences of the dipole, in bohr^3."""
        return float(self.meter.run(self._polarizability, positions, strength))

    @property
    def _done(self) -> _SinglePoint:
        if self._last is None:
            raise RuntimeError('no single point has been done')
        return self._last

    def _evaluate(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        field = self._converge(positions)
        gradient = field.nuc_grad_method()
        gradient.verbose = 0
        return self._done.energy, to_host(gradient.kernel())

    def _converge(self, positions: np.ndarray) -> Any:
        """Return the converged field at a structure and keep what later calls need; the field itself is large."""
        mol = build_molecule(self.level, self.numbers, positions, self.charge, self.unpaired, self.memory_mb)
        found = converge(lambda: build_field(self.level, mol, self.settings, gpu=self.gpu), self._guess(mol))
        if found is None:
            raise self.fail(': the SCF did not converge, also not by second order')
        field, remedy = found
        if remedy:
            self.remedies.append(remedy)
        self._last, self._neutral = _SinglePoint(field, positions), None
        return field

    def _guess(self, mol: Any) -> Any:
        source = self._last or self._neutral
        return None if source is None else self._on_device(source.density(mol))

    def _on_device(self, array: np.ndarray) -> Any:
        if not self.gpu:
            return array
        import cupy

        return cupy.asarray(array)

    def _polarizability(self, positions: np.ndarray, strength: float) -> float:
        field = self._converge(positions)
        core, density, trace = field.get_hcore(), density_of(field), 0.0
        with field.mol.with_common_orig((0, 0, 0)):
            moments = field.mol.intor_symmetric('int1e_r', comp=3)
        for axis in range(3):
            for sign in (1, -1):
                shifted = core + self._on_device(sign * strength * moments[axis])
                field.get_hcore = lambda *_, shifted=shifted: shifted
                field.kernel(dm0=density)
                if not field.converged:
                    raise self.fail(': the SCF in a field did not converge')
                trace += sign * _dipole(field)[axis]
        return trace / (2 * strength) / 3


class _SinglePoint:
    """What is kept of a converged field."""

    def __init__(self, field: Any, positions: np.ndarray) -> None:
        self.positions, self.energy = positions.copy(), float(field.e_tot)
        self.orbital_energies, self.occupations = to_host(field.mo_energy), to_host(field.mo_occ)
        self.orbitals = to_host(field.mo_coeff)
        self.dipole = _dipole(field)
        self.s_squared = float(field.spin_square()[0]) if self.orbitals.ndim == 3 else None

    def density(self, mol: Any) -> np.ndarray:
        """Return a density for ``mol``, which may have other positions and another number of electrons.

        The lowest orbitals are occupied after they were made orthonormal in the new overlap (Loewdin).
        """
        orbitals = self.orbitals if self.orbitals.ndim == 3 else np.array([self.orbitals] * 2)
        energies = np.broadcast_to(self.orbital_energies, orbitals.shape[::2])
        overlap, densities = mol.intor_symmetric('int1e_ovlp'), []
        for spin, count in enumerate(mol.nelec):
            occupied = orbitals[spin][:, np.argsort(energies[spin], kind='stable')[:count]]
            values, vectors = np.linalg.eigh(occupied.T @ overlap @ occupied)
            occupied = occupied @ (vectors / np.sqrt(values))
            densities.append(occupied @ occupied.T)
        return np.array(densities) if mol.spin else densities[0] + densities[1]


def _dipole(field: Any) -> np.ndarray:
    return to_host(field.dip_moment(unit='AU', verbose=0))
