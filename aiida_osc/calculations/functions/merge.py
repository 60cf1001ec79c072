"""Calcfunction: union of molecule sets."""

from aiida.engine import calcfunction
from aiida.orm import Dict

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.merge import merge_tables


@calcfunction
def merge(**sets: MoleculeSetData) -> dict:
    """Unite molecule sets by InChIKey; sets come in the order of their names, earlier ones win.

    :param sets: molecule sets by name.
    """
    result = merge_tables({name: sets[name].load() for name in sorted(sets)})
    return {'molecules': MoleculeSetData(result.table), 'report': Dict(result.report())}
