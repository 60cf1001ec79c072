"""What a model of fields brings to the training loop."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.dataset import Fields
from aiida_osc.diffusion.grids.denoiser import GridDenoiser, Prepared
from aiida_osc.diffusion.grids.network import GridNetwork
from aiida_osc.diffusion.grids.settings import GridSettings
from aiida_osc.diffusion.grids.statistics import FieldStatistics
from aiida_osc.diffusion.paths import SpectralPath
from aiida_osc.training.device import resolve_device

_VALIDATED = 256


class Noisy(NamedTuple):
    """A batch of fields at random times.

    :param target: what the network should answer, in units of the linear estimate's error.
    """

    prepared: Prepared
    times: Tensor
    target: Tensor


class GridTask:
    """Batches are drawn and noised when the loop asks for them: outside autocast, and never all at once."""

    module: torch.nn.Module

    def __init__(
        self,
        network: GridNetwork,
        statistics: FieldStatistics,
        fields: Fields,
        split: tuple[np.ndarray, np.ndarray],
        settings: GridSettings,
    ) -> None:
        """Keep the parts.

        :param split: places of the fields to learn from and of those held out.
        """
        self.module = self.network = network
        self.statistics, self.fields, self.settings = statistics, fields, settings
        self.train, self.held = split[0], split[1][:_VALIDATED]
        basis = GridBasis(fields.shape, fields.boundary)
        self.device = resolve_device(settings.device)
        self.denoiser = GridDenoiser(
            network, statistics, basis, SpectralPath(settings.path_settings(), basis.eigenvalues)
        )

    def batches(self, epoch: int, batch_size: int, generator: torch.Generator) -> '_Epoch':
        """Return shuffled batches at random times."""
        order = self.train[torch.randperm(len(self.train), generator=generator).numpy()]
        places = np.array_split(order, max(1, round(len(order) / batch_size)))
        return _Epoch(self, places, generator)

    def loss(self, batch: Noisy, epoch: int) -> Tensor:
        """Return the mean square error of the network's answer."""
        answer = self.denoiser.answer(batch.prepared, batch.times)
        return (answer.float() - batch.target).square().mean()

    def validate(self) -> dict[str, float]:
        """Return the loss of the fields held out, at even times and with the same noise every time.

        It is the share of the linear estimate's error that is left: 1 means nothing was learnt beyond the spectrum.
        """
        generator = torch.Generator().manual_seed(0)
        places = np.array_split(self.held, max(1, round(len(self.held) / self.settings.batch_size)))
        total = 0.0
        for fields in self.fields.batches(places):
            times = (torch.arange(len(fields)) + 0.5) / len(fields)
            total += float(self.loss(self.noised(fields, times, generator), 0)) * len(fields)
        return {'loss': total / len(self.held)}

    def noised(self, fields: Tensor, times: Tensor, generator: torch.Generator) -> Noisy:
        """Return what the network sees of the fields at ``times``, and what it should answer."""
        clean = self.statistics.normalise(fields)
        basis, path = self.denoiser.basis, self.denoiser.path
        prepared = self.denoiser.prepare(path.noisy(basis.to_modes(clean), times, generator=generator)[0], times)
        target = (clean - prepared.linear) / prepared.error
        moved = Prepared(*(item.to(self.device) for item in prepared))
        return Noisy(moved, times.to(self.device), target.to(self.device))


class _Epoch:
    """The batches of one epoch, each made when its turn comes."""

    def __init__(self, task: GridTask, places: list[np.ndarray], generator: torch.Generator) -> None:
        self.task, self.places, self.generator = task, places, generator

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Noisy]:
        for fields in self.task.fields.batches(self.places):
            # Stratified: every batch sees early and late times.
            shift = torch.rand(1, generator=self.generator)
            times = (torch.randperm(len(fields), generator=self.generator) + shift) / len(fields)
            yield self.task.noised(fields, times, self.generator)
