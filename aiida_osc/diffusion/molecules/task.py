"""What a conformer model brings to the training loop."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from aiida_osc.diffusion.molecules.alignment import rotation_onto
from aiida_osc.diffusion.molecules.batches import GraphBatch, collate, pad_positions, split_by_size
from aiida_osc.diffusion.molecules.data import TrainingData
from aiida_osc.diffusion.molecules.loss import Losses, losses
from aiida_osc.diffusion.molecules.network import ConformerNetwork
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.diffusion.paths import PathSettings, SpectralPath
from aiida_osc.training.device import resolve_device

#: Batches that are filled from one pool: within it molecules are put together by size.
_POOL = 16
#: Squared errors of the coordinates are weighted by 1 / (t + this), as they grow with the time.
_EARLY = 0.1
_VALIDATED = 600


class ConformerTask:
    """Batches are places in the training data, molecules of similar size together."""

    module: torch.nn.Module

    def __init__(self, network: ConformerNetwork, data: TrainingData, settings: ConformerSettings) -> None:
        """Keep network and data."""
        self.module = self.network = network
        self.data, self.settings = data, settings
        self.path = path_settings(settings)
        self.device = resolve_device(settings.device)
        self.sizes = data.sizes

    def batches(self, epoch: int, batch_size: int, generator: torch.Generator) -> Iterable[np.ndarray]:
        """Return shuffled batches of about equal cost, each of molecules of similar size."""
        train = self.data.train
        order = train[torch.randperm(len(train), generator=generator).numpy()]
        cost = batch_size * float((self.sizes[train] ** 2).mean())
        pools = np.array_split(order, max(1, round(len(order) / (_POOL * batch_size))))
        batches = [batch for pool in pools for batch in split_by_size(self.sizes, pool, cost)]
        return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]

    def loss(self, batch: np.ndarray, epoch: int) -> Tensor:
        """Return the loss of the structures at the places ``batch``, each at a random time."""
        times = torch.rand(len(batch))
        return self._losses(batch, times, torch.default_generator).total(self.settings)

    def validate(self) -> dict[str, float]:
        """Return the parts of the loss of the molecules held out, at even times and with the same noise every time."""
        held = self.data.validation[:_VALIDATED]
        cost = self.settings.batch_size * float((self.sizes[held] ** 2).mean())
        generator = torch.Generator().manual_seed(0)
        sums: dict[str, float] = {}
        for batch in split_by_size(self.sizes, held, cost):
            times = torch.linspace(0.05, 1.0, len(batch)) if len(batch) > 1 else torch.tensor([0.5])
            parts = self._losses(batch, times, generator)
            figures = {'loss': parts.total(self.settings), **vars(parts)}
            for name, value in figures.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(batch) / len(held)
        return sums

    def _losses(self, places: np.ndarray, times: Tensor, generator: torch.Generator) -> Losses:
        batch = collate([self.data.graphs[place] for place in places])
        true = pad_positions([self.data.positions[place] for place in places])
        noisy = add_noise(batch, true, times, self.path, generator=generator)
        batch, true, noisy, times = batch.to(self.device), *(item.to(self.device) for item in (true, noisy, times))
        return losses(self.network(batch, noisy, times), true, batch, 1.0 / (times + _EARLY))


def add_noise(
    batch: GraphBatch, true: Tensor, times: Tensor, path: PathSettings, *, generator: torch.Generator
) -> Tensor:
    """Return the structures at ``times`` of the path, with noise that is turned to lie as close to them as it can.

    :param true: centred structures in Angstrom, shape ``(batch, nodes, 3)``.
    :param times: in [0, 1], shape ``(batch,)``.
    """
    basis = batch.basis()
    spectral = SpectralPath(path, basis.eigenvalues, basis.mask)
    modes = basis.to_modes(true)
    white = spectral.white(3, len(true), generator=generator)
    end = spectral.coefficients(torch.ones(1)).noise * white
    white = white @ rotation_onto(end, modes, mirror=~batch.handed)
    factors = spectral.coefficients(times)
    return basis.from_modes(factors.signal * modes + factors.noise * white)


def path_settings(settings: ConformerSettings) -> PathSettings:
    """Return the path of a model: translations are no part of it."""
    return PathSettings(
        kind=settings.path,
        prior=settings.prior,
        scale=settings.prior_scale,
        softening=0.0,
        warp=settings.warp,
        centred=True,
    )
