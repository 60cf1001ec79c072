"""Molecules in the forms that the families of surrogates read."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property

import numpy as np
import rdkit
from rdkit import Chem
from scipy.sparse import csr_array

from aiida_osc.chem.fingerprints import BITS, RADIUS, morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.datasets.feature_cache import cached
from aiida_osc.datasets.geometry_table import Geometry
from aiida_osc.errors import OscError
from aiida_osc.qc.fourpoint import formula
from aiida_osc.surrogate.featurise import FEATURES_VERSION, Graphs, featurise_mols
from aiida_osc.surrogate.neighbours import SpatialGraphs

#: What the kept forms follow from besides the molecules.
VERSIONS = {'graphs': (str(FEATURES_VERSION), rdkit.__version__), 'counts': (f'{RADIUS} {BITS}', rdkit.__version__)}


class Molecules:
    """Molecules by SMILES; each form of them is made when a family first asks for it, and kept."""

    def __init__(
        self,
        smiles: Sequence[str],
        mols: Sequence[Chem.Mol] | None = None,
        structures: Sequence[Geometry | None] | None = None,
    ) -> None:
        """Keep the SMILES.

        :param mols: the same molecules; without them the forms of many molecules come from the cache, or the SMILES are
            parsed for each form, and nothing of RDKit is kept.
        :param structures: one for each molecule, None where there is none; None for no structures at all.
        :raises OscError: when there are more or fewer structures than molecules.
        """
        self.smiles = tuple(smiles)
        self._mols = mols
        self._structures = [None] * len(self.smiles) if structures is None else structures
        if len(self._structures) != len(self.smiles):
            raise OscError(f'{len(self._structures)} structures for {len(self.smiles)} molecules: give one for each')

    @classmethod
    def parsed(cls, smiles: Sequence[str], structures: Sequence[Geometry | None] | None = None) -> 'Molecules':
        """Return the molecules, parsed once.

        :raises MoleculeError: when a SMILES is invalid.
        """
        return cls(smiles, [parse_smiles(item) for item in smiles], structures)

    def __len__(self) -> int:
        """Return their number."""
        return len(self.smiles)

    def without_structures(self) -> 'Molecules':
        """Return the same molecules without their structures; the other forms that were made are shared."""
        bare = copy(self)
        bare.spatial = SpatialGraphs([None] * len(self))
        return bare

    @cached_property
    def graphs(self) -> Graphs:
        """Return atoms and bonds as categories."""
        if self._mols is not None:
            return featurise_mols(self._mols)
        return Graphs(**self._cached('graphs', lambda: vars(featurise_mols(self._read()))))

    @cached_property
    def counts(self) -> csr_array:
        """Return the Morgan features, shape ``(molecules, 2048)``."""
        if self._mols is not None:
            return morgan_counts(self._mols)
        kept = self._cached('counts', lambda: _arrays(morgan_counts(self._read())))
        return csr_array((kept['data'], kept['indices'], kept['indptr']), shape=(len(self), BITS))

    @cached_property
    def spatial(self) -> SpatialGraphs:
        """Return the atoms in space; a structure of other atoms than those of its molecule is left out."""
        return SpatialGraphs(
            [
                item if item is not None and formula(smiles) == tuple(np.sort(item.numbers).tolist()) else None
                for smiles, item in zip(self.smiles, self._structures, strict=True)
            ]
        )

    def _cached(self, kind: str, make: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
        return cached(kind, (*VERSIONS[kind], *self.smiles), make)

    def _read(self) -> Sequence[Chem.Mol]:
        return [parse_smiles(item) for item in self.smiles]


def _arrays(matrix: csr_array) -> dict[str, np.ndarray]:
    return {name: getattr(matrix, name) for name in ('data', 'indices', 'indptr')}
