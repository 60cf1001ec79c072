"""The Tanimoto similarity of counted features."""

import numpy as np
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from aiida_osc.chem.fingerprints import morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.surrogate.families.kernel import TanimotoKernel


def test_similarity_is_that_of_rdkit(labelled_table):
    mols = [parse_smiles(item) for item in (*labelled_table.smiles[:20], 'CCCCCCCCCCCCCCCC', 'C')]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetCountFingerprint(mol) for mol in mols]
    references = mols[:8]
    expected = [DataStructs.BulkTanimotoSimilarity(item, prints[:8]) for item in prints]
    found = TanimotoKernel(morgan_counts(references))(morgan_counts(mols))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert (np.diag(found) == 1).all()
