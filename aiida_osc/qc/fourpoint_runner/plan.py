"""What is computed with what: levels of theory for geometries and energies, and their names in the record."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from .settings import PYSCF, TBLITE, InputError

GFN2_NAME, IPEA1_NAME = 'GFN2-xTB', 'IPEA1-xTB'


@dataclass(frozen=True)
class Level:
    """A level of theory; without a basis it is an xTB method of tblite.

    :param name: how it is called in records.
    :param method: the program's own spelling of the method.
    :param basis: the program's own spelling of the basis; empty for xTB.
    :param dispersion: the program's own spelling of the dispersion correction; empty for none or a built-in one.
    :param epsilon: dielectric constant of a polarisable continuum, 0 for the gas phase.
    :param cartesian: Cartesian instead of spherical d functions.
    """

    name: str
    method: str
    basis: str = ''
    dispersion: str = ''
    epsilon: float = 0.0
    cartesian: bool = False

    @property
    def is_xtb(self) -> bool:
        """Return whether tblite computes it."""
        return not self.basis


GFN2, IPEA1 = Level(GFN2_NAME, GFN2_NAME), Level(IPEA1_NAME, IPEA1_NAME)


@dataclass(frozen=True)
class Plan:
    """The levels of a job.

    :param energy: of the seven energies, orbital energies and response properties.
    :param levels: written into every record: property -> name of its level; empty means xTB.
    :param environment: written into every record with levels.
    :param geometry_level: likewise, the name of the level of the geometries.
    """

    engine: str = TBLITE
    geometry: Level = GFN2
    energy: Level = GFN2
    levels: dict[str, str] = field(default_factory=dict)
    environment: str = 'gas'
    geometry_level: str = GFN2_NAME

    @property
    def ionisation(self) -> Level:
        """Return the level of ionisation energies and electron affinities."""
        return IPEA1 if self.energy.is_xtb else self.energy

    def names(self) -> dict[str, Any]:
        """Return what a record says of its levels."""
        if not self.levels:
            return {}
        return {'levels': self.levels, 'environment': self.environment, 'geometry_level': self.geometry_level}

    def made(self, record: dict[str, Any]) -> bool:
        """Return whether a record of an earlier run is of these levels; one without levels is of xTB."""
        if not record.get('levels'):
            return self.engine == TBLITE
        return bool(self.levels) and all(record.get(name) == value for name, value in self.names().items())


def read_plan(raw: dict[str, Any]) -> Plan:
    """Return the levels that ``input.json`` asks for.

    :raises InputError: when an engine or a level is unknown or has the wrong shape.
    """
    engine = raw.get('engine', TBLITE)
    names = _read_names(raw)
    if engine == TBLITE:
        if raw.get('energy') or raw.get('geometry') not in (None, GFN2_NAME):
            raise InputError('"energy" and "geometry" are for the engine pyscf: leave them out')
        return Plan(**names)
    if engine != PYSCF:
        raise InputError(f'engine {engine!r} is unknown: this runner knows {TBLITE} and {PYSCF}')
    energy, geometry = _read_level(raw.get('energy'), 'energy'), raw.get('geometry', GFN2_NAME)
    found = GFN2 if geometry == GFN2_NAME else _read_level(geometry, 'geometry')
    return Plan(engine, found, energy, **names)


def _read_names(raw: dict[str, Any]) -> dict[str, Any]:
    levels = raw.get('levels') or {}
    words: dict[str, Any] = {name: raw[name] for name in ('environment', 'geometry_level') if name in raw}
    if not isinstance(levels, dict) or not all(isinstance(word, str) for word in [*levels.values(), *words.values()]):
        raise InputError('"levels" must give a text for each property, "environment" and "geometry_level" are texts')
    return {'levels': levels, **words}


def _read_level(raw: Any, where: str) -> Level:
    kinds = {item.name: item.type for item in fields(Level)}
    if not isinstance(raw, dict) or not {'name', 'method', 'basis'} <= set(raw) <= set(kinds):
        raise InputError(f'"{where}" must be a level with {", ".join(kinds)}: write it with aiida-osc')
    for name, value in raw.items():
        if not _is_of_kind(value, kinds[name]):
            raise InputError(f'{name} of the level "{where}" is {value!r}: give a {kinds[name]}')
    if not raw['basis']:
        raise InputError(f'the level "{where}" has no basis: name one')
    return Level(**raw)


def _is_of_kind(value: Any, kind: Any) -> bool:
    if kind == 'str':
        return isinstance(value, str) and value.isprintable()
    if kind == 'bool':
        return isinstance(value, bool)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf
