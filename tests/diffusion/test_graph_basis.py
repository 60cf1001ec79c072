"""Bases of general graphs and of batches of molecules against dense matrices."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.diffusion.basis import apply_function
from aiida_osc.diffusion.graph_basis import BatchBasis, GraphBasis, adjacency_matrix
from aiida_osc.errors import OscError

SMILES = ('C', 'CC', 'c1ccccc1', 'CC(C)(C)C', 'c1ccc2c(c1)sc1ccccc12')


def random_graph(nodes, seed):
    """Return edges and weights of a ring with chords."""
    generator = np.random.default_rng(seed)
    edges = {(place, place + 1) for place in range(nodes - 1)} | {(0, nodes - 1)}
    edges |= {tuple(sorted(map(int, generator.choice(nodes, 2, replace=False)))) for _ in range(nodes)}
    return sorted(edges), generator.uniform(0.2, 3.0, size=len(edges))


def laplacian_of(adjacency):
    return torch.diag(adjacency.sum(1)) - adjacency


def molecules():
    """Return padded adjacency matrices and sizes."""
    matrices = [torch.tensor(Chem.GetAdjacencyMatrix(Chem.MolFromSmiles(text))) for text in SMILES]
    largest = max(map(len, matrices))
    batch = torch.zeros(len(matrices), largest, largest, dtype=torch.float64)
    for place, matrix in enumerate(matrices):
        batch[place, : len(matrix), : len(matrix)] = matrix
    return batch, torch.tensor([len(matrix) for matrix in matrices])


@pytest.mark.parametrize('nodes', [3, 6, 25])
def test_a_weighted_graph_is_diagonalised(nodes):
    edges, weights = random_graph(nodes, seed=nodes)
    basis = GraphBasis.from_edges(edges, weights, nodes, dtype=torch.float64)
    vectors, laplacian = basis.eigenvectors, laplacian_of(adjacency_matrix(edges, weights, nodes))
    torch.testing.assert_close(vectors @ torch.diag(basis.eigenvalues) @ vectors.T, laplacian, rtol=0, atol=1e-11)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(nodes, dtype=torch.float64), rtol=0, atol=1e-12)
    assert basis.eigenvalues[0] == 0
    assert (basis.eigenvalues.diff() >= 0).all()
    assert (basis.eigenvalues[1:] > 0).all()


def test_round_trip_and_function_of_the_laplacian():
    edges, weights = random_graph(12, seed=0)
    basis = GraphBasis.from_edges(edges, weights, 12, dtype=torch.float64)
    signal = torch.randn(4, 12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(basis.from_modes(basis.to_modes(signal)), signal, rtol=0, atol=1e-12)
    laplacian = laplacian_of(adjacency_matrix(edges, weights, 12))
    expected = torch.linalg.solve(laplacian + torch.eye(12), signal)
    torch.testing.assert_close(apply_function(basis, lambda x: 1 / (1 + x), signal), expected, rtol=0, atol=1e-12)


def test_degenerate_modes_do_not_show_in_functions_of_the_laplacian():
    # The star of six leaves has the eigenvalue 1 five times: rotating that eigenspace changes nothing.
    basis = GraphBasis.from_edges([(0, leaf) for leaf in range(1, 7)], None, 7, dtype=torch.float64)
    np.testing.assert_allclose(basis.eigenvalues, [0, 1, 1, 1, 1, 1, 7], atol=1e-12)
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64))[0]
    vectors = basis.eigenvectors.clone()
    vectors[:, 1:6] = vectors[:, 1:6] @ rotation
    signal = torch.randn(1, 7, 1, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    filtered = [
        apply_function(item, lambda x: torch.exp(-x), signal)
        for item in (basis, GraphBasis(basis.eigenvalues.clone(), vectors))
    ]
    # The mean of the computed eigenvalues, equal up to rounding, is taken apart by at most 1e-14.
    torch.testing.assert_close(*filtered, rtol=0, atol=1e-12)


def test_equal_graphs_give_equal_vectors():
    edges, weights = random_graph(9, seed=5)
    first = GraphBasis.from_edges(edges, weights, 9)
    other = GraphBasis.from_edges([pair[::-1] for pair in reversed(edges)], weights[::-1].copy(), 9)
    assert torch.equal(first.eigenvectors, other.eigenvectors)


def test_a_padded_batch_equals_its_graphs_one_by_one():
    adjacency, sizes = molecules()
    batch = BatchBasis.from_adjacency(adjacency, sizes, dtype=torch.float64)
    assert torch.equal(batch.mask.sum(1), sizes)
    signal = torch.randn(
        len(sizes), adjacency.shape[1], 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    modes, filtered = batch.to_modes(signal), apply_function(batch, lambda x: torch.exp(-x), signal)
    for place, size in enumerate(sizes.tolist()):
        alone = GraphBasis.from_adjacency(adjacency[place, :size, :size], dtype=torch.float64)
        torch.testing.assert_close(batch.eigenvalues[place, :size], alone.eigenvalues, rtol=0, atol=1e-12)
        expected = apply_function(alone, lambda x: torch.exp(-x), signal[place : place + 1, :size])[0]
        torch.testing.assert_close(filtered[place, :size], expected, rtol=0, atol=1e-12)
        for values in (modes, filtered, batch.eigenvalues[..., None], batch.eigenvectors):
            assert (values[place, size:] == 0).all()
    kept = signal * batch.mask[..., None]
    torch.testing.assert_close(batch.from_modes(modes), kept, rtol=0, atol=1e-12)
    gram = batch.eigenvectors.transpose(1, 2) @ batch.eigenvectors
    torch.testing.assert_close(gram, torch.diag_embed(batch.mask.double()), rtol=0, atol=1e-12)


def test_a_graph_does_not_depend_on_its_neighbours_in_the_batch():
    adjacency, sizes = molecules()
    order = torch.tensor([3, 0, 4, 2, 1])
    first, other = (
        BatchBasis.from_adjacency(adjacency, sizes),
        BatchBasis.from_adjacency(adjacency[order], sizes[order]),
    )
    torch.testing.assert_close(first.eigenvalues[order], other.eigenvalues, rtol=0, atol=1e-6)
    assert first.to(dtype=torch.float64).eigenvectors.dtype == torch.float64


def test_one_node_alone():
    basis = GraphBasis.from_edges([], None, 1)
    assert basis.eigenvalues.tolist() == [0.0]
    assert basis.eigenvectors.tolist() == [[1.0]]
    assert basis.to(dtype=torch.float64).to_modes(torch.ones(2, 1, 3, dtype=torch.float64)).sum() == 6


@pytest.mark.parametrize(
    ('edges', 'weights', 'nodes', 'message'),
    [
        ([(0, 1)], None, 3, 'falls into 2 parts'),
        ([(0, 1), (1, 2)], [1.0, 0.0], 3, 'falls into 2 parts'),
        ([], None, 0, 'without nodes'),
        ([(0, 1)], [-1.0], 2, 'negative'),
        ([(0, 1)], [np.nan], 2, 'not finite'),
        ([(0, 1)], [np.inf], 2, 'not finite'),
        ([(0, 1)], [1.0, 2.0], 2, 'one weight per edge'),
        ([(0, 2)], None, 2, 'outside 0 to 1'),
        ([(0, 1), (1, 1)], None, 2, 'with itself'),
        ([(0, 1), (1, 0)], None, 2, 'named twice'),
    ],
)
def test_impossible_graphs_are_refused(edges, weights, nodes, message):
    with pytest.raises(OscError, match=message):
        GraphBasis.from_edges(edges, weights, nodes)


def test_impossible_batches_are_refused():
    adjacency, sizes = molecules()
    apart, lopsided, negative = adjacency.clone(), adjacency.clone(), adjacency.clone()
    apart[2, 0] = apart[2, :, 0] = 0
    lopsided[2, 0, 1] = 2
    negative[2, 0, 1] = negative[2, 1, 0] = -1
    cases = [
        (apart, sizes, 'of the batch falls into several parts'),
        (lopsided, sizes, 'not symmetric'),
        (negative, sizes, 'negative'),
        (adjacency, sizes * 0, 'at least one node'),
        (adjacency, sizes * 9, 'padded to'),
        (adjacency, (sizes - 1).clamp(min=1), 'padded node has edges'),
        (adjacency[0], sizes, 'do not fit'),
    ]
    for weights, counts, message in cases:
        with pytest.raises(OscError, match=message):
            BatchBasis.from_adjacency(weights, counts)
    with pytest.raises(OscError, match=r'give \(nodes, nodes\)'):
        GraphBasis.from_adjacency(adjacency)
    with pytest.raises(OscError, match='do not fit each other'):
        GraphBasis(torch.zeros(3), torch.zeros(2, 2))
    with pytest.raises(OscError, match='does not fit the basis'):
        BatchBasis.from_adjacency(adjacency, sizes).to_modes(torch.zeros(2, adjacency.shape[1], 1))


def test_autocast_leaves_the_transform_alone():
    basis = GraphBasis.from_edges(*random_graph(30, seed=1), 30)
    signal = torch.randn(1, 30, 2, generator=torch.Generator().manual_seed(0))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        modes = basis.to_modes(signal)
    assert modes.dtype == torch.float32
    assert torch.equal(modes, basis.to_modes(signal))
