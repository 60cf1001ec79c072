"""Molecules in the forms that the families of surrogates read."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from rdkit import Chem
from scipy.sparse import csr_array

from aiida_osc.chem.fingerprints import BITS, morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.surrogate.feature_cache import cached
from aiida_osc.surrogate.featurise import Graphs, featurise_mols


class Molecules:
    """Molecules by SMILES; each form of them is made when a family first asks for it, and kept."""

    def __init__(self, smiles: Sequence[str], mols: Sequence[Chem.Mol] | None = None) -> None:
        """Keep the SMILES.

        :param mols: the same molecules; without them the forms of many molecules come from the cache, or the SMILES are
            parsed for each form, and nothing of RDKit is kept.
        """
        self.smiles = tuple(smiles)
        self._mols = mols

    @classmethod
    def parsed(cls, smiles: Sequence[str]) -> 'Molecules':
        """Return the molecules, parsed once.

        :raises MoleculeError: when a SMILES is invalid.
        """
        return cls(smiles, [parse_smiles(item) for item in smiles])

    def __len__(self) -> int:
        """Return their number."""
        return len(self.smiles)

    @cached_property
    def graphs(self) -> Graphs:
        """Return atoms and bonds as categories."""
        if self._mols is not None:
            return featurise_mols(self._mols)
        return Graphs(**cached('graphs', self.smiles, lambda: vars(featurise_mols(self._read()))))

    @cached_property
    def counts(self) -> csr_array:
        """Return the Morgan features, shape ``(molecules, 2048)``."""
        if self._mols is not None:
            return morgan_counts(self._mols)
        kept = cached('counts', self.smiles, lambda: _arrays(morgan_counts(self._read())))
        return csr_array((kept['data'], kept['indices'], kept['indptr']), shape=(len(self), BITS))

    def _read(self) -> Sequence[Chem.Mol]:
        return [parse_smiles(item) for item in self.smiles]


def _arrays(matrix: csr_array) -> dict[str, np.ndarray]:
    return {name: getattr(matrix, name) for name in ('data', 'indices', 'indptr')}
