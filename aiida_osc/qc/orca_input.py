"""Parameters of aiida-orca's ``orca.orca`` for one calculation, and what can be changed in them after a failure.

The plugin writes the words of ``input_keywords`` and ``extra_input_keywords`` on two lines that begin with ``!``, and
each group of ``input_blocks`` as a block that it closes with ``end``. ``%maxcore`` is the one directive without an
``end``: it goes as the last of the extra keywords, with a line break in front, which ends the line of keywords.
The orbitals of another run are read by two lines of the SCF block (``Guess MORead``, ``MOInp``).

RIJCOSX (hybrids) and RI-J (others) with def2/J are always written out: they are what ORCA 5 and 6 do by themselves and
ORCA 4 does not. Energy differences of the same molecule differ by less than a meV from those without.
"""

import re
from copy import deepcopy
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.methods import BASES

#: Share of the memory that ``%maxcore`` gets: ORCA goes beyond it at times.
MAXCORE_SHARE = 0.75
LEAST_MAXCORE_MB = 256
#: Name under which the orbitals of the job before lie in the folder of a job.
OLD_ORBITALS = 'aiida_old.gbw'
_MAXCORE = re.compile(r'^\n%maxcore (\d{2,7})$')
_WORD = re.compile(r'^[A-Za-z0-9][A-Za-z0-9()+*/.,_-]{0,39}$')
_VALUE = re.compile(r'^"?[A-Za-z0-9.+-][A-Za-z0-9 .+_-]{0,79}"?$')
#: Functionals without exact exchange, which need no COSX.
PURE = ('PBE', 'BLYP', 'BP86', 'r2SCAN')
#: Functionals whose Hessian ORCA has by finite differences only: VV10 has no analytical second derivatives.
NUMERICAL_HESSIAN = ('wB97X-V',)
BLOCKS = ('pal', 'scf', 'geom', 'cpcm', 'elprop')
#: Stages of help for the SCF: keywords, lines of the SCF block, and how to call it.
SCF_STAGES: tuple[tuple[tuple[str, ...], dict[str, Any], str], ...] = (
    (
        ('SlowConv',),
        {'MaxIter': 300, 'Shift Shift 0.3 ErrOff 0.1 end': None},
        'damping and a level shift',
    ),
    (
        ('SlowConv', 'KDIIS', 'SOSCF'),
        {'MaxIter': 400, 'SOSCFStart': 0.00033},
        'second-order steps from an earlier point',
    ),
    (('SlowConv',), {'MaxIter': 500, 'Guess': 'PAtom'}, 'a guess from polarised atoms'),
    (
        ('VerySlowConv',),
        {'MaxIter': 1000, 'Guess': 'HCore', 'DirectResetFreq': 1},
        'strong damping, a guess from the bare nuclei, and a new Fock matrix in every step',
    ),
)
_HELP_WORDS = {word for words, _, _ in SCF_STAGES for word in words}
_HELP_LINES = {line for _, lines, _ in SCF_STAGES for line in lines}
LOOSE_WORD, OPT_WORD = 'LooseOpt', 'Opt'
#: After so many failures for lack of memory nothing is left to try.
MEMORY_STAGES = 5


def orca_parameters(calculation: Calculation, *, cores: int, memory_mb: int) -> dict[str, Any]:
    """Return the parameters of ``orca.orca``.

    :param cores: number of MPI processes.
    :param memory_mb: memory of the whole job.
    :raises OscError: when ORCA cannot do the calculation.
    """
    if calculation.model.cartesian:
        raise OscError('orca has spherical d functions only: set cartesian to false, or use psi4 or gaussian')
    if cores < 1 or memory_mb < 1:
        raise OscError(f'{cores} cores and {memory_mb} MB: give at least one core and some memory')
    parameters: dict[str, Any] = {
        'charge': calculation.charge,
        'multiplicity': calculation.multiplicity,
        'input_keywords': [*_level_words(calculation), _job_word(calculation)],
        'extra_input_keywords': ['TightSCF', _maxcore_line(memory_mb / cores)],
        'input_blocks': _blocks(calculation, cores),
    }
    return with_scf_help(parameters, calculation.scf_help) if calculation.scf_help else parameters


def _level_words(calculation: Calculation) -> list[str]:
    """Return the keywords of spin, method, basis, dispersion, fitting and solvent."""
    model, is_open = calculation.model, calculation.multiplicity > 1
    method = model.spelled_for('orca')
    spin = f'{"U" if is_open else "R"}{"HF" if method == "HF" else "KS"}'
    words = [spin] if method == 'HF' else [spin, method]
    fitting = 'RI' if model.method in PURE else 'RIJCOSX'
    words += [model.basis, *([model.dispersion] if model.dispersion else []), fitting, 'def2/J']
    return [*words, 'CPCM'] if model.epsilon else words


def _job_word(calculation: Calculation) -> str:
    if calculation.driver == 'optimization':
        return LOOSE_WORD if calculation.loose_geometry else OPT_WORD
    if calculation.driver == 'frequencies':
        return 'NumFreq' if calculation.model.method in NUMERICAL_HESSIAN else 'Freq'
    return 'EnGrad' if calculation.driver == 'gradient' else 'SP'


def _blocks(calculation: Calculation, cores: int) -> dict[str, dict[str, Any]]:
    blocks: dict[str, dict[str, Any]] = {'pal': {'nprocs': cores}}
    if calculation.driver == 'optimization':
        blocks['geom'] = {'MaxIter': calculation.max_steps}
    if calculation.model.epsilon:
        blocks['cpcm'] = {'epsilon': calculation.model.epsilon}
    if calculation.polarizability:
        blocks['elprop'] = {'Polar': 1}
    return blocks


