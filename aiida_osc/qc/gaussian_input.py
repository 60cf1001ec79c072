"""Parameters of aiida-gaussian's ``gaussian`` for one calculation, and what can be changed in them after a failure."""

import re
from copy import deepcopy
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation

#: Share of the memory that ``%mem`` gets: Gaussian's own programs come on top.
MEMORY_SHARE = 0.75
LEAST_MEMORY_MB = 256
CHECKPOINT, OLD_CHECKPOINT = 'aiida.chk', 'aiida_old.chk'
#: Basis -> Gaussian's spelling; those with diffuse def2 functions it does not have.
BASIS_NAMES: dict[str, str] = {
    'STO-3G': 'STO-3G',
    '3-21G': '3-21G',
    '6-31G*': '6-31G(d)',
    '6-31+G*': '6-31+G(d)',
    '6-311G**': '6-311G(d,p)',
    'cc-pVDZ': 'cc-pVDZ',
    'cc-pVTZ': 'cc-pVTZ',
    'aug-cc-pVDZ': 'Aug-cc-pVDZ',
    'def2-SVP': 'Def2SVP',
    'def2-TZVP': 'Def2TZVP',
    'def2-TZVPP': 'Def2TZVPP',
    'def2-QZVP': 'Def2QZVP',
}
#: Stages of help for the SCF: the value of the SCF keyword, that of Guess, and how to call it.
SCF_STAGES: tuple[tuple[str, str | None, str], ...] = (
    ('(VShift=400,MaxCycle=300)', None, 'a level shift'),
    ('(XQC,MaxCycle=300)', None, 'quadratic steps where the usual ones fail'),
    ('(QC,MaxCycle=500)', 'Huckel', 'quadratic steps from a Hueckel guess'),
    ('(YQC,MaxCycle=500)', 'Core', 'steepest descent and quadratic steps from the bare nuclei'),
)
LOOSE, READ = 'Loose', 'Read'
MEMORY_STAGES = 5
LINKS = ('%chk', '%oldchk', '%mem', '%nprocshared')
ROUTE = (
    'Opt',
    'Freq',
    'Force',
    'Polar',
    'EmpiricalDispersion',
    'NoSymm',
    '5D',
    '6D',
    '7F',
    '10F',
    'SCF',
    'SCRF',
    'Guess',
)
KEYS = ('charge', 'multiplicity', 'functional', 'basis_set', 'dieze_tag', 'route_parameters', 'link0_parameters')
_PLAIN = re.compile(r'^[A-Za-z0-9(][A-Za-z0-9()=,.+*_-]{0,79}$')


def gaussian_parameters(calculation: Calculation, *, cores: int, memory_mb: int) -> dict[str, Any]:
    """Return the parameters of ``gaussian``.

    :param cores: number of threads.
    :param memory_mb: memory of the whole job.
    :raises OscError: when Gaussian cannot do the calculation.
    """
    model = calculation.model
    if model.basis not in BASIS_NAMES:
        raise OscError(f'gaussian has no {model.basis}: use one of {", ".join(BASIS_NAMES)}')
    if model.dispersion not in ('', 'D3BJ'):
        raise OscError(f'gaussian has no {model.dispersion}: use D3BJ, or psi4 or orca')
    if cores < 1 or memory_mb < 1:
        raise OscError(f'{cores} cores and {memory_mb} MB: give at least one core and some memory')
    parameters: dict[str, Any] = {
        'charge': calculation.charge,
        'multiplicity': calculation.multiplicity,
        'dieze_tag': '#P',
        'functional': f'{"U" if calculation.multiplicity > 1 else "R"}{model.spelled_for("gaussian")}',
        'basis_set': BASIS_NAMES[model.basis],
        'route_parameters': _route(calculation),
        'link0_parameters': {'%chk': CHECKPOINT, '%mem': _memory(memory_mb), '%nprocshared': str(cores)},
    }
    if model.epsilon:
        parameters['input_parameters'] = {'eps': model.epsilon}
    return with_scf_help(parameters, calculation.scf_help) if calculation.scf_help else parameters


def _route(calculation: Calculation) -> dict[str, str | None]:
    """Return the route; d and f functions are always stated, as Gaussian's own choice differs from basis to basis."""
    model = calculation.model
    route: dict[str, str | None] = {'NoSymm': None, 'SCF': '(Tight)'}
    route |= {'6D': None, '10F': None} if model.cartesian else {'5D': None, '7F': None}
    if calculation.driver == 'optimization':
        route['Opt'] = f'({LOOSE + "," if calculation.loose_geometry else ""}MaxCycles={calculation.max_steps})'
    elif calculation.driver != 'energy':
        route['Freq' if calculation.driver == 'frequencies' else 'Force'] = None
    if model.dispersion:
        route['EmpiricalDispersion'] = 'GD3BJ'
    if model.epsilon:
        route['SCRF'] = '(CPCM,Solvent=Generic,Read)'
    if calculation.polarizability:
        route['Polar'] = None
    return route


def _memory(memory_mb: float, share: float = MEMORY_SHARE) -> str:
    return f'{max(int(memory_mb * share), LEAST_MEMORY_MB)}MB'


