"""How flat the conjugated ring systems of a structure are."""

import numpy as np
from rdkit import Chem

from aiida_osc.diffusion.plausible import distances_from_plane


def conjugated_systems(mol: Chem.Mol) -> list[np.ndarray]:
    """Return the atoms of each system of fused rings whose bonds are all conjugated."""
    rings = mol.GetRingInfo()
    systems: list[tuple[set[int], set[int]]] = []
    for atoms, bonds in zip(rings.AtomRings(), rings.BondRings(), strict=True):
        if not all(mol.GetBondWithIdx(bond).GetIsConjugated() for bond in bonds):
            continue
        merged = (set(atoms), set(bonds))
        apart = []
        for system in systems:
            if system[1] & merged[1]:
                merged = (merged[0] | system[0], merged[1] | system[1])
            else:
                apart.append(system)
        systems = [*apart, merged]
    return sorted((np.array(sorted(atoms)) for atoms, _ in systems), key=lambda atoms: int(atoms[0]))


def roughness(systems: list[np.ndarray], positions: np.ndarray) -> np.ndarray:
    """Return the root mean square distance of each system's atoms from its mean plane, in Angstrom.

    :param positions: in Angstrom, shape ``(atoms, 3)``.
    """
    return np.array([np.sqrt((distances_from_plane(positions[None, atoms]) ** 2).mean()) for atoms in systems])
