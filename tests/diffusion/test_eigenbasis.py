import h5py
import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.diffusion.eigenbasis import Eigenbasis, graph_eigenbasis, grid_eigenbasis, molecular_eigenbasis
from aiida_osc.diffusion.graph_basis import BatchBasis
from aiida_osc.errors import OscError


def path_laplacian(nodes):
    laplacian = 2 * np.eye(nodes) - np.eye(nodes, k=1) - np.eye(nodes, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = min(nodes - 1, 1)
    return laplacian


def test_ring_of_six_has_the_known_spectrum():
    # 2 - 2 cos(2 pi k / 6) for k = 0..5: 0, 1, 1, 3, 3, 4
    basis = molecular_eigenbasis(['c1ccccc1'])
    np.testing.assert_allclose(basis.eigenvalues, [0, 1, 1, 3, 3, 4], atol=1e-12)


def test_molecules_are_diagonalised():
    smiles = ['c1ccsc1', 'CC(C)(C)C', 'C']
    basis = molecular_eigenbasis(smiles)
    assert basis.offsets.tolist() == [0, 5, 10, 11]
    for graph, item in enumerate(smiles):
        adjacency = Chem.GetAdjacencyMatrix(Chem.MolFromSmiles(item))
        laplacian = np.diag(adjacency.sum(1)) - adjacency
        vectors = basis.matrix(graph)
        values = basis.eigenvalues[basis.offsets[graph] : basis.offsets[graph + 1]]
        np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, laplacian, atol=1e-12)


@pytest.mark.parametrize('shape', [(7,), (4, 5), (2, 3, 4), (1,)])
def test_grid_in_closed_form_equals_diagonalisation(shape):
    basis = grid_eigenbasis(*shape)
    laplacian = np.zeros((basis.nodes, basis.nodes))
    for axis, side in enumerate(shape):
        factors = [path_laplacian(side) if number == axis else np.eye(shape[number]) for number in range(len(shape))]
        product = np.eye(1)
        for factor in factors:
            product = np.kron(product, factor)
        laplacian += product
    np.testing.assert_allclose(np.sort(basis.eigenvalues), np.linalg.eigvalsh(laplacian), atol=1e-12)
    signal = np.random.default_rng(0).normal(size=(basis.nodes, 3))
    by_modes = basis.from_modes(basis.eigenvalues[:, None] * basis.to_modes(signal))
    np.testing.assert_allclose(by_modes, laplacian @ signal, atol=1e-12)
    assert basis.eigenvectors.size == 0


@pytest.mark.parametrize(
    'basis', [grid_eigenbasis(6, 5), molecular_eigenbasis(['c1ccsc1', 'CCO'])], ids=['grid', 'mol']
)
def test_modes_keep_the_norm_and_go_back(basis):
    signal = np.random.default_rng(1).normal(size=(basis.nodes, 2))
    modes = basis.to_modes(signal)
    assert np.linalg.norm(modes) == pytest.approx(np.linalg.norm(signal), rel=1e-12)
    np.testing.assert_allclose(basis.from_modes(modes), signal, atol=1e-12)


def test_equal_molecules_give_equal_bases():
    first, second = molecular_eigenbasis(['c1ccccc1']), molecular_eigenbasis(['C1=CC=CC=C1'])
    assert first.content_hash() == second.content_hash()
    assert first.graph_hash != molecular_eigenbasis(['c1ccsc1']).graph_hash


@pytest.mark.parametrize('basis', [grid_eigenbasis(3, 4), molecular_eigenbasis(['c1ccsc1', 'C'])], ids=['grid', 'mol'])
def test_reads_back_what_was_written(basis, tmp_path):
    basis.write(tmp_path / 'eigenbasis.h5')
    assert Eigenbasis.read(tmp_path / 'eigenbasis.h5').content_hash() == basis.content_hash()


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('eigenvalues', np.array([0.0, -1.0, 1.0]), 'negative'),
        ('eigenvalues', np.array([0.0, np.nan, 1.0]), 'not finite'),
        ('eigenvalues', np.zeros(2), 'do not fit'),
        ('eigenvectors', np.zeros(9), 'do not fit'),
        ('offsets', np.array([0, 2, 3]), 'grid of shape'),
        ('offsets', np.array([1, 3]), 'makes no sense'),
        ('shape', np.array([4]), 'grid of shape'),
    ],
)
def test_damaged_files_are_refused(tmp_path, name, value, reason):
    path = tmp_path / 'eigenbasis.h5'
    grid_eigenbasis(3).write(path)
    with h5py.File(path, 'r+') as handle:
        del handle[name]
        handle[name] = value
    with pytest.raises(OscError, match=reason):
        Eigenbasis.read(path)


def test_refusals(tmp_path):
    with pytest.raises(OscError, match='at least one molecule'):
        molecular_eigenbasis([])
    for shape in ((), (0, 3)):
        with pytest.raises(OscError, match='has no nodes'):
            grid_eigenbasis(*shape)
    with pytest.raises(OscError, match='not stored'):
        grid_eigenbasis(3).matrix(0)
    with pytest.raises(OscError, match='does not fit 3 nodes'):
        grid_eigenbasis(3).to_modes(np.zeros((4, 1)))
    h5py.File(tmp_path / 'other.h5', 'w').close()
    with pytest.raises(OscError, match='not an eigenbasis'):
        Eigenbasis.read(tmp_path / 'other.h5')


