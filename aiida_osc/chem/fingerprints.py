"""Morgan fingerprints and Tanimoto similarities."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from scipy.sparse import csr_array

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


def morgan_counts(mols: Sequence[Chem.Mol]) -> csr_array:
    """Return how often each Morgan feature (radius 2, folded to 2048) occurs in each molecule, at most 255 times.

    :return: sparse integers of shape ``(molecules, 2048)``.
    """
    found = [_generator().GetCountFingerprint(mol).GetNonzeroElements() for mol in mols]
    offsets = np.cumsum([0, *map(len, found)])
    features = np.fromiter((key for item in found for key in item), dtype=np.int64, count=offsets[-1])
    counts = np.fromiter((count for item in found for count in item.values()), dtype=np.int64, count=offsets[-1])
    return csr_array((np.minimum(counts, 255), features, offsets), shape=(len(found), BITS))


def max_similarity(queries: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """Return each query's Tanimoto similarity to its nearest reference, 0 without any; shape ``(queries,)``."""
    known = morgan(references)
    if not known:
        return np.zeros(len(queries))
    return np.array([max(DataStructs.BulkTanimotoSimilarity(item, known)) for item in morgan(queries)])
