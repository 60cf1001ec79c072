"""Functions of the Laplacian of a very large sparse graph applied to a signal, without any eigenbasis.

Smooth functions go by Chebyshev polynomials (doi 10.1016/j.acha.2010.04.005), whose number follows from the function
and the largest degree alone; functions with a sharp feature by the Lanczos process (doi 10.1137/0729014), which adapts
to spectrum and signal but keeps its vectors.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from aiida_osc.diffusion.basis import check_signal
from aiida_osc.diffusion.graph_basis import check_connected, check_edges
from aiida_osc.errors import OscError

Function = Callable[[Tensor], Tensor]
#: Lanczos steps between two looks at the convergence.
_LOOK = 5


class SparseLaplacian:
    """``L = D - W`` of one connected graph as a sparse matrix."""

    def __init__(
        self,
        edges: Tensor | np.ndarray | Sequence[Sequence[int]],
        weights: Tensor | np.ndarray | Sequence[float] | None,
        nodes: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = 'cpu',
    ) -> None:
        """Collect the entries.

        :param edges: pairs of nodes, each pair once, shape ``(edges, 2)``.
        :param weights: one per edge, None for 1 each.
        :raises OscError: when the graph has no node, is not connected, or an edge or weight is impossible.
        """
        pairs, values = check_edges(edges, weights, nodes)
        joined = pairs[values > 0]
        check_connected(joined[:, 0], joined[:, 1], nodes)
        one, other = pairs.T
        degrees = torch.zeros(nodes, dtype=torch.float64)
        degrees.index_add_(0, one, values).index_add_(0, other, values)
        diagonal = torch.arange(nodes)
        rows, columns = torch.cat([one, other, diagonal]), torch.cat([other, one, diagonal])
        entries = torch.cat([-values, -values, degrees]).to(dtype)
        # check_edges has looked at the places already.
        places = torch.stack([rows, columns])
        matrix = torch.sparse_coo_tensor(places, entries, (nodes, nodes), check_invariants=False)
        self.matrix, self.nodes, self.dtype = matrix.coalesce().to(device), nodes, dtype
        #: No eigenvalue is larger (Gershgorin).
        self.bound = max(2 * float(degrees.max()), 1e-12)

    def multiply(self, columns: Tensor) -> Tensor:
        """Return ``L x`` for the columns of ``x``, shape ``(nodes, columns)``."""
        return torch.sparse.mm(self.matrix, columns)


def chebyshev_filter(
    laplacian: SparseLaplacian, function: Function, signal: Tensor, *, tolerance: float = 1e-6, max_order: int = 4096
) -> Tensor:
    """Return ``f(L) x`` by Chebyshev polynomials on ``[0, bound]``.

    :param function: takes and returns eigenvalues, float64.
    :param signal: shape ``(batch, nodes, features)``.
    :param tolerance: largest error of the polynomial, relative to the largest value of the function.
    :param max_order: largest order of the polynomial.
    :raises OscError: when the signal does not fit or the function needs a higher order.
    """
    coefficients = chebyshev_coefficients(function, laplacian.bound, tolerance=tolerance, max_order=max_order)
    columns = _columns(laplacian, signal)
    scale = 2 / laplacian.bound
    before, current = columns, scale * laplacian.multiply(columns) - columns
    total = coefficients[0] * before
    if len(coefficients) > 1:
        total += coefficients[1] * current
    for coefficient in coefficients[2:]:
        before, current = current, 2 * (scale * laplacian.multiply(current) - current) - before
        total += coefficient * current
    return _signal(total, signal)


def chebyshev_coefficients(function: Function, bound: float, *, tolerance: float, max_order: int) -> list[float]:
    """Return the coefficients of the shortest polynomial on ``[0, bound]`` that keeps the tolerance.

    :raises OscError: when the function is not finite there or needs an order above ``max_order``.
    """
    count = 32
    while True:
        angles = (torch.arange(count, dtype=torch.float64) + 0.5) * (torch.pi / count)
        values = function(bound / 2 * (torch.cos(angles) + 1))
        if not torch.isfinite(values).all():
            raise OscError('the function of the Laplacian is not finite on its spectrum')
        series = 2 / count * torch.cos(torch.outer(torch.arange(count, dtype=torch.float64), angles)) @ values
        series[0] /= 2
        tail = series.abs().flip(0).cumsum(0).flip(0)
        allowed = tolerance * max(float(values.abs().max()), 1e-300)
        # What the sampled half of the series leaves out is of the size of its upper quarter.
        if float(tail[3 * count // 4]) <= allowed / 2:
            order = int((tail > allowed / 2).sum())
            return series[: max(order, 1)].tolist()
        if count > max_order:
            raise OscError(
                f'the function needs more than {max_order} Chebyshev polynomials: use the Lanczos filter, a larger '
                'tolerance or a smoother function'
            )
        count *= 2


def lanczos_filter(
    laplacian: SparseLaplacian, function: Function, signal: Tensor, *, tolerance: float = 1e-6, max_steps: int = 200
) -> Tensor:
    """Return ``f(L) x`` from the Krylov space of every column, which is kept: ``max_steps`` signals of memory.

    :param function: takes and returns eigenvalues.
    :param signal: shape ``(batch, nodes, features)``.
    :param tolerance: where to stop: change within five steps, relative to each column.
    :raises OscError: when the signal does not fit or ``max_steps`` do not reach the tolerance.
    """
    columns = _columns(laplacian, signal)
    norms = columns.norm(dim=0)
    space = [columns / norms.clamp(min=torch.finfo(columns.dtype).tiny)]
    diagonal: list[Tensor] = []
    beside: list[Tensor] = []
    weights: Tensor | None = None
    limit = min(max_steps, laplacian.nodes)
    for step in range(1, limit + 1):
        alpha, beta, following = _lanczos_step(laplacian, space)
        diagonal.append(alpha)
        if step % _LOOK == 0 or step == limit:
            found = _first_column(function, diagonal, beside)
            if step == laplacian.nodes or (weights is not None and _settled(found, weights, tolerance)):
                basis = torch.stack(space)
                return _signal(torch.einsum('snc,cs->nc', basis, found.to(basis)) * norms, signal)
            weights = found
        beside.append(beta)
        space.append(following)
    raise OscError(f'{max_steps} Lanczos steps do not reach the tolerance {tolerance}: allow more of either')


def _lanczos_step(laplacian: SparseLaplacian, space: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return diagonal and off-diagonal entry of each column and its next vector, 0 where the space is exhausted."""
    vector = laplacian.multiply(space[-1])
    alpha = (space[-1] * vector).sum(0)
    for _ in range(2):
        # Against all earlier vectors, twice: rounding would bring converged ones back.
        for earlier in space:
            vector = vector - earlier * (earlier * vector).sum(0)
    beta = vector.norm(dim=0)
    alive = beta > 10 * torch.finfo(vector.dtype).eps * laplacian.bound
    beta = beta * alive
    return alpha, beta, torch.where(alive, vector / beta.clamp(min=torch.finfo(vector.dtype).tiny), 0)


