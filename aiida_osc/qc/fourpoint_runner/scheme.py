"""The four-point scheme of one molecule."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .engine import Engine, Surroundings
from .engines import make_engine
from .optimiser import Minimum
from .plan import Level, Plan
from .search import find_minimum
from .settings import AU_TO_DEBYE, CHARGE_NAMES, CHARGES, HARTREE_TO_EV, IPEA1_SHIFT
from .start import Start

#: The neutral is optimised again from an ion's geometry when it lies lower there by this much, in Eh.
BETTER = 1e-4


@dataclass
class Surfaces:
    """Minima and energies of one molecule.

    :param energies: ``energies[level, q, p]`` is E_q(R_p) in Eh.
    :param s_squared: <S^2> by charge and geometry, where orbitals are unrestricted.
    :param optimisers: what found each minimum.
    :param remedies: what single points needed beyond the usual.
    """

    minima: dict[int, Minimum] = field(default_factory=dict)
    energies: dict[tuple[str, int, int], float] = field(default_factory=dict)
    properties: dict[str, float] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=lambda: dict.fromkeys(CHARGES, 0))
    s_squared: dict[tuple[int, int], float] = field(default_factory=dict)
    optimisers: dict[int, str] = field(default_factory=dict)
    remedies: list[str] = field(default_factory=list)

    def note(self, engine: Engine, p: int, energy: float) -> None:
        """Keep an energy of ``engine`` at the geometry of charge ``p``, and its spin."""
        self.energies[engine.level.name, engine.charge, p] = energy
        if engine.s_squared is not None:
            self.s_squared[engine.charge, p] = engine.s_squared

    def describe(self, neutral: Engine) -> None:
        """Keep orbital energies and dipole of the last call of the neutral's engine."""
        homo, lumo = neutral.frontier()
        dipole = float(np.linalg.norm(neutral.dipole())) * AU_TO_DEBYE
        self.properties.update(homo=homo, lumo=lumo, gap=lumo - homo, dipole=dipole)


def four_point(start: Start, plan: Plan, around: Surroundings) -> Surfaces:
    """Return minima at charge 0, +1, -1, crossed energies and the properties made of them.

    :raises MoleculeFailure: when an SCF does not converge.
    """
    found = Surfaces()
    engines = _make_engines(plan.geometry, start, start.positions, around)
    _find_minima(engines, start, around, found)
    made = list(engines.values())
    if plan.energy != plan.geometry:
        engines = _make_engines(plan.energy, start, found.minima[0].positions, around)
        made += engines.values()
        _seven_points(engines, found, around)
    if plan.ionisation != plan.energy:
        _ionisation_points(plan.ionisation, start, found, around)
    if around.settings.polarizability:
        around.report('polarizability')
        found.properties['polarizability'] = engines[0].polarizability(found.minima[0].positions)
    found.properties.update(derive(found.energies, plan))
    found.remedies = sorted({f'{CHARGE_NAMES[item.charge]}: {name}' for item in made for name in item.remedies})
    return found


def _make_engines(level: Level, start: Start, positions: np.ndarray, around: Surroundings) -> dict[int, Engine]:
    return {q: make_engine(level, start.numbers, positions, q, around) for q in CHARGES}


def _find_minima(engines: dict[int, Engine], start: Start, around: Surroundings, found: Surfaces) -> None:
    """Optimise at every charge; again from an ion's geometry where the neutral lies lower there."""
    begin, name = start.positions, engines[0].level.name
    for _ in range(3):
        _optimise_all(engines, begin, start, around, found)
        around.report('crossed_points')
        for q in (1, -1):
            found.note(engines[0], q, engines[0].energy(found.minima[q].positions))
        lower = min((1, -1), key=lambda q: found.energies[name, 0, q])
        if found.energies[name, 0, lower] > found.energies[name, 0, 0] - BETTER:
            break
        begin = found.minima[lower].positions


def _optimise_all(
    engines: dict[int, Engine], begin: np.ndarray, start: Start, around: Surroundings, found: Surfaces
) -> None:
    for q, engine in engines.items():
        around.report(f'optimise_{CHARGE_NAMES[q]}')
        neutral = found.minima[0] if q else None
        if neutral and not engine.level.is_xtb:
            engine.start_from(engines[0])
            found.note(engine, 0, engine.energy(neutral.positions))
        minimum, optimiser = find_minimum(engine, neutral.positions if neutral else begin, start.bonds, around, neutral)
        found.minima[q], found.optimisers[q] = minimum, optimiser
        found.steps[q] += minimum.steps
        if neutral:
            found.note(engine, q, minimum.energy)
            found.energies[engine.level.name, q, 0] = minimum.first_energy
            continue
        found.note(engine, 0, engine.energy(minimum.positions, 1.0))
        found.describe(engine)


def _seven_points(engines: dict[int, Engine], found: Surfaces, around: Surroundings) -> None:
    """Add E_q(R_p) at another level: the ions start from the neutral's density at its own geometry."""
    around.report('energies')
    found.s_squared.clear()
    for q, p in ((0, 0), (1, 0), (1, 1), (-1, 0), (-1, -1), (0, 1), (0, -1)):
        if q and p == 0:
            engines[q].start_from(engines[0])
        found.note(engines[q], p, engines[q].energy(found.minima[p].positions))
        if q == p == 0:
            found.describe(engines[0])


def _ionisation_points(level: Level, start: Start, found: Surfaces, around: Surroundings) -> None:
    around.report('ionisation')
    for q, engine in _make_engines(level, start, found.minima[0].positions, around).items():
        for p in dict.fromkeys((0, q)):
            found.note(engine, p, engine.energy(found.minima[p].positions))


def derive(energies: dict[tuple[str, int, int], float], plan: Plan) -> dict[str, float]:
    """Return ionisation energies, electron affinities and reorganisation energies in eV.

    Nelsen's four points, doi 10.1021/ja00254a001: lambda = E_q(R_0) - E_q(R_q) + E_0(R_q) - E_0(R_0). Ionisation
    energies and electron affinities of xTB are those of IPEA1, shifted.
    """
    g = {(q, p): value * HARTREE_TO_EV for (level, q, p), value in energies.items() if level == plan.energy.name}
    e = {(q, p): value * HARTREE_TO_EV for (level, q, p), value in energies.items() if level == plan.ionisation.name}
    shift = IPEA1_SHIFT if plan.ionisation.is_xtb else 0.0
    reorganisation = {q: g[q, 0] - g[q, q] + g[0, q] - g[0, 0] for q in (1, -1)}
    return {
        'ie_vertical': e[1, 0] - e[0, 0] - shift,
        'ie_adiabatic': e[1, 1] - e[0, 0] - shift,
        'ea_vertical': e[0, 0] - e[-1, 0] - shift,
        'ea_adiabatic': e[0, 0] - e[-1, -1] - shift,
        'lambda_hole': reorganisation[1],
        'lambda_electron': reorganisation[-1],
    }
