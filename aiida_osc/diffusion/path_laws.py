"""Closed forms of the three kinds of path, one eigenvalue at a time.

Each law gives the factors of signal and noise of a mode and their derivatives as functions of the mode's own time
in [0, 1]. Everything is in double precision and free of cancellation at both ends.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aiida_osc.diffusion.path_settings import PathSettings

_SERIES_BELOW = 0.5
_SERIES_TERMS = 16


class Coefficients(NamedTuple):
    """Factors of a mode x(t) = signal x(0) + noise eps and their derivatives with respect to t.

    The rate of the noise is infinite at t = 0 where the noise begins as a square root (``ou`` and ``vp``).
    """

    signal: Tensor
    noise: Tensor
    signal_rate: Tensor
    noise_rate: Tensor


def prior_scale(settings: PathSettings, eigenvalues: Tensor) -> Tensor:
    """Return the standard deviation of the prior of every mode; infinite for a free mode without softening.

    The harmonic prior is the stationary law of beads on springs (doi 10.48550/arXiv.2304.02198).
    """
    if settings.prior == 'white':
        return torch.full_like(eigenvalues, settings.scale)
    return settings.scale / (eigenvalues + settings.softening).sqrt()


def ornstein_uhlenbeck(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> Coefficients:
    """Return the factors of dS = -a S dt + sqrt(2 beta(t)) dW with a = gamma eigenvalue + decay.

    The noise variance is the integral of 2 beta(r) exp(-2 a (t - r)) over r from 0 to t
    (doi 10.1103/PhysRev.36.823), with a = 0 as a plain limit.
    """
    rate, span = settings.gamma * eigenvalues + settings.decay, settings.horizon * time
    slope = (settings.beta_end - settings.beta_start) / settings.horizon
    beta = settings.beta_start + slope * span
    exponent = -2 * rate * span
    variance = 2 * span * (settings.beta_start * phi_1(exponent) + slope * span * phi_2(exponent))
    signal, noise = torch.exp(-rate * span), variance.sqrt()
    return Coefficients(
        signal, noise, -settings.horizon * rate * signal, settings.horizon * (beta - rate * variance) / noise
    )


def variance_preserving(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> Coefficients:
    """Return the factors of the variance preserving path with linear beta (doi 10.48550/arXiv.2011.13456)."""
    scale = prior_scale(settings, eigenvalues)
    rise = settings.beta_end - settings.beta_start
    integral, beta = time * (settings.beta_start + rise * time / 2), settings.beta_start + rise * time
    signal, noise = torch.exp(-integral / 2), (-torch.expm1(-integral)).sqrt()
    return Coefficients(signal, scale * noise, -beta / 2 * signal, scale * beta / 2 * signal**2 / noise)


def flow(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> Coefficients:
    """Return the factors of the straight line between data and prior (doi 10.48550/arXiv.2210.02747)."""
    scale = prior_scale(settings, eigenvalues)
    one = torch.ones_like(time)
    return Coefficients(1 - time, scale * time, -one, scale * one)


LAWS = {'ou': ornstein_uhlenbeck, 'vp': variance_preserving, 'flow': flow}


def own_time(settings: PathSettings, eigenvalues: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """Return the time of each mode and its derivative with respect to ``times``.

    The map t -> c t / (1 + (c - 1) t) keeps both ends, rises everywhere, and multiplies t / (1 - t), which is the
    noise-to-signal ratio of the straight line, by c = exp(warp (2 w - 1)) with w = eigenvalue / (eigenvalue +
    warp_eigenvalue).
    """
    if not settings.warp:
        return times, torch.ones_like(times)
    weight = eigenvalues / (eigenvalues + settings.warp_eigenvalue)
    factor = torch.exp(settings.warp * (2 * weight - 1))
    bottom = 1 + (factor - 1) * times
    return factor * times / bottom, factor / bottom**2


def phi_1(z: Tensor) -> Tensor:
    """Return (e^z - 1) / z, 1 at z = 0."""
    safe = torch.where(z == 0, torch.ones_like(z), z)
    return torch.where(z == 0, torch.ones_like(z), torch.expm1(safe) / safe)


def phi_2(z: Tensor) -> Tensor:
    """Return (e^z - 1 - z) / z^2, 1/2 at z = 0; by its series where the difference would cancel."""
    small = z.abs() < _SERIES_BELOW
    near = torch.where(small, z, torch.zeros_like(z))
    series = torch.zeros_like(z)
    for term in range(_SERIES_TERMS, 1, -1):
        series = (near * series + 1) / term
    far = torch.where(small, torch.ones_like(z), z)
    return torch.where(small, series, (torch.expm1(far) - far) / far**2)
