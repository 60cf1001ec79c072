"""What a JT-VAE brings to the training loop."""

from collections.abc import Iterable

import numpy as np
import torch

from aiida_osc.generator.data import TrainingData
from aiida_osc.generator.loss import Losses, kl_weight, losses, total_loss
from aiida_osc.generator.network import JtvaeNetwork
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.tensors import collate
from aiida_osc.generator.weights import rank_weights
from aiida_osc.training.device import resolve_device

_VALIDATION_BATCH = 256


class JtvaeTask:
    """Batches are places in the training data, molecules of similar length together."""

    module: torch.nn.Module

    def __init__(
        self,
        network: JtvaeNetwork,
        data: TrainingData,
        settings: JtvaeSettings,
        ranks: np.ndarray | None = None,
    ) -> None:
        """Keep network and data.

        :param ranks: of the molecules, 0 for the best; those that rank high are drawn more often.
        """
        self.module = self.network = network
        self.data, self.settings = data, settings
        self.device = resolve_device(settings.device)
        self.lengths = np.array([len(item.steps) for item in data.features])
        self.weights = None if ranks is None else rank_weights(ranks[data.train], settings.favour_softness)
        self._seen: list[tuple[int, float, float]] = []

    def batches(self, epoch: int, batch_size: int, generator: torch.Generator) -> Iterable[np.ndarray]:
        """Return shuffled batches whose molecules have similar numbers of decisions, so that little is padded."""
        self._seen = []
        train = self.data.train
        order = train[self._order(len(train), generator)]
        pools = np.array_split(order, max(1, round(len(order) / (8 * batch_size))))
        batches = [
            part
            for pool in pools
            for part in np.array_split(
                pool[np.argsort(self.lengths[pool], kind='stable')], max(1, round(len(pool) / batch_size))
            )
        ]
        return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]

    def _order(self, count: int, generator: torch.Generator) -> np.ndarray:
        """Return the places of an epoch: each once, or as many drawn by weight."""
        if self.weights is None:
            return torch.randperm(count, generator=generator).numpy()
        weights = torch.from_numpy(self.weights)
        return torch.multinomial(weights, count, replacement=True, generator=generator).numpy()

    def loss(self, batch: np.ndarray, epoch: int) -> torch.Tensor:
        """Return the loss of the molecules at the places ``batch``."""
        parts = self._losses(batch, draw=True)
        self._seen.append((len(batch), float(parts.decisions.detach()), float(parts.divergence.detach().sum())))
        return total_loss(parts, self.settings, kl_weight(self.settings, epoch))

    def validate(self) -> dict[str, float]:
        """Return the negative log-likelihood and divergence of the epoch's training molecules and of those held out.

        ``loss`` is the training bound with the full weight of the divergence, so that annealing does not blur it.
        """
        counts, decisions, divergence = np.array(self._seen or [(1, 0.0, 0.0)]).T
        nll, kl = (float((counts * part).sum() / counts.sum()) for part in (decisions, divergence))
        figures = {'loss': nll + self.settings.kl_weight * kl, 'nll': nll, 'kl': kl}
        held = self.data.validation
        if len(held):
            figures['held_out_nll'] = self._held_out_nll(held)
        return figures

    def _held_out_nll(self, held: np.ndarray) -> float:
        parts = [held[start : start + _VALIDATION_BATCH] for start in range(0, len(held), _VALIDATION_BATCH)]
        totals = [len(part) * float(self._losses(part, draw=False).decisions) for part in parts]
        return sum(totals) / len(held)

    def _losses(self, places: np.ndarray, *, draw: bool) -> Losses:
        batch = collate([self.data.features[place] for place in places], self.data.labels[places]).to(self.device)
        posterior = self.network.encode(batch)
        latent = posterior.draw() if draw else posterior.mean
        return losses(self.network.decode(latent, batch), posterior, self.network.predict(posterior.mean), batch)
