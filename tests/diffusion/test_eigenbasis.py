import h5py
import numpy as np
import pytest
from rdkit import Chem

from aiida_osc.diffusion.eigenbasis import Eigenbasis, grid_eigenbasis, molecular_eigenbasis
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
