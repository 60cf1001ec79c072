"""Render the input of Psi4 from sections, one Jinja file each, and say what can be changed after a failure.

The input is pure Python and runs in Psi4 1.3 to 1.9. Only checked numbers and names of :mod:`aiida_osc.qc.methods`
are put into it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from textwrap import indent
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from jinja2 import Environment, PackageLoader, StrictUndefined

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation, check_electrons
from aiida_osc.qc.methods import check_basis
from aiida_osc.settings import Settings

RESULTS_FILE = 'results.json'
ORBITALS_FILE = 'orbitals.npy'
#: Results of an earlier job on the same molecule, whose last geometry an optimisation starts from.
PARENT_FILE = 'parent.json'
QCSCHEMA_FILE = 'qcschema.json'
#: Drivers that move the atoms.
MOVING = ('optimization', 'frequencies')
#: The smallest memory that Psi4 accepts, in MB.
LEAST_MEMORY = 300
#: Memory of a job whose options do not say, and the share of the job's memory that Psi4 is told to use.
DEFAULT_MEMORY_KB, MEMORY_SHARE = 2_000_000, 0.85
#: Strength of the finite field of a polarizability in atomic units.
FIELD = 0.002
#: Functionals whose results depend more on the grid than those of others.
SENSITIVE = ('r2SCAN', 'M06-2X', 'wB97X-D', 'wB97X-D3BJ', 'wB97X-V')
#: Words and options of each stage of help for the SCF, and the level shift in hartree.
SCF_HELP: dict[int, tuple[str, dict[str, Any], float]] = {
    1: ('damping and a level shift', {'damping_percentage': 40.0, 'maxiter': 300, 'diis_max_vecs': 15}, 0.25),
    2: ('second-order steps', {'soscf': True, 'soscf_start_convergence': 0.1, 'maxiter': 300}, 0.0),
    3: (
        'a guess from a smaller basis',
        {'basis_guess': "'3-21G'", 'df_basis_guess': False, 'damping_percentage': 20.0, 'maxiter': 500},
        0.0,
    ),
}


#: The stage that brings a guess of its own.
GUESS_FROM_BASIS = 3


@dataclass(frozen=True)
class Psi4Settings(Settings):
    """Numbers of Psi4 alone.

    :param scf_iterations: largest number of SCF iterations without help.
    :param density_fitting: whether Coulomb and exchange integrals are fitted.
    :param radial_points: of the grid per atom, 0 for what suits the functional.
    :param spherical_points: of the grid per atom, 0 for what suits the functional.
    """

    scf_iterations: int = 100
    density_fitting: bool = True
    radial_points: int = 0
    spherical_points: int = 0

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises OscError: when one is impossible.
        """
        if self.scf_iterations < 1 or self.radial_points < 0:
            raise OscError('scf_iterations is at least 1, radial_points at least 0')
        if self.spherical_points not in (0, 110, 194, 302, 434, 590, 770, 974):
            raise OscError('spherical_points: use 0, 110, 194, 302, 434, 590, 770 or 974')


def render_input(
    calculation: Calculation,
    symbols: Sequence[str],
    positions: np.ndarray,
    *,
    threads: int,
    memory_mb: int,
    settings: Psi4Settings | None = None,
    deadline: float | None = None,
) -> str:
    """Return the input of one calculation.

    :param symbols: chemical symbols.
    :param positions: in Angstrom, shape ``(atoms, 3)``.
    :param memory_mb: what Psi4 may use, in MB.
    :param deadline: seconds after the start at which an optimisation ends by itself, None for no limit.
    :raises OscError: when Psi4 cannot do it.
    """
    settings = settings or Psi4Settings()
    check_psi4(calculation, symbols, positions)
    names: dict[str, Any] = {
        'results_file': RESULTS_FILE,
        'orbitals_file': ORBITALS_FILE,
        'parent_file': PARENT_FILE,
        'moving': calculation.driver in MOVING,
        'threads': int(threads),
        'memory_mb': max(LEAST_MEMORY, int(memory_mb)),
        'method': psi4_method(calculation),
        'charge': calculation.charge,
        'multiplicity': calculation.multiplicity,
        'atoms': [(symbol, *map(float, row)) for symbol, row in zip(symbols, positions, strict=True)],
        'options': _options(calculation, settings),
        'unrestricted': calculation.multiplicity > 1,
        'uses_orbitals': calculation.scf_help != GUESS_FROM_BASIS,
        'deadline': None if deadline is None else float(deadline),
        **_closed_shell(calculation, symbols),
        'epsilon': float(calculation.model.epsilon),
        'field': FIELD,
    }
    known = {**_known(calculation), 'symbols': list(symbols), 'threads': int(threads)}
    sections = ['resources', 'molecule', 'options', *_scf_help(calculation, names)]
    sections += ['solvent'] if calculation.model.epsilon else []
    sections += ['guess'] if calculation.scf_help != GUESS_FROM_BASIS else []
    sections += ['properties', *_run_sections(calculation)]
    return _join({**names, 'known': known}, sections)


