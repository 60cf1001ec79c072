"""Calcfunction: choose the next molecules to compute."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.active_learning.select import select_molecules
from aiida_osc.active_learning.settings import SelectionSettings, promotion_rules
from aiida_osc.data.molecule_set import MoleculeSetData


@calcfunction
def select_batch(
    mean: MoleculeSetData,
    sigma: MoleculeSetData,
    settings: Dict,
    seed: Int,
    promotion: Dict | None = None,
    **exclude: MoleculeSetData,
) -> dict:
    """Choose a diverse batch from the optimistic Pareto fronts, and a random control when asked for.

    :param mean: predicted means of the candidates.
    :param sigma: their standard deviations, in the same rows.
    :param settings: keys of ``SelectionSettings``.
    :param seed: of the random control.
    :param promotion: windows of each family: what may lie inside goes before all others.
    :param exclude: molecules that are known, pending or failed.
    """
    known = {key for node in exclude.values() for key in node.load().inchikeys}
    chosen = select_molecules(
        mean.load(),
        sigma.load(),
        SelectionSettings.from_dict(settings.get_dict()),
        exclude=known,
        rules=None if promotion is None else promotion_rules(promotion.get_dict()),
        seed=seed.value,
    )
    outputs = {'batch': MoleculeSetData(chosen.batch), 'ranking': Dict(chosen.ranking)}
    if chosen.control is not None:
        outputs['control'] = MoleculeSetData(chosen.control)
    return outputs
