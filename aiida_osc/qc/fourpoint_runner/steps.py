"""One step of an optimisation: tangent space, restricted step, update of the Hessian."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: Start, largest and smallest trust radius, in bohr and radian.
TRUST_START, TRUST_MAX, TRUST_MIN = 0.4, 1.2, 0.02
SINGULAR = 1e-6
#: A step in the coordinates is walked to that accuracy, in bohr; what was really walked enters the update.
CLOSE_ENOUGH = 1e-4


class Frame:
    """The tangent space of the coordinates at one structure."""

    def __init__(self, coordinates: Any, positions: np.ndarray, gradient: np.ndarray) -> None:
        self.coordinates = coordinates
        self.values, wilson = coordinates.evaluate(positions)
        squares, vectors = np.linalg.eigh(wilson.T @ wilson)
        kept = squares > SINGULAR * squares[-1]
        self._root, self._cartesian = np.sqrt(squares[kept]), vectors[:, kept]
        self._basis = (wilson @ self._cartesian) / self._root
        self._small = (self._cartesian.T @ gradient.ravel()) / self._root
        self.gradient = self._basis @ self._small

    def step(self, hessian: np.ndarray, trust: float) -> tuple[np.ndarray, float]:
        """Return the RFO step in the coordinates, at most ``trust`` long, and the energy it should gain (< 0)."""
        small = self._basis.T @ hessian @ self._basis
        curvatures, modes = np.linalg.eigh(small)
        force = modes.T @ self._small
        move = restricted_step(curvatures, force, trust)
        gain = float(force @ move + 0.5 * np.sum(curvatures * move**2))
        return self._basis @ (modes @ move), gain

    def displace(self, positions: np.ndarray, move: np.ndarray) -> np.ndarray:
        """Return the structure whose coordinates differ by ``move``, as nearly as can be."""
        start = best = positions + self._to_cartesian(move).reshape(-1, 3)
        smallest = math.inf
        for _ in range(12):
            left = move - self.coordinates.difference(self.coordinates.values(start), self.values)
            correction = self._to_cartesian(left)
            size = float(np.abs(correction).max())
            if size > smallest:
                break
            smallest, best = size, start
            if size < CLOSE_ENOUGH:
                break
            start = start + correction.reshape(-1, 3)
        return best

    def _to_cartesian(self, move: np.ndarray) -> np.ndarray:
        return self._cartesian @ ((self._basis.T @ move) / self._root)


def restricted_step(curvatures: np.ndarray, force: np.ndarray, trust: float) -> np.ndarray:
    """Return the rational-function step with a shift so low that the step is at most ``trust`` long."""
    low, high = min(curvatures[0], 0.0) - float(np.linalg.norm(force)) - 1.0, min(curvatures[0], 0.0) - 1e-9
    for _ in range(60):
        shift = 0.5 * (low + high)
        # The lowest root of the secular equation lies where this changes its sign.
        if shift - float(np.sum(force**2 / (shift - curvatures))) > 0:
            high = shift
        else:
            low = shift
    shift = low
    move = -force / (curvatures - shift)
    if np.linalg.norm(move) <= trust:
        return move
    low, high = shift, shift - float(np.linalg.norm(force)) / trust - 1.0
    for _ in range(60):
        shift = 0.5 * (low + high)
        if np.linalg.norm(force / (curvatures - shift)) > trust:
            low = shift
        else:
            high = shift
    return -force / (curvatures - high)


def update_hessian(hessian: np.ndarray, change: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the BFGS update with Powell's damping, which keeps the Hessian positive definite."""
    image = hessian @ change
    curvature, model = float(change @ slope), float(change @ image)
    if model < 1e-12:
        return hessian
    if curvature < 0.2 * model:
        share = 0.8 * model / (model - curvature)
        slope = share * slope + (1 - share) * image
        curvature = float(change @ slope)
    return hessian + np.outer(slope, slope) / curvature - np.outer(image, image) / model


def new_trust(trust: float, ratio: float, length: float) -> float:
    """Return a larger radius after a step that went as predicted, a smaller one after a bad step."""
    if ratio < 0.25:
        return max(0.25 * length if ratio < 0 else 0.5 * length, TRUST_MIN)
    return min(max(trust, 2 * length), TRUST_MAX) if ratio > 0.6 else trust
