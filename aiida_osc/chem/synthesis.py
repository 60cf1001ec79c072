"""Synthetic accessibility after Ertl and Schuffenhauer (doi 10.1186/1758-2946-1-8), as RDKit ships it."""

from collections.abc import Sequence

import numpy as np
from rdkit.Contrib.SA_Score import sascorer

from aiida_osc.chem.molecules import parse_smiles


def sa_scores(smiles: Sequence[str]) -> np.ndarray:
    """Return the score of each SMILES, 1 (easy) to 10 (hard); shape ``(count,)``.

    :raises MoleculeError: when a SMILES is invalid.
    """
    return np.array([sascorer.calculateScore(parse_smiles(item)) for item in smiles], dtype=float)
