"""The parts of an ORCA output (4.0 to 6.1) as numbers; each reader returns None where its part is not there."""

import re
from dataclasses import dataclass

import numpy as np

from aiida_osc.qc.methods import METHODS
from aiida_osc.units import BOHR_TO_ANGSTROM

NUMBER = r'[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|[-+]?nan|[-+]?inf'
_XYZ = rf'[ \t]+({NUMBER})[ \t]+({NUMBER})[ \t]+({NUMBER})'
_ECHO = re.compile(r'^\|\s*\d+>(.*)$', re.MULTILINE)
_AU_ATOM = re.compile(
    rf'^[ \t]*\d+\s+([A-Za-z]{{1,2}})(?:\(\w+\))?:?\s+[\d.]+\*?\s+\d+\s+[\d.]+\*?{_XYZ}\s*$', re.IGNORECASE
)
_ANGSTROM_ATOM = re.compile(rf'^[ \t]*([A-Za-z]{{1,2}})(?:\(\w+\))?:?{_XYZ}\s*$', re.IGNORECASE)
_GRADIENT_ROW = re.compile(rf'^[ \t]*\d+\s*(?:[A-Za-z]{{1,2}})?\s*:{_XYZ}\s*$', re.IGNORECASE)
_ORBITAL = re.compile(rf'^[ \t]*\d+\s+(\d\.\d+)\s+({NUMBER})\s+({NUMBER})(?:\s+\S+)?\s*$', re.IGNORECASE)
_FREQUENCY = re.compile(rf'^[ \t]*(\d+):\s+({NUMBER})\s+cm\*\*-1', re.IGNORECASE)
_DISPLACEMENTS = re.compile(r'ORCA NUMERICAL FREQUENCIES|displaced geometry\s+1\b')
_OPTIMIZATION = 'GEOMETRY OPTIMIZATION CYCLE'
#: Spelling of ORCA in small letters -> name of the method in this package; plain B3LYP has another correlation there.
_WAVE_FUNCTIONS = {'rhf': 'HF', 'uhf': 'HF', 'rohf': 'HF', 'hf': 'HF'}
_FURTHER_FUNCTIONALS = (
    *('TPSS', 'TPSSh', 'TPSS0', 'M06', 'M06L', 'B3PW91', 'BHLYP', 'BHANDHLYP', 'X3LYP', 'O3LYP', 'revPBE', 'RPBE'),
    *('B97', 'B97-3c', 'wB97', 'wB97X', 'wB97X-D3', 'wB97X-D4', 'wB97M-V', 'wB97M-D3BJ', 'wB97M-D4', 'B2PLYP'),
    *('PW6B95', 'PWPB95', 'PW91', 'LC-BLYP', 'LC-PBE', 'SCANfunc', 'rSCAN', 'r2SCAN0', 'r2SCANh'),
)
_SPELLINGS = {name.lower(): name for name in _FURTHER_FUNCTIONALS} | {'b3lyp': 'B3LYP(VWN5)'}
_SPELLINGS |= {engines['orca'].lower(): name for name, engines in METHODS.items() if 'orca' in engines and name != 'HF'}
_POST_HF = re.compile(r'(MP2|MP3|CCSD|QCISD|CEPA|CASSCF|NEVPT2|MRCI|XTB\d?|-3C$)', re.IGNORECASE)
_DISPERSIONS = {'d3bj': 'D3BJ', 'd4': 'D4', 'd3zero': 'D3ZERO', 'd3': 'D3BJ', 'd2': 'D2'}


@dataclass(frozen=True)
class Orbitals:
    """Orbital energies of one spin, or of both: in hartree, with the number of occupied ones."""

    energies: np.ndarray
    occupied: int


def split_echo(text: str) -> tuple[str, str]:
    """Return the echo of the input file, and the output without it: what a user wrote must not pass for a result."""
    return '\n'.join(_ECHO.findall(text)), _ECHO.sub('', text)


def equilibrium_part(body: str) -> str:
    """Return the output up to the displacements of numerical frequencies, whose energies are none of the molecule."""
    # A Hessian before the optimisation is displaced as well; only what comes after the last step counts here.
    found = _DISPLACEMENTS.search(body, max(body.rfind(_OPTIMIZATION), 0))
    return body[: found.start()] if found else body


def last_number(body: str, pattern: str) -> float | None:
    """Return the first group of the last match as a number, None where there is none."""
    found = re.findall(pattern, body, re.MULTILINE | re.IGNORECASE)
    return to_float(found[-1]) if found else None


