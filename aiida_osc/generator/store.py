"""Featurised molecules one after the other in a few arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from aiida_osc.generator.tensors import Features

_NAMES = tuple(item.name for item in fields(Features))


@dataclass(frozen=True)
class FeatureStore(Sequence[Features]):
    """Molecules as compressed rows: integers of the smallest type that holds them.

    :param arrays: values of each field of :class:`~aiida_osc.generator.tensors.Features`, all molecules in turn.
    :param starts: of each field where each molecule begins, and the end; shape ``(molecules + 1,)``.
    """

    arrays: dict[str, np.ndarray]
    starts: dict[str, np.ndarray]

    @classmethod
    def pack(cls, items: Sequence[Features]) -> 'FeatureStore':
        """Return the store of ``items``, of which there must be one at least."""
        arrays, starts = {}, {}
        for name in _NAMES:
            parts = [getattr(item, name) for item in items]
            arrays[name] = _smallest(np.concatenate(parts))
            starts[name] = np.cumsum([0, *map(len, parts)])
        return cls(arrays, starts)

    def __len__(self) -> int:
        """Return the number of molecules."""
        return len(self.starts[_NAMES[0]]) - 1

    def __getitem__(self, place: int) -> Features:  # type: ignore[override]
        """Return one molecule; nothing is copied."""
        if not 0 <= place < len(self):
            raise IndexError(f'no molecule {place} among {len(self)}')
        bounds = {name: start[place : place + 2] for name, start in self.starts.items()}
        return Features(**{name: self.arrays[name][low:high] for name, (low, high) in bounds.items()})

    def nbytes(self) -> int:
        """Return the memory the values take."""
        return sum(array.nbytes for array in self.arrays.values())

    def flat(self) -> dict[str, np.ndarray]:
        """Return everything as arrays by name."""
        counts = {f'{name}_counts': _smallest(np.diff(starts)) for name, starts in self.starts.items()}
        return {**self.arrays, **counts}

    @classmethod
    def of(cls, flat: Mapping[str, np.ndarray]) -> 'FeatureStore':
        """Return the store that :meth:`flat` gave the arrays of."""
        starts = {name: np.cumsum([0, *flat[f'{name}_counts']], dtype=np.int64) for name in _NAMES}
        return cls({name: flat[name] for name in _NAMES}, starts)


def _smallest(values: np.ndarray) -> np.ndarray:
    if not values.size:
        return values.astype(np.uint8)
    return values.astype(np.result_type(np.min_scalar_type(values.min()), np.min_scalar_type(values.max())))
