"""Training of a model of fields, piece by piece."""

from typing import Any

import numpy as np
import torch

from aiida_osc.diffusion.grids.dataset import Fields
from aiida_osc.diffusion.grids.model import FAMILY, SIGNAL, build_network
from aiida_osc.diffusion.grids.settings import GridSettings
from aiida_osc.diffusion.grids.statistics import FieldStatistics, measure
from aiida_osc.diffusion.grids.task import GridTask
from aiida_osc.errors import OscError
from aiida_osc.training.artifact import FORMAT, ModelArtifact, load_weights, package_versions
from aiida_osc.training.loop import Progress, fit_piece
from aiida_osc.training.resume import go_on


def fit_grid_piece(
    fields: Fields,
    settings: GridSettings,
    *,
    seed: int,
    checkpoint: ModelArtifact | None = None,
    report: Progress | None = None,
) -> ModelArtifact:
    """Train a model of fields for one piece and return the checkpoint, or the finished model when it is the last.

    An unfinished ``checkpoint`` goes on; fields, settings and seed must be those it began with. A finished one gives
    the weights to start from.

    :param seed: decides which fields are held out, initial weights, noise and shuffling.
    :param report: called with the record of each epoch.
    :raises OscError: when there are fewer than two fields, training diverges, or the checkpoint does not fit.
    """
    split = _split(fields, settings, seed)
    data_hash = fields.content_hash()
    state = None
    if checkpoint is not None:
        checkpoint.require(FAMILY, finished=False)
    if checkpoint is not None and not checkpoint.config['finished']:
        config, state = go_on(checkpoint, settings, seed=seed, data_hash=data_hash)
    else:
        config = _begin(fields, data_hash, split, settings, seed, warm=checkpoint is not None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        network = build_network(config)
    if state is None and checkpoint is not None:
        load_weights(network, checkpoint.weights)
    statistics = FieldStatistics.from_json(config['extra']['statistics'])
    task = GridTask(network, statistics, fields, split, settings)
    state = fit_piece(task, settings, seed=seed, state=state, report=report)
    config['training']['progress'] = {**state.progress(), 'epochs': settings.epochs}
    config['finished'] = state.finished
    if state.finished and state.history:
        best = state.history[max(state.best_epoch, 0)]
        config['metrics'] = {'held_out': {name: value for name, value in best.items() if name != 'epoch'}}
    return ModelArtifact(config, state.to_tensors())


def _split(fields: Fields, settings: GridSettings, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the fields to learn from and of those held out."""
    if len(fields) < 2:
        raise OscError('one field to learn from and one held out are the least: give more fields')
    order = np.random.default_rng(seed).permutation(len(fields))
    held = min(max(1, round(settings.validation * len(fields))), len(fields) - 1)
    return np.sort(order[held:]), np.sort(order[:held])


def _begin(
    fields: Fields,
    data_hash: str,
    split: tuple[np.ndarray, np.ndarray],
    settings: GridSettings,
    seed: int,
    *,
    warm: bool,
) -> dict[str, Any]:
    shape = {'shape': list(fields.shape), 'boundary': fields.boundary, 'features': fields.features}
    return {
        'format': FORMAT,
        'kind': 'diffusion',
        'architecture': {'signal': SIGNAL, **shape, 'width': settings.width, 'levels': settings.levels},
        'targets': [],
        'training': {
            'settings': settings.to_dict(),
            'seed': seed,
            'start': 'warm' if warm else 'new',
            'fields': {'train': len(split[0]), 'validation': len(split[1])},
        },
        'metrics': {},
        'data_hash': data_hash,
        'versions': package_versions(),
        'finished': False,
        'extra': {'statistics': measure(fields, split[0].tolist()).to_json()},
    }
