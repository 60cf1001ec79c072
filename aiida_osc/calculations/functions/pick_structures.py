"""Calcfunction: take the structures of one molecule out of a set of geometries."""

from aiida.engine import calcfunction

from aiida_osc.calculations.structures import structure_from
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.qc.scheme import CHARGE_NAMES


@calcfunction
def pick_structures(molecule: MoleculeSetData, geometries: GeometrySetData) -> dict:
    """Pick the structures of one molecule: ``neutral``, ``cation`` and ``anion``, as far as they are there.

    :param molecule: a set of one molecule.
    :param geometries: structures of any number of molecules.
    """
    key, table = molecule.load().inchikeys[0], geometries.load()
    found = {name: table.select([key], charge)[0] for charge, name in CHARGE_NAMES.items()}
    return {name: structure_from(item.symbols, item.positions) for name, item in found.items() if item is not None}
