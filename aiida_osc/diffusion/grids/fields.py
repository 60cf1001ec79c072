"""Made fields: the morphology of a donor-acceptor blend that separates, and Gaussian random fields.

The blend follows the Cahn-Hilliard equation (doi 10.1063/1.1744102) for the composition c, from -1 (acceptor) to +1
(donor), with nothing flowing over the edge of a ``neumann`` grid:
``dc/dt = -L mu``, ``mu = c^3 - c + stiffness L c``, in units of grid spacing and mobility. Each time step treats
the stiff linear terms implicitly, mode by mode (doi 10.1016/S0010-4655(97)00115-X), with the splitting that lets the
free energy fall for any step (doi 10.1557/PROC-529-39).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from aiida_osc.diffusion.basis import apply_function
from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.errors import OscError
from aiida_osc.settings import Settings

#: Linear term moved from the explicit to the implicit side: at least half of the largest curvature of the double well.
_SHIFT = 2.0


@dataclass(frozen=True)
class BlendSettings(Settings):
    """Settings of the simulated blend.

    :param mean: composition that a film has on average, from -1 to 1.
    :param spread: standard deviation of the mean composition from film to film.
    :param stiffness: gradient energy; an interface is about 2.8 times its square root wide, in grid spacings.
    :param time_step: in units of the inverse mobility.
    :param steps: time steps; domains grow with the cube root of the time.
    :param noise: standard deviation of the composition at the start.
    """

    mean: float = 0.0
    spread: float = 0.0
    stiffness: float = 0.5
    time_step: float = 0.5
    steps: int = 120
    noise: float = 0.1

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if not -1 < self.mean < 1 or not 0 <= self.spread < 1:
            raise OscError('mean lies between -1 and 1 and spread between 0 and 1')
        if min(self.stiffness, self.time_step) <= 0 or self.noise < 0 or self.steps < 0:
            raise OscError('stiffness and time_step are positive, noise and steps not negative')


@dataclass(frozen=True)
class RandomFieldSettings(Settings):
    """Settings of a Gaussian random field of Matern type (doi 10.1111/j.1467-9868.2011.00777.x).

    :param length: correlation length in grid spacings.
    :param roughness: exponent of the spectrum ``(1 + length^2 eigenvalue)^-roughness``; larger is smoother.
    :param deviation: standard deviation, averaged over the grid.
    """

    length: float = 4.0
    roughness: float = 3.0
    deviation: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if min(self.length, self.roughness, self.deviation) <= 0:
            raise OscError('length, roughness and deviation are positive')


def random_fields(basis: GridBasis, count: int, settings: RandomFieldSettings, *, generator: torch.Generator) -> Tensor:
    """Return Gaussian random fields, shape ``(count, nodes, 1)``.

    :raises OscError: for fewer than one field.
    """
    power = field_power(basis.eigenvalues, settings)
    return basis.from_modes(power.sqrt()[:, None] * _white(basis, count, generator))


def field_power(eigenvalues: Tensor, settings: RandomFieldSettings) -> Tensor:
    """Return the variance of each mode of the Gaussian random field."""
    power = (1 + settings.length**2 * eigenvalues) ** -settings.roughness
    return power * (settings.deviation**2 / power.mean())


def blends(basis: GridBasis, count: int, settings: BlendSettings, *, generator: torch.Generator) -> Tensor:
    """Return compositions of separated films, shape ``(count, nodes, 1)``.

    The mean of each film is that of its start: donor and acceptor are only moved.

    :raises OscError: for fewer than one film.
    """
    start = settings.noise * _white(basis, count, generator)
    wanted = settings.mean + settings.spread * torch.randn(count, 1, 1, generator=generator, dtype=basis.dtype)
    field = start - start.mean(1, keepdim=True) + wanted.clamp(-0.9, 0.9)
    for _ in range(settings.steps):
        field = cahn_hilliard_step(basis, field, settings)
    if not torch.isfinite(field).all():
        raise OscError('the simulated blend has no finite composition: give a smaller time_step')
    return field


def cahn_hilliard_step(basis: GridBasis, field: Tensor, settings: BlendSettings) -> Tensor:
    """Return the composition one time step later, shape ``(count, nodes, 1)``."""
    values = basis.eigenvalues[:, None] * settings.time_step
    driven = field**3 - (1 + _SHIFT) * field
    modes = basis.to_modes(torch.cat([field, driven], 2))
    damping = 1 + values * (_SHIFT + settings.stiffness * basis.eigenvalues[:, None])
    return basis.from_modes((modes[..., :1] - values * modes[..., 1:]) / damping)


def free_energy(basis: GridBasis, field: Tensor, settings: BlendSettings) -> Tensor:
    """Return the free energy of every film, per node, shape ``(count,)``."""
    gradient = (field * apply_function(basis, lambda value: value, field)).mean((1, 2))
    return ((field**2 - 1) ** 2 / 4).mean((1, 2)) + settings.stiffness / 2 * gradient


def _white(basis: GridBasis, count: int, generator: torch.Generator) -> Tensor:
    if count < 1:
        raise OscError(f'{count} fields were asked for: give at least 1')
    return torch.randn(count, math.prod(basis.shape), 1, generator=generator, dtype=basis.dtype).to(basis.device)
