"""What a surrogate brings to the training loop."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from aiida_osc.surrogate.data import TrainingData
from aiida_osc.surrogate.families.mpnn import ensemble_moments
from aiida_osc.surrogate.loss import masked_loss
from aiida_osc.surrogate.metrics import crps
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.voices import Network, listen


class SurrogateTask:
    """Batches are positions within the training part; every member sees them with bootstrap weights of its own."""

    module: torch.nn.Module

    def __init__(
        self,
        network: Network,
        data: TrainingData,
        normalisation: dict[str, Any],
        settings: SurrogateSettings,
        seed: int,
    ) -> None:
        """Normalise the labels and draw the bootstrap weights.

        :param normalisation: ``mean`` and ``std`` of each target's labels.
        :param settings: with epochs and batch size resolved.
        """
        self.module = self.network = network
        self.data, self.settings = data, settings
        self.labels = (data.labels - np.array(normalisation['mean'])) / np.array(normalisation['std'])
        members = settings.members + settings.spatial_members if settings.bootstrap else 1
        self.weights = bootstrap_weights(members, len(data.parts.train), np.random.default_rng(abs(seed)))

    def batches(self, epoch: int, batch_size: int, generator: torch.Generator) -> Iterable[np.ndarray]:
        """Return the shuffled training positions in parts of nearly equal size."""
        count = len(self.data.parts.train)
        order = torch.randperm(count, generator=generator).numpy()
        return np.array_split(order, max(1, round(count / batch_size)))

    def loss(self, batch: np.ndarray, epoch: int) -> torch.Tensor:
        """Return the loss of the molecules at the training positions ``batch``."""
        rows = self.data.parts.train[batch]
        mean, sigma, counts = listen(self.network, self.data.molecules, rows)
        labels = torch.from_numpy(self.labels[rows]).to(mean)
        weights = torch.from_numpy(self.weights[:, batch]).to(mean) * counts
        warm_up = epoch < self.settings.warm_up * self.settings.epochs
        return masked_loss(mean, sigma, labels, weights, warm_up=warm_up, beta=self.settings.beta)

    def validate(self) -> dict[str, float]:
        """Return CRPS and root mean square error on the validation part, in units of the labels' spread."""
        rows = self.data.parts.validation
        moments = ensemble_moments(self.network, self.data.molecules, rows)
        labels = self.labels[rows]
        return {
            'loss': float(np.nanmean(crps(moments.mean, moments.sigma, labels))),
            'validation_rmse': float(np.sqrt(np.nanmean((moments.mean - labels) ** 2))),
        }


def bootstrap_weights(members: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each molecule is drawn for each member, shape ``(members, count)``; ones for one member."""
    if members == 1:
        return np.ones((1, count), dtype=np.float32)
    return rng.multinomial(count, np.full(count, 1 / count), size=members).astype(np.float32)
