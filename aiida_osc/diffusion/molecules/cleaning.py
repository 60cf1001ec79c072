"""What comes after the sampler: a force field, quick where a network is slow, and the network again."""

from collections.abc import Callable, Sequence

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers

from aiida_osc.diffusion.molecules.settings import SampleSettings
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


def refine(
    mols: Sequence[Chem.Mol],
    structures: Sequence[np.ndarray],
    look: Callable[[Sequence[np.ndarray], float], list[np.ndarray]],
    settings: SampleSettings,
) -> list[np.ndarray]:
    """Return structures after the force field and, where that ends in something plausible, the network once more.

    The network looks at what the force field made as at a structure of each time of ``settings.polish`` in turn. Of
    molecules larger than ``settings.polish_atoms`` the force field has the last word as well.

    :param structures: in Angstrom, each of shape ``(atoms, 3)``.
    :param look: ``(structures, time) -> structures``, the network's prediction.
    """
    if not settings.clean:
        return list(structures)
    cleaned = [clean(mol, item, settings.clean) for mol, item in zip(mols, structures, strict=True)]
    polished = cleaned
    for time in settings.polish:
        polished = look(polished, time)
    made = []
    for mol, before, item in zip(mols, cleaned, polished, strict=True):
        after = clean(mol, item, settings.clean) if len(item) > settings.polish_atoms else item
        made.append(after if Blueprint(mol).fault(after) is None else before)
    return made
