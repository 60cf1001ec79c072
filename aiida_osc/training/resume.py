"""Going on from a checkpoint: only what a training began with can end it."""

import copy
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.training.artifact import ModelArtifact
from aiida_osc.training.loop import FitState
from aiida_osc.training.settings import FitSettings


def go_on(
    checkpoint: ModelArtifact, settings: FitSettings, *, seed: int, data_hash: str
) -> tuple[dict[str, Any], FitState]:
    """Return a copy of the configuration of an unfinished model, and the state of its training.

    :param settings: must be those it began with, but for what may change between two pieces.
    :param data_hash: of the data, likewise.
    :raises OscError: when the checkpoint is damaged, finished, or began otherwise.
    """
    config = copy.deepcopy(checkpoint.config)
    training = config['training']
    try:
        began = type(settings).from_dict(training['settings'])
        same = began.essence() == settings.essence() and training['seed'] == seed
        progress = training['progress']
    except KeyError as exception:
        raise OscError(f'the checkpoint is damaged: {exception} is missing in its configuration') from None
    if not same or config['data_hash'] != data_hash:
        raise OscError('the checkpoint began with other data, settings or seed: give the same, or start without it')
    return config, FitState.from_checkpoint(dict(checkpoint.weights), progress)
