"""The power of fields as a function of the eigenvalue of their modes."""

from typing import NamedTuple

import torch
from torch import Tensor

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.errors import OscError


class Spectrum(NamedTuple):
    """Mean power of the modes within rings of wave numbers.

    :param wave_number: mean square root of the eigenvalue in each ring, in inverse grid spacings, shape ``(rings,)``.
    :param power: mean square of the coefficients, shape ``(rings, features)``.
    :param modes: number of modes in each ring, shape ``(rings,)``.
    """

    wave_number: Tensor
    power: Tensor
    modes: Tensor


def radial_spectrum(basis: GridBasis, fields: Tensor, *, rings: int = 24) -> Spectrum:
    """Return the spectrum of fields; the mean of a field is no part of it, nor are rings without modes.

    The square root of the eigenvalue is the wave number where the field varies slowly. As the bases are orthonormal,
    the power does not depend on the size of the grid.

    :param fields: shape ``(batch, nodes, features)``.
    :param rings: of equal width from 0 to the largest wave number.
    :raises OscError: when there is no ring or the grid has one node.
    """
    if rings < 1 or basis.nodes < 2:
        raise OscError('a spectrum needs at least one ring and a grid of two nodes')
    wave = basis.eigenvalues.double().sqrt()
    power = basis.to_modes(fields).double().square().mean(0)
    ring = (wave / float(wave.max()) * rings).long().clamp(max=rings - 1)
    moving = wave > 0
    ring, wave, power = ring[moving], wave[moving], power[moving]
    modes = torch.bincount(ring, minlength=rings)
    sums = torch.zeros(rings, power.shape[1] + 1, dtype=torch.float64, device=power.device)
    sums.index_add_(0, ring, torch.cat([wave[:, None], power], 1))
    kept = modes > 0
    means = sums[kept] / modes[kept, None]
    return Spectrum(means[:, 0], means[:, 1:], modes[kept])


def spectral_distance(first: Spectrum, second: Spectrum, *, floor: float = 1e-3) -> float:
    """Return the mean absolute difference of the logarithms of two spectra on the same rings, weighted by power.

    A value of 0.1 says that the powers differ by about 10 % where there is power.

    :param floor: share of the largest power below which a ring does not count.
    :raises OscError: when the rings differ.
    """
    if first.power.shape != second.power.shape or not torch.equal(first.modes, second.modes):
        raise OscError('spectra of different grids or rings cannot be compared ring by ring')
    seen = second.power > floor * second.power.max()
    difference = (first.power.clamp(min=1e-300).log() - second.power.clamp(min=1e-300).log()).abs()
    weight = (second.power * second.modes[:, None])[seen]
    return float((difference[seen] * weight).sum() / weight.sum())
