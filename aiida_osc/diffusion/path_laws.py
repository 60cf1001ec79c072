"""Closed forms of the three kinds of path, one eigenvalue at a time.

A law gives the factors of signal and noise of a mode as functions of the mode's own time in [0, 1], and their rates of
change. Everything is in double precision and free of cancellation at both ends. Shapes broadcast: a factor that does
not depend on the eigenvalue keeps the shape of the times.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from aiida_osc.diffusion.path_settings import PathSettings

_SERIES_BELOW = 0.5
_SERIES_TERMS = {torch.float32: 8, torch.float64: 15}


class Coefficients(NamedTuple):
    """Factors of a mode x(t) = signal x(0) + noise eps and their derivatives with respect to t.

    The rate of the noise is infinite at t = 0 where the noise begins as a square root (``ou`` and ``vp``).
    """

    signal: Tensor
    noise: Tensor
    signal_rate: Tensor
    noise_rate: Tensor


class Law(NamedTuple):
    """A kind of path: ``factors(settings, eigenvalues, time)`` are signal and noise, ``rates`` their derivatives."""

    factors: Callable[[PathSettings, Tensor, Tensor], tuple[Tensor, Tensor]]
    rates: Callable[[PathSettings, Tensor, Tensor], tuple[Tensor, Tensor]]


def prior_scale(settings: PathSettings, eigenvalues: Tensor) -> Tensor:
    """Return the standard deviation of the prior of every mode.

    The harmonic prior is the stationary law of beads on springs (doi 10.48550/arXiv.2304.02198).
    """
    if settings.prior == 'white':
        return eigenvalues.new_full((), settings.scale)
    return settings.scale / (eigenvalues + settings.softening).sqrt()


def ou_factors(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors of dS = -a S dt + sqrt(2 beta(t)) dW with a = gamma eigenvalue + decay.

    The noise variance is the integral of 2 beta(r) exp(-2 a (t - r)) over r from 0 to t
    (doi 10.1103/PhysRev.36.823), with a = 0 as a plain limit.
    """
    rate, span = settings.gamma * eigenvalues + settings.decay, settings.horizon * time
    exponent, rise = -2 * rate * span, settings.beta_end - settings.beta_start
    if not rise:
        # Most of the work would go into the part that a constant beta does not have.
        level = torch.where(exponent == 0, 1.0, torch.expm1(exponent) / exponent)
        return torch.exp(exponent / 2), (2 * span * settings.beta_start * level).sqrt()
    level, slope = phis(exponent)
    return torch.exp(exponent / 2), (2 * span * (settings.beta_start * level + rise * time * slope)).sqrt()


def ou_rates(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives of :func:`ou_factors`."""
    rate = settings.horizon * (settings.gamma * eigenvalues + settings.decay)
    signal, noise = ou_factors(settings, eigenvalues, time)
    return -rate * signal, settings.horizon * _beta(settings, time) / noise - rate * noise


def vp_factors(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors of the variance preserving path with linear beta (doi 10.48550/arXiv.2011.13456)."""
    integral = time * (settings.beta_start + _beta(settings, time)) / 2
    return torch.exp(-integral / 2), prior_scale(settings, eigenvalues) * (-torch.expm1(-integral)).sqrt()


def vp_rates(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives of :func:`vp_factors`."""
    signal, noise = vp_factors(settings, eigenvalues, time)
    half = _beta(settings, time) / 2
    return -half * signal, half * (prior_scale(settings, eigenvalues) * signal) ** 2 / noise


def flow_factors(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors of the straight line between data and prior (doi 10.48550/arXiv.2210.02747)."""
    return 1 - time, prior_scale(settings, eigenvalues) * time


def flow_rates(settings: PathSettings, eigenvalues: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives of :func:`flow_factors`."""
    one = torch.ones_like(time)
    return -one, prior_scale(settings, eigenvalues) * one


LAWS = {
    'ou': Law(ou_factors, ou_rates),
    'vp': Law(vp_factors, vp_rates),
    'flow': Law(flow_factors, flow_rates),
}


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
    bottom = (1 - times) + factor * times
    return factor * times / bottom, factor / bottom**2


def phis(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return (e^z - 1) / z and (e^z - 1 - z) / z^2, 1 and 1/2 at z = 0; by series where the second would cancel."""
    small = (z.abs() < _SERIES_BELOW).nonzero(as_tuple=True)
    near = z[small]
    first = torch.expm1(z) / z
    second = (first - 1) / z
    # Few elements are small: only they pay for the series.
    series = torch.zeros_like(near)
    for term in range(_SERIES_TERMS[z.dtype], 1, -1):
        series.mul_(near).add_(1.0).div_(term)
    first[small], second[small] = 1 + near * series, series
    return first, second


def _beta(settings: PathSettings, time: Tensor) -> Tensor:
    return settings.beta_start + (settings.beta_end - settings.beta_start) * time
