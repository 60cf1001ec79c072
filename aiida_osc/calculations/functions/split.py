"""Calcfunction: parts of a molecule set for training, validation and test."""

from aiida.engine import ExitCode, calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.splitting.settings import SplitSettings
from aiida_osc.datasets.splitting.split import split_table
from aiida_osc.errors import OscError


@calcfunction
def split(molecules: MoleculeSetData, settings: Dict, seed: Int) -> dict | ExitCode:
    """Split a molecule set, check the parts for leaks and report the normalisation of the training part.

    :param molecules: the molecules with their labels.
    :param settings: keys of ``SplitSettings``.
    :param seed: decides which molecules go where, as far as the settings leave it open.
    """
    try:
        options = SplitSettings.from_dict(settings.get_dict())
        found = split_table(molecules.load(), options, seed=seed.value)
    except OscError as exception:
        return ExitCode(210, f'the molecules cannot be split: {exception}')
    parts = {name: MoleculeSetData(getattr(found, name)) for name in ('train', 'validation', 'test')}
    return {**parts, 'report': Dict(found.report)}
