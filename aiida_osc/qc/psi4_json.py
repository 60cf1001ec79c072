"""Read the one JSON file that our Psi4 job writes, whatever its state, and the QCSchema result in it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from aiida_osc.errors import OscError
from aiida_osc.qc.psi4_failures import classify, is_nonsense
from aiida_osc.qc.psi4_output import CREATOR
from aiida_osc.qc.result import QcResult
from aiida_osc.qc.vibrations import NOISE, harmonic_modes

FORMAT = 1
#: Keys of the file that are numbers, and what they are called in the result.
_NUMBERS = {
    'energy': 'energy',
    'nuclear_repulsion': 'nuclear_repulsion',
    'dispersion_energy': 'dispersion_energy',
    'solvation_energy': 'solvation_energy',
    's_squared': 's_squared',
    'wall_seconds': 'wall_seconds',
}
_COUNTS = {
    'charge': 'charge',
    'multiplicity': 'multiplicity',
    'threads': 'threads',
    'basis_functions': 'basis_functions',
    'scf_iterations': 'scf_iterations',
    'alpha': 'occupied_a',
    'beta': 'occupied_b',
}
_TEXTS = ('version', 'driver', 'method', 'basis', 'solvent', 'polarizability_method')


def read_psi4_json(content: str | bytes) -> QcResult:
    """Return the result in the file of a job; of one that failed or was killed, the failure and what was known.

    :param content: of ``results.json``; any content is taken, none raises.
    """
    try:
        known = json.loads(content, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        known = None
    if not isinstance(known, dict) or known.get('format') != FORMAT:
        return QcResult(CREATOR).failed('output_missing', 'there is no readable results.json of the job')
    if isinstance(known.get('qcschema'), dict):
        return read_qcschema(known['qcschema'], known)
    result = _read_known(known)
    failure = _find_failure(known, result)
    return result.failed(*failure) if failure else result


def read_qcschema(answer: dict[str, Any], known: dict[str, Any] | None = None) -> QcResult:
    """Return an AtomicResult or FailedOperation of QCSchema version 1 as a result.

    :param known: what our job noted besides, such as the number of threads.
    """
    known = known or {}
    properties, molecule, model = (_mapping(answer.get(key)) for key in ('properties', 'molecule', 'model'))
    variables = {**_mapping(_mapping(answer.get('extras')).get('qcvars'))}
    geometry = _array(molecule.get('geometry'), None)
    driver = answer.get('driver')
    result = QcResult(
        CREATOR,
        version=_text(_mapping(answer.get('provenance')).get('version')) or _text(known.get('version')),
        driver={'gradient': 'gradient', 'hessian': 'frequencies'}.get(str(driver), 'energy'),
        method=_text(model.get('method')),
        basis=_text(model.get('basis')),
        charge=_count(molecule.get('molecular_charge', 0)),
        multiplicity=_count(molecule.get('molecular_multiplicity', 1)),
        symbols=tuple(str(symbol) for symbol in _list(molecule.get('symbols'))),
        geometry=geometry.reshape(-1, 3) if geometry is not None and geometry.size % 3 == 0 else None,
        energy=_number(properties.get('return_energy', variables.get('CURRENT ENERGY'))),
        nuclear_repulsion=_number(properties.get('nuclear_repulsion_energy')),
        dispersion_energy=_number(properties.get('scf_dispersion_correction_energy')),
        dipole=_array(properties.get('scf_dipole_moment'), (3,)),
        basis_functions=_count(properties.get('calcinfo_nbasis')),
        occupied_a=_count(properties.get('calcinfo_nalpha')),
        occupied_b=_count(properties.get('calcinfo_nbeta')),
        scf_iterations=_count(properties.get('scf_iterations')),
        wall_seconds=_number(known.get('wall_seconds')),
        threads=_count(known.get('threads')),
    )
    result = _with_returned(result, answer)
    error = _mapping(answer.get('error'))
    if answer.get('success') is True and result.energy is not None:
        is_wrong = is_nonsense(result.energy, result.symbols)
        return result.failed('scf_not_converged', f'energy {result.energy:g} hartree') if is_wrong else result
    text = f'{error.get("error_type", "")}: {error.get("error_message", "no energy and no error")}'
    return result.failed(*(classify(text) or ('crashed', text[-300:])))


def _with_returned(result: QcResult, answer: dict[str, Any]) -> QcResult:
    """Add what the driver was asked for."""
    atoms, returned = len(result.symbols), answer.get('return_result')
    if answer.get('driver') == 'energy' and result.energy is None:
        return replace(result, energy=_number(returned))
    if answer.get('driver') == 'gradient':
        gradient = _array(returned, None)
        if gradient is not None and gradient.size == 3 * atoms:
            return replace(result, gradient=gradient.reshape(-1, 3))
    hessian = _array(returned, None) if answer.get('driver') == 'hessian' else None
    masses = _array(_mapping(answer.get('molecule')).get('masses'), (atoms,))
    if hessian is None or masses is None or result.geometry is None or hessian.size != 9 * atoms**2:
        return result
    return _with_modes(result, hessian.reshape(3 * atoms, -1), masses, result.geometry)


def _read_known(known: dict[str, Any]) -> QcResult:
    symbols = tuple(str(symbol) for symbol in _list(known.get('symbols')))
    atoms = len(symbols)
    values: dict[str, Any] = {name: _number(known.get(key)) for key, name in _NUMBERS.items()}
    values |= {name: _count(known.get(key)) for key, name in _COUNTS.items()}
    values |= {name: _text(known.get(name)) for name in _TEXTS if _text(known.get(name)) is not None}
    converged = known.get('optimization_converged')
    warnings = [str(item) for item in _list(known.get('warnings'))]
    if known.get('loose_geometry') and converged:
        warnings.append('the geometry was converged to looser criteria')
    result = QcResult(
        CREATOR,
        symbols=symbols,
        geometry=_array(known.get('geometry'), (atoms, 3)),
        gradient=_array(known.get('gradient'), (atoms, 3)),
        dipole=_array(known.get('dipole'), (3,)),
        polarizability=_array(known.get('polarizability'), (3, 3)),
        eigenvalues_a=_sorted(known.get('eigenvalues_a')),
        eigenvalues_b=_sorted(known.get('eigenvalues_b')),
        optimization_energies=_array(known.get('optimization_energies') or None, None),
        optimization_converged=converged if isinstance(converged, bool) else None,
        warnings=tuple(warnings),
        **values,
    )
    if result.s_squared is not None:
        result = replace(result, s_squared=max(0.0, round(result.s_squared, 10)))
    hessian, masses = _array(known.get('hessian'), (3 * atoms, 3 * atoms)), _array(known.get('masses'), (atoms,))
    place = _array(known.get('hessian_geometry'), (atoms, 3))
    if hessian is None or masses is None or place is None:
        return result
    return _with_modes(replace(result, geometry=place), hessian, masses, place)


def _with_modes(result: QcResult, hessian: NDArray, masses: NDArray, geometry: NDArray) -> QcResult:
    try:
        frequencies, modes = harmonic_modes(hessian, masses, geometry)
    except OscError:
        return result
    imaginary = modes[frequencies < -NOISE]
    return replace(result, frequencies=frequencies, imaginary_modes=imaginary if len(imaginary) else None)


def _find_failure(known: dict[str, Any], result: QcResult) -> tuple[str, str] | None:
    error = _mapping(known.get('error'))
    if known.get('state') == 'failed' or error:
        text = f'{error.get("type", "Error")}: {error.get("message", "")}'
        if error.get('type') in ('KeyboardInterrupt', 'SystemExit'):
            return 'output_truncated', 'the job was interrupted'
        return classify(text) or ('crashed', text)
    if known.get('state') != 'finished':
        return 'output_truncated', f'the job was ended in state {known.get("state")!r}'
    if result.energy is None:
        return 'crashed', 'Psi4 ended without an energy'
    if not result.symbols or any(symbol not in atomic_numbers for symbol in result.symbols):
        return 'crashed', 'the results name no molecule'
    if is_nonsense(result.energy, result.symbols):
        return 'scf_not_converged', f'an energy of {result.energy:g} hartree is none of this molecule'
    if result.driver in ('optimization', 'frequencies') and result.optimization_converged is not True:
        return 'geometry_not_converged', 'the optimiser stopped before its criteria were met'
    if result.driver == 'frequencies' and result.frequencies is None:
        return 'crashed', 'Psi4 ended without frequencies'
    if result.imaginary_modes is not None and result.frequencies is not None:
        return 'imaginary_mode', f'lowest frequency {-result.frequencies[0]:.0f}i cm^-1'
    return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e300 else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _array(value: Any, shape: tuple[int, ...] | None) -> NDArray | None:
    """Return numbers as an array; None when it is of another shape or has gaps."""
    if not isinstance(value, list) or not value:
        return None
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    fits = shape is None or array.shape == shape
    return array if fits and np.isfinite(array).all() else None


def _sorted(value: Any) -> NDArray | None:
    array = _array(value, None)
    return None if array is None or array.ndim != 1 else np.sort(array)
