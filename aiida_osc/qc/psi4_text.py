"""Pieces of Psi4's text output, each read by itself: geometries, orbital energies, dipoles, gradients, vibrations.

Formats of Psi4 1.0 to 1.9; where they differ, both are read. Functions return None where the piece is not complete.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aiida_osc.units import BOHR_TO_ANGSTROM

FLOAT = r'-?\d+\.\d+(?:[eE][+-]?\d+)?'
NUMBERS = re.compile(FLOAT)

_GEOMETRY = re.compile(
    rf'Geometry \(in (Angstrom|Bohr)\), charge = *(-?\d+), multiplicity = *(\d+):[ \t]*\n\s*\n'
    rf'(?:[ \t]+Center [^\n]*\n[ \t-]+\n)?((?:[ \t]+\S+(?:[ \t]+{FLOAT}){{3,4}}[ \t]*\n)+)\s*\n'
)
_ORBITALS = re.compile(r'Orbital Energies [\[(](?:Eh|a\.u\.)[\])]\s*\n(.*?)Final Occupation by Irrep', re.S)
_ORBITAL_GROUP = re.compile(r'^\s+(?:(Alpha|Beta|Doubly|Singly) )?(Occupied|Virtual):\s*$', re.M)
_ORBITAL = re.compile(rf'\d+[A-Za-z][\w"\']*?\s*({FLOAT})(?=\s)')
_DIPOLE = re.compile(
    rf'^\s*Dipole Moment: (?:\(a\.u\.\)|\[e a0\])\s*\n\s+X: +({FLOAT}) +Y: +({FLOAT}) +Z: +({FLOAT})\s', re.M
)
_MULTIPOLE = re.compile(r'^ *Dipole X +:([^\n]*)\n *Dipole Y +:([^\n]*)\n *Dipole Z +:([^\n]*)\n', re.M)
_GRADIENT = re.compile(
    rf'-Total Gradient:\s*\n[^\n]*\n[ \t-]+\n((?:[ \t]+\d+(?:[ \t]+{FLOAT}){{3}}[ \t]*\n)+)\s*\n', re.IGNORECASE
)
_STEP = re.compile(rf'^\s+(\d+)\s+({FLOAT})\s+-?\d\.\d+e[+-]\d+ [^\n]*~\s*$', re.M)
_VIBRATIONS = '==> Harmonic Vibrational Analysis <=='
_FREQUENCY_ROW = re.compile(r'^\s+Freq \[cm\^-1\]\s+(.*)$', re.M)
_OLD_FREQUENCY = re.compile(r'^\s+Frequency:\s+(-?\d+\.\d+)(i?)\s*\n[^\n]*Force constant[^\n]*\n[^\n]*mass\s*\n', re.M)
_OLD_LIST = re.compile(r'^ #  #\s*\n Irrep: 1\s*\n((?:\s+\d+:\s+-?\d+\.\d+\s*\n)+)', re.M)
_LEFT_IN = re.compile(r'"Vibration"s include (\d+) un-projected')


def read_geometries(text: str) -> list[tuple[int, tuple[str, ...], NDArray, int, int]]:
    """Return every Cartesian geometry: place in the text, symbols, positions in bohr, charge, multiplicity.

    Ghost atoms are left out.
    """
    found = []
    for match in _GEOMETRY.finditer(text):
        unit, charge, multiplicity, block = match.groups()
        rows = [row.split() for row in block.splitlines() if row.strip()]
        rows = [row for row in rows if not row[0].upper().startswith(('GH(', '@'))]
        symbols = tuple(re.sub(r'[^A-Za-z].*', '', row[0]).capitalize() for row in rows)
        positions = np.array([[float(value) for value in row[1:4]] for row in rows], dtype=np.float64).reshape(-1, 3)
        if symbols and all(symbols):
            scale = 1.0 if unit == 'Bohr' else 1 / BOHR_TO_ANGSTROM
            found.append((match.start(), symbols, positions * scale, int(charge), int(multiplicity)))
    return found


def read_orbitals(text: str) -> dict[str, NDArray] | None:
    """Return orbital energies in hartree by group, such as ``Alpha Occupied``; None when they are not there.

    :param text: of one SCF; the last table counts.
    """
    tables = _ORBITALS.findall(text)
    if not tables:
        return None
    pieces = _ORBITAL_GROUP.split(tables[-1] + '\n')[1:]
    groups = {
        f'{spin or ""} {kind}'.strip(): np.array([float(value) for value in _ORBITAL.findall(body + ' ')])
        for spin, kind, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    }
    return groups or None


def read_dipole(text: str) -> NDArray | None:
    """Return the last dipole moment in e bohr, shape ``(3,)``."""
    old = [(match.start(), match.groups()) for match in _DIPOLE.finditer(text)]
    new = [
        (match.start(), tuple(values[-1] for values in rows))
        for match in _MULTIPOLE.finditer(text)
        if all(rows := [NUMBERS.findall(row) for row in match.groups()])
    ]
    if new:  # of both formats the table has more digits
        return np.array([float(value) for value in new[-1][1]])
    return np.array([float(value) for value in old[-1][1]]) if old else None


def read_gradient(text: str, atoms: int) -> NDArray | None:
    """Return the last gradient in hartree/bohr, shape ``(atoms, 3)``."""
    blocks = _GRADIENT.findall(text)
    if not blocks:
        return None
    rows = [[float(value) for value in row.split()[1:4]] for row in blocks[-1].splitlines() if row.strip()]
    return np.array(rows) if len(rows) == atoms else None


def read_steps(text: str) -> list[tuple[int, float]]:
    """Return place in the text and energy in hartree of every step of the geometry optimisation."""
    return [(match.start(), float(match.group(2))) for match in _STEP.finditer(text)]


def read_vibrations(text: str, atoms: int) -> tuple[NDArray, NDArray] | None:
    """Return frequencies in cm^-1, imaginary ones negative, and their Cartesian displacements.

    :param atoms: number of atoms.
    :return: shapes ``(modes,)`` and ``(modes, atoms, 3)``, or None; rotations that Psi4 left in are taken out.
    """
    start = text.rfind(_VIBRATIONS)
    if start < 0:
        return _read_old_vibrations(text, atoms)
    section = text[start:]
    frequencies: list[float] = []
    modes: list[NDArray] = []
    rows = list(_FREQUENCY_ROW.finditer(section))
    for number, row in enumerate(rows, start=1):
        following = rows[number].start() if number < len(rows) else len(section)
        values = [_frequency(item) for item in re.findall(r'\d+\.\d+i?', row.group(1))]
        block = _displacements(section[row.end() : following], atoms, len(values))
        if block is None:
            return None
        frequencies += values
        modes += list(block)
    if not frequencies:
        return None
    left = _LEFT_IN.search(section)
    return _without_rotations(np.array(frequencies), np.array(modes), int(left.group(1)) if left else 0)


def _without_rotations(frequencies: NDArray, modes: NDArray, count: int) -> tuple[NDArray, NDArray]:
    """Take out the ``count`` modes that lie nearest to zero."""
    kept = np.sort(np.argsort(np.abs(frequencies))[count:])
    return frequencies[kept], modes[kept]


def _frequency(text: str) -> float:
    return -float(text[:-1]) if text.endswith('i') else float(text)


def _displacements(text: str, atoms: int, modes: int) -> NDArray | None:
    """Return the columns of one table of displacements, shape ``(modes, atoms, 3)``."""
    pattern = rf'^\s+\d+\s+[A-Za-z]+\S*((?:\s+{FLOAT}){{{3 * modes}}})\s*$'
    rows = [NUMBERS.findall(row) for row in re.findall(pattern, text, re.M)][:atoms]
    if len(rows) != atoms:
        return None
    return np.array(rows, dtype=np.float64).reshape(atoms, modes, 3).transpose(1, 0, 2)


def _read_old_vibrations(text: str, atoms: int) -> tuple[NDArray, NDArray] | None:
    """Read the tables of Psi4 1.0 and 1.1: one mode after the other, then a list with more digits."""
    found = list(_OLD_FREQUENCY.finditer(text))
    if not found:
        return None
    frequencies = np.array([-abs(float(item.group(1))) if item.group(2) else float(item.group(1)) for item in found])
    modes = []
    for item in found:
        rows = [NUMBERS.findall(row)[:3] for row in text[item.end() :].split('\n', atoms)[:atoms]]
        if any(len(row) != 3 for row in rows) or len(rows) != atoms:
            return None
        modes.append(np.array(rows, dtype=np.float64))
    return _sharpen(frequencies, _OLD_LIST.findall(text)), np.array(modes)


def _sharpen(frequencies: NDArray, lists: Sequence[str]) -> NDArray:
    """Return the frequencies with the digits of the list, where that holds the same ones."""
    if not lists:
        return frequencies
    fine = np.array([float(item.split(':')[1]) for item in lists[-1].splitlines() if ':' in item])
    if fine.shape == frequencies.shape and np.allclose(np.abs(fine), np.abs(frequencies), atol=0.006):
        return np.sign(frequencies) * np.abs(fine)
    return frequencies
