"""An output of Gaussian 09 or 16 as a result of this package."""

import re
from dataclasses import replace

import numpy as np
from ase.data import chemical_symbols

from aiida_osc.qc.gaussian_errors import diagnose
from aiida_osc.qc.result import QcResult, finite
from aiida_osc.units import AU_TO_DEBYE, BOHR_TO_ANGSTROM

NUMBER = r'[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?'
_ENERGY = re.compile(
    r'^ SCF Done:\s+E\((\S+?)\)\s*=\s*(\S+)\s+A\.U\. after\s+(\d+) cycles', re.MULTILINE | re.IGNORECASE
)
#: Energies beyond the SCF, which come behind its own: double hybrids, MP2, coupled cluster.
_CORRELATED = re.compile(r'(?:E2\(\S+\)\s*=\s*\S+\s+E\(\S+\)|EUMP2|E\(CORR\)|CCSD\(T\))\s*=\s*(\S+)')
_ORIENTATION = re.compile(r'^ +(Input|Standard|Z-Matrix) orientation: *\n', re.MULTILINE)
_ATOM = re.compile(rf'^ +\d+ +(\d+) +-?\d+ +({NUMBER}) +({NUMBER}) +({NUMBER}) *$')
_FORCE = re.compile(rf'^ +\d+ +\d+ +({NUMBER}) +({NUMBER}) +({NUMBER}) *$')
_CHARGE = re.compile(r'^ Charge = +(-?\d+) +Multiplicity = +(\d+)', re.MULTILINE)
_EIGENVALUES = re.compile(r'^ +(Alpha|Beta) +(occ\.|virt\.) eigenvalues --(.*)$', re.MULTILINE)
_DIPOLE = re.compile(rf'Debye\):\s*\n\s*X=\s*({NUMBER})\s+Y=\s*({NUMBER})\s+Z=\s*({NUMBER})')
_POLARIZABILITY = re.compile(rf'^ Exact polarizability:((?: *{NUMBER}){{6}})', re.MULTILINE)
_FREQUENCIES = re.compile(r'^ Frequencies --(.*)$', re.MULTILINE)
_SOLVENT = re.compile(rf'^ Solvent\s*:\s*([^,\n]+),\s*Eps=\s*({NUMBER})', re.MULTILINE)
_ELAPSED = re.compile(r'Elapsed time:\s+(\d+) days\s+(\d+) hours\s+(\d+) minutes\s+([\d.]+) seconds')
_ROUTE = re.compile(r'^ -+\n (#.*?)\n -{4,}', re.MULTILINE | re.DOTALL)
POLARIZABILITY = 'coupled perturbed SCF'


def parse_gaussian(text: str) -> QcResult:
    """Return what an output of Gaussian says; whatever the text is, there is a result, if only a failed one."""
    body = text.replace('\x00', '').replace('\r\n', '\n')
    return diagnose(_read(body), body, read_route(body))


def read_route(body: str) -> str:
    """Return the keywords of the first job, which Gaussian wraps at column 70 without regard to words."""
    found = _ROUTE.search(body)
    return (
        ''.join(line[1:] if index else line for index, line in enumerate(found.group(1).split('\n'))) if found else ''
    )


def _read(body: str) -> QcResult:
    """Return everything that the output prints, whether the run is good or not."""
    charges, energies = _CHARGE.findall(body), _ENERGY.findall(body)
    route = read_route(body)
    method, basis = _level(route, energies[-1][0] if energies else None)
    values = [_to_float(words[1]) for words in energies]
    correlated = _CORRELATED.findall(body, body.rfind('SCF Done:')) if energies else []
    moves = 'Berny optimization' in body or 'GradGradGrad' in body
    version = re.search(r'^ Gaussian (\d+):\s+\S+?Rev([A-Z]\.\w+)', body, re.MULTILINE)
    result = QcResult(
        creator='Gaussian',
        version=f'{version.group(1)} {version.group(2)}' if version else None,
        driver='optimization' if moves else 'energy',
        method=method,
        basis=basis,
        solvent=_solvent(body),
        charge=int(charges[-1][0]) if charges else None,
        multiplicity=int(charges[-1][1]) if charges else None,
        energy=finite(_to_float(correlated[-1]) if correlated else values[-1]) if values else None,
        scf_iterations=int(energies[-1][2]) if energies else None,
        optimization_energies=np.array(values, dtype=float) if moves and values and not correlated else None,
        optimization_converged='-- Stationary point found' in body if moves else None,
    )
    return _with_structure(_with_properties(_with_orbitals(result, body), body), body)