def render_qcschema_input(*, threads: int, memory_mb: int) -> str:
    """Return the input that evaluates the QCSchema file beside it."""
    names = {
        'results_file': RESULTS_FILE,
        'qcschema_file': QCSCHEMA_FILE,
        'threads': int(threads),
        'memory_mb': max(LEAST_MEMORY, int(memory_mb)),
        'known': {'format': 1, 'threads': int(threads)},
    }
    return _join(names, ['resources', 'qcschema'])


def check_psi4(calculation: Calculation, symbols: Sequence[str], positions: np.ndarray) -> None:
    """Check that Psi4 can do a calculation of this molecule.

    :raises OscError: when it cannot, with what to change.
    """
    unknown = sorted(set(symbols) - set(atomic_numbers) | ({'X'} & set(symbols)))
    if unknown or not len(symbols):
        raise OscError(f'no elements: {", ".join(unknown) or "nothing at all"}; give chemical symbols')
    if positions.shape != (len(symbols), 3) or not np.isfinite(positions).all():
        raise OscError('the positions are not x, y, z of every atom')
    numbers = tuple(atomic_numbers[symbol] for symbol in symbols)
    check_basis(calculation.model.basis, numbers)
    check_electrons(sum(numbers), calculation.charge, calculation.multiplicity)
    psi4_method(calculation)
    if calculation.model.epsilon and calculation.driver != 'energy':
        raise OscError('Psi4 has no gradients in a solvent: optimise in the gas phase, then compute the energy in it')
    if calculation.model.epsilon and calculation.polarizability:
        raise OscError('a polarizability in a solvent is not offered: compute it in the gas phase')
    if calculation.scf_help > max(SCF_HELP):
        raise OscError(f'scf_help {calculation.scf_help}: Psi4 has the stages 0 to {max(SCF_HELP)}')


def psi4_method(calculation: Calculation) -> str:
    """Return method and dispersion as Psi4 calls them.

    :raises OscError: when Psi4 has no such method.
    """
    model = calculation.model
    dispersion = f'-{model.dispersion.lower()}' if model.dispersion else ''
    return f'{model.spelled_for("psi4")}{dispersion}'


def _known(calculation: Calculation) -> dict[str, Any]:
    """Return what the results tell of the calculation itself."""
    model = calculation.model
    return {
        'format': 1,
        'driver': calculation.driver,
        'method': f'{model.method}-{model.dispersion}' if model.dispersion else model.method,
        'basis': model.basis,
        'cartesian': model.cartesian,
        'solvent': model.environment if model.epsilon else None,
        'charge': calculation.charge,
        'multiplicity': calculation.multiplicity,
        'loose_geometry': calculation.loose_geometry,
        'scf_help': calculation.scf_help,
    }


def _options(calculation: Calculation, settings: Psi4Settings) -> list[tuple[str, Any]]:
    """Return the options of Psi4 in order, with values as Python text."""
    model = calculation.model
    unrestricted = calculation.multiplicity > 1
    kind = 'hf' if model.method == 'HF' else 'ks'
    radial, spherical = (99, 590) if model.method in SENSITIVE else (75, 434)
    options: dict[str, Any] = {
        'basis': repr(model.basis.lower()),
        'puream': not model.cartesian,
        'reference': repr(('u' if unrestricted else 'r') + kind),
        'scf_type': repr('df' if settings.density_fitting else 'direct'),
        'guess': repr('sad'),
        'maxiter': settings.scf_iterations,
        'e_convergence': 1e-8,
        'd_convergence': 1e-8,
    }
    if kind == 'ks':
        options['dft_radial_points'] = settings.radial_points or radial
        options['dft_spherical_points'] = settings.spherical_points or spherical
    if calculation.driver in MOVING:
        options['geom_maxiter'] = calculation.max_steps
        options['g_convergence'] = repr('gau_loose' if calculation.loose_geometry else 'gau')
        options['opt_coordinates'] = repr('both' if calculation.loose_geometry else 'internal')
    return list(options.items())


