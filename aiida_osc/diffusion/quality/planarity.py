"""How flat the conjugated ring systems of a structure are."""

import numpy as np

from aiida_osc.diffusion.plausible import distances_from_plane


def roughness(systems: list[np.ndarray], positions: np.ndarray) -> np.ndarray:
    """Return the root mean square distance of each system's atoms from its mean plane, in Angstrom.

    :param positions: in Angstrom, shape ``(atoms, 3)``.
    """
    return np.array([np.sqrt((distances_from_plane(positions[None, atoms]) ** 2).mean()) for atoms in systems])
