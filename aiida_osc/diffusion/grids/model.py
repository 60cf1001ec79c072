"""The finished model of fields."""

from typing import Any

import torch
from torch import Tensor

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.denoiser import GridDenoiser
from aiida_osc.diffusion.grids.network import GridNetwork
from aiida_osc.diffusion.grids.settings import GridSampleSettings, GridSettings
from aiida_osc.diffusion.grids.statistics import FieldStatistics
from aiida_osc.diffusion.paths import SpectralPath
from aiida_osc.diffusion.samplers import sample
from aiida_osc.errors import OscError
from aiida_osc.training.artifact import ModelArtifact, load_weights
from aiida_osc.training.device import cpu_threads, resolve_device

SIGNAL = 'grid'
FAMILY = f'diffusion of {SIGNAL}'
#: Largest width, number of levels and number of features that a stored architecture may ask for.
_LIMITS = {'width': 512, 'levels': 8, 'features': 64}


class GridModel:
    """A diffusion model of fields; what it learnt on one size of the grid it draws on any other."""

    def __init__(self, network: GridNetwork, config: dict[str, Any]) -> None:
        """Keep the parts; the network is switched to evaluation."""
        self.network, self.config = network.eval(), config
        self.settings = GridSettings.from_dict(config['training']['settings'])
        self.shape = tuple(int(side) for side in config['architecture']['shape'])
        self.boundary = str(config['architecture']['boundary'])
        self.features = int(config['architecture']['features'])
        self.statistics = FieldStatistics.from_json(config['extra']['statistics'])

    @classmethod
    def from_artifact(cls, artifact: ModelArtifact) -> 'GridModel':
        """Return the model stored in ``artifact``.

        :raises OscError: when it is damaged, unfinished or of another kind.
        """
        artifact.require(FAMILY)
        network = build_network(artifact.config)
        load_weights(network, artifact.weights)
        try:
            return cls(network, artifact.config)
        except (KeyError, TypeError) as exception:
            raise OscError(f'the model is damaged: {exception!r} in its configuration') from None

    def to_artifact(self) -> ModelArtifact:
        """Return weights and configuration."""
        return ModelArtifact(self.config, self.network.state_dict())

    def denoiser(self, shape: tuple[int, ...] = (), *, device: torch.device | str = 'cpu') -> GridDenoiser:
        """Return the denoiser of normalised fields on a grid, by default that of the training.

        :raises OscError: when the grid has another number of sides.
        """
        shape = shape or self.shape
        if len(shape) != len(self.shape):
            raise OscError(f'this model draws fields with {len(self.shape)} sides: {shape} has {len(shape)}')
        basis = GridBasis(shape, self.boundary, device=device)
        path = SpectralPath(self.settings.path_settings(), basis.eigenvalues)
        return GridDenoiser(self.network.to(device), self.statistics, basis, path)

    @torch.inference_mode()
    def sample(self, count: int, settings: GridSampleSettings, *, seed: int) -> Tensor:
        """Return new fields in the unit of the training, shape ``(count, nodes, features)``.

        :raises OscError: when there is nothing to draw, or the grid has another number of sides.
        """
        if count < 1:
            raise OscError(f'{count} fields were asked for: give at least 1')
        device = resolve_device(settings.device)
        denoiser = self.denoiser(tuple(settings.shape), device=device)
        generator = torch.Generator(device).manual_seed(seed % 2**63)
        parts = []
        with cpu_threads(settings.threads):
            for start in range(0, count, settings.batch):
                fields = sample(
                    settings.sampler,
                    denoiser,
                    denoiser.basis,
                    denoiser.path,
                    features=self.features,
                    batch=min(settings.batch, count - start),
                    steps=settings.steps,
                    generator=generator,
                    eta=settings.eta,
                )
                parts.append(self.statistics.restore(fields).cpu())
        return torch.cat(parts)


def build_network(config: dict[str, Any]) -> GridNetwork:
    """Return a network of the architecture in ``config``, without its weights.

    :raises OscError: when the architecture is damaged.
    """
    architecture = config['architecture']
    try:
        sizes = {name: int(architecture[name]) for name in _LIMITS}
        dimensions, boundary = len(architecture['shape']), str(architecture['boundary'])
        if not all(0 <= size <= _LIMITS[name] for name, size in sizes.items()):
            raise ValueError(f'sizes {sizes}')
        features = sizes.pop('features')
        return GridNetwork(2 * features, features, dimensions=dimensions, boundary=boundary, **sizes)
    except (KeyError, TypeError, ValueError) as exception:
        raise OscError(f'the model is damaged: {exception!r} in its architecture') from None
