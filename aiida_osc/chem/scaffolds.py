"""Ring systems with the chains between them (Bemis and Murcko, doi 10.1021/jm9602928)."""

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold


def scaffold(mol: Chem.Mol) -> str:
    """Return the scaffold as SMILES without stereochemistry; empty for a molecule without rings."""
    return str(MurckoScaffold.MurckoScaffoldSmiles(mol=mol, includeChirality=False))
