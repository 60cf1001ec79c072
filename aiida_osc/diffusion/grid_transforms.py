"""Transforms that diagonalise the Laplacian of a path and of a ring, as matrices and through the FFT.

A path (``neumann``: nothing flows over its ends) is diagonal in the type-II cosine transform (doi
10.1137/S0036144598336745), a ring (``periodic``) in the Hartley transform, whose real vectors
``cos(2 pi k i / n) + sin(2 pi k i / n)`` are their own inverse (doi 10.1364/JOSA.73.001832). The cosine transform by a
real FFT of the same length is Makhoul's (doi 10.1109/TASSP.1980.1163351).
"""

import math

import torch
from torch import Tensor

from aiida_osc.errors import OscError

BOUNDARIES = ('neumann', 'periodic')


def check_boundary(boundary: str) -> None:
    """Refuse unknown boundary conditions.

    :raises OscError: when it is not one of :data:`BOUNDARIES`.
    """
    if boundary not in BOUNDARIES:
        raise OscError(f'boundary is {boundary!r}: give one of {", ".join(BOUNDARIES)}')


def side_spectrum(side: int, boundary: str) -> Tensor:
    """Return the eigenvalues of a path or ring in the order of its modes, float64, shape ``(side,)``.

    A ring of two nodes has two edges between them; one node alone has none.
    """
    period = side if boundary == 'neumann' else side / 2
    # 4 sin^2(x / 2) instead of 2 - 2 cos(x): no cancellation at small x, and exactly 0 for the constant.
    return 4 * torch.sin(torch.arange(side, dtype=torch.float64) * (math.pi / (2 * period))) ** 2


def side_matrix(side: int, boundary: str) -> Tensor:
    """Return the transform to modes as a matrix, float64, shape ``(modes, nodes)``."""
    modes, nodes = torch.meshgrid(*2 * (torch.arange(side, dtype=torch.float64),), indexing='ij')
    if boundary == 'periodic':
        angle = modes * nodes % side * (2 * math.pi / side)
        return (torch.cos(angle) + torch.sin(angle)) / math.sqrt(side)
    matrix = torch.cos(math.pi / side * modes * (nodes + 0.5)) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix


def fast_transform(values: Tensor, dim: int, boundary: str, *, inverse: bool) -> Tensor:
    """Return the transform of ``values`` along ``dim`` by FFT."""
    if boundary == 'periodic':
        return _hartley(values, dim)
    return _inverse_cosine(values, dim) if inverse else _cosine(values, dim)


def _hartley(values: Tensor, dim: int) -> Tensor:
    side = values.shape[dim]
    half = torch.fft.rfft(values, dim=dim, norm='ortho')
    rest = (half.real + half.imag).narrow(dim, 1, (side - 1) // 2).flip(dim)
    return torch.cat([half.real - half.imag, rest], dim)


def _cosine(values: Tensor, dim: int) -> Tensor:
    side = values.shape[dim]
    even = values.index_select(dim, torch.arange(0, side, 2, device=values.device))
    odd = values.index_select(dim, torch.arange(1, side, 2, device=values.device))
    half = torch.fft.rfft(torch.cat([even, odd.flip(dim)], dim), dim=dim, norm='ortho') * _twiddle(values, dim)
    return torch.cat([half.real, -half.imag.narrow(dim, 1, (side - 1) // 2).flip(dim)], dim)


def _inverse_cosine(modes: Tensor, dim: int) -> Tensor:
    side = modes.shape[dim]
    front = modes.narrow(dim, 0, side // 2 + 1)
    back = modes.narrow(dim, side - side // 2, side // 2).flip(dim)
    imaginary = torch.cat([torch.zeros_like(modes.narrow(dim, 0, 1)), -back], dim)
    mixed = torch.fft.irfft(torch.complex(front, imaginary) / _twiddle(modes, dim), n=side, dim=dim, norm='ortho')
    places = torch.arange(side, device=modes.device)
    return mixed.index_select(dim, torch.where(places % 2 == 0, places // 2, side - 1 - places // 2))


def _twiddle(like: Tensor, dim: int) -> Tensor:
    """Return the factors between the FFT of the reordered values and the cosine transform, broadcast along ``dim``."""
    side = like.shape[dim]
    angle = torch.arange(side // 2 + 1, dtype=torch.float64, device=like.device) * (-math.pi / (2 * side))
    size = torch.full_like(angle, math.sqrt(2))
    size[0] = 1.0
    shape = [-1 if number == dim % like.ndim else 1 for number in range(like.ndim)]
    return torch.polar(size, angle).reshape(shape).to(torch.complex(like.new_zeros(1), like.new_zeros(1)).dtype)
