"""Filters without a basis against dense matrix functions."""

import numpy as np
import pytest
import torch

from aiida_osc.diffusion.basis import apply_function
from aiida_osc.diffusion.graph_basis import GraphBasis
from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.sparse_filter import SparseLaplacian, chebyshev_coefficients, chebyshev_filter, lanczos_filter
from aiida_osc.errors import OscError

FILTERS = [chebyshev_filter, lanczos_filter]
FUNCTIONS = {
    'decay': lambda x: torch.exp(-0.7 * x),
    'prior': lambda x: 1 / torch.sqrt(x + 0.5),
    'constant': torch.ones_like,
    'laplacian': lambda x: x,
}


def grid_edges(*shape):
    """Return the edges of a grid."""
    places = np.arange(np.prod(shape)).reshape(shape)
    return np.concatenate(
        [
            np.stack([places.take(range(side - 1), axis).ravel(), places.take(range(1, side), axis).ravel()], 1)
            for axis, side in enumerate(shape)
        ]
    )


def weighted_graph():
    generator = np.random.default_rng(0)
    edges = np.array([(place, place + 1) for place in range(39)] + [(place, place + 7) for place in range(0, 33, 3)])
    return edges, generator.uniform(0.1, 2.0, len(edges)), 40


@pytest.mark.parametrize('function', FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize('apply', FILTERS)
def test_equals_the_dense_matrix_function(apply, function):
    edges, weights, nodes = weighted_graph()
    signal = torch.randn(2, nodes, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = apply_function(GraphBasis.from_edges(edges, weights, nodes, dtype=torch.float64), function, signal)
    result = apply(SparseLaplacian(edges, weights, nodes, dtype=torch.float64), function, signal, tolerance=1e-11)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize('apply', FILTERS)
def test_the_tolerance_is_kept_on_a_larger_grid_in_single_precision(apply):
    basis, laplacian = GridBasis((60, 50)), SparseLaplacian(grid_edges(60, 50), None, 3000)
    signal = torch.randn(1, 3000, 2, generator=torch.Generator().manual_seed(1))
    result = apply(laplacian, FUNCTIONS['prior'], signal, tolerance=1e-5)
    difference = result - apply_function(basis, FUNCTIONS['prior'], signal)
    assert float(difference.norm() / signal.norm()) < 2e-5


@pytest.mark.parametrize('apply', FILTERS)
def test_an_eigenvector_exhausts_its_krylov_space_at_once(apply):
    # The path of three nodes: (1, 0, -1) has the eigenvalue 1; the constant has 0.
    laplacian = SparseLaplacian([(0, 1), (1, 2)], None, 3, dtype=torch.float64)
    signal = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 1.0, 0.0]]], dtype=torch.float64)
    result = apply(laplacian, lambda x: torch.exp(-x), signal, tolerance=1e-12)
    expected = signal * torch.tensor([np.exp(-1), 1.0, 0.0])
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-10)


def test_one_node_alone():
    laplacian = SparseLaplacian([], None, 1)
    for apply in FILTERS:
        result = apply(laplacian, lambda x: 2 + x, torch.full((1, 1, 1), 3.0))
        assert result.item() == pytest.approx(6.0, abs=1e-4)


def test_smoother_functions_need_fewer_polynomials():
    orders = [
        len(chebyshev_coefficients(lambda x, rate=rate: torch.exp(-rate * x), 8.0, tolerance=1e-6, max_order=4096))
        for rate in (0.1, 1.0, 10.0)
    ]
    assert orders[0] < orders[1] < orders[2] < 60
    # x^3 is a polynomial of order 3.
    assert len(chebyshev_coefficients(lambda x: x**3, 8.0, tolerance=1e-9, max_order=64)) == 4


def test_what_cannot_be_done_is_said():
    edges, weights, nodes = weighted_graph()
    laplacian = SparseLaplacian(edges, weights, nodes)
    signal = torch.randn(1, nodes, 1, generator=torch.Generator().manual_seed(0))
    with pytest.raises(OscError, match='use the Lanczos filter'):
        chebyshev_filter(laplacian, lambda x: (x > 0.5).double(), signal, max_order=256)
    with pytest.raises(OscError, match='not finite on its spectrum'):
        chebyshev_filter(laplacian, lambda x: torch.log(x - 1), signal)
    with pytest.raises(OscError, match='allow more of either'):
        lanczos_filter(laplacian, lambda x: torch.exp(-3 * x), signal, max_steps=6, tolerance=1e-9)
    with pytest.raises(OscError, match='does not fit the basis'):
        lanczos_filter(laplacian, lambda x: x, signal[:, 1:])
    for bad, values, message in (([(0, 1)], [-1.0], 'negative'), ([(0, 1)], [0.0], 'falls into 2 parts')):
        with pytest.raises(OscError, match=message):
            SparseLaplacian(bad, values, 2)
