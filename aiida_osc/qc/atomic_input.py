"""Check an AtomicInput of QCSchema version 1 before it goes to a program."""

import re
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import check_electrons
from aiida_osc.qc.geometry_checks import check_distances
from aiida_osc.units import BOHR_TO_ANGSTROM

DRIVERS = ('energy', 'gradient', 'hessian', 'properties')
_NAME = re.compile(r'[\w+*(),./-][\w +*(),./-]{0,59}')
_KEYWORD = re.compile(r'\w{1,60}')


def check_atomic_input(content: dict[str, Any]) -> None:
    """Check names, numbers, charge and multiplicity of an AtomicInput.

    :raises OscError: when something is missing or impossible.
    """
    if content.get('schema_name') not in ('qcschema_input', 'qc_schema_input') or content.get('schema_version') != 1:
        raise OscError('schema_name and schema_version: give qcschema_input and 1, an AtomicInput')
    if content.get('driver') not in DRIVERS:
        raise OscError(f'driver {content.get("driver")!r}: use one of {", ".join(DRIVERS)}')
    model, keywords = content.get('model'), content.get('keywords', {})
    names = [model.get('method'), model.get('basis')] if isinstance(model, dict) else []
    if not names or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise OscError('model: give method and basis as names')
    if not isinstance(keywords, dict) or not all(_KEYWORD.fullmatch(str(name)) for name in keywords):
        raise OscError('keywords: give a mapping of option names to values')
    symbols, positions, charge, multiplicity = read_molecule(content)
    check_distances(symbols, positions * BOHR_TO_ANGSTROM)
    check_electrons(sum(atomic_numbers[symbol] for symbol in symbols), charge, multiplicity)


def read_molecule(content: dict[str, Any]) -> tuple[tuple[str, ...], np.ndarray, int, int]:
    """Return symbols, positions in bohr, charge and multiplicity of an AtomicInput.

    :raises OscError: when they are missing or impossible.
    """
    molecule = content.get('molecule')
    if not isinstance(molecule, dict) or not isinstance(molecule.get('symbols'), list):
        raise OscError('molecule: give symbols and geometry')
    symbols = tuple(str(symbol) for symbol in molecule['symbols'])
    if not symbols or any(symbol not in atomic_numbers or symbol == 'X' for symbol in symbols):
        raise OscError('molecule: the symbols are no elements')
    try:
        positions = np.array(molecule.get('geometry'), dtype=np.float64).reshape(-1, 3)
    except (TypeError, ValueError):
        positions = np.empty((0, 3))
    if positions.shape != (len(symbols), 3) or not np.isfinite(positions).all():
        raise OscError('molecule: the geometry is not x, y, z of every atom, in bohr')
    charge, multiplicity = molecule.get('molecular_charge', 0), molecule.get('molecular_multiplicity', 1)
    if any(
        isinstance(value, bool) or not isinstance(value, int | float) or value % 1 for value in (charge, multiplicity)
    ):
        raise OscError('molecule: molecular_charge and molecular_multiplicity are whole numbers')
    return symbols, positions, int(charge), int(multiplicity)
