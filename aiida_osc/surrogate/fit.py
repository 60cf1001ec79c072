"""Training of a surrogate, piece by piece."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.surrogate.calibration import sigma_scale
from aiida_osc.surrogate.conformal import Intervals
from aiida_osc.surrogate.data import TrainingData, choose_columns, normalisation, prepare
from aiida_osc.surrogate.delta import Delta
from aiida_osc.surrogate.domain import Domain
from aiida_osc.surrogate.evaluate import score_columns
from aiida_osc.surrogate.families import boosting, gp
from aiida_osc.surrogate.families.family import Family
from aiida_osc.surrogate.families.mpnn import Ensemble, build_network, network_weights
from aiida_osc.surrogate.featurise import FEATURES_VERSION
from aiida_osc.surrogate.finishing import Finishing
from aiida_osc.surrogate.prediction import Moments
from aiida_osc.surrogate.selection import Candidate, choose
from aiida_osc.surrogate.settings import AUTO, NETWORK, SurrogateSettings
from aiida_osc.surrogate.spatial import SPATIAL
from aiida_osc.surrogate.task import SurrogateTask
from aiida_osc.surrogate.voices import Network
from aiida_osc.training.artifact import FORMAT, ModelArtifact, load_weights, package_versions
from aiida_osc.training.loop import DivergedError, FitState, Progress, fit_piece
from aiida_osc.training.resume import go_on

#: What stands under ``progress`` of a model that no epoch has trained.
NO_EPOCHS: dict[str, Any] = {'history': [], 'best_loss': None, 'best_epoch': -1, 'epoch': 0, 'epochs': 0, 'pieces': 1}


def fit_surrogate_piece(
    table: MoleculeTable,
    settings: SurrogateSettings,
    *,
    seed: int,
    checkpoint: ModelArtifact | None = None,
    report: Progress | None = None,
    structures: GeometryTable | None = None,
) -> ModelArtifact:
    """Train a surrogate for one piece and return the checkpoint, or the calibrated model when it is the last.

    An unfinished ``checkpoint`` goes on; table, settings and seed must be those it began with. A finished one is a warm
    start: when it has the same shape and columns, its weights, normalisation and split are the start of a training with
    fewer epochs on ``table``; otherwise the training starts anew. ``config['training']['start']`` says which.

    The last piece fits the baselines that ``settings.family`` asks for, and ``config['training']['choice']`` says which
    family was kept and how good each is.

    :param seed: decides split, initial weights, bootstrap and shuffling.
    :param report: called with the record of each epoch.
    :param structures: for the spatial members; molecules without one teach the other members alone.
    :raises OscError: when there is too little to learn from, training diverges or collapses, or the checkpoint does not
        fit.
    """
    settings.check_structures(structures is not None)
    config, state = _begin(table, settings, seed, checkpoint, structures)
    training = config['training']
    inputs = settings.inputs or ()
    fraction, split_seed = settings.validation_fraction, training['split_seed']
    data = prepare(table, config['targets'], settings.min_labels, fraction, split_seed, inputs, structures)
    data = _without_lines(config, data, inputs)
    if config['extra'].get('normalisation') is None:
        center, spread = normalisation(data.labels[data.parts.train])
        config['extra']['normalisation'] = {'mean': center.tolist(), 'std': spread.tolist()}
    training['molecules'] = {name: len(getattr(data.parts, name)) for name in data.parts.__dataclass_fields__}
    if structures is not None:
        training['structures'] = {'level': structures.level, 'molecules': int(data.molecules.spatial.present.sum())}
    training.setdefault('progress', dict(NO_EPOCHS))
    candidates, notes = [], []
    if settings.family in (AUTO, NETWORK):
        start = checkpoint if training['start'] == 'warm' else None
        try:
            network, state = _train_network(config, data, settings, seed, start, state, report)
        except DivergedError as exception:
            if settings.family != AUTO:
                raise
            notes.append(f'{NETWORK} was rejected: {exception}')
        else:
            if not state.finished:
                return ModelArtifact(config, state.to_tensors())
            candidates.append(_candidate(NETWORK, Ensemble(network), data))
    candidates.extend(_baselines(settings.family, config, data, seed, notes))
    return _finish(config, data, candidates, notes, seed)


def _begin(
    table: MoleculeTable,
    settings: SurrogateSettings,
    seed: int,
    checkpoint: ModelArtifact | None,
    structures: GeometryTable | None,
) -> tuple[dict[str, Any], FitState | None]:
    """Return the configuration that the piece starts with, and the state of the training when it goes on."""
    data_hash = table.content_hash()
    if structures is not None:
        data_hash += f'/{structures.content_hash()}'
    if checkpoint is not None:
        checkpoint.require('surrogate', finished=False)
    if checkpoint is not None and not checkpoint.config['finished']:
        return go_on(checkpoint, settings, seed=seed, data_hash=data_hash)
    columns = choose_columns(table, settings.columns, settings.min_labels, settings.inputs or ())
    config: dict[str, Any] = {
        'format': FORMAT,
        'kind': 'surrogate',
        'architecture': settings.shape(len(columns)),
        'targets': [str(column) for column in columns],
        'training': {'settings': settings.to_dict(), 'seed': seed, 'split_seed': seed, 'start': 'new'},
        'metrics': {},
        'data_hash': data_hash,
        'versions': package_versions(),
        'finished': False,
        'extra': {'features': FEATURES_VERSION},
    }
    if checkpoint is not None and settings.family in (AUTO, NETWORK) and _same_model(checkpoint.config, config):
        config['training'].update({'start': 'warm', 'split_seed': checkpoint.config['training']['split_seed']})
        kept = ('normalisation', 'delta')
        config['extra'] |= {
            name: checkpoint.config['extra'][name] for name in kept if name in checkpoint.config['extra']
        }
    return config, None


def _same_model(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether the weights of ``old`` can start a training of ``new``."""
    return (
        all(old[key] == new[key] for key in ('architecture', 'targets'))
        and old['training']['settings'].get('inputs') == new['training']['settings']['inputs']
        and old['extra'].get('features') == FEATURES_VERSION
    )


