"""The four-point scheme of one molecule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .meter import Meter
from .optimiser import Minimum, optimise
from .settings import AU_TO_DEBYE, CHARGE_NAMES, CHARGES, HARTREE_TO_EV, IPEA1_SHIFT, RunnerSettings
from .start import Start
from .tblite_engine import Engine

GFN2, IPEA1 = 'GFN2-xTB', 'IPEA1-xTB'
#: The neutral is optimised again from an ion's geometry when it lies lower there by this much, in Eh.
BETTER = 1e-4
Report = Callable[[str], None]


@dataclass
class Surfaces:
    """Minima and energies of one molecule; ``energies[method, q, p]`` is E_q(R_p) in Eh."""

    minima: dict[int, Minimum] = field(default_factory=dict)
    energies: dict[tuple[str, int, int], float] = field(default_factory=dict)
    properties: dict[str, float] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=lambda: dict.fromkeys(CHARGES, 0))


def four_point(start: Start, settings: RunnerSettings, meter: Meter, report: Report) -> Surfaces:
    """Return minima at charge 0, +1, -1, crossed energies and the properties made of them.

    :param report: called with the name of each stage.
    :raises MoleculeFailure: when an SCF does not converge.
    """
    engines = {q: Engine(GFN2, start.numbers, start.positions, q, meter) for q in CHARGES}
    found, begin = Surfaces(), start.positions
    for _ in range(3):
        _optimise_all(engines, begin, start.bonds, settings, found, report)
        report('crossed_points')
        for q in (1, -1):
            found.energies[GFN2, 0, q] = engines[0].evaluate(found.minima[q].positions)[0]
        lower = min((1, -1), key=lambda q: found.energies[GFN2, 0, q])
        if found.energies[GFN2, 0, lower] > found.energies[GFN2, 0, 0] - BETTER:
            break
        begin = found.minima[lower].positions
    _single_points(start, found, meter, report)
    if settings.polarizability:
        report('polarizability')
        found.properties['polarizability'] = engines[0].polarizability(found.minima[0].positions)
    found.properties.update(derive(found.energies))
    return found


def _optimise_all(
    engines: dict[int, Engine], begin: np.ndarray, bonds: np.ndarray, settings: RunnerSettings, found: Surfaces,
    report: Report,
) -> None:  # fmt: skip
    for q in CHARGES:
        report(f'optimise_{CHARGE_NAMES[q]}')
        neutral = found.minima[0] if q else None
        minimum = optimise(engines[q], neutral.positions if neutral else begin, bonds, settings, neutral)
        found.minima[q], found.energies[GFN2, q, q] = minimum, minimum.energy
        found.steps[q] += minimum.steps
        if neutral:
            found.energies[GFN2, q, 0] = minimum.first_energy
            continue
        found.energies[GFN2, 0, 0] = engines[0].evaluate(minimum.positions, 1.0)[0]
        homo, lumo = engines[0].frontier()
        dipole = float(np.linalg.norm(engines[0].dipole())) * AU_TO_DEBYE
        found.properties.update(homo=homo, lumo=lumo, gap=lumo - homo, dipole=dipole)


def _single_points(start: Start, found: Surfaces, meter: Meter, report: Report) -> None:
    report('ionisation')
    for q in CHARGES:
        engine = Engine(IPEA1, start.numbers, found.minima[0].positions, q, meter)
        for p in dict.fromkeys((0, q)):
            found.energies[IPEA1, q, p] = engine.evaluate(found.minima[p].positions)[0]


def derive(energies: dict[tuple[str, int, int], float]) -> dict[str, float]:
    """Return IE, EA (IPEA1, shifted) and reorganisation energies (GFN2) in eV.

    Nelsen's four points, doi 10.1021/ja00254a001: lambda = E_q(R_0) - E_q(R_q) + E_0(R_q) - E_0(R_0).
    """
    g = {(q, p): value * HARTREE_TO_EV for (method, q, p), value in energies.items() if method == GFN2}
    e = {(q, p): value * HARTREE_TO_EV for (method, q, p), value in energies.items() if method == IPEA1}
    reorganisation = {q: g[q, 0] - g[q, q] + g[0, q] - g[0, 0] for q in (1, -1)}
    return {
        'ie_vertical': e[1, 0] - e[0, 0] - IPEA1_SHIFT,
        'ie_adiabatic': e[1, 1] - e[0, 0] - IPEA1_SHIFT,
        'ea_vertical': e[0, 0] - e[-1, 0] - IPEA1_SHIFT,
        'ea_adiabatic': e[0, 0] - e[-1, -1] - IPEA1_SHIFT,
        'lambda_hole': reorganisation[1],
        'lambda_electron': reorganisation[-1],
    }