def _level(route: str, printed: str | None) -> tuple[str | None, str | None]:
    """Return method and basis of the route, or the method that the energy bears."""
    found = re.search(r'(?:^|\s)([A-Za-z][\w-]*)/([^\s/]+)', route)
    if found:
        return found.group(1), found.group(2)
    return (printed[1:] if printed and printed[0] in 'RU' else printed), None


def _with_orbitals(result: QcResult, body: str) -> QcResult:
    """Add orbital energies of the last analysis."""
    start = body.rfind('Alpha  occ. eigenvalues')
    first = max(body.rfind('Population analysis using the SCF', 0, max(start, 0)), 0)
    rows = _EIGENVALUES.findall(body, first) if start >= 0 else []
    table = {
        (spin, kind): [_to_float(word) for line in rows if line[:2] == (spin, kind) for word in _split(line[2])]
        for spin in ('Alpha', 'Beta')
        for kind in ('occ.', 'virt.')
    }
    alpha, beta = (table[spin, 'occ.'] + table[spin, 'virt.'] for spin in ('Alpha', 'Beta'))
    return replace(
        result,
        eigenvalues_a=np.array(alpha, dtype=float) if alpha else None,
        eigenvalues_b=np.array(beta, dtype=float) if beta else None,
        occupied_a=len(table['Alpha', 'occ.']) if alpha else None,
        occupied_b=len(table['Beta', 'occ.']) if beta else None,
    )


def _with_properties(result: QcResult, body: str) -> QcResult:
    """Add parts of the energy, moments, counts and times."""
    dipoles, tensors, times = _DIPOLE.findall(body), _POLARIZABILITY.findall(body), _ELAPSED.findall(body)
    tensor = _tensor(_split(tensors[-1])) if tensors else None
    basis, threads = _last(body, r'^ +(\d+) basis functions,'), _last(body, r'^ Will use up to +(\d+) processors')
    seconds = [int(d) * 86400 + int(h) * 3600 + int(m) * 60 + float(s) for d, h, m, s in times]
    return replace(
        result,
        nuclear_repulsion=finite(_last(body, rf'nuclear repulsion energy\s+({NUMBER}) Hartrees')),
        dispersion_energy=finite(_last(body, rf'Dispersion energy=\s*({NUMBER}) Hartrees')),
        s_squared=finite(_last(body, rf'<S\*\*2>=\s*({NUMBER})')),
        basis_functions=int(basis) if basis is not None else None,
        threads=int(threads) if threads is not None else None,
        dipole=np.array([_to_float(word) for word in dipoles[-1]]) / AU_TO_DEBYE if dipoles else None,
        polarizability=tensor,
        polarizability_method=POLARIZABILITY if tensor is not None else None,
        wall_seconds=sum(seconds) if seconds else None,
    )


def _with_structure(result: QcResult, body: str) -> QcResult:
    """Add the last structure, its gradient, frequencies and what kind of run it is."""
    found = _geometry(body)
    if found is None:
        return result
    symbols, geometry = found
    gradient = _gradient(body, len(symbols)) if result.driver != 'optimization' else None
    frequencies, modes = _frequencies(body, len(symbols))
    kind = 'frequencies' if frequencies is not None else 'gradient' if gradient is not None else 'energy'
    return replace(
        result,
        driver=result.driver if result.driver == 'optimization' else kind,
        symbols=symbols,
        geometry=geometry,
        gradient=gradient,
        frequencies=frequencies,
        imaginary_modes=modes,
    )


