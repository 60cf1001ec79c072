"""Values and derivatives of stretches, bends and torsions, many at a time."""

from __future__ import annotations

from typing import Any

import numpy as np


def index_table(rows: Any, width: int) -> np.ndarray:
    """Return rows of atoms, shape ``(rows, width)``, also when there are none."""
    return np.array(rows, dtype=int).reshape(-1, width)


def norms(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths of the rows."""
    return np.sqrt(np.einsum('ij,ij->i', vectors, vectors))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross products of rows; several times quicker than ``np.cross`` for small tables."""
    turned, further = [1, 2, 0], [2, 0, 1]
    return a[:, turned] * b[:, further] - a[:, further] * b[:, turned]


def stretch(x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and their derivatives, shape ``(rows, 2, 3)``.

    :param x: positions, shape ``(atoms, 3)``.
    :param t: pairs of atoms, shape ``(rows, 2)``.
    """
    vector = x[t[:, 0]] - x[t[:, 1]]
    length = norms(vector)
    unit = vector / length[:, None]
    return length, np.stack([unit, -unit], axis=1)


def _arms(x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    u, v = x[t[:, 0]] - x[t[:, 1]], x[t[:, 2]] - x[t[:, 1]]
    a, b = norms(u)[:, None], norms(v)[:, None]
    return u / a, v / b, a, b


def bend(x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return angles at the second of three atoms, and their derivatives, shape ``(rows, 3, 3)``."""
    u, v, a, b = _arms(x, t)
    cosine = np.clip(np.sum(u * v, axis=1, keepdims=True), -1.0, 1.0)
    sine = np.maximum(np.sqrt(1 - cosine**2), 1e-6)
    first, last = (cosine * u - v) / (sine * a), (cosine * v - u) / (sine * b)
    return np.arccos(cosine[:, 0]), np.stack([first, -first - last, last], axis=1)


def linear_bend(x: np.ndarray, t: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far two nearly opposite arms lean together towards ``axis``."""
    u, v, a, b = _arms(x, t)
    along_u, along_v = (np.sum(arm * axis, axis=1, keepdims=True) for arm in (u, v))
    first, last = (axis - along_u * u) / a, (axis - along_v * v) / b
    return (along_u + along_v)[:, 0], np.stack([first, -first - last, last], axis=1)


def torsion(x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dihedral angles of four atoms, and their derivatives, shape ``(rows, 4, 3)``."""
    one, two, three = (x[t[:, n + 1]] - x[t[:, n]] for n in range(3))
    left, right = cross(one, two), cross(two, three)
    length = norms(two)
    angle = np.arctan2(length * np.sum(one * right, axis=1), np.sum(left * right, axis=1))
    first = -(length / np.maximum(np.sum(left**2, axis=1), 1e-8))[:, None] * left
    last = (length / np.maximum(np.sum(right**2, axis=1), 1e-8))[:, None] * right
    p, r = (np.sum(arm * two, axis=1, keepdims=True) / length[:, None] ** 2 for arm in (one, three))
    second, third = -(1 + p) * first + r * last, -(1 + r) * last + p * first
    return angle, np.stack([first, second, third, last], axis=1)
