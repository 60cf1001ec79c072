"""What Psi4 says when a run fails, as kinds of :data:`~aiida_osc.qc.failures.FAILURES`.

The words are those of Psi4 1.0 to 1.9 (its drivers' exceptions, its C++ errors, QCElemental and both optimisers).
"""

import re
from collections.abc import Sequence

from aiida_osc.qc.plausible import is_impossible

#: (kind, pattern, sentence or None to quote the line that matched), tried from the top.
SIGNATURES: tuple[tuple[str, re.Pattern[str], str | None], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE), sentence)
    for kind, pattern, sentence in (
        ('scf_not_converged', r'Could not converge SCF|SCFConvergenceError|^\s*Failed to converged?\.', None),
        ('scf_not_converged', r'Energy (and/or wave function )?did not converge, but proceeding', None),
        ('geometry_not_converged', r'Could not converge geometry|OptimizationConvergenceError', None),
        ('geometry_not_converged', r'Optimization has failed|Optimizer: Optimization failed', None),
        (
            'geometry_not_converged',
            r'GeomOptNotConverged|optking\.exceptions\.|^(?:Alg|Opt)Error\b|Point group changed',
            None,
        ),
        ('geometry_not_converged', r'Could not converge backtransformation|ALG_FAIL|INTCO_EXCEPT', None),
        ('out_of_walltime', r'WallTimeOver|DUE TO TIME LIMIT|job killed: walltime|walltime \d+ exceeded', None),
        ('out_of_memory', r'bad_alloc|MemoryError|(?:Cannot|unable to|could not) allocate', None),
        ('out_of_memory', r'(?<!There is )(?:not enough|insufficient|out of|too little(?: \w+)?) memory', None),
        ('out_of_memory', r'memory constraints exceeded|minimum 250 MiB|increase (?:available )?memory', None),
        ('out_of_memory', r'oom[-_ ]kill|^\s*Killed\s*$', None),
        ('atoms_too_close', r'atoms are too close|on top of each other', None),
        ('wrong_multiplicity', r'Inconsistent or unspecified chg/mult|reference is only for singlets', None),
        ('wrong_multiplicity', r'multiplicity of -?\d+ with -?\d+ electrons is impossible', None),
        ('wrong_multiplicity', r'(?:impossible|inconsistent|invalid)[^\n]{0,40}multiplicity', None),
        ('basis_missing', r'BasisSetNotFound|BasisSetFileNotFound|Unable to find a basis set', None),
        (
            'no_executable',
            r'`dftd3[^`]*`\) failed|Dftd3Error|No module named .?(?:dftd3|dftd4)|dftd[34][^\n]*not (?:found|available)',
            'Psi4 does not find dftd3 or dftd4, which it calls for dispersion: install it there, or leave out D3 or D4',
        ),
        (
            'no_executable',
            r'without PCMSolver|PCM_?Solver[^\n]*(?:not|must)|No module named .?pcmsolver|requires? PCMSolver',
            'this Psi4 was built without PCMSolver: use another one for calculations in a solvent',
        ),
        ('input_refused', r'method "[^"\n]*" is not available|MissingMethodError|ManagedMethodError', None),
        ('input_refused', r'is not a valid option|is not contained in the list of available options', None),
        ('input_refused', r'(?:functional|superfunctional)[^\n]*(?:not found|unknown|does not exist)', None),
        ('input_refused', r'^(?:[\w.]*\.)?(?:ValidationError|ParsingError|SyntaxError|NameError)\b', None),
        ('input_refused', r'(?:molecule|geometry)[^\n]*(?:could not be parsed|MoleculeFormatError)', None),
    )
)
#: The last line of a traceback, and the one-line form of Psi4's own errors.
ERROR_LINE = re.compile(
    r'^(?:[\w.]*(?:Error|Exception|Exit|NotFound)\w*\b.*|\s*(?:PsiException|Fatal Error): .*)$', re.M
)


def classify(text: str) -> tuple[str, str] | None:
    """Return the kind of failure and the words for it, None when the text tells of none.

    :param text: the error as Psi4 printed it, or ``type: message`` of an exception.
    """
    for kind, pattern, sentence in SIGNATURES:
        match = pattern.search(text)
        if match:
            return kind, sentence or _line_of(text, match.start())
    errors = ERROR_LINE.findall(text)
    return ('crashed', errors[-1].strip()) if errors else None


def _line_of(text: str, position: int) -> str:
    """Return the line of ``text`` that holds ``position``, without the module of an exception."""
    start = text.rfind('\n', 0, position + 1) + 1
    end = text.find('\n', max(position, start))
    line = ' '.join(text[start : end if end >= 0 else len(text)].split())
    return re.sub(r'^[a-zA-Z_]\w*(\.\w+)+\.(?=\w+(Error|Found)\b)', '', line)


def is_nonsense(energy: float, symbols: Sequence[str]) -> bool:
    """Return whether an SCF that gave this energy in hartree has converged to nonsense, or has blown up."""
    return is_impossible(energy, symbols) or (bool(symbols) and energy > 1)