def _maxcore_line(memory_per_core_mb: float, share: float = MAXCORE_SHARE) -> str:
    return f'\n%maxcore {max(int(memory_per_core_mb * share), LEAST_MAXCORE_MB)}'


def read_maxcore(parameters: dict[str, Any]) -> int | None:
    """Return the megabytes per process, None where they are left to ORCA."""
    found = [match for word in parameters.get('extra_input_keywords', []) if (match := _MAXCORE.match(str(word)))]
    return int(found[-1].group(1)) if found else None


def read_cores(parameters: dict[str, Any]) -> int:
    """Return the number of MPI processes."""
    return int(parameters.get('input_blocks', {}).get('pal', {}).get('nprocs', 1))


def read_basis(parameters: dict[str, Any]) -> str | None:
    """Return the basis among the keywords, None when it is none that this package knows."""
    return next((word for word in parameters.get('input_keywords', []) if word in BASES), None)


def with_resources(parameters: dict[str, Any], cores: int, maxcore_mb: int) -> dict[str, Any]:
    """Return parameters with another number of processes and memory for each."""
    changed = deepcopy(parameters)
    changed.setdefault('input_blocks', {})['pal'] = {'nprocs': cores}
    words = [word for word in changed.get('extra_input_keywords', []) if not _MAXCORE.match(str(word))]
    changed['extra_input_keywords'] = [*words, _maxcore_line(maxcore_mb, 1.0)]
    return changed


def with_scf_help(parameters: dict[str, Any], stage: int) -> dict[str, Any]:
    """Return parameters with the help of ``stage`` (1, 2, ...) for the SCF in place of any earlier one."""
    words, lines, _ = SCF_STAGES[min(stage, len(SCF_STAGES)) - 1]
    changed = without_orbitals(parameters)
    kept = [word for word in changed.get('extra_input_keywords', []) if word not in _HELP_WORDS]
    changed['extra_input_keywords'] = [*words, *kept]
    blocks = changed.setdefault('input_blocks', {})
    scf = {key: value for key, value in blocks.get('scf', {}).items() if key not in _HELP_LINES}
    blocks['scf'] = {**scf, **lines}
    return changed


def with_orbitals(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that read the orbitals of :data:`OLD_ORBITALS`."""
    changed = deepcopy(parameters)
    scf = changed.setdefault('input_blocks', {}).setdefault('scf', {})
    scf.update({'Guess': 'MORead', 'MOInp': f'"{OLD_ORBITALS}"'})
    return changed


def without_orbitals(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that read no orbitals."""
    changed = deepcopy(parameters)
    scf = changed.get('input_blocks', {}).get('scf', {})
    if scf.pop('MOInp', None) is not None:
        scf.pop('Guess', None)
    if not scf:
        changed.get('input_blocks', {}).pop('scf', None)
    return changed


def reads_orbitals(parameters: dict[str, Any]) -> bool:
    """Return whether the orbitals of another run are read."""
    return 'MOInp' in parameters.get('input_blocks', {}).get('scf', {})


def check_orca_parameters(parameters: dict[str, Any]) -> None:
    """Check that nothing but words and numbers gets into the input.

    :raises OscError: when a keyword, a block or a value could be anything else.
    """
    for key in ('charge', 'multiplicity'):
        if not isinstance(parameters.get(key), int) or isinstance(parameters.get(key), bool):
            raise OscError(f'{key} {parameters.get(key)!r}: give a whole number')
    words = [*parameters.get('input_keywords', []), *parameters.get('extra_input_keywords', [])]
    bad = [word for word in words if not isinstance(word, str) or not (_WORD.match(word) or _MAXCORE.match(word))]
    if bad:
        raise OscError(f'{bad[0]!r} is no keyword of ORCA: give single words')
    for name, lines in parameters.get('input_blocks', {}).items():
        if name not in BLOCKS:
            raise OscError(f'unknown block {name!r}: use {", ".join(BLOCKS)}')
        odd = [f'{key} {value}' for key, value in lines.items() if not _is_plain(key) or not _is_plain(value)]
        if odd:
            raise OscError(f'{odd[0]!r} in block {name}: give words and numbers')


def _is_plain(value: Any) -> bool:
    if value is None or isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and bool(_VALUE.match(value))


class OrcaRemedies:
    """What can be changed in the parameters of ORCA after a failure."""

    def help_scf(self, parameters: dict[str, Any], stage: int) -> dict[str, Any] | None:
        """Return parameters with the help of ``stage``, None after the last one."""
        return with_scf_help(parameters, stage) if stage <= len(SCF_STAGES) else None

    def describe_scf(self, stage: int) -> str:
        """Return in a few words what the help of ``stage`` is."""
        return SCF_STAGES[min(stage, len(SCF_STAGES)) - 1][2]

    def help_memory(
        self, parameters: dict[str, Any], options: dict[str, Any], stage: int
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return parameters and options with twice the memory for each process.

        First with half of the processes and the same memory in all; with one process left, with twice the memory,
        which is asked of the scheduler where the job has a limit.
        """
        cores, maxcore = read_cores(parameters), read_maxcore(parameters) or LEAST_MAXCORE_MB
        if cores > 1:
            fewer = cores // 2
            return with_resources(parameters, fewer, maxcore * cores // fewer), options
        if stage > MEMORY_STAGES:
            return None
        limit = options.get('max_memory_kb')
        more = {**options, 'max_memory_kb': 2 * limit} if limit else options
        return with_resources(parameters, 1, 2 * maxcore), more

    def loosen_geometry(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """Return parameters with ORCA's loose criteria, None when they are loose already or nothing is optimised."""
        words = parameters.get('input_keywords', [])
        if OPT_WORD not in words:
            return None
        return {**deepcopy(parameters), 'input_keywords': [LOOSE_WORD if word == OPT_WORD else word for word in words]}
