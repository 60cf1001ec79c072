"""Leave a saddle point along its imaginary mode."""

import numpy as np

from aiida_osc.errors import OscError

#: Largest displacement of an atom in Angstrom.
LARGEST = 0.2


def displace_along(positions: np.ndarray, mode: np.ndarray, largest: float = LARGEST) -> np.ndarray:
    """Return the positions moved along a mode so that the atom that moves most does so by ``largest``.

    :param positions: in Angstrom, shape ``(atoms, 3)``.
    :param mode: Cartesian displacements of any length, shape ``(atoms, 3)``.
    :raises OscError: when the shapes differ or the mode is no direction.
    """
    if mode.shape != positions.shape:
        raise OscError(f'mode of shape {mode.shape} does not fit positions of shape {positions.shape}')
    length = float(np.linalg.norm(mode, axis=1).max())
    if not np.isfinite(length) or length < 1e-8:
        raise OscError('the mode has no direction: compute the frequencies again')
    return positions + mode * (largest / length)
