"""The ensemble network as a family: what it answers, how it is stored."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from aiida_osc.errors import OscError
from aiida_osc.surrogate import domain
from aiida_osc.surrogate.featurise import FEATURES_VERSION, Graphs
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.network import Architecture, EnsembleNetwork
from aiida_osc.surrogate.prediction import Moments
from aiida_osc.training.artifact import load_weights
from aiida_osc.training.device import cpu_threads

#: Molecules that go through the network at once.
CHUNK = 1024


class Ensemble:
    """A trained network of several members."""

    def __init__(self, network: EnsembleNetwork) -> None:
        """Keep the network, which is put into evaluation mode."""
        self.network = network.eval()

    def answer(self, molecules: Molecules, rows: np.ndarray) -> Moments:
        """Return the moments of normalised labels for the molecules ``rows``."""
        with cpu_threads(1):
            return ensemble_moments(self.network, molecules.graphs, rows)

    def architecture(self) -> dict[str, Any]:
        """Return the shape of the network."""
        return self.network.architecture.to_dict()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return its weights."""
        return dict(self.network.state_dict())


def load(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Ensemble:
    """Return the network of a finished model.

    :raises OscError: when it is damaged or of another version.
    """
    network = build_network(config)
    load_weights(network, network_weights(tensors))
    return Ensemble(network)


def network_weights(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a finished model that belong to its network."""
    return {name: tensor for name, tensor in tensors.items() if name != domain.TENSOR}


def build_network(config: Mapping[str, Any]) -> EnsembleNetwork:
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
