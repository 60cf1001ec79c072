"""From a noisy field to the field: the best linear estimate, mode by mode, and a network for the rest.

The linear estimate (Wiener's) is exact for Gaussian fields; the network learns what a field has beyond its spectrum.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.network import GridNetwork
from aiida_osc.diffusion.grids.statistics import FieldStatistics
from aiida_osc.diffusion.paths import SpectralPath

#: Smallest error of the linear estimate that the network's answer is measured in.
_SMALLEST = 1e-3


class Prepared(NamedTuple):
    """What the network sees.

    :param inputs: noisy field at unit deviation and linear estimate, shape ``(batch, 2 features, *sides)``.
    :param linear: linear estimate, shape ``(batch, nodes, features)``.
    :param error: its root mean square error, shape ``(batch, 1, features)``.
    """

    inputs: Tensor
    linear: Tensor
    error: Tensor


class GridDenoiser:
    """Predicts normalised fields on one grid."""

    def __init__(self, network: GridNetwork, statistics: FieldStatistics, basis: GridBasis, path: SpectralPath) -> None:
        """Keep the parts.

        :param path: with the eigenvalues of ``basis``.
        """
        self.network, self.basis, self.path = network, basis, path
        self.variances = statistics.variances(basis.eigenvalues)

    def __call__(self, signal: Tensor, times: Tensor) -> Tensor:
        """Return the predicted data of a normalised signal at ``times``, both ``(batch, nodes, features)``."""
        prepared = self.prepare(self.basis.to_modes(signal), times)
        return prepared.linear + prepared.error * self.answer(prepared, times)

    def prepare(self, modes: Tensor, times: Tensor) -> Prepared:
        """Return what the network sees of noisy modes, shape ``(batch, nodes, features)``."""
        factors = self.path.coefficients(times)
        total = factors.signal**2 * self.variances + factors.noise**2
        gain = factors.signal * self.variances / total
        error = (self.variances * factors.noise**2 / total).mean(1, keepdim=True).sqrt().clamp(min=_SMALLEST)
        scale = total.mean(1, keepdim=True).rsqrt()
        both = self.basis.from_modes(torch.cat([scale * modes, gain * modes], 2))
        inputs = both.reshape(len(modes), *self.basis.shape, -1).movedim(-1, 1)
        return Prepared(inputs, both[..., modes.shape[2] :], error)

    def answer(self, prepared: Prepared, times: Tensor) -> Tensor:
        """Return the network's answer in units of the error, shape ``(batch, nodes, features)``."""
        return self.network(prepared.inputs, times).movedim(1, -1).flatten(1, -2)
