"""A few steps of a force field after the sampler: quick where a network is slow, at bonds, angles and contacts."""

import numpy as np
from rdkit import rdBase
from rdkit.Chem import rdForceFieldHelpers

from aiida_osc.qc.placing import set_positions, with_hydrogens


def clean(smiles: str, positions: np.ndarray, steps: int) -> np.ndarray:
    """Return a structure after some steps of MMFF94 (doi 10.1186/s13321-014-0037-3).

    A molecule without parameters, and a structure that the force field cannot start from, stay as they are.

    :param positions: in Angstrom, shape ``(atoms, 3)``.
    """
    with rdBase.BlockLogs():
        mol = set_positions(with_hydrogens(smiles), positions)
        if not np.isfinite(positions).all() or not rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
            return positions
        try:
            rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=steps)
        except RuntimeError:
            return positions
    found = mol.GetConformer().GetPositions()
    return found if np.isfinite(found).all() else positions
