"""An ORCA output (4.0 to 6.1) as a result of this package."""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from aiida_osc.qc.orca_errors import diagnose, geometry_converged, is_optimization
from aiida_osc.qc.orca_properties import fill_gaps
from aiida_osc.qc.orca_sections import (
    NUMBER,
    equilibrium_part,
    last_number,
    last_word,
    read_charge,
    read_frequencies,
    read_geometry,
    read_gradient,
    read_method,
    read_orbitals,
    read_polarizability,
    read_solvent,
    read_vector,
    split_echo,
    to_float,
)
from aiida_osc.qc.result import QcResult, finite

_FINAL_ENERGY = re.compile(rf'FINAL SINGLE POINT ENERGY(?:\s*\([^)\n]*\))?[\s:=]+({NUMBER})', re.IGNORECASE)
_RUN_TIME = re.compile(r'TOTAL RUN TIME: (\d+) days? (\d+) hours? (\d+) minutes? (\d+) seconds? (\d+) msec')
_SECONDS = (86400, 3600, 60, 1, 0.001)
POLARIZABILITY = 'coupled perturbed SCF'
LOOSE = 'the geometry was converged with looser criteria than usual'


def parse_orca(text: str, *, properties: dict[str, Any] | None = None) -> QcResult:
    """Return what an output of ORCA says; whatever the text is, there is a result, if only a failed one.

    :param text: the standard output, undecodable bytes replaced.
    :param properties: content of the property file in JSON, which fills what the text does not print.
    """
    echo, body = split_echo(text.replace('\x00', '').replace('\r\n', '\n'))
    result = _read(echo, body)
    if properties is not None:
        result = fill_gaps(result, properties)
    return diagnose(result, body)


def _read(echo: str, body: str) -> QcResult:
    """Return everything that the output prints, whether the run is good or not."""
    calm = equilibrium_part(body)
    charge, multiplicity = read_charge(echo, body)
    energies = [finite(to_float(word)) for word in _FINAL_ENERGY.findall(calm)]
    moves = is_optimization(calm)
    result = QcResult(
        creator='ORCA',
        version=last_word(body, r'Program Version\s+(\d[\w.]*)'),
        method=read_method(echo, body),
        basis=_orbital_basis(body),
        solvent=read_solvent(body),
        charge=charge,
        multiplicity=multiplicity,
        energy=energies[-1] if energies else None,
        optimization_energies=np.array(energies, dtype=float) if moves and energies else None,
        optimization_converged=bool(geometry_converged(calm)) if moves else None,
        warnings=(LOOSE,) if re.search(r'^[ \t]*!.*\bloose-?opt\b', echo, re.MULTILINE | re.IGNORECASE) else (),
    )
    return _with_energies(_with_orbitals(_with_structure(result, body, calm, moves), calm), calm, body)


def _with_structure(result: QcResult, body: str, calm: str, moves: bool) -> QcResult:
    """Add structure, gradient, frequencies and what kind of run it is."""
    found = read_geometry(calm)
    if found is None:
        return replace(result, driver='optimization' if moves else 'energy')
    symbols, geometry, position = found
    frequencies, modes = read_frequencies(body, len(symbols))
    gradient = read_gradient(calm, position, len(symbols))
    kind = 'frequencies' if frequencies is not None else 'gradient' if gradient is not None else 'energy'
    return replace(
        result,
        driver='optimization' if moves else kind,
        symbols=symbols,
        geometry=geometry,
        gradient=gradient,
        frequencies=frequencies,
        imaginary_modes=modes,
    )


def _with_orbitals(result: QcResult, calm: str) -> QcResult:
    """Add orbital energies; beta occupation also where both spins share their orbitals."""
    alpha, beta = read_orbitals(calm)
    tensor = read_polarizability(calm)
    return replace(
        result,
        eigenvalues_a=alpha.energies if alpha else None,
        occupied_a=alpha.occupied if alpha else None,
        eigenvalues_b=beta.energies if beta else None,
        occupied_b=beta.occupied if beta else None,
        s_squared=finite(last_number(calm, rf'Expectation value of <S\*\*2>\s*:\s*({NUMBER})')),
        dipole=read_vector(calm, 'Total Dipole Moment'),
        polarizability=tensor,
        polarizability_method=POLARIZABILITY if tensor is not None else None,
    )


def _with_energies(result: QcResult, calm: str, body: str) -> QcResult:
    """Add parts of the energy, counts and times."""
    basis_functions = last_number(calm, r'^[ \t]*Basis Dimension\s+Dim\s+\.+\s+(\d+)')
    iterations = last_number(calm, r'SCF (?:NOT )?CONVERGED AFTER\s+(\d+) CYCLES')
    processes = last_number(calm, r'Program running with\s+(\d+) parallel MPI-processes')
    times = _RUN_TIME.findall(body)
    # A serial run says nothing of processes.
    serial = 1 if iterations is not None else None
    return replace(
        result,
        nuclear_repulsion=finite(last_number(calm, rf'^[ \t]*Nuclear Repulsion\s+(?::|ENuc\s+\.+)\s+({NUMBER})')),
        dispersion_energy=finite(last_number(calm, rf'^[ \t]*Dispersion correction\s+({NUMBER})\s*$')),
        solvation_energy=_solvation(calm),
        basis_functions=int(basis_functions) if basis_functions is not None else None,
        scf_iterations=int(iterations) if iterations is not None else None,
        threads=int(processes) if processes is not None else serial,
        wall_seconds=sum(int(n) * size for n, size in zip(times[-1], _SECONDS, strict=True)) if times else None,
    )


def _orbital_basis(body: str) -> str | None:
    """Return the first basis that is announced; those of fitting and of explicit correlation follow it."""
    found = re.search(r'^Your calculation utilizes the basis:[ \t]*(\S.*?)[ \t]*$', body, re.MULTILINE)
    return found.group(1) if found else None


def _solvation(calm: str) -> float | None:
    """Return the energy of the dielectric and, with SMD, of cavity and dispersion."""
    dielectric = finite(last_number(calm, rf'^[ \t]*CPCM Dielectric\s*:\s*({NUMBER})'))
    if dielectric is None:
        return None
    cavity = last_number(calm, rf'^[ \t]*SMD CDS \(Gcds\)\s*:\s*({NUMBER})')
    cavity = last_number(calm, rf'^[ \t]*Free-energy \(cav\+disp\)\s*:\s*({NUMBER})') if cavity is None else cavity
    return dielectric + (finite(cavity) or 0.0)
