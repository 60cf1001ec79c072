"""Methods and bases that the engines share, each with the engine's own spelling: one name, one meaning.

B3LYP is the functional of doi 10.1021/j100096a001 with the VWN correlation of Gaussian: ORCA calls that ``B3LYP/G``.
"""

from typing import Final

from aiida_osc.errors import OscError

ENGINES: Final = ('psi4', 'orca', 'pyscf', 'gaussian')
DISPERSIONS: Final = ('', 'D3BJ', 'D4')

#: method -> engine -> spelling; an engine that is not listed does not have it.
METHODS: dict[str, dict[str, str]] = {
    'HF': {'psi4': 'hf', 'orca': 'HF', 'pyscf': 'hf', 'gaussian': 'HF'},
    'PBE': {'psi4': 'pbe', 'orca': 'PBE', 'pyscf': 'pbe', 'gaussian': 'PBEPBE'},
    'BLYP': {'psi4': 'blyp', 'orca': 'BLYP', 'pyscf': 'blyp', 'gaussian': 'BLYP'},
    'BP86': {'psi4': 'bp86', 'orca': 'BP86', 'pyscf': 'bp86', 'gaussian': 'BP86'},
    'r2SCAN': {'psi4': 'r2scan', 'orca': 'r2SCAN', 'pyscf': 'r2scan'},
    'B3LYP': {'psi4': 'b3lyp', 'orca': 'B3LYP/G', 'pyscf': 'b3lypg', 'gaussian': 'B3LYP'},
    'PBE0': {'psi4': 'pbe0', 'orca': 'PBE0', 'pyscf': 'pbe0', 'gaussian': 'PBE1PBE'},
    'M06-2X': {'psi4': 'm06-2x', 'orca': 'M062X', 'pyscf': 'm06-2x', 'gaussian': 'M062X'},
    'CAM-B3LYP': {'psi4': 'cam-b3lyp', 'orca': 'CAM-B3LYP', 'pyscf': 'camb3lyp', 'gaussian': 'CAM-B3LYP'},
    'wB97X-D': {'psi4': 'wb97x-d', 'gaussian': 'wB97XD'},
    'wB97X-D3BJ': {'psi4': 'wb97x-d3bj', 'orca': 'wB97X-D3BJ', 'pyscf': 'wb97x-d3bj'},
    'wB97X-V': {'psi4': 'wb97x-v', 'orca': 'wB97X-V', 'pyscf': 'wb97x_v'},
}
#: Functionals whose own dispersion is part of them.
WITH_DISPERSION: Final = ('wB97X-D', 'wB97X-D3BJ', 'wB97X-V')
#: Basis -> largest atomic number that it has functions for.
BASES: dict[str, int] = {
    'STO-3G': 54,
    '3-21G': 54,
    '6-31G*': 36,
    '6-31+G*': 18,
    '6-311G**': 18,
    'cc-pVDZ': 18,
    'cc-pVTZ': 18,
    'aug-cc-pVDZ': 18,
    'def2-SVP': 86,
    'def2-SVPD': 86,
    'def2-TZVP': 86,
    'def2-TZVPD': 86,
    'def2-TZVPP': 86,
    'def2-QZVP': 86,
}


def check_method(method: str, dispersion: str) -> None:
    """Check a method and its dispersion correction.

    :raises OscError: when one is unknown, or the functional brings its own dispersion.
    """
    if method not in METHODS:
        raise OscError(f'unknown method {method!r}: use one of {", ".join(METHODS)}')
    if dispersion not in DISPERSIONS:
        raise OscError(f'unknown dispersion {dispersion!r}: use D3BJ, D4 or an empty text')
    if dispersion and method in WITH_DISPERSION:
        raise OscError(f'{method} has a dispersion correction of its own: leave "dispersion" empty')


def check_basis(basis: str, numbers: tuple[int, ...] = ()) -> None:
    """Check a basis, and that it has functions for every element.

    :param numbers: atomic numbers of the molecule.
    :raises OscError: when the basis is unknown, or an element has none.
    """
    if basis not in BASES:
        raise OscError(f'unknown basis {basis!r}: use one of {", ".join(BASES)}')
    heaviest = max(numbers, default=1)
    if heaviest > BASES[basis]:
        raise OscError(f'{basis} has no functions for the element of number {heaviest}: use a def2 basis')


def spelling(method: str, engine: str) -> str:
    """Return how ``engine`` calls a method.

    :raises OscError: when the engine has no such method.
    """
    if engine not in METHODS[method]:
        able = ', '.join(name for name in ENGINES if name in METHODS[method])
        raise OscError(f'{engine} has no {method}: use {able}, or another method')
    return METHODS[method][engine]
