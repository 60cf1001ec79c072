"""What the training minimises: cross entropies of all decisions, the KL divergence and the property errors."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from aiida_osc.generator.network import Choices, Posterior
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.tensors import Batch


@dataclass(frozen=True)
class Losses:
    """Parts of the loss, means over the molecules of a batch.

    :param decisions: negative log-likelihood of all decisions of a molecule, in nats.
    :param divergence: KL divergence from the prior of each latent dimension, in nats; shape ``(latent,)``.
    :param properties: mean squared error of the standardised labels that are known; 0 without any.
    """

    decisions: Tensor
    divergence: Tensor
    properties: Tensor


def losses(choices: Choices, posterior: Posterior, predicted: Tensor, batch: Batch) -> Losses:
    """Return the parts of the loss of one batch."""
    _, _, motif, attachment = batch.expansions.unbind(1)
    roots = batch.nodes[batch.nodes[:, 4] == 0, 0]
    pairs = (
        (choices.roots, roots),
        (choices.sites, batch.answers),
        (choices.motifs, motif),
        (choices.attachments, attachment),
    )
    total = sum(cross_entropy(logits.float(), right, reduction='sum') for logits, right in pairs if len(right))
    known = torch.isfinite(batch.labels)
    errors = (predicted.float() - torch.where(known, batch.labels, 0.0)).square() * known
    return Losses(torch.as_tensor(total) / len(batch), posterior.divergence(), errors.sum() / known.sum().clamp(min=1))


def kl_weight(settings: JtvaeSettings, epoch: int) -> float:
    """Return the weight of the divergence in ``epoch``: a straight rise over the first epochs, then constant."""
    rise = max(settings.kl_epochs * settings.epochs, 1.0)
    return settings.kl_weight * min((epoch + 1) / rise, 1.0)


def total_loss(parts: Losses, settings: JtvaeSettings, weight: float) -> Tensor:
    """Return the scalar to be minimised, ``weight`` being that of the divergence."""
    divergence = parts.divergence.clamp(min=settings.free_bits).sum()
    return parts.decisions + weight * divergence + settings.property_weight * parts.properties
