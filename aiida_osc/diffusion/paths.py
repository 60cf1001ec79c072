"""Paths from data to noise, diagonal in the eigenbasis of a graph Laplacian.

Mode k of a signal at time t is signal_k(t) x_k(0) + noise_k(t) eps_k with white eps: t = 0 is data, t = 1 noise. Both
factors depend on the eigenvalue of the mode alone, so all bases of a degenerate eigenspace give the same law.
"""

import torch
from torch import Tensor

from aiida_osc.diffusion.path_laws import LAWS, Coefficients, own_time
from aiida_osc.diffusion.path_settings import PathSettings
from aiida_osc.errors import OscError

__all__ = ['Coefficients', 'PathSettings', 'SpectralPath']

#: Eigenvalues up to this are those of the constant mode, which bases give as an exact 0.
_ZERO = 1e-9
_TYPES = (torch.float32, torch.float64)
#: What to change when a path does not end in noise; a straight line always does.
_CURES = {
    'ou': 'raise decay or horizon, or set centred when only the mode of eigenvalue 0 stays',
    'vp': 'raise beta_end or scale',
}


class SpectralPath:
    """The path of the modes of one graph, or of a padded batch of graphs.

    :param settings: kind of the path and its constants.
    :param eigenvalues: of the Laplacian, shape ``(nodes,)`` or ``(batch, nodes)``; their type is that of all results.
    :param mask: true where a mode is real, of the shape of the eigenvalues; None when all are.
    :raises OscError: when the shapes do not fit, an eigenvalue makes no sense, or a mode keeps signal at t = 1.
    """

    def __init__(self, settings: PathSettings, eigenvalues: Tensor, mask: Tensor | None = None) -> None:
        _check(eigenvalues, mask)
        self.settings = settings
        self.eigenvalues = eigenvalues
        self.live = torch.ones_like(eigenvalues, dtype=torch.bool) if mask is None else mask.to(torch.bool)
        moving = eigenvalues > _ZERO
        if settings.centred:
            self.live = self.live & moving
        elif _unbounded(settings) and (self.live & ~moving).any():
            raise OscError('the harmonic prior of the mode of eigenvalue 0 is unbounded: set softening or centred')
        # A dead mode takes a harmless eigenvalue, so that no law divides by zero on its way to a factor of zero.
        self._values = torch.where(self.live, eigenvalues.double(), 1.0).clamp(min=0.0)
        self._all_live = bool(self.live.all())
        self._check_end()

    def coefficients(self, times: Tensor) -> Coefficients:
        """Return the factors of signal and noise and their rates, each of shape ``(batch, nodes, 1)``.

        :param times: in [0, 1], shape ``(batch,)``.
        """
        return Coefficients(*(item.to(self.eigenvalues.dtype) for item in self.exact(times)))

    def exact(self, times: Tensor) -> Coefficients:
        """Return the same as :meth:`coefficients` in double precision."""
        values, own, rate = self._own(times)
        law = LAWS[self.settings.kind]
        rates = (item * rate for item in law.rates(self.settings, values, own))
        return Coefficients(*self._filled(*law.factors(self.settings, values, own), *rates))

    def factors(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factors of signal and noise without their rates, in double precision, as :meth:`exact` does."""
        values, own, _ = self._own(times)
        signal, noise = self._filled(*LAWS[self.settings.kind].factors(self.settings, values, own))
        return signal, noise

    def noisy(self, modes: Tensor, times: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the modes at ``times`` and the white noise in them, both of the shape of ``modes``.

        :param modes: of the data, shape ``(batch, nodes, features)``.
        :param times: in [0, 1], shape ``(batch,)``.
        """
        # In the precision of the signal: the noise hides the last digits, and training does this all the time.
        values, own, _ = self._own(times, self.eigenvalues.dtype)
        signal, noise = self._filled(*LAWS[self.settings.kind].factors(self.settings, values, own))
        eps = self.white(modes.shape[-1], modes.shape[0], generator=generator)
        return (signal * modes).addcmul_(noise, eps), eps

    def prior(self, features: int, batch: int, *, generator: torch.Generator) -> Tensor:
        """Return modes drawn from the law at t = 1, shape ``(batch, nodes, features)``."""
        end = self.factors(torch.ones(1))[1]
        return end.to(self.eigenvalues.dtype) * self.white(features, batch, generator=generator)

    def white(self, features: int, batch: int, *, generator: torch.Generator) -> Tensor:
        """Return white noise in the live modes, shape ``(batch, nodes, features)``, zero in the others.

        :raises OscError: when the path is that of a batch of another size.
        """
        if self.eigenvalues.ndim == 2 and len(self.eigenvalues) != batch:
            raise OscError(f'a path of {len(self.eigenvalues)} graphs cannot take a batch of {batch}')
        # Features far apart in memory, as in the modes of a grid: factors per mode then act on long rows.
        noise = torch.randn(
            (batch, features, self.eigenvalues.shape[-1]),
            generator=generator,
            dtype=self.eigenvalues.dtype,
            device=self.eigenvalues.device,
        ).transpose(1, 2)
        return noise if self._all_live else noise * self.live[..., None]

    def times(self, steps: int) -> Tensor:
        """Return falling times from 1 to 0 for a sampler of so many steps, shape ``(steps + 1,)``.

        They are even for the straight line; where the noise begins as a square root their roots are, so that the last
        steps remove even shares of noise.

        :raises OscError: for fewer than one step.
        """
        if steps < 1:
            raise OscError(f'{steps} steps sample nothing: give at least 1')
        even = torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64, device=self.eigenvalues.device)
        return even if self.settings.kind == 'flow' else even**2

    def _own(self, times: Tensor, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
        """Return eigenvalues, times of the modes and the derivatives of these, in shapes that broadcast."""
        values = self._values if self._values.ndim == 2 else self._values[None]
        values, times = values.to(dtype), times.to(device=values.device, dtype=dtype)[:, None]
        return values, *own_time(self.settings, values, times)

    def _filled(self, *items: Tensor) -> tuple[Tensor, ...]:
        """Return each as ``(batch, nodes, 1)`` with zeros in the modes that are not live."""
        live = self.live if self.live.ndim == 2 else self.live[None]
        shape = torch.broadcast_shapes(live.shape, (items[0].shape[0], 1))
        if self._all_live:
            return tuple(item.expand(shape)[..., None] for item in items)
        return tuple(torch.where(live, item, 0.0).expand(shape)[..., None] for item in items)

    def _check_end(self) -> None:
        """Refuse a path that does not end in noise.

        :raises OscError: naming the setting to change.
        """
        signal, noise = self.factors(torch.ones(1))
        ratio = torch.where(self.live[..., None], signal**2 * self.settings.data_variance / noise**2, 0.0)
        worst = float(ratio.max())
        if not worst < self.settings.terminal_snr:
            raise OscError(
                f'a mode keeps a signal-to-noise ratio of {worst:.1e} at t = 1, where at most '
                f'{self.settings.terminal_snr:.0e} is noise: {_CURES[self.settings.kind]}'
            )


def _unbounded(settings: PathSettings) -> bool:
    return settings.kind != 'ou' and settings.prior == 'harmonic' and not settings.softening


def _check(eigenvalues: Tensor, mask: Tensor | None) -> None:
    if eigenvalues.ndim not in (1, 2) or not eigenvalues.numel():
        raise OscError('eigenvalues of a path have the shape (nodes,) or (batch, nodes)')
    if eigenvalues.dtype not in _TYPES:
        raise OscError('eigenvalues of a path are float32 or float64')
    if mask is not None and mask.shape != eigenvalues.shape:
        raise OscError(f'a mask of shape {tuple(mask.shape)} does not fit eigenvalues of {tuple(eigenvalues.shape)}')
    real = eigenvalues if mask is None else eigenvalues[mask.to(torch.bool)]
    if not torch.isfinite(real).all() or (real < -1e-4).any():
        raise OscError('eigenvalues of a Laplacian are finite and not negative')
