"""Which atoms are bonded, by their distance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from rdkit import Chem

from .settings import BOHR

#: A pair is bonded below BOND_FACTOR times the sum of covalent radii; a known bond is broken above BREAK_FACTOR.
BOND_FACTOR, BREAK_FACTOR = 1.22, 1.4


def find_bonds(numbers: np.ndarray, positions: np.ndarray, factor: float) -> np.ndarray:
    """Return pairs of atoms (first below second) closer than ``factor`` times the sum of covalent radii."""
    table = Chem.GetPeriodicTable()
    radii = np.array([table.GetRcovalent(int(number)) for number in numbers]) / BOHR
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    return np.argwhere(np.triu(distances < factor * (radii[:, None] + radii), 1))


def skeleton(numbers: np.ndarray, bonds: Iterable[Any]) -> str:
    """Return a canonical text of the graph of atoms and bonds, bond orders left out."""
    return str(Chem.MolToSmiles(bond_graph(numbers, bonds)))


def bond_graph(numbers: Iterable[Any], bonds: Iterable[Any]) -> Chem.RWMol:
    """Return atoms and single bonds only, as distances say nothing of orders and charges."""
    mol = Chem.RWMol()
    for number in numbers:
        atom = Chem.Atom(int(number))
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    for i, j in bonds:
        mol.AddBond(int(i), int(j), Chem.BondType.SINGLE)
    return mol


def connectivity_fault(numbers: np.ndarray, bonds: Iterable[Any], positions: np.ndarray) -> str | None:
    """Return which bond was broken or formed on the way from the start, or None.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param bonds: pairs of atoms that are bonded at the start.
    :param positions: in bohr, shape ``(atoms, 3)``.
    """
    known = {tuple(sorted((int(i), int(j)))) for i, j in bonds}
    near, far = (
        {(int(i), int(j)) for i, j in find_bonds(numbers, positions, factor)} for factor in (BOND_FACTOR, BREAK_FACTOR)
    )
    table = Chem.GetPeriodicTable()
    for verb, pairs in (('broken', known - far), ('formed', near - known)):
        for i, j in sorted(pairs):
            names = '-'.join(f'{table.GetElementSymbol(int(numbers[n]))}{n + 1}' for n in (i, j))
            return f'bond {names} {verb} ({float(np.linalg.norm(positions[i] - positions[j])) * BOHR:.2f} Angstrom)'
    return None
