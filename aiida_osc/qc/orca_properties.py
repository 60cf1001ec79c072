"""The property file of ORCA 6 in JSON (``orca_2json NAME -property``): it fills what the output does not print."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from aiida_osc.qc.result import QcResult, finite

#: Largest difference between the energies of both files, in hartree.
TOLERANCE = 1e-6
DISAGREE = 'the property file has another energy than the output: it is of another run and was not used'


def fill_gaps(result: QcResult, properties: dict[str, Any]) -> QcResult:
    """Return the result with numbers of the property file where the output has none.

    The energies of both must agree; nothing of the file is trusted to have the shape that the manual shows.
    """
    last = _last_geometry(properties)
    energy = _number(_find(last, 'single_point_data', 'finalenergy'))
    if energy is not None and result.energy is not None and abs(energy - result.energy) > TOLERANCE:
        return replace(result, warnings=(*result.warnings, DISAGREE))
    dipole = _array(_find(last, 'dipole_moment', 'dipoletotal'), (3,))
    tensor = _array(_find(last, 'polarizability', 'rawcartesian'), (3, 3))
    gradient = _array(_find(last, 'nuclear_gradient', 'grad'), (len(result.symbols), 3))
    return replace(
        result,
        dipole=dipole if result.dipole is None else result.dipole,
        polarizability=tensor if result.polarizability is None else result.polarizability,
        gradient=gradient if result.gradient is None and result.driver != 'optimization' else result.gradient,
    )


def _last_geometry(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of the last structure."""
    geometries = next((value for key, value in properties.items() if key.lower() == 'geometries'), None)
    if isinstance(geometries, list) and geometries and isinstance(geometries[-1], dict):
        return geometries[-1]
    return {}


def _find(tree: Any, group: str, name: str) -> Any:
    """Return the last value called ``name`` in a group whose name contains ``group``, case-insensitively."""
    found = [value for key, value in _walk(tree, inside=False, group=group) if key == name]
    return found[-1] if found else None


def _walk(tree: Any, *, inside: bool, group: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > 8:
        return
    if isinstance(tree, dict):
        for key, value in tree.items():
            if inside:
                yield str(key).lower(), value
            yield from _walk(value, inside=inside or group in str(key).lower(), group=group, depth=depth + 1)
    elif isinstance(tree, list):
        for value in tree[:64]:
            yield from _walk(value, inside=inside, group=group, depth=depth + 1)


def _number(value: Any) -> float | None:
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return finite(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _array(value: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return numbers in ``shape``, None when there are not as many or they are none."""
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        return None
    if array.size != np.prod(shape) or not np.isfinite(array).all():
        return None
    return array.reshape(shape)