def last_word(body: str, pattern: str) -> str | None:
    """Return the first group of the last match, None where there is none."""
    found = re.findall(pattern, body, re.MULTILINE)
    return found[-1].strip() if found else None


def to_float(word: str) -> float | None:
    """Return a number as ORCA prints it, None where it is none."""
    try:
        return float(word.replace('D', 'E').replace('d', 'e'))
    except ValueError:
        return None


def read_geometry(body: str) -> tuple[tuple[str, ...], np.ndarray, int] | None:
    """Return symbols, positions in bohr of shape ``(atoms, 3)``, and where in ``body`` the last structure stands.

    A structure in whose midst the output ends does not count.
    """
    for header, row, scale in (
        ('CARTESIAN COORDINATES (A.U.)', _AU_ATOM, 1.0),
        ('CARTESIAN COORDINATES (ANGSTROEM)', _ANGSTROM_ATOM, 1 / BOHR_TO_ANGSTROM),
    ):
        starts = [match.start() for match in re.finditer(rf'^{re.escape(header)}', body, re.MULTILINE)]
        if not starts:
            continue
        count = len(_rows(body, starts[0], row))
        for start in reversed(starts):
            rows = _rows(body, start, row)
            if rows and len(rows) >= count:
                positions = np.array([[to_float(word) for word in match.groups()[1:]] for match in rows], dtype=float)
                return tuple(match.group(1).capitalize() for match in rows), positions * scale, start
    return None


def read_gradient(body: str, after: int, atoms: int) -> np.ndarray | None:
    """Return the last gradient in hartree/bohr, shape ``(atoms, 3)``, if it is of the last structure.

    :param after: where in ``body`` that structure stands.
    """
    start = body.rfind('\nCARTESIAN GRADIENT')
    if start < after:
        return None
    rows = _rows(body, start + 1, _GRADIENT_ROW)
    values = np.array([[to_float(word) for word in match.groups()] for match in rows], dtype=float)
    return values if values.shape == (atoms, 3) else None


def read_orbitals(body: str) -> tuple[Orbitals | None, Orbitals | None]:
    """Return the orbitals of alpha (or all) electrons and those of beta electrons, None in a restricted run."""
    starts = [match.start() for match in re.finditer(r'^ORBITAL ENERGIES\s*$', body, re.MULTILINE)]
    if not starts:
        return None, None
    block = body[starts[-1] :]
    up, down = block.find('SPIN UP ORBITALS'), block.find('SPIN DOWN ORBITALS')
    if up < 0 or up > 400:
        return _orbitals(block, 0, half=0.999), None
    return _orbitals(block, up, half=0.5), _orbitals(block, down, half=0.5) if down > 0 else None


def _orbitals(block: str, start: int, *, half: float) -> Orbitals | None:
    """Return the table at ``start``; ``half`` is the occupation from which an orbital counts as occupied."""
    rows = _rows(block, start, _ORBITAL)
    energies = np.array([to_float(match.group(2)) for match in rows], dtype=float)
    occupied = sum(float(match.group(1)) >= half for match in rows)
    return Orbitals(energies, occupied) if len(rows) else None


def read_polarizability(body: str) -> np.ndarray | None:
    """Return the last static dipole polarizability in bohr^3, shape ``(3, 3)``."""
    header = r'POLARIZABILITY TENSOR(?: \(Dipole/Dipole\))?\s*\n-+\n(?:.*\n){0,12}?The raw cartesian tensor.*\n'
    found = re.findall(header + rf'{_XYZ}\s*\n{_XYZ}\s*\n{_XYZ}\s*\n', body, re.IGNORECASE)
    return np.array([to_float(word) for word in found[-1]], dtype=float).reshape(3, 3) if found else None


def read_vector(body: str, label: str) -> np.ndarray | None:
    """Return the last three numbers behind ``label``, shape ``(3,)``."""
    found = re.findall(rf'^[ \t]*{re.escape(label)}\s*:{_XYZ}\s*$', body, re.MULTILINE | re.IGNORECASE)
    return np.array([to_float(word) for word in found[-1]], dtype=float) if found else None


