"""The Tanimoto similarity of counted features (Ralaivola et al., doi 10.1016/j.neunet.2005.07.009)."""

import numpy as np
import torch
from scipy.sparse import csr_array


class TanimotoKernel:
    """Sum of the smaller counts over the sum of the larger ones, between any molecules and fixed references.

    A count of three is written as three ones, one per level: the sum of the smaller counts is then one matrix product.
    """

    def __init__(self, references: csr_array) -> None:
        """Lay out the references.

        :param references: counts, shape ``(references, features)``.
        """
        self._levels = references.max(axis=0).toarray().astype(np.int64)
        self._first = np.cumsum(self._levels) - self._levels
        self._sizes = references.sum(axis=1)
        self._table = self._ones(references).T.contiguous()

    def __call__(self, counts: csr_array) -> np.ndarray:
        """Return the similarities, shape ``(molecules, references)``, 1 for equal molecules."""
        shared = (self._ones(counts) @ self._table).numpy().astype(np.float64)
        return shared / (counts.sum(axis=1)[:, None] + self._sizes[None] - shared)

    def _ones(self, counts: csr_array) -> torch.Tensor:
        """Return one row of zeros and ones per molecule; levels above those of the references cannot be shared."""
        levels = np.minimum(counts.data, self._levels[counts.indices])
        rows = np.repeat(np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr)), levels)
        within = np.arange(levels.sum()) - np.repeat(np.cumsum(levels) - levels, levels)
        result = torch.zeros(counts.shape[0], int(self._levels.sum()))
        result[torch.from_numpy(rows), torch.from_numpy(np.repeat(self._first[counts.indices], levels) + within)] = 1
        return result
