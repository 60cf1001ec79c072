"""Restricted-step rational-function optimisation in internal, then in Cartesian coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .engine import Engine
from .internals import Cartesians, Internals
from .settings import RunnerSettings
from .steps import TRUST_MIN, TRUST_START, Frame, new_trust, update_hessian


@dataclass
class Minimum:
    """Where an optimisation ended; ``hessian`` (in ``coordinates``) may start the next one.

    :param first_energy: energy at the start of the search, in Eh.
    """

    positions: np.ndarray
    energy: float
    gradient_norm: float
    steps: int
    converged: bool
    coordinates: Any
    hessian: np.ndarray | None
    first_energy: float = math.nan


def optimise(
    engine: Engine, positions: np.ndarray, bonds: np.ndarray, settings: RunnerSettings, guess: Minimum | None = None
) -> Minimum:
    """Return the nearest minimum: restricted-step RFO with BFGS in internals, then in Cartesians where that fails.

    :param positions: start, in bohr, shape ``(atoms, 3)``.
    :param guess: an earlier minimum of the molecule (another charge), whose Hessian is the start.
    """
    if len(engine.numbers) == 1:
        energy = engine.evaluate(positions)[0]
        return Minimum(positions, energy, 0.0, 1, True, None, np.zeros((3, 3)), energy)
    known = guess if guess and guess.coordinates is not None else None
    internals = known.coordinates if known else Internals(engine.numbers, bonds, positions)
    found = descend(engine, positions, internals, settings, known.hessian if known else None)
    if not found.converged:
        base = Internals(engine.numbers, bonds, found.positions)
        again = descend(engine, found.positions, Cartesians(base), settings, None)
        again.steps, again.first_energy = again.steps + found.steps, found.first_energy
        found = again if again.converged or again.energy < found.energy else found
    return found


def descend(
    engine: Engine, positions: np.ndarray, coordinates: Any, settings: RunnerSettings, hessian: np.ndarray | None
) -> Minimum:
    """Return where one descent in ``coordinates`` ends.

    :param positions: start, in bohr, shape ``(atoms, 3)``.
    :param hessian: in ``coordinates``; None for the model Hessian.
    """
    hessian = coordinates.hessian(positions) if hessian is None else hessian
    trust, bonds_fixed = TRUST_START, coordinates
    energy, gradient = engine.evaluate(positions)
    first = energy
    frame = Frame(coordinates, positions, gradient)
    for step in range(1, settings.max_steps + 1):
        norm = float(np.linalg.norm(gradient))
        move, gain = frame.step(hessian, trust)
        if norm < settings.gradient_tolerance and abs(gain) < settings.energy_tolerance:
            return Minimum(positions, energy, norm, step, True, coordinates, hessian, first)
        new_positions = frame.displace(positions, move)
        new_energy, new_gradient = engine.evaluate(new_positions)
        new_frame = Frame(coordinates, new_positions, new_gradient)
        change = coordinates.difference(new_frame.values, frame.values)
        hessian = update_hessian(hessian, change, new_frame.gradient - frame.gradient)
        ratio = (new_energy - energy) / min(gain, -1e-12)
        trust = new_trust(trust, ratio, float(np.linalg.norm(move)))
        if new_energy - energy > 1e-4 and trust > TRUST_MIN:
            continue
        positions, energy, gradient, frame = new_positions, new_energy, new_gradient, new_frame
        if coordinates.strained(positions):
            coordinates = Internals(engine.numbers, bonds_fixed.stretches, positions)
            hessian, frame = coordinates.hessian(positions), Frame(coordinates, positions, gradient)
    norm = float(np.linalg.norm(gradient))
    return Minimum(positions, energy, norm, settings.max_steps, False, coordinates, hessian, first)