def _without_lines(config: dict[str, Any], data: TrainingData, inputs: Sequence[str]) -> TrainingData:
    """Return the data with what is left of the labels when the lines through the cheaper level are taken off."""
    if not inputs:
        return data
    extra = config['extra']
    if 'delta' not in extra:
        train = data.parts.train
        columns = tuple(Column.parse(name) for name in inputs)
        extra['delta'] = Delta.fit(columns, data.cheap[train], data.labels[train]).to_json()
    return replace(data, labels=data.labels - Delta.from_json(extra['delta'], len(data.columns))(data.cheap))


def _train_network(
    config: dict[str, Any],
    data: TrainingData,
    settings: SurrogateSettings,
    seed: int,
    start: ModelArtifact | None,
    state: FitState | None,
    report: Progress | None,
) -> tuple[Network, FitState]:
    """Train the network for one piece and note the progress in ``config``.

    :param start: the finished model whose weights are the start.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(config)
    if state is None and start is not None:
        load_weights(network, network_weights(start.weights))
    resolved = settings.resolved(len(data.parts.train), warm=config['training']['start'] == 'warm')
    task = SurrogateTask(network, data, config['extra']['normalisation'], resolved, seed)
    state = fit_piece(task, resolved, seed=seed, state=state, report=report)
    config['training']['progress'] = {**state.progress(), 'epochs': resolved.epochs}
    return network, state


def _candidate(name: str, model: Family, data: TrainingData) -> Candidate:
    def moments(rows: np.ndarray) -> Moments:
        return model.answer(data.molecules, rows)

    def alone(rows: np.ndarray) -> Moments:
        return model.answer(data.molecules.without_structures(), rows)

    shape = model.architecture()
    return Candidate(name, shape, model.tensors(), moments, alone if SPATIAL in shape else None)


def _baselines(family: str, config: dict[str, Any], data: TrainingData, seed: int, notes: list[str]) -> list[Candidate]:
    """Return the baselines that ``family`` asks for; among several, one that cannot be fitted is a note."""
    labels = _normalised(config, data)
    found = []
    for name, module in ((gp.FAMILY, gp), (boosting.FAMILY, boosting)):
        if family not in (AUTO, name):
            continue
        try:
            found.append(_candidate(name, module.fit_training_part(data, labels, seed), data))
        except OscError as exception:
            if family != AUTO:
                raise
            notes.append(f'{name} was left out: {exception}')
    return found


def _normalised(config: dict[str, Any], data: TrainingData) -> np.ndarray:
    normal = config['extra']['normalisation']
    return (data.labels - np.array(normal['mean'])) / np.array(normal['std'])


def _calibrate(
    best: Candidate, data: TrainingData, labels: np.ndarray, has_structure: np.ndarray | None
) -> dict[str, Any]:
    """Return the factors of the standard deviations and the intervals as JSON values.

    :param labels: normalised.
    :param has_structure: where a model that reads structures has one.
    """
    rows = data.parts.calibration
    raw, here = best.moments(rows), labels[rows]
    if best.alone is None or has_structure is None:
        scale = sigma_scale(raw.mean, raw.sigma, here)
        return {'scale': scale.tolist(), 'intervals': Intervals.fit(raw.mean, scale * raw.sigma, here).to_json()}
    seen, bare = has_structure[rows], best.alone(rows)
    scale = sigma_scale(raw.mean[seen], raw.sigma[seen], here[seen])
    alone = sigma_scale(bare.mean, bare.sigma, here)
    intervals = Intervals.fit(raw.mean, np.where(seen[:, None], scale, alone) * raw.sigma, here)
    return {'scale': scale.tolist(), 'scale_alone': alone.tolist(), 'intervals': intervals.to_json()}


def _finish(
    config: dict[str, Any], data: TrainingData, candidates: list[Candidate], notes: list[str], seed: int
) -> ModelArtifact:
    """Return the best candidate as a finished model, with calibration, domain, metrics and the record of the choice."""
    labels = _normalised(config, data)
    best, record = choose(candidates, labels, data.columns, data.parts, notes)
    config['training']['choice'] = record
    domain = Domain.fit(data.molecules.smiles, data.molecules.graphs, data.parts.train, seed)
    seen = None if best.alone is None else data.molecules.spatial.present
    extra = {**_calibrate(best, data, labels, seen), 'domain': domain.to_json()}
    config.update({'architecture': best.architecture, 'finished': True, 'extra': {**config['extra'], **extra}})
    tensors = {**best.tensors, **domain.tensors()}
    # What is left of the labels is judged: the lines are the same in prediction and label.
    finishing = replace(Finishing.load(config, tensors), delta=None)
    scores = {}
    for name in ('test', 'calibration', 'validation'):
        rows = getattr(data.parts, name)
        there = None if seen is None else seen[rows]
        prediction = finishing.prediction(best.moments(rows), data.molecules.graphs, rows, has_structure=there)
        scores[name] = score_columns(prediction, data.labels[rows])
    for number, column in enumerate(data.columns):
        name = 'test' if scores['test'][number]['n'] else 'calibration'
        config['metrics'][str(column)] = {
            **scores[name][number],
            'split': name,
            'validation': scores['validation'][number],
        }
    return ModelArtifact(config, tensors)
