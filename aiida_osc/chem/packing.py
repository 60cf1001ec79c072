"""A surrogate for how a molecule packs: whether its conjugated part is large, flat and bare enough to stack.

Nothing here knows a crystal. Flat aromatics stack where carbon meets carbon and pack in a herringbone where carbon
meets the hydrogens of the rim (Desiraju and Gavezzotti, doi 10.1107/S0108768189003794), and flatness is measured as the
root mean square distance from the mean plane (Lu, doi 10.1007/s00894-021-04884-0).
"""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from aiida_osc.chem.conjugation import conjugated_systems, largest_conjugated

#: Distance from the mean plane, in Angstrom, at which the propensity to stack has fallen to 1/e: a choice, not a fit.
FLAT = 0.5
#: Radius of a carbon atom in Angstrom (Bondi), by which the outline of a molecule exceeds its nuclei.
RADIUS = 1.7


@dataclass(frozen=True)
class Packing:
    """What is told of one molecule.

    :param propensity: share x bareness x flatness, from 0 to 1.
    :param share: heavy atoms in the largest conjugated part.
    :param planarity: root mean square distance of that part from its mean plane in Angstrom; NaN without a structure.
    :param aspect_ratio: its length over its width in the plane; NaN without a structure.
    """

    propensity: float
    share: float
    planarity: float = np.nan
    aspect_ratio: float = np.nan


def packing(mol: Chem.Mol, positions: np.ndarray | None = None) -> Packing:
    """Return the surrogate of a molecule.

    Flatness is ``exp(-planarity / FLAT)`` of a structure. The graph alone gives a lower bound: the share of the
    conjugated part that its largest system of fused rings makes up, as if every single bond between rings were twisted.

    :param mol: without explicit hydrogens.
    :param positions: of its heavy atoms, in its order, in Angstrom, shape ``(atoms, 3)``.
    """
    atoms = largest_conjugated(mol)
    if not len(atoms):
        return Packing(0.0, 0.0)
    share = len(atoms) / mol.GetNumHeavyAtoms()
    hydrogens = sum(mol.GetAtomWithIdx(atom).GetTotalNumHs() for atom in atoms.tolist())
    area = share * max(0.0, 1 - hydrogens / len(atoms))
    if positions is None:
        part = set(atoms.tolist())
        fused = max((len(part & set(system.tolist())) for system in conjugated_systems(mol)), default=0)
        return Packing(area * fused / len(atoms), share)
    planarity, aspect_ratio = shape(positions[atoms])
    return Packing(float(area * np.exp(-planarity / FLAT)), share, planarity, aspect_ratio)


def shape(positions: np.ndarray) -> tuple[float, float]:
    """Return root mean square distance from the mean plane in Angstrom, and length over width in the plane.

    :param positions: shape ``(atoms, 3)``, in Angstrom.
    """
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)
    length, width, height = (centred @ axes.T).T
    return float(np.sqrt((height**2).mean())), float((np.ptp(length) + 2 * RADIUS) / (np.ptp(width) + 2 * RADIUS))