SQUARE = ([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)], [1.0, 2.0, 1.0, 0.5, 0.25], 4)
BASES = [
    grid_eigenbasis(4, 3),
    grid_eigenbasis(5, boundary='periodic'),
    molecular_eigenbasis(['c1ccsc1', 'CCO']),
    graph_eigenbasis(*SQUARE),
]


@pytest.mark.parametrize('stored', BASES, ids=['neumann', 'periodic', 'molecules', 'graph'])
def test_becomes_a_basis_and_comes_back(stored, tmp_path):
    stored.write(tmp_path / 'eigenbasis.h5')
    stored = Eigenbasis.read(tmp_path / 'eigenbasis.h5')
    signal = np.random.default_rng(0).normal(size=(stored.nodes, 2))
    modes = stored.to_modes(signal)
    for graph in range(stored.graphs):
        basis = stored.basis(graph)
        part = slice(stored.offsets[graph], stored.offsets[graph + 1])
        np.testing.assert_allclose(basis.to_modes(torch.from_numpy(signal[None, part]))[0], modes[part], atol=1e-13)
        np.testing.assert_allclose(basis.eigenvalues, stored.eigenvalues[part], atol=1e-13)
    again = Eigenbasis.from_basis(stored.basis(), graph_hash=stored.graph_hash)
    np.testing.assert_array_equal(again.eigenvalues, stored.eigenvalues[: again.nodes])
    assert (stored.graphs > 1) or again.content_hash() == stored.content_hash()


def test_a_batch_is_stored_graph_by_graph():
    bonds = np.zeros((2, 5, 5))
    for place, smiles in enumerate(('c1ccsc1', 'CCO')):
        adjacency = Chem.GetAdjacencyMatrix(Chem.MolFromSmiles(smiles))
        bonds[place, : len(adjacency), : len(adjacency)] = adjacency
    batch = BatchBasis.from_adjacency(torch.from_numpy(bonds), torch.tensor([5, 3]), dtype=torch.float64)
    stored = Eigenbasis.from_basis(batch)
    expected = molecular_eigenbasis(['c1ccsc1', 'CCO'])
    assert stored.kind == 'graph'
    np.testing.assert_allclose(stored.eigenvalues, expected.eigenvalues, atol=1e-12)
    np.testing.assert_array_equal(stored.offsets, [0, 5, 8])
    with pytest.raises(OscError, match='is not stored'):
        Eigenbasis.from_basis(object())


def test_equal_graphs_have_equal_hashes_however_their_edges_are_listed():
    edges, weights, nodes = SQUARE
    turned = graph_eigenbasis([pair[::-1] for pair in reversed(edges)], weights[::-1], nodes)
    assert turned.content_hash() == BASES[3].content_hash()
    assert graph_eigenbasis(edges, None, nodes).graph_hash != BASES[3].graph_hash
    assert grid_eigenbasis(5).graph_hash != BASES[1].graph_hash


def test_hydrogens_become_nodes_on_request():
    basis = molecular_eigenbasis(['C'], hydrogens=True)
    # Star of four leaves: 0, 1 three times, 5.
    np.testing.assert_allclose(basis.eigenvalues, [0, 1, 1, 1, 5], atol=1e-12)


def test_a_file_without_a_boundary_is_one_with_reflecting_ends(tmp_path):
    path = tmp_path / 'eigenbasis.h5'
    grid_eigenbasis(3).write(path)
    with h5py.File(path, 'r+') as handle:
        del handle.attrs['boundary']
    assert Eigenbasis.read(path).content_hash() == grid_eigenbasis(3).content_hash()


def test_more_damage_is_refused(tmp_path):
    path = tmp_path / 'eigenbasis.h5'
    grid_eigenbasis(3).write(path)
    whole = path.read_bytes()
    with h5py.File(path, 'r+') as handle:
        handle['eigenvalues'][1] = 1.5
    with pytest.raises(OscError, match='not those of the grid'):
        Eigenbasis.read(path)
    with h5py.File(path, 'r+') as handle:
        handle.attrs['boundary'] = 'open'
    with pytest.raises(OscError, match="boundary 'open' is not known"):
        Eigenbasis.read(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OscError, match='not a readable HDF5 file'):
        Eigenbasis.read(path)
    graph_eigenbasis(*SQUARE).write(path)
    with h5py.File(path, 'r+') as handle:
        handle['eigenvectors'][3] = 0.9
    with pytest.raises(OscError, match='not orthonormal'):
        Eigenbasis.read(path).basis()
    with pytest.raises(OscError, match='holds 0 to 0'):
        grid_eigenbasis(3).basis(1)
    with pytest.raises(OscError, match=r'C\.C: a graph falls into 2 parts'):
        molecular_eigenbasis(['C', 'C.C'])
