"""The result of a single calculation, the same for every engine: keys named as in QCSchema, in atomic units.

QCSchema: https://molssi-qc-schema.readthedocs.io; what it has no name for is called as in the table below.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from aiida_osc.qc.failures import FAILURES

SCHEMA_NAME, SCHEMA_VERSION = 'osc_qc_result', 1

#: Unit of every number in the dictionary, by its path; what is not listed is a count, a name or a flag.
UNITS: dict[str, str] = {
    'molecule.geometry': 'bohr',
    'properties.return_energy': 'hartree',
    'properties.return_gradient': 'hartree/bohr',
    'properties.nuclear_repulsion_energy': 'hartree',
    'properties.scf_total_energy': 'hartree',
    'properties.scf_dispersion_correction_energy': 'hartree',
    'properties.scf_dipole_moment': 'e*bohr',
    'properties.scf_polarizability': 'bohr^3',
    'properties.solvation_energy': 'hartree',
    'properties.optimization_energies': 'hartree',
    'properties.frequencies': 'cm^-1',
    'properties.imaginary_modes': '1',
    'properties.homo': 'hartree',
    'properties.lumo': 'hartree',
    'wavefunction.scf_eigenvalues_a': 'hartree',
    'wavefunction.scf_eigenvalues_b': 'hartree',
    'provenance.wall_time': 's',
}


@dataclass(frozen=True)
class QcResult:
    """What one run of a program gave; None where the output does not say.

    :param creator: the program, such as ``ORCA``.
    :param driver: ``energy``, ``gradient``, ``optimization`` or ``frequencies``.
    :param geometry: last structure, shape ``(atoms, 3)``, in bohr.
    :param energy: final energy in hartree, dispersion and solvation included.
    :param gradient: shape ``(atoms, 3)``, in hartree/bohr.
    :param dipole: shape ``(3,)``, in e bohr.
    :param polarizability: static tensor, shape ``(3, 3)``, in bohr^3.
    :param polarizability_method: how it was computed, such as a finite field or coupled perturbed equations.
    :param eigenvalues_a: orbital energies of alpha (or all) electrons in hartree, rising.
    :param eigenvalues_b: those of beta electrons of an unrestricted run, else None.
    :param occupied_a: number of occupied alpha orbitals.
    :param homo_lumo: energies of HOMO and LUMO in hartree where the output prints no full list of orbitals.
    :param s_squared: expectation value of S^2.
    :param frequencies: harmonic, in cm^-1, imaginary ones negative, without translations and rotations.
    :param imaginary_modes: Cartesian displacements of the imaginary modes, shape ``(modes, atoms, 3)``.
    :param optimization_energies: energy of every step in hartree.
    :param failure: a key of :data:`~aiida_osc.qc.failures.FAILURES`, None after success.
    :param reason: what the output says of the failure.
    """

    creator: str
    version: str | None = None
    driver: str = 'energy'
    method: str | None = None
    basis: str | None = None
    solvent: str | None = None
    charge: int | None = None
    multiplicity: int | None = None
    symbols: tuple[str, ...] = ()
    geometry: np.ndarray | None = None
    energy: float | None = None
    gradient: np.ndarray | None = None
    nuclear_repulsion: float | None = None
    dispersion_energy: float | None = None
    solvation_energy: float | None = None
    dipole: np.ndarray | None = None
    polarizability: np.ndarray | None = None
    polarizability_method: str | None = None
    eigenvalues_a: np.ndarray | None = None
    eigenvalues_b: np.ndarray | None = None
    occupied_a: int | None = None
    occupied_b: int | None = None
    homo_lumo: tuple[float, float] | None = None
    s_squared: float | None = None
    basis_functions: int | None = None
    scf_iterations: int | None = None
    frequencies: np.ndarray | None = None
    imaginary_modes: np.ndarray | None = None
    optimization_energies: np.ndarray | None = None
    optimization_converged: bool | None = None
    wall_seconds: float | None = None
    threads: int | None = None
    failure: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def success(self) -> bool:
        """Return whether the run ended well."""
        return self.failure is None

    @property
    def frontier(self) -> tuple[float | None, float | None]:
        """Return HOMO (the higher of both spins) and LUMO (the lower one) in hartree."""
        if self.homo_lumo is not None:
            return self.homo_lumo
        pairs = [(self.eigenvalues_a, self.occupied_a), (self.eigenvalues_b, self.occupied_b)]
        known = [(values, count) for values, count in pairs if values is not None and count is not None]
        homos = [float(values[count - 1]) for values, count in known if count > 0]
        lumos = [float(values[count]) for values, count in known if count < len(values)]
        return max(homos, default=None), min(lumos, default=None)

    def failed(self, kind: str, reason: str) -> Self:
        """Return the result as a failed one; what was read stays, for a restart and for diagnosis."""
        if kind not in FAILURES:
            raise ValueError(f'unknown failure {kind!r}: use one of {", ".join(FAILURES)}')
        return replace(self, failure=kind, reason=' '.join(reason.split())[:300])

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, without entries that are not known."""
        homo, lumo = self.frontier
        result = {
            'schema_name': SCHEMA_NAME,
            'schema_version': SCHEMA_VERSION,
            'success': self.success,
            'driver': self.driver,
            'model': {'method': self.method, 'basis': self.basis, 'solvent': self.solvent},
            'molecule': {
                'symbols': self.symbols,
                'geometry': self.geometry,
                'molecular_charge': self.charge,
                'molecular_multiplicity': self.multiplicity,
            },
            'properties': {
                'return_energy': self.energy,
                'return_gradient': self.gradient,
                'nuclear_repulsion_energy': self.nuclear_repulsion,
                'scf_dispersion_correction_energy': self.dispersion_energy,
                'solvation_energy': self.solvation_energy,
                'scf_dipole_moment': self.dipole,
                'scf_polarizability': self.polarizability,
                'scf_polarizability_method': self.polarizability_method,
                's_squared': self.s_squared,
                'calcinfo_nbasis': self.basis_functions,
                'calcinfo_nalpha': self.occupied_a,
                'calcinfo_nbeta': self.occupied_b if self.occupied_b is not None else self.occupied_a,
                'calcinfo_natom': len(self.symbols) or None,
                'scf_iterations': self.scf_iterations,
                'homo': homo,
                'lumo': lumo,
                'frequencies': self.frequencies,
                'imaginary_modes': self.imaginary_modes,
                'optimization_energies': self.optimization_energies,
                'optimization_converged': self.optimization_converged,
            },
            'wavefunction': {'scf_eigenvalues_a': self.eigenvalues_a, 'scf_eigenvalues_b': self.eigenvalues_b},
            'provenance': {
                'creator': self.creator,
                'version': self.version,
                'wall_time': self.wall_seconds,
                'nthreads': self.threads,
            },
            'error': {'error_type': self.failure, 'error_message': self.reason},
            'warnings': self.warnings,
        }
        return _without_gaps(result)


def finite(value: float | None) -> float | None:
    """Return a number, or None when it is missing or not finite."""
    return value if value is not None and math.isfinite(value) else None


def _without_gaps(value: Any) -> Any:
    """Return JSON values: arrays as lists, without None, NaN-bearing arrays and empty groups."""
    if isinstance(value, dict):
        cleaned = {key: _without_gaps(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None and item not in ({}, [])}
    if isinstance(value, np.ndarray):
        return value.tolist() if np.isfinite(value).all() else None
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float):
        return finite(value)
    return value
