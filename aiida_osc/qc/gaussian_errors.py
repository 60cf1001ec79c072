"""What went wrong in a run of Gaussian: the wordings of versions 09 and 16 in one table."""

import re

from aiida_osc.qc.plausible import is_impossible
from aiida_osc.qc.result import QcResult

BANNER = re.compile(r'Entering Gaussian System|^ Gaussian \d+:', re.MULTILINE)
NORMAL_END = 'Normal termination of Gaussian'
#: (kind, wording), the first that is found counts.
WORDINGS: tuple[tuple[str, str], ...] = (
    ('wrong_multiplicity', r'combination of multiplicity\b.*impossible'),
    ('wrong_multiplicity', r'Illegal multiplicity|Wanted an (?:integer|even|odd)\b.*multiplicity'),
    ('basis_missing', r'Atomic number out of range for\b.*basis|out of range for ECP|no basis functions? on center'),
    ('basis_missing', r'EOF while reading ECP|The basis set file .* could not be'),
    ('atoms_too_close', r'Small interatomic distances encountered|Problem with the distance matrix|Atoms too close'),
    (
        'input_refused',
        r'QPErr --- A syntax error|Unrecognized (?:symbol|layer|basis|keyword)|Error termination via Lnk1e'
        r' in \S*l1(?:01)?\.exe',
    ),
    ('input_refused', r'End of file in ZSymb|End of file reading|Symbol not found in Z-matrix|There are no atoms'),
    ('crashed', r'No space left on device|Disk quota exceeded|Erroneous write|Error writing'),
    ('out_of_memory', r'galloc:\s+could not allocate|Out-of-memory error|not enough memory|Insufficient memory'),
    ('out_of_memory', r'malloc failed|Cannot allocate memory|oom[-_ ]?kill|signal 9|MaxMem[^\n]*insufficient'),
    ('no_executable', r'error while loading shared libraries|(?:g09|g16)\S*: (?:command )?not found'),
    ('no_executable', r'(?:g09|g16)\S*: (?:No such file or directory|Permission denied)'),
    ('scf_not_converged', r'Convergence failure -- run terminated|SCF has not converged'),
    ('scf_not_converged', r'Density matrix is not changing but DIIS error|Inaccurate quadrature in CalDSu'),
    ('scf_not_converged', r'Error termination via Lnk1e in \S*l50[28]\.exe'),
    (
        'geometry_not_converged',
        r'Number of steps exceeded|Optimization stopped|Maximum of\b.*iterations exceeded in RedStp',
    ),
    ('geometry_not_converged', r'Error termination request processed by link 9999'),
    ('geometry_not_converged', r'FormBX had a problem|Error in internal coordinate system|New curvilinear step failed'),
    ('out_of_walltime', r'DUE TO TIME LIMIT|walltime\b.*exceeded|exceeded\b.*walltime'),
    ('crashed', r'Error termination|Erroneous|segmentation violation|Segmentation fault|floating point exception'),
)
_COMPILED = tuple((kind, re.compile(wording, re.IGNORECASE)) for kind, wording in WORDINGS)
_LATER_STEP = re.compile(r'Proceeding to internal job step|SCF Done:|Entering Link 1')


def diagnose(result: QcResult, body: str, route: str) -> QcResult:
    """Return the result, as a failed one when anything speaks against it.

    :param route: the keywords of the job, which say what there must be.
    """
    words = re.findall(r'^ SCF Done:\s+E\(\S+\s*=\s*(\S+)', body, re.MULTILINE)
    if any(_is_nonsense(word, result) for word in words):
        return result.failed('scf_not_converged', f'the SCF blew up: {words[-1]} hartree is impossible')
    end = body.rfind(NORMAL_END)
    if end < 0 or _LATER_STEP.search(body, end) or 'Error termination' in body:
        return result.failed(*find_failure(body))
    complaint = _complaint(result, body, route)
    return result.failed(*complaint) if complaint else result


def find_failure(body: str) -> tuple[str, str]:
    """Return kind and reason of the failure of a run that has not ended normally."""
    for kind, pattern in _COMPILED:
        found = pattern.search(body)
        if found:
            start = body.rfind('\n', 0, found.start()) + 1
            return kind, body[start : start + 300].split('\n', 1)[0]
    if not body.strip():
        return 'output_missing', 'it is empty'
    if not BANNER.search(body):
        return 'output_truncated', 'there is no header of Gaussian in it'
    return 'output_truncated', 'it says nothing of an end'


def _complaint(result: QcResult, body: str, route: str) -> tuple[str, str] | None:
    """Return what speaks against a run that has ended normally."""
    if not BANNER.search(body) or result.geometry is None:
        return 'output_truncated', 'its beginning is missing'
    if result.energy is None:
        return 'crashed', 'it ended normally, but without an energy'
    if result.driver == 'optimization' and not result.optimization_converged:
        return 'geometry_not_converged', 'it ended normally, but without a stationary point'
    if re.search(r'\bfreq\b', route, re.IGNORECASE) and result.frequencies is None:
        return 'output_truncated', 'it ends before the frequencies'
    return None


def _is_nonsense(word: str, result: QcResult) -> bool:
    try:
        value = float(word.replace('D', 'E'))
    except ValueError:
        return True
    return is_impossible(value, result.symbols) or value > 0
