"""Morgan fingerprints and Tanimoto similarities."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from aiida_osc.chem.molecules import parse_smiles

RADIUS = 2
BITS = 2048


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)


def morgan(smiles: Sequence[str]) -> list[DataStructs.ExplicitBitVect]:
    """Return the Morgan bit vector (radius 2, 2048 bits) of each SMILES.

    :raises MoleculeError: when a SMILES is invalid.
    """
    return [_generator().GetFingerprint(parse_smiles(item)) for item in smiles]


def max_similarity(queries: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """Return each query's Tanimoto similarity to its nearest reference, 0 without any; shape ``(queries,)``."""
    known = morgan(references)
    if not known:
        return np.zeros(len(queries))
    return np.array([max(DataStructs.BulkTanimotoSimilarity(item, known)) for item in morgan(queries)])
