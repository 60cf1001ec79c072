"""Where a surrogate may be trusted: kinds of atoms and bonds it saw, and the nearest of its training molecules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array

from aiida_osc.chem.fingerprints import BITS
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
    def fit(cls, counts: csr_array, graphs: Graphs, rows: np.ndarray, seed: int) -> Self:
        """Return the domain of the training molecules ``rows``.

        :param counts: Morgan features of those molecules, in the order of ``rows``.
        """
        rng = np.random.default_rng(seed)
        picked = np.sort(rng.permutation(len(rows))[:MAX_REFERENCES])
        seen = [np.flatnonzero(kinds).tolist() for kinds in graphs.categories(rows)]
        bits = np.ascontiguousarray((counts[picked].toarray() > 0).astype(np.uint8).T)
        domain = cls(bits, 0.0, seen)
        compared = rng.permutation(len(picked))[:MAX_COMPARED]
        if len(picked) < 2:
            return domain
        nearest = domain.similarity(counts[picked[compared]], leave_out=compared)
        return cls(bits, float(np.quantile(nearest, OUTLIERS)), seen)

    @classmethod
    def load(cls, extra: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Self:
        """Return the domain stored by :meth:`to_json` and :meth:`tensors`.

        :raises OscError: when it is damaged.
        """
        packed, threshold = tensors.get(TENSOR), extra['threshold']
        if packed is None or packed.dtype != torch.uint8 or packed.ndim != 2 or packed.shape[1] * 8 != BITS:
            raise OscError('the surrogate is damaged: the fingerprints of its training molecules are missing')
        if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
            raise OscError('the surrogate is damaged: its similarity threshold is not within 0 and 1')
        return cls(np.ascontiguousarray(np.unpackbits(packed.numpy(), axis=1).T), float(threshold), extra['seen'])

    def to_json(self) -> dict[str, Any]:
        """Return threshold and categories."""
        return {'threshold': self.threshold, 'seen': self.seen}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the fingerprints, one row per reference."""
        return {TENSOR: torch.from_numpy(np.packbits(self.bits.T, axis=1))}

    def similarity(self, counts: csr_array, leave_out: np.ndarray | None = None) -> np.ndarray:
        """Return the Tanimoto similarity of each molecule to its nearest reference, shape ``(molecules,)``.

        :param counts: Morgan features, shape ``(molecules, 2048)``.
        :param leave_out: for each molecule the reference that is not compared with it, shape ``(molecules,)``.
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
