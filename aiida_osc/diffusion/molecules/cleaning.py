"""What comes after the sampler: a force field, quick where a network is slow, and a last choice."""

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers

from aiida_osc.diffusion.plausible import Blueprint
from aiida_osc.qc.placing import set_positions


def clean(mol: Chem.Mol, positions: np.ndarray, steps: int) -> np.ndarray:
    """Return a structure after some steps of MMFF94 (doi 10.1186/s13321-014-0037-3).

    A molecule without parameters, and a structure that the force field cannot start from, stay as they are.

    :param positions: in Angstrom, shape ``(atoms, 3)``.
    """
    with rdBase.BlockLogs():
        mol = set_positions(mol, positions)
        if not np.isfinite(positions).all() or not rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
            return positions
        try:
            rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=steps)
        except RuntimeError:
            return positions
    found = mol.GetConformer().GetPositions()
    return found if np.isfinite(found).all() else positions


def plausible_one(mol: Chem.Mol, polished: np.ndarray, cleaned: np.ndarray) -> np.ndarray:
    """Return the polished structure of a molecule when it is plausible, else the cleaned one.

    :param polished: in Angstrom, atoms of padding behind those of the molecule are left out.
    :param cleaned: in Angstrom, shape ``(atoms, 3)``.
    """
    polished = polished[: len(cleaned)]
    return polished if Blueprint(mol).fault(polished) is None else cleaned
