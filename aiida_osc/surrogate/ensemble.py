"""A trained surrogate: SMILES in, mean and calibrated standard deviation of every column out."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array

from aiida_osc.errors import OscError
from aiida_osc.surrogate import domain
from aiida_osc.surrogate.featurise import FEATURES_VERSION, Graphs
from aiida_osc.surrogate.finishing import Finishing, predict_smiles
from aiida_osc.surrogate.network import Architecture, EnsembleNetwork
from aiida_osc.surrogate.prediction import Moments, Prediction
from aiida_osc.training.artifact import ModelArtifact, load_weights
from aiida_osc.training.device import cpu_threads

#: Molecules that go through the network at once.
CHUNK = 64


class Surrogate:
    """An ensemble network with the normalisation of its labels, the calibration of its spread and its domain."""

    def __init__(self, network: EnsembleNetwork, config: dict[str, Any], finishing: Finishing) -> None:
        """Wrap ``network``, which is put into evaluation mode.

        :param config: configuration as in :class:`ModelArtifact`.
        """
        self.network = network.eval()
        self.config = config
        self.finishing = finishing
        self.columns = finishing.columns

    @classmethod
    def from_artifact(cls, artifact: ModelArtifact) -> Self:
        """Return the surrogate stored in ``artifact``, on the CPU.

        :raises OscError: when it is no finished surrogate of this version or it is damaged.
        """
        artifact.require('surrogate')
        network = build_network(artifact.config)
        load_weights(network, network_weights(artifact.weights))
        return cls(network, artifact.config, Finishing.load(artifact.config, artifact.weights))

    def to_artifact(self) -> ModelArtifact:
        """Return weights and configuration."""
        return ModelArtifact(self.config, {**self.network.state_dict(), **self.finishing.domain.tensors()})

    def predict(self, smiles: Sequence[str], *, similarity: bool = True, cheap: np.ndarray | None = None) -> Prediction:
        """Return the predictions for ``smiles``, in their order.

        :param similarity: whether the nearest training molecules are searched.
        :param cheap: values of the columns that predictions start from, shape ``(molecules, inputs)``.
        :raises MoleculeError: when a SMILES is invalid.
        """
        return predict_smiles(self, smiles, similarity=similarity, counted=False, cheap=cheap)

    def predict_graphs(self, graphs: Graphs, rows: Sequence[int] | np.ndarray | None = None) -> Prediction:
        """Return the predictions for the molecules ``rows`` of ``graphs``, all by default; without similarities."""
        rows = np.arange(len(graphs)) if rows is None else np.asarray(rows)
        return self.finishing.prediction(self.moments(graphs, rows, None), graphs, rows)

    def moments(self, graphs: Graphs, rows: np.ndarray, counts: csr_array | None) -> Moments:
        """Return the moments of normalised labels; the counts are not read."""
        with cpu_threads(1):
            return ensemble_moments(self.network, graphs, rows)


def network_weights(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a finished model that belong to its network."""
    return {name: tensor for name, tensor in tensors.items() if name != domain.TENSOR}


def build_network(config: dict[str, Any]) -> EnsembleNetwork:
    """Return an untrained network of the shape in ``config``.

    :raises OscError: when the shape is impossible or the features are those of another version.
    """
    if config['extra'].get('features') != FEATURES_VERSION:
        raise OscError('this surrogate was trained with other features than this version computes: train it again')
    architecture = Architecture.from_dict(config['architecture'])
    if architecture.targets != len(config['targets']):
        raise OscError('the surrogate is damaged: its network does not fit its columns')
    return EnsembleNetwork(architecture)


def ensemble_moments(network: EnsembleNetwork, graphs: Graphs, rows: np.ndarray) -> Moments:
    """Return the moments of the equal mixture of all members, in normalised units.

    Its variance is the mean of the members' variances (aleatoric) plus the variance of their means (epistemic).
    """
    device = next(network.parameters()).device
    empty = np.zeros((0, network.architecture.targets))
    parts = [(empty, empty, empty)]
    with torch.inference_mode():
        for start in range(0, len(rows), CHUNK):
            mean, sigma = network(graphs.batch(rows[start : start + CHUNK]).to(device))
            mean, sigma = mean.double(), sigma.double()
            found = (mean.mean(dim=0), sigma.square().mean(dim=0).sqrt(), mean.std(dim=0, correction=0))
            parts.append(tuple(item.cpu().numpy() for item in found))
    return Moments(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
