"""Losses for normal distributions with missing labels."""

import torch
from torch import Tensor


def masked_loss(
    mean: Tensor, sigma: Tensor, labels: Tensor, weights: Tensor, *, warm_up: bool, beta: float = 0.5
) -> Tensor:
    """Return the loss summed over members, averaged over the labels that are there.

    During warm-up the squared error alone trains the means; afterwards the beta-NLL does, which is the Gaussian
    negative log likelihood weighted by ``sigma ** (2 beta)`` so that points with a large predicted variance still teach
    the mean (Seitzer et al., arXiv 2203.09168).

    :param mean: shape ``(members, molecules, targets)``.
    :param sigma: shape ``(members, molecules, targets)``, > 0.
    :param labels: shape ``(molecules, targets)``; NaN where missing.
    :param weights: weight of each molecule for each member, shape ``(members, molecules)``.
    :param beta: 0 for the plain likelihood, 1 for means as taught by the squared error.
    """
    present = torch.isfinite(labels)
    error = mean - torch.where(present, labels, 0.0)
    variance = sigma.square()
    if warm_up:
        terms = 0.5 * error.square()
    else:
        terms = 0.5 * (error.square() / variance + variance.log()) * variance.detach() ** beta
    weight = weights[:, :, None] * present
    return (terms * weight).sum() / weight.sum().clamp(min=1e-12) * mean.shape[0]
