"""Calcfunction: new molecules from a generator."""

from aiida.engine import calcfunction
from aiida.orm import Data, Dict, Int

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.generator.sample_settings import SampleSettings


@calcfunction
def sample_molecules(model: ModelData, settings: Dict, seed: Int, **exclude: MoleculeSetData) -> dict[str, Data]:
    """Sample new valid molecules that are neither in the training set nor excluded, with their SA scores.

    :param model: a finished generator.
    :param settings: keys of ``SampleSettings``.
    :param seed: of all random numbers.
    :param exclude: molecules that must not come again.
    """
    keys = [key for node in exclude.values() for key in node.load().inchikeys]
    options = SampleSettings.from_dict(settings.get_dict())
    result = model.load().sample(options, seed=seed.value, exclude=keys)
    return {'molecules': MoleculeSetData(result.molecules), 'report': Dict(result.report)}