def _closed_shell(calculation: Calculation, symbols: Sequence[str]) -> dict[str, Any]:
    """Return the closed shell whose orbitals an open one starts from, and how many electrons that has more."""
    charge, unpaired = calculation.charge, calculation.multiplicity - 1
    if not unpaired:
        return {'closed_charge': None}
    electrons = sum(atomic_numbers[symbol] for symbol in symbols) - charge
    # A radical cation starts from the neutral, as does a radical anion; a neutral radical starts from its cation.
    added = electrons % 2 if charge < 0 else -(electrons % 2)
    added = added if charge or not electrons % 2 else 1
    closed = electrons - added
    if closed < 2:
        return {'closed_charge': None}
    alpha, kind = (electrons + unpaired) // 2, 'hf' if calculation.model.method == 'HF' else 'ks'
    return {
        'closed_charge': charge + added,
        'closed_reference': f'r{kind}',
        'reference': f'u{kind}',
        'more_alpha': alpha - closed // 2,
        'more_beta': electrons - alpha - closed // 2,
    }


def _scf_help(calculation: Calculation, names: dict[str, Any]) -> list[str]:
    """Return the section of help for the SCF, and put what it needs into ``names``."""
    if not calculation.scf_help:
        return []
    description, options, shift = SCF_HELP[calculation.scf_help]
    names['help'] = {
        'stage': calculation.scf_help,
        'description': description,
        'options': list(options.items()),
        'level_shift': shift,
    }
    return ['scf_help']


def _run_sections(calculation: Calculation) -> list[str]:
    driver = calculation.driver
    # Frequencies mean something at a stationary point only: the structure is optimised first.
    sections = ['optimization', 'frequencies'] if driver == 'frequencies' else [driver]
    if calculation.polarizability:
        sections += ['polarizability']
    return sections


def _join(names: dict[str, Any], sections: Sequence[str]) -> str:
    """Return the rendered sections, all but the first inside of ``try``."""
    texts = {name: _environment().get_template(f'{name}.jinja').render(names) for name in ('start', 'failure')}
    body = []
    for name in sections:
        scope = {**names, **names['help']} if name == 'scf_help' else names
        body.append(_environment().get_template(f'{name}.jinja').render(scope))
    inner = indent('\n'.join(body), '    ')
    return f'{texts["start"]}\n\ntry:\n{inner}{texts["failure"]}'


@cache
def _environment() -> Environment:
    # The text is no HTML: nothing is to be escaped, and nothing of a user is in it.
    return Environment(  # noqa: S701
        loader=PackageLoader('aiida_osc', 'calculations/templates/psi4'),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=False,
    )


class Psi4Remedies:
    """What can be changed in the parameters of ``osc.psi4`` after a failure."""

    #: Factor of the memory ladder and its number of rungs.
    memory_factor, memory_rungs = 2, 3

    def help_scf(self, parameters: dict[str, Any], stage: int) -> dict[str, Any] | None:
        """Return parameters with more help for the SCF than they ask for already, None when there is no more."""
        stage = max(stage, parameters.get('scf_help', 0) + 1)
        return {**parameters, 'scf_help': stage} if stage in SCF_HELP else None

    def describe_scf(self, stage: int) -> str:
        """Return in a few words what the help of ``stage`` is."""
        return SCF_HELP[min(max(stage, 1), max(SCF_HELP))][0]

    def help_memory(
        self, parameters: dict[str, Any], options: dict[str, Any], stage: int
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the same parameters and options that ask for twice the memory."""
        if stage > self.memory_rungs:
            return None
        memory = options.get('max_memory_kb') or DEFAULT_MEMORY_KB
        return parameters, {**options, 'max_memory_kb': int(memory * self.memory_factor)}

    def loosen_geometry(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """Return parameters with looser criteria and redundant Cartesian coordinates, None when they are so."""
        return None if parameters.get('loose_geometry') else {**parameters, 'loose_geometry': True}


def memory_for(max_memory_kb: int | None) -> int:
    """Return the memory in MB that Psi4 is told to use in a job of that size."""
    return max(LEAST_MEMORY, int(MEMORY_SHARE * (max_memory_kb or DEFAULT_MEMORY_KB) / 1000))
