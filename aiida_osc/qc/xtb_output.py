"""Read the text that the xtb program prints (versions 6.3 to 6.7)."""

import re

import numpy as np

from aiida_osc.qc.result import QcResult
from aiida_osc.units import BOHR_TO_ANGSTROM, HARTREE_TO_EV

SIGNATURE = re.compile(r'\|\s+x T B\s+\||termination of xtb')
FINAL = re.compile(r'final structure:\s*\n=+\s*\n\s*(\d+)\s*\n[^\n]*\n((?:\s*[A-Z][a-z]?(?:\s+-?\d+\.\d+){3}\s*\n)+)')
NUMBER = r'(-?\d+\.\d+(?:[EeDd][-+]?\d+)?)'
#: What the program says of a failure -> kind of failure; the first that is found counts.
FAULTS = (
    (r'iterator did not converge|SCF not converged|SCC did not converge', 'scf_not_converged'),
    (r'FAILED TO CONVERGE GEOMETRY OPTIMIZATION', 'geometry_not_converged'),
    (r'[Ss]um of charges? and|uneven|[Oo]pen-shell .* not', 'wrong_multiplicity'),
    (r'[Cc]ould not allocate|out of memory', 'out_of_memory'),
    (r'atoms? too close|[Cc]old fusion|very short (?:interatomic )?distance', 'atoms_too_close'),
    (r'[Nn]o parameters? for|[Uu]nknown element|[Ii]nvalid element', 'basis_missing'),
    (
        r'[Cc]annot (?:read|open)|[Nn]o (?:input|coordinate|structure)|[Cc]ould not (?:read|detect|open)',
        'input_refused',
    ),
)
DRIVERS = ((r'A N C O P T', 'optimization'), (r'Numerical Hessian', 'frequencies'))


def parse_xtb(text: str) -> QcResult:
    """Return what a run of xtb gave.

    :param text: standard output, with or without standard error.
    """
    result = _read(text)
    if not text.strip():
        return result.failed('output_missing', 'the output is empty')
    reason = _error(text)
    for pattern, kind in FAULTS:
        found = re.search(pattern, text)
        if found and (reason or kind == 'geometry_not_converged'):
            return result.failed(kind, _line(text, found.start()))
    if reason:
        return result.failed('crashed', reason)
    if '* finished run on' not in text:
        return result.failed('output_truncated', 'the line "finished run on" is missing')
    if result.energy is None:
        return result.failed('crashed', 'no total energy is printed')
    return result


def _read(text: str) -> QcResult:
    driver = 'energy'
    for pattern, name in DRIVERS:
        driver = name if re.search(pattern, text) else driver
    energy = _last(text, rf'(?:TOTAL ENERGY|total energy)\s+{NUMBER} Eh')
    symbols, geometry = _structure(text)
    occupations = _orbitals(text)
    charge = _last(text, rf':: total charge\s+{NUMBER} e')
    homo_lumo = tuple(_last(text, rf'{NUMBER}\s+\({name}\)') for name in ('HOMO', 'LUMO'))
    frequencies = _frequencies(text) if driver == 'frequencies' else None
    wall = re.search(r'total:\s*\n\s*\* wall-time:\s*(\d+) d,\s*(\d+) h,\s*(\d+) min,\s*([\d.]+) sec', text)
    return QcResult(
        creator='xtb',
        version=_first(text, r'\* xtb version (\S+)'),
        driver=driver,
        method=_first(text, r'Hamiltonian\s+(\S+)\s+:'),
        solvent=_first(text, r'Solvent\s+(\S+)'),
        charge=None if charge is None else round(charge),
        multiplicity=None if occupations is None else 1 + occupations[1],
        symbols=symbols,
        geometry=geometry,
        energy=energy,
        solvation_energy=_last(text, rf'-> Gsolv\s+{NUMBER} Eh'),
        dipole=_dipole(text),
        occupied_a=None if occupations is None else sum(occupations),
        occupied_b=None if occupations is None else occupations[0],
        homo_lumo=None if None in homo_lumo else tuple(value / HARTREE_TO_EV for value in homo_lumo),  # type: ignore
        basis_functions=_whole(text, r'# basis functions\s+(\d+)'),
        frequencies=frequencies,
        optimization_energies=_steps(text) if driver != 'energy' else None,
        optimization_converged='GEOMETRY OPTIMIZATION CONVERGED' in text if 'A N C O P T' in text else None,
        wall_seconds=None if wall is None else _seconds(*map(float, wall.groups())),
        threads=_whole(text, r'omp threads\s+:\s+(\d+)'),
    )


