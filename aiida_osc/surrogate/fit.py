"""Training of a surrogate, piece by piece."""

from typing import Any

import numpy as np
import torch

from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.surrogate.calibration import sigma_scale
from aiida_osc.surrogate.data import TrainingData, choose_columns, normalisation, prepare
from aiida_osc.surrogate.ensemble import Surrogate, build_network
from aiida_osc.surrogate.featurise import FEATURES_VERSION
from aiida_osc.surrogate.metrics import score
from aiida_osc.surrogate.network import EnsembleNetwork
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.task import SurrogateTask
from aiida_osc.training.artifact import FORMAT, ModelArtifact, load_weights, package_versions
from aiida_osc.training.loop import FitState, Progress, fit_piece
from aiida_osc.training.resume import go_on


def fit_surrogate_piece(
    table: MoleculeTable,
    settings: SurrogateSettings,
    *,
    seed: int,
    checkpoint: ModelArtifact | None = None,
    report: Progress | None = None,
) -> ModelArtifact:
    """Train a surrogate for one piece and return the checkpoint, or the calibrated model when it is the last.

    An unfinished ``checkpoint`` goes on; table, settings and seed must be those it began with. A finished one is a warm
    start: when it has the same shape and columns, its weights, normalisation and split are the start of a training with
    fewer epochs on ``table``; otherwise the training starts anew. ``config['training']['start']`` says which.

    :param seed: decides split, initial weights, bootstrap and shuffling.
    :param report: called with the record of each epoch.
    :raises OscError: when there is too little to learn from, training diverges, or the checkpoint does not fit.
    """
    config, state = _begin(table, settings, seed, checkpoint)
    training = config['training']
    data = prepare(table, config['targets'], settings.min_labels, settings.validation_fraction, training['split_seed'])
    if config['extra'].get('normalisation') is None:
        center, spread = normalisation(data.labels[data.parts.train])
        config['extra']['normalisation'] = {'mean': center.tolist(), 'std': spread.tolist()}
    network = _seeded_network(config, seed)
    if state is None and training['start'] == 'warm' and checkpoint is not None:
        load_weights(network, checkpoint.weights)
    resolved = settings.resolved(len(data.parts.train), warm=training['start'] == 'warm')
    task = SurrogateTask(network, data, config['extra']['normalisation'], resolved, seed)
    state = fit_piece(task, resolved, seed=seed, state=state, report=report)
    training['progress'] = {**state.progress(), 'epochs': resolved.epochs}
    training['molecules'] = {name: len(getattr(data.parts, name)) for name in data.parts.__dataclass_fields__}
    config['finished'] = state.finished
    if state.finished:
        _calibrate(network, config, data)
    return ModelArtifact(config, state.to_tensors())


def _begin(
    table: MoleculeTable, settings: SurrogateSettings, seed: int, checkpoint: ModelArtifact | None
) -> tuple[dict[str, Any], FitState | None]:
    """Return the configuration that the piece starts with, and the state of the training when it goes on."""
    if checkpoint is not None:
        checkpoint.require('surrogate', finished=False)
    if checkpoint is not None and not checkpoint.config['finished']:
        return go_on(checkpoint, settings, seed=seed, data_hash=table.content_hash())
    columns = choose_columns(table, settings.columns, settings.min_labels)
    config: dict[str, Any] = {
        'format': FORMAT,
        'kind': 'surrogate',
        'architecture': settings.architecture(len(columns)).to_dict(),
        'targets': [str(column) for column in columns],
        'training': {'settings': settings.to_dict(), 'seed': seed, 'split_seed': seed, 'start': 'new'},
        'metrics': {},
        'data_hash': table.content_hash(),
        'versions': package_versions(),
        'finished': False,
        'extra': {'features': FEATURES_VERSION},
    }
    if checkpoint is not None and _same_model(checkpoint.config, config):
        config['training'].update({'start': 'warm', 'split_seed': checkpoint.config['training']['split_seed']})
        config['extra']['normalisation'] = checkpoint.config['extra']['normalisation']
    return config, None


def _same_model(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether the weights of ``old`` can start a training of ``new``."""
    return (
        all(old[key] == new[key] for key in ('architecture', 'targets'))
        and old['extra'].get('features') == FEATURES_VERSION
    )


def _seeded_network(config: dict[str, Any], seed: int) -> EnsembleNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_network(config)


def _calibrate(network: EnsembleNetwork, config: dict[str, Any], data: TrainingData) -> None:
    """Fill in what only a finished model has: the scale of its standard deviations, the domain and the metrics."""
    extra = config['extra']
    extra['scale'] = [1.0] * len(data.columns)
    extra['seen'] = [np.flatnonzero(seen).tolist() for seen in data.graphs.categories(data.parts.train)]
    rows = data.parts.calibration
    raw = Surrogate(network, config).predict_graphs(data.graphs, rows)
    extra['scale'] = sigma_scale(raw.mean, raw.sigma, data.labels[rows]).tolist()
    calibrated = Surrogate(network, config)
    scores = {
        name: _scores(calibrated, data, getattr(data.parts, name)) for name in ('test', 'calibration', 'validation')
    }
    for number, column in enumerate(data.columns):
        name = 'test' if scores['test'][number]['n'] else 'calibration'
        config['metrics'][str(column)] = {
            **scores[name][number],
            'split': name,
            'validation': scores['validation'][number],
        }


def _scores(surrogate: Surrogate, data: TrainingData, rows: np.ndarray) -> list[dict[str, float]]:
    prediction = surrogate.predict_graphs(data.graphs, rows)
    labels = data.labels[rows]
    return [
        score(prediction.mean[:, target], prediction.sigma[:, target], labels[:, target])
        for target in range(len(data.columns))
    ]
