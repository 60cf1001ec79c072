"""The grid basis against dense matrices."""

import math
from functools import reduce

import pytest
import torch

from aiida_osc.diffusion.basis import apply_function
from aiida_osc.diffusion.graph_basis import GraphBasis
from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.errors import OscError

SHAPES = [(1,), (2,), (7,), (8,), (4, 5), (6, 6), (1, 5), (3, 4, 5), (2, 3, 4)]


def side_laplacian(side, boundary):
    """Return the Laplacian of a path, or of a ring, which the path becomes when its ends are joined."""
    laplacian = torch.zeros(side, side, dtype=torch.float64)
    ends = [(place, place + 1) for place in range(side - 1)]
    if boundary == 'periodic' and side > 1:
        ends.append((side - 1, 0))
    for one, other in ends:
        laplacian[one, one] += 1
        laplacian[other, other] += 1
        laplacian[one, other] -= 1
        laplacian[other, one] -= 1
    return laplacian


def dense_laplacian(shape, boundary):
    identities = [torch.eye(side, dtype=torch.float64) for side in shape]
    terms = [
        reduce(torch.kron, [side_laplacian(side, boundary) if place == axis else identities[place] for place in order])
        for axis, side in enumerate(shape)
        for order in [range(len(shape))]
    ]
    return sum(terms)


def columns(basis):
    """Return the eigenvectors as columns."""
    return basis.from_modes(torch.eye(basis.nodes, dtype=basis.dtype)[None])[0]


@pytest.mark.parametrize('method', ['matrix', 'fft'])
@pytest.mark.parametrize('boundary', ['neumann', 'periodic'])
@pytest.mark.parametrize('shape', SHAPES)
def test_diagonalises_the_dense_laplacian(shape, boundary, method):
    basis = GridBasis(shape, boundary, method=method, dtype=torch.float64)
    vectors = columns(basis)
    identity = torch.eye(basis.nodes, dtype=torch.float64)
    torch.testing.assert_close(vectors.T @ vectors, identity, rtol=0, atol=1e-12)
    laplacian = dense_laplacian(shape, boundary)
    torch.testing.assert_close(vectors @ torch.diag(basis.eigenvalues) @ vectors.T, laplacian, rtol=0, atol=1e-11)
    torch.testing.assert_close(
        basis.eigenvalues.sort().values, torch.linalg.eigvalsh(laplacian).clamp(min=0), rtol=0, atol=1e-11
    )
    assert basis.eigenvalues[0] == 0


@pytest.mark.parametrize('features', [1, 3])
@pytest.mark.parametrize('boundary', ['neumann', 'periodic'])
@pytest.mark.parametrize('shape', SHAPES)
def test_matrix_and_fft_are_the_same_transform_and_go_back(shape, boundary, features):
    by_matrix, by_fft = (GridBasis(shape, boundary, method=method, dtype=torch.float64) for method in ('matrix', 'fft'))
    generator = torch.Generator().manual_seed(0)
    signal = torch.randn(2, by_matrix.nodes, features, generator=generator, dtype=torch.float64)
    modes = by_matrix.to_modes(signal)
    torch.testing.assert_close(by_fft.to_modes(signal), modes, rtol=0, atol=1e-12)
    for basis in (by_matrix, by_fft):
        torch.testing.assert_close(basis.from_modes(modes), signal, rtol=0, atol=1e-12)


def test_large_sides_take_the_fft_and_small_ones_the_matrix():
    mixed = GridBasis((410, 3), dtype=torch.float64)
    assert mixed.storage == 8 * (410 * 3 + 9)
    signal = torch.randn(1, 1230, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = GridBasis((410, 3), method='matrix', dtype=torch.float64).to_modes(signal)
    torch.testing.assert_close(mixed.to_modes(signal), expected, rtol=0, atol=1e-11)


def test_a_function_of_the_laplacian_is_that_of_any_other_basis_in_spite_of_degenerate_modes():
    # A square grid has each eigenvalue of (k, l), k != l, at least twice.
    laplacian = dense_laplacian((5, 5), 'periodic')
    grid = GridBasis((5, 5), 'periodic', dtype=torch.float64)
    graph = GraphBasis.from_adjacency(torch.diag(laplacian.diagonal()) - laplacian, dtype=torch.float64)
    assert len(torch.unique(grid.eigenvalues.mul(1e9).round())) < 10
    signal = torch.randn(3, 25, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = torch.linalg.matrix_exp(-0.3 * laplacian) @ signal
    for basis in (grid, graph):
        torch.testing.assert_close(
            apply_function(basis, lambda x: torch.exp(-0.3 * x), signal), expected, atol=1e-11, rtol=0
        )


def test_white_noise_stays_white():
    basis = GridBasis((4, 6))
    noise = torch.randn(20000, 24, 1, generator=torch.Generator().manual_seed(2))
    modes = basis.to_modes(noise)[..., 0]
    covariance = modes.T @ modes / len(modes)
    # Standard error of a variance of 20,000 draws: sqrt(2 / 20000) = 0.01; five of them.
    torch.testing.assert_close(covariance, torch.eye(24), rtol=0, atol=0.05)


@pytest.mark.parametrize('method', ['matrix', 'fft'])
def test_gradients_pass(method):
    basis = GridBasis((3, 4), method=method, dtype=torch.float64)
    signal = torch.randn(1, 12, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: basis.from_modes(basis.to_modes(x) ** 2), (signal,))


def test_storage_of_a_thirty_by_thirty_grid_is_small():
    assert GridBasis((30, 30)).storage == 4 * (900 + 900) < 10_000


def test_another_type():
    basis = GridBasis((3,)).to(dtype=torch.float64)
    assert basis.eigenvalues.dtype == torch.float64
    # Path of three nodes: 0, 1, 3.
    torch.testing.assert_close(basis.eigenvalues, torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64))
    assert math.prod(basis.shape) == basis.nodes == 3


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (((),), 'has no nodes'),
        (((3, 0),), 'has no nodes'),
        (((3,), 'dirichlet'), 'give one of neumann, periodic'),
    ],
)
def test_impossible_grids_are_refused(arguments, message):
    with pytest.raises(OscError, match=message):
        GridBasis(*arguments)


def test_bad_signals_are_refused():
    with pytest.raises(OscError, match='give one of auto, matrix, fft'):
        GridBasis((3,), method='magic')
    basis = GridBasis((3, 4))
    for shape in ((12, 1), (1, 11, 1), (1, 3, 4, 1)):
        with pytest.raises(OscError, match='does not fit the basis'):
            basis.to_modes(torch.zeros(shape))
    with pytest.raises(OscError, match='convert one of them'):
        basis.from_modes(torch.zeros(1, 12, 1, dtype=torch.float64))


def test_autocast_leaves_the_transform_alone():
    basis = GridBasis((6, 5))
    signal = torch.randn(1, 30, 2, generator=torch.Generator().manual_seed(0))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        modes = basis.to_modes(signal)
    assert modes.dtype == torch.float32
    assert torch.equal(modes, basis.to_modes(signal))
