"""The ensemble network as a family: what it answers, how it is stored."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from aiida_osc.errors import OscError
from aiida_osc.surrogate import domain
from aiida_osc.surrogate.featurise import FEATURES_VERSION
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.prediction import Moments
from aiida_osc.surrogate.voices import Network, listen, make_network, shape_of
from aiida_osc.training.artifact import load_weights
from aiida_osc.training.device import cpu_threads

#: Molecules that go through the network at once.
CHUNK = 1024


class Ensemble:
    """A trained network of several members."""

    def __init__(self, network: Network) -> None:
        """Keep the network, which is put into evaluation mode."""
        self.network = network.eval()

    def answer(self, molecules: Molecules, rows: np.ndarray) -> Moments:
        """Return the moments of normalised labels for the molecules ``rows``."""
        with cpu_threads(1):
            return ensemble_moments(self.network, molecules, rows)

    def architecture(self) -> dict[str, Any]:
        """Return the shape of the network."""
        return shape_of(self.network)

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


def build_network(config: Mapping[str, Any]) -> Network:
    """Return an untrained network of the shape in ``config``.

    :raises OscError: when the shape is impossible or the features are those of another version.
    """
    if config['extra'].get('features') != FEATURES_VERSION:
        raise OscError('this surrogate was trained with other features than this version computes: train it again')
    network = make_network(config['architecture'])
    if network.architecture.targets != len(config['targets']):
        raise OscError('the surrogate is damaged: its network does not fit its columns')
    return network


def ensemble_moments(network: Network, molecules: Molecules, rows: np.ndarray) -> Moments:
    """Return the moments of the equal mixture of all members that read a molecule, in normalised units.

    Its variance is the mean of the members' variances (aleatoric) plus the variance of their means (epistemic).
    """
    empty = np.zeros((0, network.architecture.targets))
    parts = [(empty, empty, empty)]
    with torch.inference_mode():
        for start in range(0, len(rows), CHUNK):
            mean, sigma, counts = (item.double() for item in listen(network, molecules, rows[start : start + CHUNK]))
            share = (counts / counts.sum(dim=0))[:, :, None]
            center = (share * mean).sum(dim=0)
            spreads = (sigma.square(), (mean - center).square())
            within, between = ((share * item).sum(dim=0).sqrt() for item in spreads)
            parts.append((center.cpu().numpy(), within.cpu().numpy(), between.cpu().numpy()))
    return Moments(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