def read_cores(parameters: dict[str, Any]) -> int:
    """Return the number of threads."""
    return int(parameters.get('link0_parameters', {}).get('%nprocshared', 1))


def read_memory(parameters: dict[str, Any]) -> int:
    """Return the megabytes of the whole program."""
    return int(str(parameters.get('link0_parameters', {}).get('%mem', f'{LEAST_MEMORY_MB}MB')).removesuffix('MB'))


def with_scf_help(parameters: dict[str, Any], stage: int) -> dict[str, Any]:
    """Return parameters with the help of ``stage`` (1, 2, ...) for the SCF in place of any earlier one."""
    scf, guess, _ = SCF_STAGES[min(stage, len(SCF_STAGES)) - 1]
    changed = without_orbitals(parameters)
    route = {key: value for key, value in changed.get('route_parameters', {}).items() if key not in ('SCF', 'Guess')}
    changed['route_parameters'] = {**route, 'SCF': scf, **({'Guess': guess} if guess else {})}
    return changed


def with_orbitals(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that read the orbitals of :data:`OLD_CHECKPOINT`."""
    changed = deepcopy(parameters)
    changed.setdefault('route_parameters', {})['Guess'] = READ
    changed.setdefault('link0_parameters', {})['%oldchk'] = OLD_CHECKPOINT
    return changed


def without_orbitals(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that read no orbitals."""
    changed = deepcopy(parameters)
    if changed.get('link0_parameters', {}).pop('%oldchk', None) is not None:
        changed.get('route_parameters', {}).pop('Guess', None)
    return changed


def reads_orbitals(parameters: dict[str, Any]) -> bool:
    """Return whether the orbitals of another run are read."""
    return '%oldchk' in parameters.get('link0_parameters', {})


def read_basis(parameters: dict[str, Any]) -> str | None:
    """Return the basis as this package names it, None when it is none of those."""
    return next((name for name, spelled in BASIS_NAMES.items() if spelled == parameters.get('basis_set')), None)


def check_gaussian_parameters(parameters: dict[str, Any]) -> None:
    """Check that nothing but words and numbers gets into the input.

    :raises OscError: when a key or a value could be anything else.
    """
    for key in ('charge', 'multiplicity'):
        if not isinstance(parameters.get(key), int) or isinstance(parameters.get(key), bool):
            raise OscError(f'{key} {parameters.get(key)!r}: give a whole number')
    route, links = parameters.get('route_parameters', {}), parameters.get('link0_parameters', {})
    unknown = sorted({*set(parameters) - {*KEYS, 'input_parameters'}, *set(route) - {*ROUTE}, *set(links) - {*LINKS}})
    if unknown:
        raise OscError(f'unknown key {unknown[0]!r}: use {", ".join((*KEYS, *ROUTE, *LINKS))}')
    epsilon = parameters.get('input_parameters', {'eps': 1.0})
    if set(epsilon) != {'eps'} or not isinstance(epsilon['eps'], int | float):
        raise OscError('input_parameters: give nothing but the dielectric constant "eps"')
    values = [*route.values(), *links.values(), *(parameters.get(key, 'B3LYP') for key in ('functional', 'basis_set'))]
    odd = [value for value in values if value is not None and not (isinstance(value, str) and _PLAIN.match(value))]
    if odd or parameters.get('dieze_tag', '#P') not in ('#', '#N', '#P', '#T'):
        raise OscError(f'{(odd or [parameters.get("dieze_tag")])[0]!r} is no keyword of Gaussian: give single words')


class GaussianRemedies:
    """What can be changed in the parameters of Gaussian after a failure."""

    def help_scf(self, parameters: dict[str, Any], stage: int) -> dict[str, Any] | None:
        """Return parameters with the help of ``stage``, None after the last one."""
        return with_scf_help(parameters, stage) if stage <= len(SCF_STAGES) else None

    def describe_scf(self, stage: int) -> str:
        """Return in a few words what the help of ``stage`` is."""
        return SCF_STAGES[min(stage, len(SCF_STAGES)) - 1][2]

    def help_memory(
        self, parameters: dict[str, Any], options: dict[str, Any], stage: int
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return parameters and options with twice the memory for each thread.

        First with half of the threads, which share the memory; with one left, with twice the memory, which is asked
        of the scheduler where the job has a limit.
        """
        changed, cores = deepcopy(parameters), read_cores(parameters)
        links = changed.setdefault('link0_parameters', {})
        if cores > 1:
            links['%nprocshared'] = str(cores // 2)
            return changed, options
        if stage > MEMORY_STAGES:
            return None
        links['%mem'] = _memory(2 * read_memory(parameters), 1.0)
        limit = options.get('max_memory_kb')
        return changed, {**options, 'max_memory_kb': 2 * limit} if limit else options

    def loosen_geometry(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """Return parameters with loose criteria, None when they are loose already or nothing is optimised."""
        value = parameters.get('route_parameters', {}).get('Opt')
        if value is None or LOOSE in value:
            return None
        changed = deepcopy(parameters)
        changed['route_parameters']['Opt'] = value.replace('(', f'({LOOSE},', 1)
        return changed
