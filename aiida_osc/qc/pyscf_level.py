"""A level of theory in the words of PySCF, as the batch runner reads it."""

from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Model

ENGINE = 'pyscf'
#: Method -> its name in the tables of DFT-D3 and DFT-D4; those that are not listed have no parameters there.
DISPERSION_NAMES: dict[str, str] = {
    'HF': 'hf',
    'PBE': 'pbe',
    'BLYP': 'blyp',
    'BP86': 'bp',
    'r2SCAN': 'r2scan',
    'B3LYP': 'b3lyp',
    'PBE0': 'pbe0',
    'CAM-B3LYP': 'camb3lyp',
}


def pyscf_level(model: Model) -> dict[str, Any]:
    """Return the level with PySCF's spelling of method, basis and dispersion.

    :raises OscError: when PySCF has no such method, or the dispersion correction no parameters for it.
    """
    dispersion = ''
    if model.dispersion:
        if model.method not in DISPERSION_NAMES:
            able = ', '.join(DISPERSION_NAMES)
            raise OscError(
                f'{model.dispersion} has no parameters for {model.method}: leave it out, or use one of {able}'
            )
        dispersion = f'{model.dispersion.lower()}:{DISPERSION_NAMES[model.method]}'
    return {
        'name': model.name,
        'method': model.spelled_for(ENGINE),
        'basis': model.basis,
        'dispersion': dispersion,
        'epsilon': model.epsilon,
        'cartesian': model.cartesian,
    }
