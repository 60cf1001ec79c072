"""Settings of the path between data and noise."""

import math
from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings

KINDS = ('ou', 'vp', 'flow')
PRIORS = ('white', 'harmonic')


@dataclass(frozen=True)
class PathSettings(Settings):
    """Settings of a spectral path: how each mode of a signal goes from data at t = 0 to noise at t = 1.

    The rate of noising, beta, rises linearly from ``beta_start`` to ``beta_end``; equal values hold it constant.

    :param kind: ``ou``, the Ornstein-Uhlenbeck process dS = -(gamma L + decay) S dt + sqrt(2 beta) dW over a time
        ``horizon``; ``vp``, variance preserving; or ``flow``, the straight line of flow matching.
    :param gamma: of ``ou``: decay rate per unit of eigenvalue.
    :param decay: of ``ou``: decay rate of every mode.
    :param horizon: of ``ou``: time that the process runs for.
    :param beta_start: of ``ou`` and ``vp``: rate of noising at the start, above 0.
    :param beta_end: of ``ou`` and ``vp``: rate of noising at the end.
    :param prior: of ``vp`` and ``flow``: ``white`` (variance scale^2 in every mode) or ``harmonic`` (variance
        scale^2 / (eigenvalue + softening), that of beads on springs).
    :param scale: standard deviation of the prior, in the unit of the signal.
    :param softening: of the harmonic prior: added to the eigenvalues, so that the mode of eigenvalue 0 stays bounded.
    :param warp: how much earlier than coarse modes the fine ones turn to noise, 0 for all at once: on the way back
        coarse features come first. The ratio of noise to signal of a mode is multiplied by up to exp(+-warp).
    :param warp_eigenvalue: eigenvalue that the warp leaves alone; smaller ones are coarse, larger ones fine.
    :param centred: modes of eigenvalue 0 carry neither signal nor noise: translations are not part of the model.
    :param data_variance: variance of the data per mode at most, to judge whether the end is noise.
    :param terminal_snr: largest ratio of signal to noise variance that a mode may keep at t = 1.
    """

    kind: str = 'flow'
    gamma: float = 1.0
    decay: float = 5.0
    horizon: float = 1.0
    beta_start: float = 0.1
    beta_end: float = 20.0
    prior: str = 'white'
    scale: float = 1.0
    softening: float = 0.1
    warp: float = 0.0
    warp_eigenvalue: float = 1.0
    centred: bool = False
    data_variance: float = 1.0
    terminal_snr: float = 1e-4

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if self.kind not in KINDS or self.prior not in PRIORS:
            raise OscError(f'kind is one of {", ".join(KINDS)} and prior one of {", ".join(PRIORS)}')
        values = [value for value in self.to_dict().values() if isinstance(value, int | float)]
        if not all(math.isfinite(value) for value in values) or min(values) < 0:
            raise OscError('settings of a path are finite and not negative')
        for name in ('horizon', 'beta_start', 'beta_end', 'scale', 'warp_eigenvalue', 'data_variance', 'terminal_snr'):
            if getattr(self, name) <= 0:
                raise OscError(f'setting {name} of a path must be above 0')