def _first_column(function: Function, diagonal: list[Tensor], beside: list[Tensor]) -> Tensor:
    """Return the first column of ``f(T)`` of each tridiagonal matrix, shape ``(columns, steps)``."""
    matrices = torch.diag_embed(torch.stack(diagonal, 1).double())
    if beside:
        off = torch.stack(beside, 1).double()
        matrices = matrices + torch.diag_embed(off, 1) + torch.diag_embed(off, -1)
    values, vectors = torch.linalg.eigh(matrices)
    return torch.einsum('cij,cj,cj->ci', vectors, function(values.clamp(min=0)), vectors[:, 0])


def _settled(found: Tensor, before: Tensor, tolerance: float) -> bool:
    longer = torch.nn.functional.pad(before, (0, found.shape[1] - before.shape[1]))
    return bool(((found - longer).norm(dim=1) <= tolerance * found.norm(dim=1)).all())


def _columns(laplacian: SparseLaplacian, signal: Tensor) -> Tensor:
    check_signal(signal, laplacian.nodes, laplacian.dtype)
    return signal.transpose(0, 1).reshape(laplacian.nodes, -1)


def _signal(columns: Tensor, like: Tensor) -> Tensor:
    return columns.reshape(like.shape[1], like.shape[0], like.shape[2]).transpose(0, 1).contiguous()
