"""Harmonic vibrations from a Hessian, with translations and rotations taken out (doi 10.1002/qua.560120813)."""

import numpy as np
from numpy.typing import NDArray

from aiida_osc.errors import OscError
from aiida_osc.units import HESSIAN_TO_WAVENUMBER

#: Imaginary frequencies nearer to zero than this, in cm^-1, are taken for noise of grids and displacements.
NOISE = 30.0


def harmonic_modes(hessian: NDArray, masses: NDArray, geometry: NDArray) -> tuple[NDArray, NDArray]:
    """Return frequencies in cm^-1, rising, imaginary ones negative, and their Cartesian displacements.

    :param hessian: in hartree/bohr^2, shape ``(3 * atoms, 3 * atoms)``.
    :param masses: in u, shape ``(atoms,)``.
    :param geometry: in bohr, shape ``(atoms, 3)``.
    :return: shapes ``(modes,)`` and ``(modes, atoms, 3)``, each mode of length 1; 3N - 6 of them, 3N - 5 of a linear
        molecule.
    :raises OscError: when the shapes do not fit or a number is not finite.
    """
    atoms = len(masses)
    if hessian.shape != (3 * atoms, 3 * atoms) or geometry.shape != (atoms, 3):
        raise OscError(f'a Hessian of shape {hessian.shape} does not fit {atoms} atoms')
    if not (np.isfinite(hessian).all() and np.isfinite(geometry).all() and (masses > 0).all()):
        raise OscError('the Hessian, the geometry or the masses are not finite: compute them again')
    root = np.repeat(np.sqrt(masses), 3)
    inner = _internal_basis(masses, geometry)
    weighted = (hessian + hessian.T) / 2 / np.outer(root, root)
    values, vectors = np.linalg.eigh(inner.T @ weighted @ inner)
    modes = (inner @ vectors).T / root
    modes /= np.linalg.norm(modes, axis=1, keepdims=True)
    return np.sign(values) * np.sqrt(np.abs(values)) * HESSIAN_TO_WAVENUMBER, modes.reshape(-1, atoms, 3)


def _internal_basis(masses: NDArray, geometry: NDArray) -> NDArray:
    """Return an orthonormal basis, in columns, of all mass-weighted motions without translations and rotations."""
    centred = geometry - masses @ geometry / masses.sum()
    root = np.sqrt(masses)[:, None]
    translations = [root * axis for axis in np.eye(3)]
    rotations = [root * np.cross(axis, centred) for axis in np.eye(3)]
    outer = np.array([motion.ravel() for motion in (*translations, *rotations)])
    _, sizes, rows = np.linalg.svd(outer, full_matrices=True)
    rank = int((sizes > 1e-6 * sizes[0]).sum())
    return rows[rank:].T
