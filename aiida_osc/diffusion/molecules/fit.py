"""Training of a conformer model, piece by piece."""

from typing import Any

import torch

from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.diffusion.molecules.data import TrainingData, prepare
from aiida_osc.diffusion.molecules.features import SYMBOLS
from aiida_osc.diffusion.molecules.gate import measure
from aiida_osc.diffusion.molecules.model import FAMILY, SIGNAL, ConformerModel, build_network
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.diffusion.molecules.task import ConformerTask
from aiida_osc.training.artifact import FORMAT, ModelArtifact, load_weights, package_versions
from aiida_osc.training.loop import Progress, fit_piece
from aiida_osc.training.resume import go_on

_SHAPE = ('hidden', 'pair', 'layers')


def fit_conformer_piece(
    molecules: MoleculeTable,
    geometries: GeometryTable,
    settings: ConformerSettings,
    *,
    seed: int,
    checkpoint: ModelArtifact | None = None,
    report: Progress | None = None,
    data: TrainingData | None = None,
) -> ModelArtifact:
    """Train a conformer model for one piece and return the checkpoint, or the finished model when it is the last.

    An unfinished ``checkpoint`` goes on; tables, settings and seed must be those it began with. A finished one gives
    the weights to start from.

    :param molecules: names the bonds of each InChIKey.
    :param geometries: structures to learn, in the atom order of ``Chem.AddHs(Chem.MolFromSmiles(smiles))``.
    :param seed: decides who is held out, initial weights, noise and shuffling.
    :param report: called with the record of each epoch.
    :param data: what :func:`prepare` returned for the same tables, settings and seed, to be spared the time.
    :raises OscError: when there is too little to learn from, training diverges, or the checkpoint does not fit.
    """
    data = prepare(molecules, geometries, settings, seed=seed) if data is None else data
    data_hash = f'{molecules.content_hash()}/{geometries.content_hash()}'
    state = None
    if checkpoint is not None:
        checkpoint.require(FAMILY, finished=False)
    if checkpoint is not None and not checkpoint.config['finished']:
        config, state = go_on(checkpoint, settings, seed=seed, data_hash=data_hash)
    else:
        config = _begin(data, data_hash, geometries.level, settings, seed, warm=checkpoint is not None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        network = build_network(config)
    if state is None and checkpoint is not None:
        load_weights(network, checkpoint.weights)
    state = fit_piece(ConformerTask(network, data, settings), settings, seed=seed, state=state, report=report)
    config['training']['progress'] = {**state.progress(), 'epochs': settings.epochs}
    config['finished'] = state.finished
    artifact = ModelArtifact(config, state.to_tensors())
    if state.finished:
        config['metrics'] = measure(ConformerModel.from_artifact(artifact), data, seed=seed)
    return artifact


def _begin(
    data: TrainingData, data_hash: str, level: str, settings: ConformerSettings, seed: int, *, warm: bool
) -> dict[str, Any]:
    elements = sorted({SYMBOLS[number] for graph in data.graphs for number in graph.atoms[:, 0]})
    return {
        'format': FORMAT,
        'kind': 'diffusion',
        'architecture': {'signal': SIGNAL, **{name: getattr(settings, name) for name in _SHAPE}},
        'targets': [],
        'training': {
            'settings': settings.to_dict(),
            'seed': seed,
            'start': 'warm' if warm else 'new',
            'structures': {'train': len(data.train), 'validation': len(data.validation)},
            'level': level,
        },
        'metrics': {},
        'data_hash': data_hash,
        'versions': package_versions(),
        'finished': False,
        'extra': {'elements': elements, 'rejected': data.rejected},
    }
