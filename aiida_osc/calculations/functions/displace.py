"""Calcfunction: displace a structure along its imaginary mode."""

import numpy as np
from aiida.engine import calcfunction
from aiida.orm import Dict, StructureData

from aiida_osc.qc.displacement import displace_along


@calcfunction
def displace(structure: StructureData, results: Dict) -> StructureData:
    """Displace a structure along its first imaginary mode.

    :param structure: a molecule at a saddle point.
    :param results: of the calculation of its frequencies, with ``properties.imaginary_modes``.
    """
    atoms = structure.get_ase()
    mode = np.array(results['properties']['imaginary_modes'][0], dtype=float)
    atoms.set_positions(displace_along(atoms.get_positions(), mode))
    return StructureData(ase=atoms)
