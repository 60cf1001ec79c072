"""What went wrong in a run of ORCA: the wordings of versions 4.0 to 6.1 in one table, and what a good run must show.

A run is good when nothing speaks against it, not when ORCA says so: it ends normally with a geometry that is not
optimised, or with an SCF that converged to nonsense.
"""

import math
import re

from aiida_osc.qc.plausible import is_impossible
from aiida_osc.qc.result import QcResult

BANNER = re.compile(r'Program Version\s+\d')
NORMAL_END = 'ORCA TERMINATED NORMALLY'
#: |V/T|, 2 for an exact wave function and somewhat above with effective core potentials.
VIRIAL = (1.0, 6.0)
#: Ratio of the last energy of an SCF to its first, and the virial ratio around 2 that excuses a larger one.
LARGEST_FALL, EXCUSING_VIRIAL = 2.0, (1.9, 2.1)

#: What ORCA warns of and goes on.
_WARNINGS = re.compile(r'WARNING|according to MaxCore|MAY LEAD TO', re.IGNORECASE)
#: (kind, wording, lines of reason), searched for in this order; the line must not be one of the warnings above.
WORDINGS: tuple[tuple[str, str, int], ...] = (
    ('wrong_multiplicity', r'Error\s*:?\s*multiplicity\s*\(', 1),
    ('wrong_multiplicity', r'multiplicity\b.*(?:impossible|not possible|illegal|invalid)', 1),
    ('wrong_multiplicity', r'number of electrons\b.*impossible', 1),
    ('basis_missing', r'There (?:are|is) no\b.*basis functions? on atom', 1),
    ('basis_missing', r'basis set was either not assigned or not available', 1),
    ('basis_missing', r'no basis (?:set|functions) (?:is |are )?(?:available|found|defined)|basis set not found', 1),
    ('atoms_too_close', r'zero distance (?:encountered )?between atoms', 1),
    ('atoms_too_close', r'\batoms\b.{0,60}\b(?:too close|on top of each other|coincide)', 1),
    ('atoms_too_close', r'distance between atoms\b.{0,60}\b(?:too small|zero)', 1),
    ('input_refused', r'UNRECOGNIZED OR DUPLICATED KEYWORD', 2),
    ('input_refused', r'INPUT ERROR', 3),
    ('input_refused', r'Unknown identifier|Invalid assignment|Unknown (?:error|key|option|keyword) in', 2),
    ('input_refused', r"expect a '\$', '!', '%'", 2),
    ('input_refused', r'check syntax|found a coordinate defin|Element name/number, dummy atom or', 2),
    ('input_refused', r'Cannot open input file|CANNOT OPEN FILE|XYZ File reading requested but', 1),
    ('input_refused', r'You must have a|non-ASCII character|HF exchange must be handled somehow', 1),
    ('input_refused', r'Number of processes\b.*exceeds\s+number of pairs', 1),
    ('crashed', r'No space left on device|Disk quota exceeded|COULD NOT WRITE TO DISK', 1),
    ('out_of_memory', r'not enough memory|increase\s+(?:the\s+)?max\s?core|ran out of memory', 1),
    ('out_of_memory', r'\bout of memory\b|\binsufficient memory\b|memory allocation (?:failed|error)', 1),
    ('out_of_memory', r'cannot allocate memory|bad_alloc|oom[-_ ]?kill', 1),
    ('out_of_memory', r'exceeded (?:job |step )?memory limit|Killed process|signal 9 \(Killed\)', 1),
    ('out_of_memory', r'error termination in GTOInt', 1),
    ('no_executable', r'error while loading shared libraries', 1),
    ('no_executable', r'(?:orca|mpirun|mpiexec)\w*: (?:command )?not found', 1),
    ('no_executable', r'(?:orca|mpirun|mpiexec)\S*: (?:No such file or directory|Permission denied|cannot execute)', 1),
    ('no_executable', r'ORTE was unable to|could not find the executable|execvp error on file', 1),
    ('scf_not_converged', r'SCF NOT CONVERGED AFTER|the SCF (?:has not|did not) converged?', 1),
    ('scf_not_converged', r'wavefunction IS NOT (?:FULLY )?CONVERGED', 1),
    ('scf_not_converged', r'(?:SCF|Wavefunction) not fully converged', 1),
    ('scf_not_converged', r'(?:CCSD|CEPA|MDCI|MP2|QCISD|TRAH|SOSCF)\S* iterations have NOT converged', 1),
    ('scf_not_converged', r'cannot find the xc-energy file|failure because of NANs|SERIOUS PROBLEM IN SOSCF', 1),
    ('geometry_not_converged', r'optimization did not converge', 2),
    ('geometry_not_converged', r'GSTEP Program returns an error', 1),
    ('out_of_walltime', r'DUE TO TIME LIMIT|exceeded\b.*walltime|walltime\b.*exceeded', 1),
    ('crashed', r'ORCA finished (?:by|with) error|LEAVING ORCA|TERMINATED ABNORMALLY', 1),
    ('crashed', r'Segmentation fault|floating point exception|forrtl:|MPI_ABORT|mpirun (?:noticed|detected)', 1),
    ('crashed', r'aborting the run', 1),
)
#: Rows of tables, most of the lines of an output: no message has three decimal numbers.
_TABLE_ROW = re.compile(r'\d\.\d.*\d\.\d.*\d\.\d')
_COMPILED = tuple((kind, re.compile(wording, re.IGNORECASE), lines) for kind, wording, lines in WORDINGS)
#: Wordings that speak against a run even when it ends normally.
_AFTER_ALL = re.compile(r'ORCA finished (?:by|with) error', re.IGNORECASE)
_SCF_MARK = re.compile(r'SCF (NOT )?CONVERGED AFTER\s+\d+')
_GEOMETRY_MARK = re.compile(
    r'(THE OPTIMIZATION HAS CONVERGED|HURRAY)|The optimization did not converge|OPTIMIZATION DID NOT CONVERGE',
    re.IGNORECASE,
)
_CYCLE = re.compile(r'GEOMETRY OPTIMIZATION CYCLE|Geometry Optimization Run')
_UNFINISHED = re.compile(r'not fully converged|(?:CCSD|QCISD|CEPA)\S* iterations have NOT converged', re.IGNORECASE)
_FIRST_ENERGY = re.compile(r'Starting incremental Fock matrix.*\n(?:\s*\*.*\n)*\s*\d+\s+(-?\d+\.\d+)')


