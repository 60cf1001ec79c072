"""Molecules in the forms that the families of surrogates read."""

from collections.abc import Sequence
from functools import cached_property

from rdkit import Chem
from scipy.sparse import csr_array

from aiida_osc.chem.fingerprints import morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.surrogate.featurise import Graphs, featurise_mols


class Molecules:
    """Molecules by SMILES; each form of them is made when a family first asks for it, and kept."""

    def __init__(self, smiles: Sequence[str], mols: Sequence[Chem.Mol] | None = None) -> None:
        """Keep the SMILES.

        :param mols: the same molecules; without them the SMILES are parsed for each form, and nothing of RDKit is kept.
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
        return featurise_mols(self._read())

    @cached_property
    def counts(self) -> csr_array:
        """Return the Morgan features, shape ``(molecules, 2048)``."""
        return morgan_counts(self._read())

    def _read(self) -> Sequence[Chem.Mol]:
        return [parse_smiles(item) for item in self.smiles] if self._mols is None else self._mols
