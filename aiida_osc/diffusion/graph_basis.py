"""Eigenbases of general weighted graphs by diagonalisation: of one graph, and of a padded batch of small ones."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from aiida_osc.diffusion.basis import check_signal, full_precision
from aiida_osc.errors import OscError

_SAME = 1e-8


class GraphBasis:
    """Modes of the Laplacian ``L = D - W`` of one connected graph, ascending eigenvalues."""

    def __init__(self, eigenvalues: Tensor, eigenvectors: Tensor) -> None:
        """Keep what :meth:`from_adjacency` or :meth:`from_edges` computed.

        :param eigenvalues: shape ``(nodes,)``.
        :param eigenvectors: as columns, orthonormal; shape ``(nodes, nodes)``.
        :raises OscError: when the shapes do not fit.
        """
        if eigenvalues.ndim != 1 or eigenvectors.shape != (len(eigenvalues), len(eigenvalues)):
            raise OscError('eigenvalues and eigenvectors of a graph do not fit each other')
        self.eigenvalues, self.eigenvectors = eigenvalues, eigenvectors

    @classmethod
    def from_edges(
        cls,
        edges: Tensor | np.ndarray | Sequence[Sequence[int]],
        weights: Tensor | np.ndarray | Sequence[float] | None,
        nodes: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = 'cpu',
    ) -> 'GraphBasis':
        """Diagonalise the graph with the given edges, each named once.

        :param edges: pairs of nodes, shape ``(edges, 2)``.
        :param weights: one per edge, None for 1 each.
        :raises OscError: when the graph has no node, is not connected, or an edge or weight is impossible.
        """
        return cls.from_adjacency(adjacency_matrix(edges, weights, nodes), dtype=dtype, device=device)

    @classmethod
    def from_adjacency(
        cls, adjacency: Tensor, *, dtype: torch.dtype = torch.float32, device: torch.device | str = 'cpu'
    ) -> 'GraphBasis':
        """Diagonalise the graph with the given symmetric weights, shape ``(nodes, nodes)``.

        :raises OscError: when the graph has no node, is not connected, or a weight is impossible.
        """
        if adjacency.ndim != 2:
            raise OscError(f'the weights of a graph have shape {tuple(adjacency.shape)}: give (nodes, nodes)')
        batch = BatchBasis.from_adjacency(
            adjacency[None], torch.tensor([len(adjacency)]), dtype=torch.float64, device=device
        )
        return cls(batch.eigenvalues[0].to(dtype), batch.eigenvectors[0].to(dtype))

    @property
    def nodes(self) -> int:
        """Return the number of nodes, which is the number of modes."""
        return len(self.eigenvalues)

    def to(self, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> 'GraphBasis':
        """Return the basis in another type or on another device."""
        return GraphBasis(*(item.to(device=device, dtype=dtype) for item in (self.eigenvalues, self.eigenvectors)))

    def to_modes(self, signal: Tensor) -> Tensor:
        """Return the coefficients of a node signal, both of shape ``(batch, nodes, features)``.

        :raises OscError: when the signal does not fit.
        """
        check_signal(signal, self.nodes, self.eigenvectors.dtype)
        with full_precision(signal):
            return torch.matmul(self.eigenvectors.T, signal)

    def from_modes(self, modes: Tensor) -> Tensor:
        """Return the node signal with the given coefficients, both of shape ``(batch, nodes, features)``.

        :raises OscError: when the modes do not fit.
        """
        check_signal(modes, self.nodes, self.eigenvectors.dtype)
        with full_precision(modes):
            return torch.matmul(self.eigenvectors, modes)


class BatchBasis:
    """Modes of many small connected graphs, padded to the largest: padded nodes and modes come out as zero."""

    def __init__(self, eigenvalues: Tensor, eigenvectors: Tensor, mask: Tensor) -> None:
        """Keep what :meth:`from_adjacency` computed.

        :param eigenvalues: ascending, then 0 for the padding; shape ``(batch, nodes)``.
        :param eigenvectors: as columns, 0 for the padding; shape ``(batch, nodes, nodes)``.
        :param mask: the real nodes, which are also the places of the real modes; shape ``(batch, nodes)``, bool.
        """
        self.eigenvalues, self.eigenvectors, self.mask = eigenvalues, eigenvectors, mask

    @classmethod
    def from_adjacency(
        cls,
        adjacency: Tensor,
        sizes: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = 'cpu',
    ) -> 'BatchBasis':
        """Diagonalise a batch of graphs, in double precision.

        :param adjacency: symmetric weights, the first ``sizes[i]`` rows and columns of graph i being real; shape
            ``(batch, nodes, nodes)``.
        :param sizes: nodes of each graph, shape ``(batch,)``.
        :raises OscError: when a graph has no node, is not connected, or a weight is impossible.
        """
        weights = adjacency.to(device, torch.float64)
        mask = _check_batch(weights, sizes.to(device))
        values, vectors = torch.linalg.eigh(_padded_laplacians(weights, mask))
        values = values.clamp(min=0) * mask
        # Exact for connected graphs, so that the constant mode can be recognised by its eigenvalue.
        values[:, 0] = 0
        vectors = vectors * mask[:, None, :]
        vectors[:, :, 0] = mask / mask.sum(1, keepdim=True).to(vectors).sqrt()
        return cls(values.to(dtype), _fix_signs(vectors).to(dtype), mask)

    def to(self, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> 'BatchBasis':
        """Return the basis in another type or on another device."""
        values, vectors = (item.to(device=device, dtype=dtype) for item in (self.eigenvalues, self.eigenvectors))
        return BatchBasis(values, vectors, self.mask.to(device=device))

    def graph(self, place: int) -> GraphBasis:
        """Return the basis of one graph of the batch, without its padding."""
        size = int(self.mask[place].sum())
        return GraphBasis(self.eigenvalues[place, :size], self.eigenvectors[place, :size, :size])

    def to_modes(self, signal: Tensor) -> Tensor:
        """Return the coefficients of a node signal, both of shape ``(batch, nodes, features)``.

        :raises OscError: when the signal does not fit.
        """
        check_signal(signal, self.mask.shape[1], self.eigenvectors.dtype, len(self.mask))
        with full_precision(signal):
            return torch.bmm(self.eigenvectors.transpose(1, 2), signal)

    def from_modes(self, modes: Tensor) -> Tensor:
        """Return the node signal with the given coefficients, both of shape ``(batch, nodes, features)``.

        :raises OscError: when the modes do not fit.
        """
        check_signal(modes, self.mask.shape[1], self.eigenvectors.dtype, len(self.mask))
        with full_precision(modes):
            return torch.bmm(self.eigenvectors, modes)


def adjacency_matrix(
    edges: Tensor | np.ndarray | Sequence[Sequence[int]],
    weights: Tensor | np.ndarray | Sequence[float] | None,
    nodes: int,
) -> Tensor:
    """Return the symmetric weights of a graph, float64, shape ``(nodes, nodes)``.

    :param edges: pairs of nodes, each pair once, shape ``(edges, 2)``.
    :param weights: one per edge, None for 1 each.
    :raises OscError: when there is no node, or an edge is a loop, named twice, out of range or without a weight.
    """
    pairs, values = check_edges(edges, weights, nodes)
    matrix = torch.zeros(nodes, nodes, dtype=torch.float64)
    matrix[pairs[:, 0], pairs[:, 1]] = values
    matrix[pairs[:, 1], pairs[:, 0]] = values
    return matrix


def check_edges(
    edges: Tensor | np.ndarray | Sequence[Sequence[int]],
    weights: Tensor | np.ndarray | Sequence[float] | None,
    nodes: int,
) -> tuple[Tensor, Tensor]:
    """Return edges, shape ``(edges, 2)``, and weights, float64, shape ``(edges,)``.

    :raises OscError: as :func:`adjacency_matrix`.
    """
    if nodes < 1:
        raise OscError('a graph without nodes has no basis: give at least one node')
    pairs = torch.as_tensor(np.asarray(edges, dtype=np.int64).reshape(-1, 2))
    values = torch.ones(len(pairs), dtype=torch.float64)
    if weights is not None:
        values = torch.as_tensor(np.asarray(weights, dtype=np.float64))
    if values.shape != (len(pairs),):
        raise OscError(f'{len(pairs)} edges came with weights of shape {tuple(values.shape)}: give one weight per edge')
    if len(pairs) and (int(pairs.min()) < 0 or int(pairs.max()) >= nodes):
        raise OscError(f'an edge names a node outside 0 to {nodes - 1}')
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise OscError('an edge joins a node with itself: leave loops out, a Laplacian does not see them')
    ordered = pairs.sort(dim=1).values
    if len(torch.unique(ordered[:, 0] * nodes + ordered[:, 1])) < len(pairs):
        raise OscError('an edge is named twice: give each pair of nodes once, with its whole weight')
    check_weights(values)
    return pairs, values


def check_weights(weights: Tensor) -> None:
    """Refuse weights that make no Laplacian.

    :raises OscError: when a weight is negative or not finite.
    """
    if not torch.isfinite(weights).all():
        raise OscError('a weight of the graph is not finite: look at how the weights were computed')
    if (weights < 0).any():
        raise OscError('a weight of the graph is negative: weights say how strongly nodes are joined, give 0 or more')


def check_connected(rows: Tensor, columns: Tensor, nodes: int, parts: int = 1) -> None:
    """Refuse a graph of more than ``parts`` components.

    :param rows: first nodes of the edges, shape ``(edges,)``.
    :param columns: second nodes of the edges.
    :raises OscError: when it falls into more.
    """
    ones = np.ones(len(rows), dtype=bool)
    graph = csr_array((ones, (rows.cpu().numpy(), columns.cpu().numpy())), shape=(nodes, nodes))
    found = connected_components(graph, directed=False, return_labels=False)
    if found > parts:
        what = f'falls into {found} parts' if parts == 1 else 'of the batch falls into several parts'
        raise OscError(f'a graph {what}: give connected graphs, each part as a graph of its own')


def _check_batch(weights: Tensor, sizes: Tensor) -> Tensor:
    """Return the mask of real nodes, shape ``(batch, nodes)``.

    :raises OscError: when the batch makes no sense.
    """
    if weights.ndim != 3 or weights.shape[1] != weights.shape[2] or sizes.shape != weights.shape[:1]:
        raise OscError(
            f'weights of shape {tuple(weights.shape)} and sizes of shape {tuple(sizes.shape)} do not fit: '
            'give (batch, nodes, nodes) and (batch,)'
        )
    if not len(sizes) or int(sizes.min()) < 1:
        raise OscError('a graph without nodes has no basis: give at least one graph, and each at least one node')
    if int(sizes.max()) > weights.shape[1]:
        raise OscError(
            f'a graph is said to have {int(sizes.max())} nodes, but the batch is padded to {weights.shape[1]}'
        )
    check_weights(weights)
    if not torch.allclose(weights, weights.transpose(1, 2), rtol=_SAME, atol=0):
        raise OscError('the weights of a graph are not symmetric: give undirected graphs')
    mask = torch.arange(weights.shape[1], device=weights.device) < sizes[:, None]
    graph, row, column = torch.nonzero(weights, as_tuple=True)
    if not mask[graph, row].all():
        raise OscError('a padded node has edges: sizes and weights of the batch do not fit')
    padding = int(mask.numel() - sizes.sum())
    start = graph * weights.shape[1]
    check_connected(start + row, start + column, mask.numel(), len(sizes) + padding)
    return mask


def _padded_laplacians(weights: Tensor, mask: Tensor) -> Tensor:
    """Return the Laplacians with the padded nodes apart from the real ones, above all their eigenvalues."""
    degrees = weights.sum(2)
    bound = 2 * degrees.amax(1, keepdim=True) + 1
    padding = bound * (1 + torch.arange(mask.shape[1], device=mask.device)) * ~mask
    return torch.diag_embed(degrees + padding) - weights


def _fix_signs(vectors: Tensor) -> Tensor:
    """Return the columns with the sign that makes their largest component positive, so that equal graphs agree."""
    largest = vectors.abs().mul(1e9).round().argmax(dim=1, keepdim=True)
    return vectors * torch.where(vectors.gather(1, largest) < 0, -1.0, 1.0)