def is_optimization(body: str) -> bool:
    """Return whether the run moves atoms."""
    return bool(_CYCLE.search(body))


def geometry_converged(body: str) -> bool | None:
    """Return what the last verdict on the geometry is, None where there is none."""
    marks = [bool(match.group(1)) for match in _GEOMETRY_MARK.finditer(body)]
    return marks[-1] if marks else None


def diagnose(result: QcResult, body: str) -> QcResult:
    """Return the result, as a failed one when anything speaks against it.

    :param body: the output without the echo of its input.
    """
    blown = blow_up(result, body)
    if blown:
        return result.failed('scf_not_converged', blown)
    if NORMAL_END not in body:
        return result.failed(*find_failure(body))
    complaint = _complaint(result, body)
    return result.failed(*complaint) if complaint else result


def find_failure(body: str) -> tuple[str, str]:
    """Return kind and reason of the failure of a run that has not ended normally."""
    body = '\n'.join(line for line in body.split('\n') if not _TABLE_ROW.search(line))
    for kind, pattern, lines in _COMPILED:
        for found in pattern.finditer(body):
            reason = _lines_at(body, found.start(), lines)
            recovered = kind == 'scf_not_converged' and _recovered(body, found.start())
            if not _WARNINGS.search(reason) and not recovered:
                return kind, reason
    if not body.strip():
        return 'output_missing', 'it is empty'
    if not BANNER.search(body):
        return 'output_truncated', 'there is no header of ORCA in it'
    return 'output_truncated', f'it says nothing of an end; its last line: {_last_line(body)}'


def _lines_at(body: str, position: int, count: int) -> str:
    """Return ``count`` lines from the one at ``position`` on, without their ornaments."""
    start = body.rfind('\n', 0, position) + 1
    lines = body[start : start + 1000].split('\n')[:count]
    return ' '.join(' '.join(lines).strip(' *!\t').split())


def _recovered(body: str, position: int) -> bool:
    """Return whether a later SCF of the same run converged."""
    return any(not match.group(1) for match in _SCF_MARK.finditer(body, position + 1))


def _complaint(result: QcResult, body: str) -> tuple[str, str] | None:
    """Return what speaks against a run that has ended normally."""
    failed = _AFTER_ALL.search(body)
    if failed:
        return find_failure(body)
    if not BANNER.search(body) or result.geometry is None:
        return 'output_truncated', 'its beginning is missing'
    marks = [not match.group(1) for match in _SCF_MARK.finditer(body)]
    if (marks and not marks[-1]) or _last_energy_unfinished(body):
        return 'scf_not_converged', 'it ended normally, but the last wave function is not converged'
    if is_optimization(body) and not geometry_converged(body):
        return 'geometry_not_converged', 'it ended normally, but without a converged geometry'
    if result.energy is None:
        return 'crashed', 'it ended normally, but without an energy'
    return None


def _last_energy_unfinished(body: str) -> bool:
    """Return whether the last energy bears a note that its wave function is not converged."""
    start = body.rfind('FINAL SINGLE POINT ENERGY')
    return start >= 0 and bool(_UNFINISHED.search(body[start:].split('\n', 1)[0]))


def blow_up(result: QcResult, body: str) -> str | None:
    """Return why the energies are impossible, None when they are not."""
    words = re.findall(r'^(?:Total Energy\s*:|FINAL SINGLE POINT ENERGY)\s+(\S+)', body, re.MULTILINE)
    values = [value for value in map(_number, words) if value is not None]
    if any(not math.isfinite(value) for value in values[-2:]):
        return 'the SCF blew up: its energy is no number'
    has_scf = '\nTOTAL SCF ENERGY' in body
    impossible = [value for value in values if is_impossible(value, result.symbols) or (has_scf and value > 0)]
    if impossible:
        return f'the SCF blew up: {impossible[-1]:.6g} hartree is impossible for {len(result.symbols)} atoms'
    return _odd_virial(body, values[-1] if values else None)


def _odd_virial(body: str, energy: float | None) -> str | None:
    words = re.findall(r'^Virial Ratio\s*:\s*(\S+)', body, re.MULTILINE)
    ratio = _number(words[-1]) if words else None
    if ratio is None:
        return None
    if not VIRIAL[0] < ratio < VIRIAL[1]:
        return f'the SCF blew up: its virial ratio is {ratio:.6g} instead of about 2'
    firsts = _FIRST_ENERGY.findall(body)
    fall = energy / float(firsts[-1]) if energy is not None and firsts and float(firsts[-1]) else 1.0
    if fall > LARGEST_FALL and not EXCUSING_VIRIAL[0] < ratio < EXCUSING_VIRIAL[1]:
        return f'the SCF blew up: it fell to {fall:.3g} times its first energy, with a virial ratio of {ratio:.3g}'
    return None


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return math.nan if 'nan' in word.lower() else None


def _last_line(body: str) -> str:
    lines = [line for line in body[-2000:].splitlines() if line.strip()]
    return ' '.join(lines[-1].split())[:120] if lines else ''
