"""What is known of a set of fields before any learning: mean, deviation, and variance of each mode."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.dataset import Fields
from aiida_osc.diffusion.grids.spectrum import radial_spectrum
from aiida_osc.errors import OscError

_RINGS = 40
#: Smallest variance of a mode of fields of unit variance.
_FLOOR = 1e-8
_AT_MOST = 2000
_BATCH = 50


@dataclass(frozen=True)
class FieldStatistics:
    """First and second moments of fields, for any size of the grid.

    :param mean: of each feature.
    :param deviation: standard deviation of each feature about its mean.
    :param wave_numbers: square roots of eigenvalues at which the power is known, rising.
    :param power: variance of a mode of the normalised fields there, one row per wave number, one column per feature.
    :param offset: variance of the mean of a normalised field, per feature.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    wave_numbers: tuple[float, ...]
    power: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]

    def normalise(self, fields: Tensor) -> Tensor:
        """Return fields of zero mean and unit deviation, shape ``(batch, nodes, features)``."""
        return (fields - fields.new_tensor(self.mean)) / fields.new_tensor(self.deviation)

    def restore(self, fields: Tensor) -> Tensor:
        """Return normalised fields in their own unit."""
        return fields * fields.new_tensor(self.deviation) + fields.new_tensor(self.mean)

    def variances(self, eigenvalues: Tensor) -> Tensor:
        """Return the variance of each mode of a normalised field, shape ``(nodes, features)``.

        The logarithm is linear between the known wave numbers, constant outside.
        """
        wave = eigenvalues.double().sqrt()
        known = wave.new_tensor(self.wave_numbers)
        table = wave.new_tensor(self.power).log()
        right = torch.searchsorted(known, wave).clamp(1, max(len(known) - 1, 1)).clamp(max=len(known) - 1)
        left = (right - 1).clamp(min=0)
        width = (known[right] - known[left]).clamp(min=1e-12)
        share = ((wave - known[left]) / width).clamp(0, 1)[:, None]
        power = torch.exp(table[left] * (1 - share) + table[right] * share)
        constant = (len(wave) * wave.new_tensor(self.offset)).clamp(min=_FLOOR)
        return torch.where(wave[:, None] > 0, power, constant).to(eigenvalues.dtype)

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as JSON values."""
        values = {name: list(getattr(self, name)) for name in ('mean', 'deviation', 'wave_numbers', 'offset')}
        return {**values, 'power': [list(row) for row in self.power]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> 'FieldStatistics':
        """Return the statistics stored by :meth:`to_json`.

        :raises OscError: when they are damaged.
        """
        try:
            plain = {name: tuple(map(float, values[name])) for name in ('mean', 'deviation', 'wave_numbers', 'offset')}
            power = tuple(tuple(map(float, row)) for row in values['power'])
        except (KeyError, TypeError, ValueError) as exception:
            raise OscError(f'the model is damaged: {exception!r} in the statistics of its fields') from None
        features = len(plain['mean'])
        fits = features and len(plain['deviation']) == len(plain['offset']) == features
        fits = fits and len(power) == len(plain['wave_numbers']) > 0 and all(len(row) == features for row in power)
        if not fits or min(plain['deviation']) <= 0 or min(min(row) for row in power) <= 0:
            raise OscError('the model is damaged: the statistics of its fields do not fit each other')
        return cls(power=power, **plain)


def measure(fields: Fields, places: list[int]) -> FieldStatistics:
    """Return the statistics of the fields at ``places``, of the first 2,000 if there are more.

    :raises OscError: when a feature is the same everywhere or the grid has one node.
    """
    chosen = np.array(places[:_AT_MOST])
    parts = list(fields.batches(np.array_split(chosen, max(1, len(chosen) // _BATCH))))
    values = torch.cat(parts).double()
    mean, deviation = values.mean((0, 1)), values.flatten(0, 1).std(0, unbiased=False)
    if not (deviation > 0).all():
        raise OscError('a feature of the fields is the same everywhere: leave it out')
    normalised = (values - mean) / deviation
    basis = GridBasis(fields.shape, fields.boundary, dtype=torch.float64)
    spectrum = radial_spectrum(basis, normalised, rings=_RINGS)
    return FieldStatistics(
        tuple(mean.tolist()),
        tuple(deviation.tolist()),
        tuple(spectrum.wave_number.tolist()),
        tuple(tuple(row) for row in spectrum.power.clamp(min=_FLOOR).tolist()),
        tuple(normalised.mean(1).square().mean(0).tolist()),
    )
