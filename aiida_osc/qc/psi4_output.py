"""Read the text that Psi4 1.0 to 1.9 prints."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from aiida_osc.qc.psi4_failures import classify, is_nonsense
from aiida_osc.qc.psi4_text import (
    FLOAT,
    read_dipole,
    read_geometries,
    read_gradient,
    read_orbitals,
    read_steps,
    read_vibrations,
)
from aiida_osc.qc.result import QcResult

CREATOR = 'Psi4'
_HEADER = re.compile(r'An Open-Source Ab Initio (?:Electronic Structure|Quantum Chemistry) Package')
_VERSION = re.compile(_HEADER.pattern + r'\s*\n\s+P[Ss][Ii]4?\s+(\S+)')
_NORMAL_END = re.compile(r'^\*\*\* P[Ss][Ii]4 exiting successfully', re.M)
_ERROR_END = re.compile(r'^\*\*\* P[Ss][Ii]4 encountered an error', re.M)
_SCF = re.compile(r'^\s+((?:R|U|RO|CU)(?:HF|KS)) Reference\s*$', re.M)
_ECHO = re.compile(r'==> Input (?:File|QCSchema) <==\s*\n\s*-{20,}\s*\n(.*?)\n-{20,}\s*\n', re.S)
_FINAL_ENERGY = re.compile(rf'^\s+@\S+ Final Energy:\s+({FLOAT}|-?nan|-?inf)', re.M | re.I)
_ITERATION = re.compile(r'^\s+@\S+ iter +(\d+):', re.M)
_NOT_CONVERGED = re.compile(r'did not converge, but proceeding anyway')
_WELL_BOTTOM = re.compile(rf'Total E0, Electronic energy at well bottom[^\n]*?({FLOAT}) \[Eh\]')
_FINITE_DIFFERENCE = re.compile(r'Using finite-differences of (?:gradients|energies)')
_WALL_TIME = re.compile(r'Psi4 wall time for execution:\s+(?:(\d+) days?, )?(\d+):(\d+):(\d+(?:\.\d+)?)')
_OLD_TIME = re.compile(r'^Total time:\s*\n[^\n]*\n[^\n]*\n\s+total time  =\s+(\d+(?:\.\d+)?) seconds', re.M)
_ERROR_START = re.compile(
    r'Traceback \(most recent call last\)|PsiException:|Fatal Error:|Failed to converge|^[\w.]*Error: '
    r'|terminate called|bad_alloc|slurmstepd|^Killed|Optimization has failed|[Nn]ot enough memory',
    re.M,
)
#: Lines of a traceback that quote the source instead of saying what happened.
_TRACE = re.compile(r'^  File "[^\n]*\n(?:    [^\n]*\n)*', re.M)
#: Energies after the SCF, the last one printed counts; the name is the method where the SCF is its reference.
_CORRELATED = tuple(
    (name, re.compile(pattern, re.M))
    for name, pattern in (
        ('MP2', rf'DF-MP2 Energies(?:[^\n]*\n){{1,12}}?\s+Total Energy\s+=\s+({FLOAT}) \[Eh\]'),
        ('MP2', rf'^\s*(?:DF-)?MP2 Total Energy \(a\.u\.\)\s*:\s+({FLOAT})'),
        ('CCSD', rf'^\s*\* CCSD total energy\s*[:=]\s+({FLOAT})'),
        ('CCSD', rf'^\s*(?:DF-)?CCSD Total Energy \(a\.u\.\)\s*:\s+({FLOAT})'),
        ('CCSD(T)', rf'^\s*\* CCSD\(T\) total energy\s*[:=]\s+({FLOAT})'),
        ('CCSD(T)', rf'^\s*(?:DF-)?CCSD\(T\) Total Energy \(a\.u\.\)\s*:\s+({FLOAT})'),
        ('double hybrid', rf'@Final double-hybrid DFT total energy\s*=\s+({FLOAT})'),
    )
)


def parse_psi4(text: str) -> QcResult:
    """Return what a Psi4 output holds; of a run that failed, the failure and what was printed before it.

    :param text: the whole output; any text is taken, none raises.
    """
    text = text.replace('\r\n', '\n')
    if not text.strip():
        return QcResult(CREATOR).failed('output_missing', 'the output is empty')
    headers = list(_HEADER.finditer(text))
    if not headers:
        found = classify(text)
        return QcResult(CREATOR).failed(*found or ('output_missing', 'this is no output of Psi4'))
    version = _VERSION.findall(text)
    # What the user wrote is echoed: nothing in it is a result.
    body = _ECHO.sub('\n', text)
    result = replace(_read_body(body), version=version[0].split('-')[-1] if version else None)
    failure = _find_failure(body, result)
    return result.failed(*failure) if failure else result


def _read_body(text: str) -> QcResult:
    """Return everything that was printed, whether the run ended well or not."""
    starts = [match.start() for match in _SCF.finditer(text)]
    blocks = [text[start:end] for start, end in pairwise([*starts, len(text)])]
    steps = read_steps(text)
    block = _pick_block(text, blocks, steps)
    result = _read_scf(block)
    result = replace(result, wall_seconds=_wall_seconds(text))
    result = _with_geometry(result, text, block)
    result = _with_steps(result, text, blocks, steps)
    return _with_vibrations(result, text)


def _pick_block(text: str, blocks: list[str], steps: list[tuple[int, float]]) -> str:
    """Return the SCF that the results are of: the last one, but the undisplaced one of finite differences."""
    if not blocks:
        return ''
    wells = _WELL_BOTTOM.findall(text)
    wanted = float(wells[-1]) if wells else steps[-1][1] if steps else None
    if wanted is None or not _FINITE_DIFFERENCE.search(text):
        # An unfinished SCF at the end belongs to a run that failed; what was finished before it is the last result.
        return next((block for block in reversed(blocks) if _FINAL_ENERGY.search(block)), blocks[-1])
    for block in reversed(blocks):
        energy = _energy_of(block)[0]
        if energy is not None and abs(energy - wanted) < 2e-8:
            return block
    return blocks[-1]


def _energy_of(block: str) -> tuple[float | None, str | None]:
    """Return the final energy of an SCF and what follows it, and the method that gave it."""
    found: list[tuple[int, str, str | None]]
    found = [(match.start(), match.group(1), None) for match in _FINAL_ENERGY.finditer(block)]
    found += [(match.start(), match.group(1), name) for name, item in _CORRELATED for match in item.finditer(block)]
    if not found:
        return None, None
    _, value, name = max(found, key=lambda item: item[0])
    return float(value), name


def _read_scf(block: str) -> QcResult:
    """Return the results of one SCF."""
    energy, correlated = _energy_of(block)
    reference = _first(r'^\s+(R|U|RO|CU)(?:HF|KS) Reference', block)
    functional = _first(r'=> Composite Functional: (\S+) <=', block)
    method = functional or correlated or ('HF' if reference else None)
    iterations = _ITERATION.findall(block)
    known: dict[str, Any] = {
        'method': method,
        'basis': _first(r'==> Primary Basis <==\s*\n\s*\n\s+Basis Set: (\S+)', block),
        'basis_functions': _whole(r'Number of basis functions?: (\d+)', block),
        'threads': _whole(r'^\s+(\d+) Threads,', block),
        'charge': _whole(r'^  Charge\s+= (-?\d+)', block),
        'multiplicity': _whole(r'^  Multiplicity\s*= (\d+)', block),
        'energy': energy,
        'nuclear_repulsion': _number(rf'Nuclear Repulsion Energy =\s+({FLOAT})', block),
        'dispersion_energy': _number(rf'Empirical Dispersion Energy =\s+({FLOAT})', block),
        's_squared': _number(rf'@S\^2 Observed:\s+({FLOAT})', block),
        'scf_iterations': int(iterations[-1]) if iterations else None,
        'dipole': read_dipole(block),
    }
    solvation = _number(rf'(?:PCM Polarization|DD Solvation) Energy =\s+({FLOAT})', block)
    if solvation:  # Psi4 1.0 prints a zero for the gas phase
        known |= {'solvation_energy': solvation, 'solvent': 'PCM' if 'PCM Polarization' in block else 'DDX'}
    return _with_orbitals(replace(QcResult(CREATOR), **known), block)


def _with_orbitals(result: QcResult, block: str) -> QcResult:
    groups = read_orbitals(block)
    if groups is None:
        return result
    none = np.empty(0)
    if 'Alpha Occupied' in groups:
        alpha, beta = groups['Alpha Occupied'], groups.get('Beta Occupied', none)
        return replace(
            result,
            eigenvalues_a=np.sort(np.concatenate([alpha, groups.get('Alpha Virtual', none)])),
            eigenvalues_b=np.sort(np.concatenate([beta, groups.get('Beta Virtual', none)])),
            occupied_a=len(alpha),
            occupied_b=len(beta),
        )
    double, single = groups.get('Doubly Occupied', none), groups.get('Singly Occupied', none)
    return replace(
        result,
        eigenvalues_a=np.sort(np.concatenate([double, single, groups.get('Virtual', none)])),
        occupied_a=len(double) + len(single),
        occupied_b=len(double),
    )


def _with_geometry(result: QcResult, text: str, block: str) -> QcResult:
    """Add the last structure, that of the results where finite differences displaced it."""
    source = block if _FINITE_DIFFERENCE.search(text) else text
    geometries = read_geometries(source) or read_geometries(text)
    if not geometries:
        return result
    _, symbols, positions, charge, multiplicity = geometries[-1]
    return replace(
        result,
        symbols=symbols,
        geometry=positions,
        charge=charge if result.charge is None else result.charge,
        multiplicity=multiplicity if result.multiplicity is None else result.multiplicity,
        gradient=read_gradient(block, len(symbols)),
        driver='gradient' if '-total gradient:' in block.lower() else 'energy',
    )


def _with_steps(result: QcResult, text: str, blocks: list[str], steps: list[tuple[int, float]]) -> QcResult:
    """Add energies and convergence of a geometry optimisation."""
    finished = 'Final optimized geometry' in text or 'Optimization is complete' in text
    if not steps and not finished and 'OPTKING' not in text:
        return result
    # The table of the steps has eight decimals, the SCF has more.
    exact = np.array([energy for block in blocks if (energy := _energy_of(block)[0]) is not None])
    energies = [_nearest(value, exact) for _, value in steps]
    return replace(
        result,
        driver='optimization',
        optimization_energies=np.array(energies) if energies else None,
        optimization_converged=finished,
    )


def _nearest(value: float, exact: np.ndarray) -> float:
    if not len(exact):
        return value
    best = float(exact[np.argmin(np.abs(exact - value))])
    return best if abs(best - value) < 6e-9 else value


def _with_vibrations(result: QcResult, text: str) -> QcResult:
    found = read_vibrations(text, len(result.symbols)) if result.symbols else None
    if found is None:
        return result
    frequencies, modes = found
    order = np.argsort(frequencies)
    imaginary = modes[order][frequencies[order] < 0]
    return replace(
        result,
        driver='frequencies',
        frequencies=frequencies[order],
        imaginary_modes=imaginary if len(imaginary) else None,
    )


def _find_failure(text: str, result: QcResult) -> tuple[str, str] | None:
    """Return why the run is no good one, None when it is."""
    last_header = max(match.start() for match in _HEADER.finditer(text))
    ends = [match.start() for match in _NORMAL_END.finditer(text) if match.start() > last_header]
    if not ends:
        found = classify(_error_part(text))
        if found:
            return found
        if _ERROR_END.search(text):
            return 'crashed', 'Psi4 encountered an error that it did not name'
        return 'output_truncated', 'the line in which Psi4 says that it ended is not there'
    if _NOT_CONVERGED.search(text):
        return 'scf_not_converged', 'energy and/or wave function did not converge, but Psi4 went on'
    if result.energy is None:
        return 'crashed', 'Psi4 ended without an energy'
    if is_nonsense(result.energy, result.symbols):
        return 'scf_not_converged', f'an energy of {result.energy:g} hartree is none of this molecule'
    if result.optimization_converged is False:
        return 'geometry_not_converged', 'the optimiser stopped before its criteria were met'
    return None


def _error_part(text: str) -> str:
    """Return the text from its first word of an error on; the lines of the input that follow are left out."""
    start = _ERROR_START.search(text)
    part = text[start.start() :] if start else ''
    return _TRACE.sub('', part.split('Printing out the relevant lines from the Psithon')[0])


def _wall_seconds(text: str) -> float | None:
    times = _WALL_TIME.findall(text)
    if times:
        days, hours, minutes, seconds = times[-1]
        return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    old = _OLD_TIME.findall(text)
    return float(old[-1]) if old else None


def _first(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.M)
    return match.group(1) if match else None


def _number(pattern: str, text: str) -> float | None:
    found = re.findall(pattern, text)
    return float(found[-1]) if found else None


def _whole(pattern: str, text: str) -> int | None:
    found = _first(pattern, text)
    return int(found) if found is not None else None
