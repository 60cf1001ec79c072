"""Samplers: from noise back to data with any denoiser, mode by mode.

All of them take the predicted data d from the denoiser and work on the modes x = a d + b e, where a and b are the
factors of the path at a time. None evaluates a rate, so a path may start or end with a factor of zero: both ends of
every path are reached, and with one step the answer is that of the denoiser.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from aiida_osc.diffusion.basis import Basis
from aiida_osc.diffusion.paths import SpectralPath
from aiida_osc.errors import OscError

Denoise = Callable[[Tensor, Tensor], Tensor]


class Level(NamedTuple):
    """Factors of all modes at one time, in double precision, shape ``(batch or 1, nodes, 1)``."""

    time: Tensor
    signal: Tensor
    noise: Tensor


class Reverse(NamedTuple):
    """What all samplers share: the denoiser in the modes, the path, and the random numbers."""

    denoise: Denoise
    basis: Basis
    path: SpectralPath
    generator: torch.Generator
    steps: int
    eta: float

    def level(self, time: Tensor) -> Level:
        """Return the factors of all modes at a time."""
        return Level(time, *self.path.factors(time[None]))

    def pairs(self) -> Iterator[tuple[Level, Level]]:
        """Yield the levels before and after each step; they are made when needed, as a large graph cannot keep all."""
        return pairwise(self.level(time) for time in self.path.times(self.steps))

    def clean(self, modes: Tensor, level: Level) -> Tensor:
        """Return the modes of the data that the denoiser predicts."""
        times = level.time.to(modes.dtype).expand(modes.shape[0])
        signal = self.denoise(self.basis.from_modes(modes), times)
        return self.basis.to_modes(signal) * self.path.live[..., None]

    def white(self, modes: Tensor) -> Tensor:
        """Return fresh white noise in the live modes."""
        return self.path.white(modes.shape[-1], modes.shape[0], generator=self.generator)


def sample(
    sampler: str,
    denoise: Denoise,
    basis: Basis,
    path: SpectralPath,
    *,
    features: int,
    batch: int,
    steps: int,
    generator: torch.Generator,
    eta: float = 0.0,
) -> Tensor:
    """Return signals drawn with a denoiser, shape ``(batch, nodes, features)``.

    :param sampler: one of :data:`SAMPLERS`.
    :param denoise: takes a noisy signal ``(batch, nodes, features)`` and times ``(batch,)``, returns the predicted
        data.
    :param basis: the eigenbasis of the graph or graphs.
    :param path: the path that the denoiser was trained on, with the eigenvalues of ``basis``.
    :param steps: number of times between noise and data; ``heun`` and ``pc`` call the denoiser twice in each but the
        last.
    :param eta: of ``ddim`` and ``pc``: fresh noise of each step, 0 for none, 1 for as much as ancestral sampling.
    :raises OscError: when the sampler is unknown, there is no step, or basis and path do not fit.
    """
    if sampler not in SAMPLERS:
        raise OscError(f'unknown sampler {sampler!r}: use one of {", ".join(SAMPLERS)}')
    if basis.eigenvalues.shape != path.eigenvalues.shape:
        raise OscError('the path was made for another basis: make it with the eigenvalues of this one')
    if not 0 <= eta <= 1:
        raise OscError(f'eta is {eta}: it lies between 0 and 1')
    if steps < 1:
        raise OscError(f'{steps} steps sample nothing: give at least 1')
    modes = path.prior(features, batch, generator=generator)
    return basis.from_modes(SAMPLERS[sampler](Reverse(denoise, basis, path, generator, steps, eta), modes))


def ddpm(reverse: Reverse, modes: Tensor) -> Tensor:
    """Sample the posterior of each step given the predicted data (doi 10.48550/arXiv.2006.11239)."""
    return ddim(reverse._replace(eta=1.0), modes)


def ddim(reverse: Reverse, modes: Tensor) -> Tensor:
    """Keep the noise of each step but for a share that ``eta`` sets (doi 10.48550/arXiv.2010.02502)."""
    for now, then in reverse.pairs():
        modes = _jump(reverse, modes, reverse.clean(modes, now), now, then)
    return modes


def predictor_corrector(reverse: Reverse, modes: Tensor) -> Tensor:
    """Follow each step by one of Langevin dynamics at the new level (doi 10.48550/arXiv.2011.13456).

    The Langevin step is preconditioned with the noise variance of each mode and renews as much noise as the step has
    removed, so that it vanishes with the size of the steps.
    """
    for now, then in reverse.pairs():
        modes = _jump(reverse, modes, reverse.clean(modes, now), now, then)
        if then.noise.any():
            clean, kept = reverse.clean(modes, then), _kept(now, then)
            noise = kept * _noise(modes, clean, then) + (1 - kept**2).sqrt() * reverse.white(modes)
            modes = (then.signal * clean + then.noise * noise).to(modes.dtype)
    return modes


def multistep(reverse: Reverse, modes: Tensor) -> Tensor:
    """Extrapolate the predicted data in the logarithm of the signal-to-noise ratio (doi 10.48550/arXiv.2211.01095).

    The first step of each mode from pure noise and the last are of first order, as the logarithm is infinite there.
    """
    clean_before = width_before = None
    for now, then in reverse.pairs():
        clean = reverse.clean(modes, now)
        width = _log_ratio(then) - _log_ratio(now)
        ahead = clean
        if clean_before is not None and width_before is not None:
            weight = width / (2 * width_before)
            ahead = clean + torch.where(weight.isfinite(), weight, 0.0) * (clean - clean_before)
        shrink = _divide(then.noise, now.noise)
        modes, dtype = shrink * modes + (then.signal - now.signal * shrink) * ahead, modes.dtype
        modes, clean_before, width_before = modes.to(dtype), clean, width
    return modes


def euler(reverse: Reverse, modes: Tensor) -> Tensor:
    """Integrate the probability-flow ODE by straight steps in the clock of each mode."""
    return _integrate(reverse, modes, corrected=False)


def heun(reverse: Reverse, modes: Tensor) -> Tensor:
    """Integrate the probability-flow ODE by the mean of the slopes at both ends of a step, the last one straight."""
    return _integrate(reverse, modes, corrected=True)


SAMPLERS: dict[str, Callable[[Reverse, Tensor], Tensor]] = {
    'ddpm': ddpm,
    'ddim': ddim,
    'pc': predictor_corrector,
    'multistep': multistep,
    'euler': euler,
    'heun': heun,
}


def _integrate(reverse: Reverse, modes: Tensor, *, corrected: bool) -> Tensor:
    """Integrate dy / du = (y - d) / u for y = x / (a + b / w) from u = 1 to 0.

    The clock u = (b / w) / (a + b / w), with w the noise of the mode at t = 1, is finite at both ends of every path;
    of the straight line it is the time itself.
    """
    dtype, full = modes.dtype, reverse.level(torch.ones(())).noise
    for now, then in reverse.pairs():
        (size, clock), (next_size, next_clock) = _clock(now, full), _clock(then, full)
        state, width = modes / size, next_clock - clock
        slope = _divide(state - reverse.clean(modes, now), clock)
        modes = ((state + width * slope) * next_size).to(dtype)
        if corrected and then.noise.any():
            ahead = _divide(modes / next_size - reverse.clean(modes, then), next_clock)
            modes = ((state + width * (slope + ahead) / 2) * next_size).to(dtype)
    return modes


def _clock(level: Level, full: Tensor) -> tuple[Tensor, Tensor]:
    """Return a + b / w and u of each mode; 1 and 0 where there is neither signal nor noise."""
    noise = _divide(level.noise, full)
    size = level.signal + noise
    size = torch.where(size > 0, size, 1.0)
    return size, noise / size


def _jump(reverse: Reverse, modes: Tensor, clean: Tensor, now: Level, then: Level) -> Tensor:
    """Return the modes at the next level given the predicted data, with a share ``eta`` of the noise renewed."""
    noise = _noise(modes, clean, now)
    if reverse.eta and then.noise.any():
        fresh = reverse.eta * (1 - _kept(now, then) ** 2).sqrt()
        noise = (1 - fresh**2).sqrt() * noise + fresh * reverse.white(modes)
    return (then.signal * clean + then.noise * noise).to(modes.dtype)


def _noise(modes: Tensor, clean: Tensor, level: Level) -> Tensor:
    """Return the white noise that the modes hold when their data are ``clean``."""
    return _divide(modes - level.signal * clean, level.noise)


def _kept(now: Level, then: Level) -> Tensor:
    """Return the correlation of the noises at two levels of one trajectory, given its data; between 0 and 1."""
    return _divide(now.signal * then.noise, then.signal * now.noise).clamp(max=1.0)


def _log_ratio(level: Level) -> Tensor:
    return level.signal.log() - level.noise.log()


def _divide(top: Tensor, bottom: Tensor) -> Tensor:
    """Return the quotient, 0 where there is nothing to divide by."""
    known = bottom > 0
    return torch.where(known, top / torch.where(known, bottom, 1.0), 0.0)
