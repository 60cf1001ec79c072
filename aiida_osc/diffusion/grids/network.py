"""A small convolutional network for fields on a path, rectangle or box of any size."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from aiida_osc.errors import OscError

_CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_POOLS: dict[int, type[nn.Module]] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
#: What stands beyond the edge: the last value where nothing flows over it, else the other side.
_PADDING = {'neumann': 'replicate', 'periodic': 'circular'}
_FREQUENCIES = 8


class GridNetwork(nn.Module):
    """Residual convolutions on ever coarser grids and back, told the time at every level.

    On periodic grids a shift by ``2^levels`` nodes along a side that is a multiple of it shifts the answer.
    """

    def __init__(self, inputs: int, outputs: int, *, dimensions: int, boundary: str, width: int, levels: int) -> None:
        """Make the layers; the last one starts at zero.

        :raises OscError: when there is no convolution of so many dimensions.
        """
        super().__init__()
        if dimensions not in _CONVOLUTIONS:
            raise OscError(f'a grid of {dimensions} sides: fields live on one to three')
        self.levels, self.padding = levels, _PADDING[boundary]
        convolution, self.embedding = _CONVOLUTIONS[dimensions], 4 * width
        widths = [width * 2**level for level in range(levels + 1)]

        def near(before: int, after: int) -> nn.Module:
            return convolution(before, after, 3, padding=1, padding_mode=self.padding)

        self.time = nn.Sequential(nn.Linear(2 * _FREQUENCIES, self.embedding), nn.SiLU())
        self.first, self.last = near(inputs, width), near(width, outputs)
        self.down = nn.ModuleList(_Block(near, size, self.embedding) for size in widths)
        self.up = nn.ModuleList(_Block(near, size, self.embedding) for size in widths[:-1])
        self.narrow = nn.ModuleList(convolution(2 * size, size, 1) for size in widths[:-1])
        self.widen = nn.ModuleList(convolution(size, 2 * size, 1) for size in widths[:-1])
        self.pool = _POOLS[dimensions](2)
        nn.init.zeros_(self.last.weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, fields: Tensor, times: Tensor) -> Tensor:
        """Return one field per output.

        :param fields: shape ``(batch, inputs, *sides)``.
        :param times: in [0, 1], shape ``(batch,)``.
        """
        sides = fields.shape[2:]
        frequencies = math.pi * 2 ** torch.arange(_FREQUENCIES, device=times.device, dtype=times.dtype) / 4
        angles = times[:, None] * frequencies
        embedding = self.time(torch.cat([torch.sin(angles), torch.cos(angles)], 1))
        values = self.first(self._padded(fields))
        kept = []
        for block, widen in zip(self.down[:-1], self.widen, strict=True):
            values = block(values, embedding)
            kept.append(values)
            values = widen(self.pool(values))
        values = self.down[-1](values, embedding)
        for block, narrow in zip(reversed(self.up), reversed(self.narrow), strict=True):
            values = kept.pop() + functional.interpolate(narrow(values), scale_factor=2.0)
            values = block(values, embedding)
        whole = self.last(functional.silu(values))
        return whole[(..., *(slice(side) for side in sides))]

    def _padded(self, fields: Tensor) -> Tensor:
        """Return the fields continued to sides that can be halved ``levels`` times."""
        unit = 2**self.levels
        missing = [amount for side in reversed(fields.shape[2:]) for amount in (0, -side % unit)]
        return functional.pad(fields, missing, mode=self.padding) if any(missing) else fields


class _Block(nn.Module):
    """Two convolutions around a scale and shift by the time, added to what came in."""

    def __init__(self, near, width: int, embedding: int) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.first, self.second = near(width, width), near(width, width)
        self.modulation = nn.Linear(embedding, 2 * width)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, values: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulation(embedding).reshape(len(values), -1, *(1,) * (values.ndim - 2)).chunk(2, 1)
        inner = self.first(functional.silu(values)) * (1 + scale) + shift
        return values + self.second(functional.silu(inner))
