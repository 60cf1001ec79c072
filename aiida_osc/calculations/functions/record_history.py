"""Calcfunction: write what each iteration of a campaign brought."""

from aiida.engine import calcfunction
from aiida.orm import Dict

from aiida_osc.active_learning.history import build_history, records_of
from aiida_osc.active_learning.settings import SelectionSettings, promotion_rules
from aiida_osc.data.model import ModelData


@calcfunction
def record_history(settings: Dict, selection: Dict | None = None, **nodes) -> dict:
    """Write hits, hypervolume, best values and surrogate errors per iteration; ``labels_00`` is the initial set.

    :param settings: scale and windows of each family, which say what a hit is.
    :param selection: settings of the selection, for its objectives; the defaults when not given.
    :param nodes: what each iteration left: ``labels_01``, ``mean_01``, ``batch_01``, ...
    """
    objectives = SelectionSettings.from_dict({} if selection is None else selection.get_dict()).families()
    opened = {name: _open(node) for name, node in nodes.items()}
    initial = opened.pop('labels_00', None)
    history = build_history(records_of(opened), objectives, promotion_rules(settings.get_dict()), initial=initial)
    return {'history': Dict(history)}


def _open(node):
    if isinstance(node, Dict):
        return node.get_dict()
    return node.base.attributes.get('metrics') if isinstance(node, ModelData) else node.load()
