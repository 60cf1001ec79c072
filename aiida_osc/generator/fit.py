"""Training of a generator, piece by piece."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.generator.data import TrainingData, choose_columns, choose_vocabulary, prepare, usable_rows
from aiida_osc.generator.generator import Generator, build_network
from aiida_osc.generator.network import JtvaeNetwork
from aiida_osc.generator.preprocess import Decomposed, count_reasons, decompose_table, featurise_table
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.stereo import count_marked
from aiida_osc.generator.task import JtvaeTask
from aiida_osc.generator.tensors import collate
from aiida_osc.generator.vocabulary import Vocabulary
from aiida_osc.generator.weights import favoured_ranks
from aiida_osc.training.artifact import FORMAT, ModelArtifact, load_weights, package_versions
from aiida_osc.training.device import cpu_threads
from aiida_osc.training.loop import Progress, fit_piece
from aiida_osc.training.resume import go_on

#: Molecules on which a finished generator is measured.
_MEASURED = 300
#: Divergence from the prior, in nats, from which a latent dimension counts as used.
_ACTIVE_FROM = 0.01


def fit_jtvae_piece(
    table: MoleculeTable,
    settings: JtvaeSettings,
    *,
    seed: int,
    checkpoint: ModelArtifact | None = None,
    report: Progress | None = None,
) -> ModelArtifact:
    """Train a generator for one piece and return the checkpoint, or the finished model when it is the last.

    An unfinished ``checkpoint`` goes on; table, settings and seed must be those it began with. A finished one is a warm
    start: its shape stays, its motifs keep their numbers and weights, new ones join them, and columns that it knows
    keep their property heads. Molecules that do not decompose are left out, counted in ``config['extra']['rejected']``.

    :param seed: decides validation part, initial weights, noise and shuffling.
    :param report: called with the record of each epoch.
    :raises OscError: when there is too little to learn from, training diverges, or the checkpoint does not fit.
    """
    used = table.take(usable_rows(table, settings))
    if checkpoint is not None and not checkpoint.config['finished']:
        checkpoint.require('jtvae', finished=False)
        config, state = go_on(checkpoint, settings, seed=seed, data_hash=table.content_hash())
        decomposed = None
    else:
        base = _warm_vocabulary(checkpoint)
        decomposed, state = decompose_table(used.smiles, settings.chain_count, base, jobs=settings.jobs), None
        vocabulary = choose_vocabulary(decomposed, base)
        config = _begin(table, used, decomposed, vocabulary, settings, seed, checkpoint)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        network, vocabulary = build_network(config)
    if checkpoint is not None and state is None:
        _inherit(network, config, checkpoint)
    featurised = featurise_table(used.smiles, vocabulary, decomposed, jobs=settings.jobs)
    data = prepare(used, featurised, config['extra']['normalisation'], settings, seed)
    config['extra']['rejected'] = count_reasons(featurised.rejected)
    config['extra']['stereo_left_aside'] = count_marked(data.smiles)
    ranks = favoured_ranks(data.labels, config['targets'], settings.favour or {})
    state = fit_piece(JtvaeTask(network, data, settings, ranks), settings, seed=seed, state=state, report=report)
    config['training']['progress'] = {**state.progress(), 'epochs': settings.epochs}
    config['training']['molecules'] = {'train': len(data.train), 'validation': len(data.validation)}
    config['finished'] = state.finished
    if state.finished:
        with cpu_threads(settings.threads):
            _finish(network.cpu(), vocabulary, config, data, settings)
    return ModelArtifact(config, state.to_tensors())


def _begin(
    table: MoleculeTable,
    used: MoleculeTable,
    decomposed: Decomposed,
    vocabulary: Vocabulary,
    settings: JtvaeSettings,
    seed: int,
    start: ModelArtifact | None,
) -> dict[str, Any]:
    normalisation = choose_columns(used, decomposed.rows, settings.min_labels)
    shape = {name: getattr(settings, name) for name in ('hidden', 'latent', 'graph_rounds')}
    if start is not None:
        shape = {name: start.config['architecture'][name] for name in shape}
    return {
        'format': FORMAT,
        'kind': 'jtvae',
        'architecture': {**shape, 'dropout': settings.dropout},
        'targets': list(normalisation),
        'training': {'settings': settings.to_dict(), 'seed': seed, 'start': 'new' if start is None else 'warm'},
        'metrics': {},
        'data_hash': table.content_hash(),
        'versions': package_versions(),
        'finished': False,
        'extra': {
            'vocabulary': vocabulary.to_json(),
            'normalisation': {name: list(pair) for name, pair in normalisation.items()},
            'known': sorted({key[:14] for key in table.inchikeys}),
            'memory': [],
            'spread': [1.0] * shape['latent'],
        },
    }


def _warm_vocabulary(checkpoint: ModelArtifact | None) -> Vocabulary | None:
    if checkpoint is None:
        return None
    checkpoint.require('jtvae', finished=False)
    return Vocabulary.from_json(checkpoint.config['extra'].get('vocabulary', {}))


def _inherit(network: JtvaeNetwork, config: dict[str, Any], start: ModelArtifact) -> None:
    """Copy the weights of a finished model: tables by their leading rows, property heads by their columns."""
    merged = {name: _merged(own, start.weights.get(name)) for name, own in network.state_dict().items()}
    old_heads = {name: row for row, name in enumerate(start.config['targets'])}
    pairs = [(row, old_heads[name]) for row, name in enumerate(config['targets']) if name in old_heads]
    for name in ('property_heads.2.weight', 'property_heads.2.bias'):
        merged[name] = network.state_dict()[name].clone()
        for row, old in pairs:
            merged[name][row] = start.weights[name][old]
    load_weights(network, merged)


def _merged(own: Tensor, old: Tensor | None) -> Tensor:
    if old is None or old.ndim != own.ndim or old.shape[1:] != own.shape[1:] or len(old) > len(own):
        return own
    return torch.cat([old.to(own), own[len(old) :]])


def _finish(
    network: JtvaeNetwork,
    vocabulary: Vocabulary,
    config: dict[str, Any],
    data: TrainingData,
    settings: JtvaeSettings,
) -> None:
    """Fill in what only a finished model has: its memory, the spread of its latent vectors and its metrics."""
    extra = config['extra']
    extra['memory'] = [data.smiles[place] for place in data.train[: settings.memory]]
    model = Generator(network, vocabulary, config)
    _, latent = model.encode_known(extra['memory'])
    extra['spread'] = latent.std(dim=0, unbiased=False).tolist()
    measured = {'train': data.train[:_MEASURED], 'validation': data.validation[:_MEASURED]}
    metrics: dict[str, Any] = {
        f'reconstruction_{name}': {
            'value': model.reconstruct([data.smiles[place] for place in places]),
            'n': len(places),
        }
        for name, places in measured.items()
        if len(places)
    }
    metrics['active_units'] = _active_units(network, data, measured['train'])
    _, known = model.encode_known([data.smiles[place] for place in data.validation])
    if len(known) == len(data.validation) and len(known):
        errors = np.abs(model.predict(known) - _in_units(data.labels[data.validation], extra['normalisation']))
        for column, values in zip(config['targets'], errors.T, strict=True):
            if np.isfinite(values).any():
                metrics[column] = {'mae': float(np.nanmean(values)), 'n': int(np.isfinite(values).sum())}
    config['metrics'] = metrics


@torch.no_grad()
def _active_units(network: JtvaeNetwork, data: TrainingData, places: np.ndarray) -> dict[str, Any]:
    """Return how many latent dimensions tell molecules apart, and the divergence of all, in nats."""
    batch = collate([data.features[place] for place in places], data.labels[places])
    divergence = network.encode(batch).divergence()
    active = int((divergence > _ACTIVE_FROM).sum())
    return {'value': active, 'of': network.latent, 'divergence': float(divergence.sum()), 'n': len(places)}


def _in_units(labels: np.ndarray, normalisation: dict[str, list[float]]) -> np.ndarray:
    table = np.array(list(normalisation.values())).reshape(-1, 2)
    return labels * table[:, 1] + table[:, 0]