def _geometry(body: str) -> tuple[tuple[str, ...], np.ndarray] | None:
    """Return symbols and positions in bohr of the last whole structure, in the frame of the input if that is told.

    Gradients are printed in the frame of the input, which is also what a restart needs.
    """
    places = [(match.group(1), match.end()) for match in _ORIENTATION.finditer(body)]
    frames = {name for name, _ in places}
    wanted = next((name for name in ('Input', 'Z-Matrix', 'Standard') if name in frames), None)
    starts = [end for name, end in places if name == wanted]
    for start in reversed(starts):
        rows = _rows(body, start, _ATOM, skip=5)
        if rows and len(rows) >= len(_rows(body, starts[0], _ATOM, skip=5)):
            numbers = [int(match.group(1)) for match in rows]
            if not all(0 < number < len(chemical_symbols) for number in numbers):
                return None
            positions = np.array([[_to_float(word) for word in match.groups()[1:]] for match in rows], dtype=float)
            return tuple(chemical_symbols[number] for number in numbers), positions / BOHR_TO_ANGSTROM
    return None


def _gradient(body: str, atoms: int) -> np.ndarray | None:
    """Return the last gradient, which is minus the forces, in hartree/bohr."""
    start = body.rfind('Forces (Hartrees/Bohr)')
    if start < 0:
        return None
    rows = _rows(body, start, _FORCE, skip=4)
    forces = np.array([[_to_float(word) for word in match.groups()] for match in rows], dtype=float)
    return -forces if forces.shape == (atoms, 3) else None


def _frequencies(body: str, atoms: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return frequencies in cm^-1 of the last analysis, and the imaginary modes, shape ``(modes, atoms, 3)``."""
    start = body.rfind('Harmonic frequencies (cm**-1)')
    places = [(match.end(), _split(match.group(1))) for match in _FREQUENCIES.finditer(body, max(start, 0))]
    if not places:
        return None, None
    values = np.array([_to_float(word) for _, words in places for word in words], dtype=float)
    modes: list[np.ndarray] = []
    for position, words in places:
        wanted = [index for index, word in enumerate(words) if _to_float(word) < 0]
        table = _displacements(body, position, len(words), atoms) if wanted else None
        modes += [table[:, index] for index in wanted] if table is not None else []
    complete = modes and len(modes) == int((values < 0).sum())
    return values, np.array(modes) if complete else None


def _displacements(body: str, position: int, columns: int, atoms: int) -> np.ndarray | None:
    """Return the table of modes behind ``position``, shape ``(atoms, columns, 3)``, None when it is not complete."""
    lines = body[position : position + 400 * (atoms + 12)].split('\n')
    header = next((index for index, line in enumerate(lines[:12]) if line.split()[:2] == ['Atom', 'AN']), None)
    if header is None:
        return None
    rows = [line.split()[2:] for line in lines[header + 1 : header + 1 + atoms]]
    if len(rows) != atoms or any(len(row) != 3 * columns for row in rows):
        return None
    return np.array([[_to_float(word) for word in row] for row in rows]).reshape(atoms, columns, 3)


def _tensor(words: list[str]) -> np.ndarray | None:
    """Return the full tensor of xx, xy, yy, xz, yz, zz."""
    if len(words) != 6:
        return None
    xx, xy, yy, xz, yz, zz = (_to_float(word) for word in words)
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def _solvent(body: str) -> str | None:
    found = _SOLVENT.findall(body)
    if not found:
        return None
    kind = 'smd' if 'SMD-Coulomb' in body else 'cpcm' if re.search(r'C-PCM|CPCM', body) else 'pcm'
    return f'smd({found[-1][0].strip().lower()})' if kind == 'smd' else f'{kind}(eps={_to_float(found[-1][1]):g})'


def _rows(text: str, start: int, pattern: re.Pattern[str], *, skip: int) -> list[re.Match[str]]:
    """Return the first unbroken run of matching lines, which begins within ``skip`` lines behind ``start``."""
    rows: list[re.Match[str]] = []
    for index, line in enumerate(text[start : start + 2_000_000].split('\n')):
        match = pattern.match(line)
        if match:
            rows.append(match)
        elif rows or index > skip:
            break
    return rows


def _last(body: str, pattern: str) -> float | None:
    found = re.findall(pattern, body, re.MULTILINE)
    return _to_float(found[-1]) if found else None


def _split(line: str) -> list[str]:
    """Return the numbers of a line, also where their columns have grown together."""
    return re.findall(rf'{NUMBER}(?=[-\s]|$)', line)


def _to_float(word: str) -> float:
    try:
        return float(word.replace('D', 'E').replace('d', 'e'))
    except ValueError:
        return float('nan')
