"""Find a minimum: our own optimiser, and what helps where it does not converge."""

from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np

from .engine import Engine, Surroundings
from .optimiser import Minimum, optimise
from .settings import BOHR, MoleculeFailure
from .xtb_program import Program, find_program

#: Longest gradient, in units of the tolerance, at what the xtb program calls a minimum.
MARGIN = 2.0


def find_minimum(
    engine: Engine, positions: np.ndarray, bonds: np.ndarray, around: Surroundings, guess: Minimum | None = None
) -> tuple[Minimum, str]:
    """Return the nearest minimum and the name of the optimiser that found it.

    :param positions: start, in bohr, shape ``(atoms, 3)``.
    :param guess: an earlier minimum of the molecule (another charge), whose Hessian is the start.
    :raises MoleculeFailure: when an SCF does not converge, nor helps another optimiser.
    """
    choice, failure, found = around.settings.optimiser, None, None
    if choice == 'geometric':
        return _by_geometric(engine, positions, around)
    try:
        found = optimise(engine, positions, bonds, around.settings, guess)
    except MoleculeFailure as exception:
        failure = exception
    if choice == 'auto' and (found is None or not found.converged):
        other = _by_another(engine, positions, around, found)
        if other is not None and (other[0].converged or found is None):
            return other
    if found is None:
        raise failure or MoleculeFailure('scf', 'no minimum')
    return found, 'internal'


def _by_another(
    engine: Engine, positions: np.ndarray, around: Surroundings, found: Minimum | None
) -> tuple[Minimum, str] | None:
    """Return the minimum of the optimiser that stands by for this engine, None where there is none."""
    if engine.level.is_xtb:
        program = find_program(around.settings.xtb_program)
        return None if program is None else _by_program(program, engine, positions, around, found)
    if found is None or find_spec('geometric') is None:
        return None
    try:
        return _by_geometric(engine, found.positions, around, found)
    except Exception:  # of its own coordinates, for instance: what was found before stands
        return None


def _by_program(
    program: Program, engine: Engine, positions: np.ndarray, around: Surroundings, found: Minimum | None
) -> tuple[Minimum, str] | None:
    begin = found.positions if found and math.isfinite(found.energy) else positions
    relaxed = around.meter.run(
        program.optimise, engine.level.method, engine.numbers, begin * BOHR, engine.charge, engine.unpaired,
        around.folder, around.settings.xtb_timeout,
    )  # fmt: skip
    if relaxed is None:
        return None
    first = found.first_energy if found else engine.energy(positions)
    end = relaxed.positions / BOHR
    energy, gradient = engine.evaluate(end)
    norm = float(np.linalg.norm(gradient))
    steps = relaxed.steps + (found.steps if found else 0)
    converged = norm < MARGIN * around.settings.gradient_tolerance
    return Minimum(end, energy, norm, steps, converged, None, None, first), program.name


def _by_geometric(
    engine: Engine, positions: np.ndarray, around: Surroundings, found: Minimum | None = None
) -> tuple[Minimum, str]:
    from .geometric_optimiser import NAME, optimise_by_geometric

    minimum = optimise_by_geometric(engine, positions, around.settings)
    if found:
        minimum.steps, minimum.first_energy = minimum.steps + found.steps, found.first_energy
    return minimum, NAME
