"""What a result must fulfil before it may become a label."""

from __future__ import annotations

import math

from .bonds import connectivity_fault
from .scheme import Surfaces
from .settings import CHARGE_NAMES
from .start import Start

#: Reorganisation energies may come out that much below zero by convergence alone, in eV; then they are zero.
NOISE = 0.005
#: <S^2> of one unpaired electron, and how far it may be off, as a share of it.
DOUBLET, CONTAMINATION = 0.75, 0.1


def check(start: Start, found: Surfaces, *, mixed: bool = False) -> str | None:
    """Return why the result must not be used as a label, or None; clip reorganisation energies at zero.

    :param mixed: geometries are of another level than energies, so that reorganisation energies may be negative: who
        reads the record decides what that means.
    """
    for q, minimum in found.minima.items():
        if (fault := connectivity_fault(start.numbers, start.bonds, minimum.positions)) is not None:
            return f'the {CHARGE_NAMES[q]} is another molecule: {fault}'
        if not minimum.converged:
            return (
                f'optimisation of the {CHARGE_NAMES[q]} ended at a gradient norm of {minimum.gradient_norm:.4f} Eh/bohr'
            )
    for (q, p), value in found.s_squared.items():
        if abs(value - DOUBLET) > CONTAMINATION * DOUBLET:
            return (
                f'<S^2> of the {CHARGE_NAMES[q]} at the geometry of the {CHARGE_NAMES[p]} is {value:.3f}, not {DOUBLET}'
            )
    values = found.properties
    for name, value in values.items():
        if not math.isfinite(value):
            return f'{name} is not finite'
    for name in ('lambda_hole', 'lambda_electron'):
        if values[name] < -NOISE and mixed:
            continue
        if values[name] < -NOISE:
            return f'{name} = {values[name]:.4f} eV is negative: the optimisations ended in different conformers'
        values[name] = max(values[name], 0.0)
    for kind in ('vertical', 'adiabatic'):
        if values[f'ie_{kind}'] <= values[f'ea_{kind}']:
            return f'ie_{kind} is not above ea_{kind}'
    return None
