"""Regression trees as arrays: stored, checked and evaluated here, so that no foreign program reads a stored model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from aiida_osc.errors import OscError

#: Deepest tree that is read.
MAX_DEPTH = 64
#: Values of ``state`` at once: molecules times trees.
CHUNK = 2**20
_DTYPES = {'feature': np.int16, 'threshold': np.int16, 'left': np.int32, 'right': np.int32, 'value': np.float64}
_TENSORS = (*_DTYPES, 'roots', 'group')


@dataclass(frozen=True)
class Forest:
    """Many trees, node after node; a leaf leads to itself.

    :param feature: the feature that a node asks for, shape ``(nodes,)``.
    :param threshold: up to this value one goes left, same shape.
    :param left: number of the next node on the left, same shape.
    :param right: number of the next node on the right, same shape.
    :param value: what a leaf adds, same shape.
    :param roots: number of the first node of each tree, shape ``(trees,)``.
    :param group: the sum that each tree adds to, same shape.
    :param depth: questions until every leaf is reached.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    group: np.ndarray
    depth: int

    @classmethod
    def from_trees(cls, groups: Sequence[Sequence[Mapping[str, Any]]]) -> Self:
        """Return the forest of the trees that LightGBM's ``dump_model`` describes.

        :param groups: for each sum the structures of its trees; the features must be whole numbers.
        """
        nodes: list[tuple[int, int, int, int, float]] = []
        roots, group, depths = [], [], [1]

        def add(tree: Mapping[str, Any], depth: int) -> int:
            number = len(nodes)
            depths.append(depth)
            nodes.append((0, 0, number, number, float(tree.get('leaf_value', 0.0))))
            if 'split_feature' in tree:
                left, right = (add(tree[f'{side}_child'], depth + 1) for side in ('left', 'right'))
                # Whole numbers lie below a threshold exactly when they lie below its whole part.
                nodes[number] = (tree['split_feature'], int(np.floor(tree['threshold'])), left, right, 0.0)
            return number

        for place, trees in enumerate(groups):
            for tree in trees:
                roots.append(add(tree, 0))
                group.append(place)
        columns = list(zip(*nodes, strict=True)) if nodes else [()] * len(_DTYPES)
        arrays = {
            name: np.array(column, dtype=kind) for column, (name, kind) in zip(columns, _DTYPES.items(), strict=True)
        }
        return cls(
            **arrays,
            roots=np.array(roots, dtype=np.int32),
            group=np.array(group, dtype=np.int32),
            depth=max(depths),
        )

    @classmethod
    def load(cls, tensors: Mapping[str, torch.Tensor], depth: Any, features: int, groups: int) -> Self:
        """Return the forest stored by :meth:`tensors`.

        :param features: that a molecule has.
        :param groups: sums that the trees add to.
        :raises OscError: when something is missing or leads out of its array.
        """
        try:
            arrays = {name: tensors[f'trees.{name}'].numpy() for name in _TENSORS}
        except KeyError as exception:
            raise OscError(f'the surrogate is damaged: {exception} is missing') from None
        forest = cls(**arrays, depth=depth if isinstance(depth, int) else 0)
        nodes, trees = len(forest.feature), len(forest.roots)
        fits = (
            all(arrays[name].shape == (nodes,) and arrays[name].dtype == kind for name, kind in _DTYPES.items())
            and forest.group.shape == (trees,)
            and all(_within(array, nodes) for array in (forest.left, forest.right, forest.roots))
            and _within(forest.feature, features)
            and _within(forest.group, groups)
            and bool(np.isfinite(forest.value).all())
            and 1 <= forest.depth <= MAX_DEPTH
        )
        if not fits:
            raise OscError('the surrogate is damaged: its trees do not hang together')
        return forest

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return all but the depth."""
        return {f'trees.{name}': torch.from_numpy(getattr(self, name)) for name in _TENSORS}

    def sums(self, features: np.ndarray, groups: int) -> np.ndarray:
        """Return what the trees of each group add up to, shape ``(molecules, groups)``.

        :param features: whole numbers, shape ``(molecules, features)``.
        """
        result = np.zeros((len(features), groups))
        membership = np.eye(groups)[self.group]
        step = max(1, CHUNK // max(1, len(self.roots)))
        for start in range(0, len(features), step):
            result[start : start + step] = self._leaves(features[start : start + step]) @ membership
        return result

    def _leaves(self, features: np.ndarray) -> np.ndarray:
        """Return the value of the leaf that each molecule reaches in each tree, shape ``(molecules, trees)``."""
        rows = np.arange(len(features))[:, None]
        node = np.broadcast_to(self.roots, (len(features), len(self.roots)))
        for _ in range(self.depth):
            below = features[rows, self.feature[node]] <= self.threshold[node]
            node = np.where(below, self.left[node], self.right[node])
        return self.value[node]


def _within(numbers: np.ndarray, limit: int) -> bool:
    return bool(np.issubdtype(numbers.dtype, np.integer) and ((numbers >= 0) & (numbers < limit)).all())