def _structure(text: str) -> tuple[tuple[str, ...], np.ndarray | None]:
    """Return symbols and positions in bohr of the final structure; the symbols alone where none is printed."""
    found = re.search(
        r'final structure:\s*\n=+\s*\n\s*(\d+)\s*\n[^\n]*\n((?:\s*[A-Z][a-z]?(?:\s+-?\d+\.\d+){3}\s*\n)+)', text
    )
    if found:
        rows = [line.split() for line in found[2].splitlines() if line.strip()]
        if len(rows) == int(found[1]):
            positions = np.array([[float(value) for value in row[1:4]] for row in rows])
            return tuple(row[0] for row in rows), positions / BOHR_TO_ANGSTROM
    return _listed_symbols(text), None


def _listed_symbols(text: str) -> tuple[str, ...]:
    """Return the symbols from the table of atoms, ranges such as ``2-5`` written out."""
    table = re.search(r'ID\s+Z sym\.\s+atoms\s*\n((?:\s+\d+\s+\d+ [^\n]*\n)+)', text)
    named: dict[int, str] = {}
    for line in table[1].splitlines() if table else ():
        _, _, symbol, places = line.split(maxsplit=3)
        for part in places.split(','):
            first, _, last = part.strip().partition('-')
            if first.isdigit() and (not last or last.isdigit()):
                named |= dict.fromkeys(range(int(first), int(last or first) + 1), symbol.capitalize())
    return tuple(named[place] for place in sorted(named))


def _orbitals(text: str) -> tuple[int, int] | None:
    """Return how many orbitals are occupied twice and how many once."""
    homo = re.findall(rf'^\s*(\d+)\s+(\d\.\d+)\s+{NUMBER}\s+{NUMBER} \(HOMO\)', text, re.MULTILINE)
    if not homo:
        return None
    table = re.findall(
        rf'^\s*(\d+)\s+(\d\.\d+)\s+{NUMBER}\s+{NUMBER}', text[text.rfind('#    Occupation') :], re.MULTILINE
    )
    single = sum(abs(float(row[1]) - 1) < 0.05 for row in table)
    return int(homo[-1][0]) - single, single


def _frequencies(text: str) -> np.ndarray | None:
    block = re.search(r'projected vibrational frequencies[^\n]*\n((?:[^\n]*\n)*?)\s*(?:reduced masses|-{20})', text)
    rows = re.findall(r'eigval :([^\n]*)', block[1]) if block else []
    values = np.array([float(value) for row in rows for value in row.split()])
    return values[np.abs(values) > 0.05] if len(values) else None


def _steps(text: str) -> np.ndarray | None:
    energies = [float(value) for value in re.findall(rf'\* total energy\s+:\s+{NUMBER} Eh', text)]
    return np.array(energies) if energies else None


def _dipole(text: str) -> np.ndarray | None:
    found = re.findall(rf'molecular dipole:[^\n]*\n[^\n]*\n[^\n]*\n\s+full:\s+{NUMBER}\s+{NUMBER}\s+{NUMBER}', text)
    return np.array([float(value) for value in found[-1]]) if found else None


def _error(text: str) -> str | None:
    """Return the program's own account of a fatal error, the innermost reason last."""
    lines = re.findall(r'^(?:\[ERROR\]|-\d+-|\s*#ERROR!)\s*([^\n]+)', text, re.MULTILINE)
    if lines:
        return '; '.join(lines)
    found = re.search(r'abnormal termination of xtb|Error termination\. Backtrace', text)
    return _line(text, found.start()) if found else None


def _line(text: str, place: int) -> str:
    start = text.rfind('\n', 0, place) + 1
    return text[start : text.find('\n', place) if '\n' in text[place:] else len(text)].strip()


def _first(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text)
    return found[1] if found else None


def _last(text: str, pattern: str) -> float | None:
    found = re.findall(pattern, text)
    return float(found[-1].replace('D', 'E')) if found else None


def _whole(text: str, pattern: str) -> int | None:
    found = _first(text, pattern)
    return None if found is None else int(found)


def _seconds(days: float, hours: float, minutes: float, seconds: float) -> float:
    return round(((days * 24 + hours) * 60 + minutes) * 60 + seconds, 3)
