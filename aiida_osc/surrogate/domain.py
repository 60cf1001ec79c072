"""Where a surrogate may be trusted: kinds of atoms and bonds it saw, and the nearest of its training molecules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array

from aiida_osc.chem.fingerprints import BITS, morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.errors import OscError
from aiida_osc.surrogate.featurise import Graphs

#: Name of the tensor with the fingerprints of the training molecules, eight bits in a byte.
TENSOR = 'domain.bits'
#: Training molecules that are kept, drawn by seed where there are more.
MAX_REFERENCES = 5000
#: Of these, as many are compared with all others to find the threshold.
MAX_COMPARED = 1000
#: Share of the training molecules that are farther from all others than the threshold.
OUTLIERS = 0.01


@dataclass(frozen=True)
class Domain:
    """The training molecules as far as predictions need them.

    :param bits: Morgan bits of the references, one column per molecule, shape ``(2048, references)``, uint8.
    :param threshold: similarity to the nearest reference below which a molecule is outside the domain.
    :param seen: categories of atoms and of bonds that occurred in training.
    """

    bits: np.ndarray
    threshold: float
    seen: Sequence[Sequence[int]]

    @classmethod
    def fit(cls, smiles: Sequence[str], graphs: Graphs, rows: np.ndarray, seed: int) -> Self:
        """Return the domain of the training molecules ``rows`` of ``smiles`` and ``graphs``."""
        rng = np.random.default_rng(seed)
        picked = rng.permutation(rows)[:MAX_REFERENCES]
        counts = morgan_counts([parse_smiles(smiles[row]) for row in picked])
        seen = [np.flatnonzero(kinds).tolist() for kinds in graphs.categories(rows)]
        bits = np.ascontiguousarray((counts.toarray() > 0).astype(np.uint8).T)
        domain = cls(bits, 0.0, seen)
        if len(picked) < 2:
            return domain
        nearest = domain.similarity(counts[:MAX_COMPARED], leave_out=np.arange(len(picked)))
        return cls(bits, float(np.quantile(nearest, OUTLIERS)), seen)

    @classmethod
    def load(cls, extra: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Self:
        """Return the domain stored by :meth:`to_json` and :meth:`tensors`.

        :raises OscError: when it is damaged.
        """
        packed, threshold, seen = tensors.get(TENSOR), extra['threshold'], extra['seen']
        if packed is None or packed.dtype != torch.uint8 or packed.ndim != 2 or packed.shape[1] * 8 != BITS:
            raise OscError('the surrogate is damaged: the fingerprints of its training molecules are missing')
        if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
            raise OscError('the surrogate is damaged: its similarity threshold is not within 0 and 1')
        lists = isinstance(seen, list) and len(seen) == 2 and all(isinstance(kinds, list) for kinds in seen)
        if not lists or not all(isinstance(kind, int) for kinds in seen for kind in kinds):
            raise OscError('the surrogate is damaged: the categories that it saw are no two lists of numbers')
        return cls(np.ascontiguousarray(np.unpackbits(packed.numpy(), axis=1).T), float(threshold), seen)

    def to_json(self) -> dict[str, Any]:
        """Return threshold and categories."""
        return {'threshold': self.threshold, 'seen': self.seen}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the fingerprints, one row per reference."""
        return {TENSOR: torch.from_numpy(np.packbits(self.bits.T, axis=1))}

    def similarity(self, counts: csr_array, leave_out: np.ndarray | None = None) -> np.ndarray:
        """Return the Tanimoto similarity of each molecule to its nearest reference, shape ``(molecules,)``.

        :param counts: Morgan features, shape ``(molecules, 2048)``.
        :param leave_out: for each molecule the reference that is not compared with it.
        """
        sizes = self.bits.sum(axis=0, dtype=np.int64)
        nearest = np.zeros(counts.shape[0])
        for row in range(counts.shape[0]):
            found = counts.indices[counts.indptr[row] : counts.indptr[row + 1]]
            # One byte per sum is four times as fast as floating point, and enough up to 255 features.
            shared = self.bits[found].sum(axis=0, dtype=np.uint8 if len(found) < 256 else np.uint16)
            values = shared / (sizes + len(found) - shared)
            if leave_out is not None:
                values[leave_out[row]] = 0
            nearest[row] = values.max(initial=0)
        return nearest
