"""Calcfunction: molecules made of others by rules."""

from aiida.engine import ExitCode, calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.enumeration import EnumerationSettings, enumerate_molecules
from aiida_osc.errors import OscError


@calcfunction
def enumerate(molecules: MoleculeSetData, settings: Dict, seed: Int) -> dict | ExitCode:
    """Return new molecules that rules make of those of a set, and the report of walks that ended in none.

    :param molecules: what to start from.
    :param settings: keys of ``EnumerationSettings``.
    :param seed: of all random numbers.
    """
    try:
        options = EnumerationSettings.from_dict(settings.get_dict())
        table, reasons = enumerate_molecules(molecules.load().smiles, options, seed=seed.value)
    except OscError as exception:
        return ExitCode(210, f'no molecules can be made: {exception}')
    return {'molecules': MoleculeSetData(table), 'report': Dict({'made': len(table), 'left_out': reasons})}
