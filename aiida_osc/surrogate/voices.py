"""An ensemble of two kinds of members: those that read graphs, and those that read structures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aiida_osc.errors import OscError
from aiida_osc.surrogate.featurise import Batch
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.neighbours import SpatialBatch
from aiida_osc.surrogate.network import Architecture, EnsembleNetwork
from aiida_osc.surrogate.spatial import SPATIAL, SpatialArchitecture, SpatialNetwork


class Voices(nn.Module):
    """Graph members and, after them, spatial members as one ensemble."""

    def __init__(self, graph: EnsembleNetwork, spatial: SpatialNetwork) -> None:
        """Keep both."""
        super().__init__()
        self.graph, self.spatial = graph, spatial

    @property
    def architecture(self) -> Architecture:
        """Return the shape of the graph members."""
        return self.graph.architecture

    def forward(self, batch: Batch, structures: SpatialBatch) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of each member, in units of the normalised labels.

        :return: two tensors of shape ``(members, molecules, targets)``.
        """
        (mean, sigma), (spatial_mean, spatial_sigma) = self.graph(batch), self.spatial(structures)
        return torch.cat([mean, spatial_mean]), torch.cat([sigma, spatial_sigma])


Network = EnsembleNetwork | Voices


def make_network(shape: Mapping[str, Any]) -> Network:
    """Return an untrained network; its graph members are the same with and without spatial members.

    :raises OscError: when the shape is impossible.
    """
    graph = EnsembleNetwork(Architecture.from_dict({name: shape[name] for name in shape if name != SPATIAL}))
    if SPATIAL not in shape:
        return graph
    if not isinstance(shape[SPATIAL], dict):
        raise OscError('the surrogate is damaged: the shape of its spatial members cannot be read')
    spatial = SpatialArchitecture.from_dict(shape[SPATIAL])
    if spatial.targets != graph.architecture.targets:
        raise OscError('the surrogate is damaged: its two kinds of members predict different columns')
    return Voices(graph, SpatialNetwork(spatial))


def shape_of(network: Network) -> dict[str, Any]:
    """Return what :func:`make_network` makes such a network of."""
    shape = network.architecture.to_dict()
    return {**shape, SPATIAL: network.spatial.architecture.to_dict()} if isinstance(network, Voices) else shape


def listen(network: Network, molecules: Molecules, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Return what each member says of the molecules ``rows``, and where its word counts.

    :return: mean and standard deviation, both of shape ``(members, molecules, targets)``, and ones, but zeros for
        spatial members where there is no structure, shape ``(members, molecules)``.
    """
    device = next(network.parameters()).device
    batch = molecules.graphs.batch(rows).to(device)
    if not isinstance(network, Voices):
        mean, sigma = network(batch)
        return mean, sigma, torch.ones_like(mean[:, :, 0])
    structures = molecules.spatial.batch(rows, network.spatial.architecture.cutoff).to(device)
    mean, sigma = network(batch, structures)
    counts = torch.ones_like(mean[:, :, 0])
    counts[network.architecture.members :] = (structures.sizes > 0).to(mean)
    return mean, sigma, counts
