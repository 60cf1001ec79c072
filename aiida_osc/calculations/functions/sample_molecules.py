"""Calcfunction: new molecules from a generator."""

from aiida.engine import calcfunction
from aiida.orm import Data, Dict, Int

from aiida_osc.active_learning.propose import propose_molecules
from aiida_osc.active_learning.settings import SelectionSettings, promotion_rules
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.generator.sample_settings import SampleSettings


@calcfunction
def sample_molecules(
    model: ModelData,
    settings: Dict,
    seed: Int,
    surrogate: ModelData | None = None,
    selection: Dict | None = None,
    promotion: Dict | None = None,
    **exclude: MoleculeSetData,
) -> dict[str, Data]:
    """Sample new valid molecules that are neither in the training set nor excluded, with their SA scores.

    The third output tells of each molecule the number of its decoding, how its latent vector was made, and its parents.

    :param model: a finished generator.
    :param settings: keys of ``SampleSettings``.
    :param seed: of all random numbers.
    :param surrogate: scores the molecules of an ascent.
    :param selection: keys of ``SelectionSettings``, whose objectives an ascent climbs.
    :param promotion: windows of each family, to lead the sampling where the settings have none.
    :param exclude: molecules that must not come again.
    """
    result = propose_molecules(
        model.load(),
        SampleSettings.from_dict(settings.get_dict()),
        seed=seed.value,
        exclude=[key for node in exclude.values() for key in node.load().inchikeys],
        surrogate=None if surrogate is None else surrogate.load(),
        selection=None if selection is None else SelectionSettings.from_dict(selection.get_dict()),
        rules=None if promotion is None else promotion_rules(promotion.get_dict()),
    )
    report, origins = Dict(result.report), Dict({'seed': seed.value, 'molecules': result.origins})
    return {'molecules': MoleculeSetData(result.molecules), 'report': report, 'origins': origins}
