"""Synthetic accessibility after Ertl and Schuffenhauer (doi 10.1186/1758-2946-1-8), as RDKit ships it."""

from collections.abc import Sequence

import numpy as np
from rdkit import Chem
from rdkit.Contrib.SA_Score import sascorer

from aiida_osc.chem.molecules import parse_smiles


def sa_scores(smiles: Sequence[str]) -> np.ndarray:
    """Return the score of each SMILES, 1 (easy) to 10 (hard); shape ``(count,)``.

    :raises MoleculeError: when a SMILES is invalid.
    """
    return np.array([sa_score(parse_smiles(item)) for item in smiles], dtype=float)


def sa_score(mol: Chem.Mol) -> float:
    """Return the score of a molecule, 1 (easy) to 10 (hard)."""
    return float(sascorer.calculateScore(mol))
