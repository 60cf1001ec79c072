"""Molecules as AiiDA's structures, and back: the one place that knows how."""

from collections.abc import Sequence

import numpy as np
from aiida.orm import StructureData
from ase import Atoms
from ase.data import chemical_symbols

from aiida_osc.errors import OscError


def structure_from(symbols: Sequence[str], positions: np.ndarray) -> StructureData:
    """Return an unstored structure of a molecule: not periodic, with the cell of zeros that ASE gives a molecule.

    :param symbols: chemical symbols, one per atom.
    :param positions: in Angstrom, shape ``(atoms, 3)``.
    :raises OscError: when there is no atom, an unknown element, or the positions are not finite or do not fit.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if not len(symbols) or positions.shape != (len(symbols), 3) or not np.isfinite(positions).all():
        raise OscError(f'{len(symbols)} symbols and positions of shape {positions.shape}: give x, y, z of every atom')
    unknown = sorted(set(symbols) - set(chemical_symbols[1:]))
    if unknown:
        raise OscError(f'unknown element {unknown[0]!r}: give chemical symbols')
    return StructureData(ase=Atoms(list(symbols), positions, pbc=False))


def read_structure(structure: StructureData) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the symbols and the positions in Angstrom, shape ``(atoms, 3)``.

    :raises OscError: when the structure is no molecule: periodic, empty, or with partly occupied sites.
    """
    if any(structure.pbc):
        raise OscError('the structure is periodic: give a molecule, with pbc switched off in all directions')
    if structure.is_alloy or structure.has_vacancies:
        raise OscError('the structure has partly occupied sites: give a molecule')
    kinds = {kind.name: kind.symbol for kind in structure.kinds}
    symbols = tuple(kinds[site.kind_name] for site in structure.sites)
    if not symbols:
        raise OscError('the structure has no atoms: give a molecule')
    unknown = sorted(set(symbols) - set(chemical_symbols[1:]))
    if unknown:
        raise OscError(f'unknown element {unknown[0]!r}: give chemical symbols')
    return symbols, np.array([site.position for site in structure.sites], dtype=np.float64)
