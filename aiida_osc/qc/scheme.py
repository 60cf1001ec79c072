"""The four-point scheme as single calculations: which ones, in which order, and what their energies give.

E_q(R_p) is the energy at charge q on the geometry optimised at charge p (Nelsen, doi 10.1021/ja00254a001).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rdkit import Chem

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation, Model, default_multiplicity
from aiida_osc.qc.fourpoint import FAILED, FLAGGED, OK, RELAXED, Record, drop_untrusted, implausible
from aiida_osc.qc.fourpoint_runner.bonds import BOND_FACTOR, connectivity_fault, find_bonds, skeleton
from aiida_osc.qc.fourpoint_runner.checks import NOISE
from aiida_osc.qc.fourpoint_runner.settings import read_settings
from aiida_osc.qc.levels import XTB_GEOMETRY, fourpoint_columns
from aiida_osc.settings import Settings
from aiida_osc.units import AU_TO_DEBYE, BOHR_TO_ANGSTROM, HARTREE_TO_EV

CHARGES = (0, 1, -1)
CHARGE_NAMES = {0: 'neutral', 1: 'cation', -1: 'anion'}
#: Engines that treat many molecules in one job, and those that run one calculation per job.
BATCH_ENGINES, PROGRAM_ENGINES = ('tblite', 'pyscf'), ('psi4', 'orca', 'gaussian')
#: Largest deviation of <S^2> from its exact value, as a share of it.
CONTAMINATION = 0.1


@dataclass(frozen=True)
class FourPointSettings(Settings):
    """What is computed for each molecule, by whatever engine.

    :param engine: one of :data:`BATCH_ENGINES` or :data:`PROGRAM_ENGINES`.
    :param seed: of the start geometries.
    :param settings: of the batch runner, which makes the start geometries; ``polarizability`` counts for all engines.
    :param energy: keys of :class:`~aiida_osc.qc.calculation.Model` for the energies; not for tblite.
    :param geometry: the same for the geometries, or :data:`~aiida_osc.qc.levels.XTB_GEOMETRY`.
    """

    engine: str = 'tblite'
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    energy: Model | None = None
    geometry: Model | str = XTB_GEOMETRY

    def __post_init__(self) -> None:
        """Turn mappings into models and check that the engine has them.

        :raises OscError: when the engine is unknown, or levels are missing, unknown or not those of the engine.
        """
        if self.engine not in BATCH_ENGINES + PROGRAM_ENGINES:
            raise OscError(f'unknown engine {self.engine!r}: use one of {", ".join(BATCH_ENGINES + PROGRAM_ENGINES)}')
        try:
            read_settings(self.settings)
        except ValueError as exception:
            raise OscError(f'settings: {exception}') from None
        for name in ('energy', 'geometry'):
            if isinstance(value := getattr(self, name), dict):
                object.__setattr__(self, name, Model.from_dict(value))
        if self.engine == 'tblite':
            if self.energy is not None or self.geometry != XTB_GEOMETRY:
                raise OscError(
                    'tblite computes at its own levels: leave out energy and geometry, or use another engine'
                )
            return
        if self.energy is None:
            raise OscError(f'{self.engine} needs a level of theory: give "energy" with method and basis')
        if isinstance(self.geometry, str) and self.geometry != XTB_GEOMETRY:
            raise OscError(f'geometry {self.geometry!r}: give {XTB_GEOMETRY} or a mapping with method and basis')
        if isinstance(self.geometry, Model) and self.geometry.epsilon:
            raise OscError('geometries are of the gas phase: leave "epsilon" out of "geometry"')
        for model in {self.energy, self.geometry} - {XTB_GEOMETRY}:
            model.spelled_for(self.engine)  # type: ignore[union-attr]

    @property
    def wants_polarizability(self) -> bool:
        """Return whether the polarizability of the neutral is computed."""
        return bool(self.settings.get('polarizability', True))

    @property
    def required_columns(self) -> tuple[Column, ...]:
        """Return the columns that a molecule must have to count as labelled."""
        spared = set() if self.wants_polarizability else {'polarizability'}
        if self.energy not in (None, self.geometry):
            # At geometries of another level these may be dropped.
            spared |= {target for targets in RELAXED.values() for target in targets}
        return tuple(column for target, column in self.columns.items() if target not in spared)

    @property
    def columns(self) -> dict[str, Column]:
        """Return the columns that labels of these levels may have, by target."""
        return fourpoint_columns(self.energy, self.geometry)


@dataclass(frozen=True)
class Point:
    """One calculation: ``charge`` at the geometry of charge ``at``, or its optimisation when ``driver`` says so."""

    charge: int
    at: int
    driver: str = 'energy'

    @property
    def name(self) -> str:
        """Return a name that serves as a link label, such as ``cation_at_neutral``."""
        if self.driver == 'optimization':
            return f'optimise_{CHARGE_NAMES[self.charge]}'
        return f'{CHARGE_NAMES[self.charge]}_at_{CHARGE_NAMES[self.at]}'

    @classmethod
    def named(cls, name: str) -> 'Point':
        """Return the point of that name."""
        charges = {value: key for key, value in CHARGE_NAMES.items()}
        if name.startswith('optimise_'):
            charge = charges[name.removeprefix('optimise_')]
            return cls(charge, charge, 'optimization')
        charge, at = (charges[part] for part in name.split('_at_'))
        return cls(charge, at)


CROSSED = (Point(1, 0), Point(-1, 0), Point(0, 1), Point(0, -1))
DIRECT = (Point(0, 0), Point(1, 1), Point(-1, -1))
OPTIMISATIONS = tuple(Point(charge, charge, 'optimization') for charge in CHARGES)


def plan(settings: FourPointSettings) -> tuple[Point, ...]:
    """Return the calculations of a molecule: seven, and the optimisations when those are at another level."""
    if isinstance(settings.geometry, str):
        return DIRECT + CROSSED
    return OPTIMISATIONS + (CROSSED if settings.geometry == settings.energy else DIRECT + CROSSED)


def is_ready(point: Point, structures: Collection[int]) -> bool:
    """Return whether a calculation can start, its structure being one of the charges in ``structures``.

    The ions are optimised from the neutral's minimum; the neutral from whatever there is.
    """
    if point.driver == 'optimization':
        return point.charge == 0 or 0 in structures
    return point.at in structures


def calculation(point: Point, settings: FourPointSettings, numbers: Sequence[int]) -> Calculation:
    """Return what is to be computed at a point.

    :param numbers: atomic numbers of the molecule.
    """
    model = settings.geometry if point.driver == 'optimization' else settings.energy
    last = (point.charge, point.at) == (0, 0) and not (
        point.driver == 'optimization' and settings.geometry != settings.energy
    )
    return Calculation(
        driver=point.driver,
        model=model,  # type: ignore[arg-type]
        charge=point.charge,
        multiplicity=default_multiplicity(int(sum(numbers)), point.charge),
        polarizability=last and settings.wants_polarizability,
    )


def derive(energies: Mapping[tuple[int, int], float]) -> dict[str, float]:
    """Return IE, EA and reorganisation energies in eV.

    :param energies: E_q(R_p) in hartree by (q, p); all seven.
    """
    e = {key: value * HARTREE_TO_EV for key, value in energies.items()}
    reorganisation = {q: e[q, 0] - e[q, q] + e[0, q] - e[0, 0] for q in (1, -1)}
    return {
        'ie_vertical': e[1, 0] - e[0, 0],
        'ie_adiabatic': e[1, 1] - e[0, 0],
        'ea_vertical': e[0, 0] - e[-1, 0],
        'ea_adiabatic': e[0, 0] - e[-1, -1],
        'lambda_hole': reorganisation[1],
        'lambda_electron': reorganisation[-1],
    }


def assemble(key: str, smiles: str, results: Mapping[str, Mapping[str, Any]], settings: FourPointSettings) -> Record:
    """Return the record of a molecule from the results of its calculations, checked like those of the batch job.

    :param key: InChIKey of the molecule.
    :param results: result dictionaries by the names of their points.
    """
    points = {Point.named(name): result for name, result in results.items()}
    # A single point at its own minimum counts for more than the end of the optimisation, which may be at another level.
    ordered = sorted(points.items(), key=lambda item: item[0].driver == 'energy')
    at_point = {(point.charge, point.at): result for point, result in ordered}
    blank: Record = {'key': key, 'smiles': smiles, 'properties': {}, 'energies': {}, 'geometries': {}, 'stage': None}
    absent = [f'{q:+d}@{p:+d}' for q, p in {(x.charge, x.at) for x in DIRECT + CROSSED} if (q, p) not in at_point]
    if absent:
        return {**blank, 'status': FAILED, 'stage': 'collect', 'reason': f'no energy at {", ".join(sorted(absent))}'}
    energies = {pair: float(result['properties']['return_energy']) for pair, result in at_point.items()}
    properties = {**derive(energies), **_of_neutral(at_point[0, 0])}
    dropped = drop_untrusted(properties, settings.columns)
    reason = _fault(smiles, at_point, properties, [name for name in settings.columns if name not in dropped])
    return {
        **blank,
        'status': FLAGGED if reason else OK,
        'reason': reason,
        'stage': 'check' if reason else None,
        'properties': {name: round(value, 6) for name, value in properties.items()},
        'energies': {f'{q}@{p}': value for (q, p), value in energies.items()},
        'geometries': {str(q): _geometry(at_point[q, q]) for q in CHARGES},
        'levels': {target: column.level for target, column in settings.columns.items()},
        'environment': settings.columns['homo'].environment,
        'dropped': dropped,
        'versions': _versions(results.values()),
    }


def _of_neutral(result: Mapping[str, Any]) -> dict[str, float]:
    """Return orbital energies in eV, dipole in Debye and polarizability in bohr^3, as far as they are known."""
    found = result['properties']
    values: dict[str, float] = {}
    if 'homo' in found and 'lumo' in found:
        homo, lumo = found['homo'] * HARTREE_TO_EV, found['lumo'] * HARTREE_TO_EV
        values.update(homo=homo, lumo=lumo, gap=lumo - homo)
    if 'scf_dipole_moment' in found:
        values['dipole'] = float(np.linalg.norm(found['scf_dipole_moment'])) * AU_TO_DEBYE
    if 'scf_polarizability' in found:
        values['polarizability'] = float(np.trace(np.array(found['scf_polarizability']))) / 3
    return values


def _fault(
    smiles: str, at_point: Mapping[tuple[int, int], Any], properties: dict[str, float], names: Collection[str]
) -> str | None:
    """Return why the numbers must not become labels; reorganisation energies just below zero become zero."""
    if (fault := _other_molecule(smiles, at_point)) is not None:
        return fault
    for (q, p), result in at_point.items():
        if (fault := spin_fault(result)) is not None:
            return f'the {CHARGE_NAMES[q]} at the geometry of the {CHARGE_NAMES[p]}: {fault}'
    for name in [name for name in ('lambda_hole', 'lambda_electron') if name in names]:
        if properties[name] < -NOISE:
            return f'{name} = {properties[name]:.4f} eV is negative: the optimisations ended in different conformers'
        properties[name] = max(properties[name], 0.0)
    return implausible(properties, names)


def spin_fault(result: Mapping[str, Any]) -> str | None:
    """Return why the spin of a result is wrong: <S^2> more than 10 % away from S (S + 1)."""
    spin = (result['molecule'].get('molecular_multiplicity', 1) - 1) / 2
    exact, found = spin * (spin + 1), result['properties'].get('s_squared')
    if found is None or not spin or abs(found - exact) <= CONTAMINATION * exact:
        return None
    return f'<S^2> = {found:.3f} instead of {exact:.3f}, the wave function is contaminated by other spins'


def _other_molecule(smiles: str, at_point: Mapping[tuple[int, int], Any]) -> str | None:
    """Return which minimum is not the molecule: the neutral by its graph, the ions by the bonds of the neutral."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    wanted = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    numbers, positions = _atoms(at_point[0, 0])
    bonds = find_bonds(numbers, positions, BOND_FACTOR)
    pairs = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    if skeleton(numbers, bonds) != skeleton(wanted, pairs):
        return 'the neutral is another molecule: its bonds are not those of the SMILES'
    for charge in (1, -1):
        if (fault := connectivity_fault(numbers, bonds, _atoms(at_point[charge, charge])[1])) is not None:
            return f'the {CHARGE_NAMES[charge]} is another molecule: {fault}'
    return None


def _atoms(result: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return atomic numbers and positions in bohr."""
    table = Chem.GetPeriodicTable()
    numbers = np.array([table.GetAtomicNumber(symbol) for symbol in result['molecule']['symbols']])
    return numbers, np.array(result['molecule']['geometry'], dtype=float).reshape(-1, 3)


def _geometry(result: Mapping[str, Any]) -> dict[str, Any]:
    numbers, positions = _atoms(result)
    return {'numbers': numbers.tolist(), 'positions': np.round(positions * BOHR_TO_ANGSTROM, 6).tolist()}


def _versions(results: Any) -> dict[str, str]:
    sources = [result.get('provenance', {}) for result in results]
    return {item['creator']: str(item.get('version', 'unknown')) for item in sources if 'creator' in item}


def total_wall_seconds(results: Mapping[str, Mapping[str, Any]]) -> float:
    """Return the wall seconds of all calculations, as far as their outputs tell."""
    seconds = [result.get('provenance', {}).get('wall_time') or 0.0 for result in results.values()]
    return round(math.fsum(seconds), 3)
