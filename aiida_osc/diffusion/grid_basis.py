"""The eigenbasis of a path or grid in closed form: nothing is diagonalised and no eigenvector is stored."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from aiida_osc.diffusion.basis import check_signal, full_precision
from aiida_osc.diffusion.grid_transforms import check_boundary, fast_transform, side_matrix, side_spectrum
from aiida_osc.errors import OscError

#: Up to this side a matrix product is quicker than the FFT on one core (``benchmarks/spectral_grid.py --crossover``).
MATRIX_LIMIT = 400
METHODS = ('auto', 'matrix', 'fft')


class GridBasis:
    """Modes of the Laplacian of a path (one side), a rectangle (two) or a box (three), edges of weight 1.

    Nodes and modes are numbered in row-major order; the eigenvalue of a mode is the sum of those of its sides.
    """

    def __init__(
        self,
        shape: Sequence[int],
        boundary: str = 'neumann',
        *,
        method: str = 'auto',
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = 'cpu',
    ) -> None:
        """Compute the eigenvalues.

        :param shape: sides of the grid.
        :param boundary: ``neumann`` (nothing flows over the edge) or ``periodic``.
        :param method: ``matrix``, ``fft``, or ``auto`` for the quicker one, side by side.
        :raises OscError: when there is no side, a side without nodes, or a value is unknown.
        """
        self.shape, self.boundary, self.method = tuple(int(side) for side in shape), boundary, method
        if not self.shape or min(self.shape) < 1:
            raise OscError(f'a grid of shape {self.shape} has no nodes: give sides of at least 1')
        check_boundary(boundary)
        if method not in METHODS:
            raise OscError(f'method is {method!r}: give one of {", ".join(METHODS)}')
        self.dtype, self.device = dtype, torch.device(device)
        self.eigenvalues: Tensor = grid_eigenvalues(self.shape, boundary).to(self.device, dtype)
        by_matrix = {side for side in self.shape if method == 'matrix' or (method == 'auto' and side <= MATRIX_LIMIT)}
        self._matrices = {side: side_matrix(side, boundary).to(self.device, dtype) for side in by_matrix}

    @property
    def nodes(self) -> int:
        """Return the number of nodes, which is the number of modes."""
        return math.prod(self.shape)

    @property
    def storage(self) -> int:
        """Return the bytes of all tensors kept."""
        tensors = [self.eigenvalues, *self._matrices.values()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def to(self, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> 'GridBasis':
        """Return the basis in another type or on another device."""
        return GridBasis(
            self.shape, self.boundary, method=self.method, dtype=dtype or self.dtype, device=device or self.device
        )

    def to_modes(self, signal: Tensor) -> Tensor:
        """Return the coefficients of a node signal, both of shape ``(batch, nodes, features)``.

        :raises OscError: when the signal does not fit.
        """
        return self._transform(signal, inverse=False)

    def from_modes(self, modes: Tensor) -> Tensor:
        """Return the node signal with the given coefficients, both of shape ``(batch, nodes, features)``.

        :raises OscError: when the modes do not fit.
        """
        return self._transform(modes, inverse=True)

    def _transform(self, values: Tensor, *, inverse: bool) -> Tensor:
        check_signal(values, self.nodes, self.dtype)
        batch, _, features = values.shape
        # Matrix products want the features out of the way of the last side; the FFT does not mind them. The result
        # stays a view of that order, so that modes which come back are not copied.
        first = bool(self._matrices) and features > 1
        if first:
            cube = values.transpose(1, 2).reshape(batch * features, *self.shape)
        else:
            cube = values.reshape(batch, *self.shape, features)
        with full_precision(values):
            for axis, side in enumerate(self.shape, start=1):
                cube = self._transform_side(cube, axis, side, inverse=inverse)
        if first:
            return cube.reshape(batch, features, self.nodes).transpose(1, 2)
        return cube.reshape(values.shape)

    def _transform_side(self, cube: Tensor, axis: int, side: int, *, inverse: bool) -> Tensor:
        if side not in self._matrices:
            return fast_transform(cube, axis, self.boundary, inverse=inverse)
        matrix = self._matrices[side]
        return _multiply(cube, matrix.T if inverse else matrix, axis)


def grid_eigenvalues(shape: Sequence[int], boundary: str) -> Tensor:
    """Return the eigenvalues of a grid, sums over its sides, float64, shape ``(nodes,)``."""
    total = torch.zeros(1, dtype=torch.float64)
    for side in shape:
        total = (total[:, None] + side_spectrum(side, boundary)).reshape(-1)
    return total


def _multiply(values: Tensor, matrix: Tensor, axis: int) -> Tensor:
    """Return ``matrix`` applied along ``axis``, which is no leading one."""
    after = math.prod(values.shape[axis + 1 :])
    side = values.shape[axis]
    if after == 1:
        return (values.reshape(-1, side) @ matrix.T).reshape(values.shape)
    return torch.matmul(matrix, values.reshape(-1, side, after)).reshape(values.shape)
