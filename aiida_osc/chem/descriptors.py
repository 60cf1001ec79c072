"""Plain descriptors of a molecular graph, as RDKit computes them."""

from collections.abc import Callable

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from aiida_osc.chem.conjugation import largest_conjugated

METHOD = 'RDKit'

#: Target -> its value; Crippen's increments are of doi 10.1021/ci990307l, the surface of doi 10.1021/jm000942e.
DESCRIPTORS: dict[str, Callable[[Chem.Mol], float]] = {
    'molar_mass': rdMolDescriptors._CalcMolWt,
    'heavy_atoms': lambda mol: mol.GetNumHeavyAtoms(),
    'rings': rdMolDescriptors.CalcNumRings,
    'rotatable_bonds': rdMolDescriptors.CalcNumRotatableBonds,
    'conjugated_share': lambda mol: len(largest_conjugated(mol)) / max(1, mol.GetNumHeavyAtoms()),
    'tpsa': rdMolDescriptors.CalcTPSA,
    'logp_surrogate': lambda mol: rdMolDescriptors.CalcCrippenDescriptors(mol)[0],
}


def descriptors(mol: Chem.Mol) -> dict[str, float]:
    """Return the value of every target of :data:`DESCRIPTORS`."""
    return {target: float(function(mol)) for target, function in DESCRIPTORS.items()}
