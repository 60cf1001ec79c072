"""Calcfunction: promote computed molecules to candidates."""

from aiida.engine import calcfunction
from aiida.orm import Dict

from aiida_osc.active_learning.promote import promote_molecules
from aiida_osc.active_learning.settings import promotion_rules
from aiida_osc.data.molecule_set import MoleculeSetData


@calcfunction
def promote(molecules: MoleculeSetData, settings: Dict) -> dict:
    """Keep the computed molecules inside the windows of at least one family, and report the rules.

    :param molecules: computed molecules.
    :param settings: scale and windows of each family.
    """
    table, report = promote_molecules(molecules.load(), promotion_rules(settings.get_dict()))
    return {'promoted': MoleculeSetData(table), 'report': Dict(report)}