def read_frequencies(body: str, atoms: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return frequencies in cm^-1 without those of zero, and the imaginary modes, shape ``(modes, atoms, 3)``."""
    start = body.rfind('\nVIBRATIONAL FREQUENCIES')
    if start < 0:
        return None, None
    rows = [(int(match.group(1)), to_float(match.group(2))) for match in _rows(body, start + 1, _FREQUENCY)]
    values = np.array([value for _, value in rows if value], dtype=float)
    imaginary = [number for number, value in rows if value is not None and value < 0]
    modes = _modes(body, start, imaginary, atoms) if imaginary else None
    return (values if rows else None), modes


def _modes(body: str, start: int, wanted: list[int], atoms: int) -> np.ndarray | None:
    """Return columns of the table of normal modes, None when it is not complete."""
    begin = body.find('\nNORMAL MODES', start)
    if begin < 0:
        return None
    columns: list[int] = []
    values: dict[int, list[float]] = {}
    for line in body[begin:].splitlines()[2:]:
        words = line.split()
        if words and all(word.isdecimal() for word in words):
            columns = [int(word) for word in words]
        elif columns and len(words) == len(columns) + 1 and words[0].isdecimal():
            for column, word in zip(columns, words[1:], strict=True):
                values.setdefault(column, []).append(to_float(word) or 0.0)
        elif columns and words:
            break
    modes = [values.get(number, []) for number in wanted]
    return np.array(modes).reshape(-1, atoms, 3) if all(len(mode) == 3 * atoms for mode in modes) else None


def read_solvent(body: str) -> str | None:
    """Return the implicit solvent, named as the environment of a level: ``cpcm(eps=3.5)`` or ``smd(toluene)``."""
    if not re.search(r'^[ \t]*(?:C-?PCM|CPCM|COSMO)\b.*SOLVATION MODEL', body, re.MULTILINE):
        return None
    name = last_word(body, r'^[ \t]*Solvent:?\s+\.\.\.\s+(\S.*)$')
    if re.search(r'^[ \t]*SMD[ -]CDS', body, re.MULTILINE):
        return f'smd({(name or "unknown").lower()})'
    epsilon = last_number(body, rf'^[ \t]*Epsilon\s+\.\.\.\s+({NUMBER})')
    return f'cpcm(eps={epsilon:g})' if epsilon is not None else 'cpcm'


def read_method(echo: str, body: str) -> str | None:
    """Return the method as this package names it where it has the name, else as far as the output tells."""
    words = [word for line in re.findall(r'^[ \t]*!(.*)$', echo, re.MULTILINE) for word in line.split('#')[0].split()]
    small = [word.lower() for word in words]
    post = next((word.upper() for word in words if _POST_HF.search(word) and '/' not in word), None)
    name = post or next((_SPELLINGS[word] for word in small if word in _SPELLINGS), None) or _printed_method(body)
    name = name or next((_WAVE_FUNCTIONS[word] for word in small if word in _WAVE_FUNCTIONS), None)
    dispersion = next((_DISPERSIONS[word] for word in small if word in _DISPERSIONS), '')
    return f'{name}-{dispersion}' if name and dispersion else name


def _printed_method(body: str) -> str | None:
    kind = last_word(body, r'^[ \t]*(?:Ab initio Hamiltonian|Density Functional)\s+Method\s+\.+\s+(.+)$') or ''
    if kind.startswith('Hartree-Fock'):
        return 'HF'
    names = [
        last_word(body, rf'^[ \t]*{part} Functional\s+{part}\s+\.+\s+(\S+)') for part in ('Exchange', 'Correlation')
    ]
    return '-'.join(dict.fromkeys(name for name in names if name)) or None


def read_charge(echo: str, body: str) -> tuple[int | None, int | None]:
    """Return charge and multiplicity, from the input where the output does not come to them."""
    charge = last_number(body, r'^[ \t]*Total Charge\s+Charge\s+\.+\s+(-?\d+)')
    multiplicity = last_number(body, r'^[ \t]*Multiplicity\s+Mult\s+\.+\s+(\d+)')
    asked = re.findall(r'^[ \t]*\*\s*(?:xyz|xyzfile|int|gzmt|internal)\s+(-?\d+)\s+(\d+)', echo, re.MULTILINE | re.I)
    if asked and charge is None and multiplicity is None:
        return int(asked[-1][0]), int(asked[-1][1])
    return (
        int(charge) if charge is not None else None,
        int(multiplicity) if multiplicity is not None else None,
    )


def _rows(text: str, start: int, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """Return the first unbroken run of lines behind ``start`` that match, which begins within ten lines."""
    rows: list[re.Match[str]] = []
    position, skipped = start, 0
    while position < len(text):
        end = text.find('\n', position)
        line = text[position : end if end >= 0 else len(text)]
        match = pattern.match(line)
        if match:
            rows.append(match)
        elif rows or skipped > 10:
            break
        else:
            skipped += 1
        position = end + 1 if end >= 0 else len(text)
    return rows
