"""Symmetries of the network, and what reflections do to it."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from aiida_osc.diffusion.molecules.alignment import rotation_onto
from aiida_osc.diffusion.molecules.batches import collate, pad_positions, split_by_size
from aiida_osc.diffusion.molecules.features import MoleculeGraph, featurise
from aiida_osc.diffusion.molecules.network import ConformerNetwork
from aiida_osc.qc.placing import with_hydrogens

CHIRAL = 'C[C@H](O)c1ccsc1'


@pytest.fixture
def network():
    torch.manual_seed(0)
    return ConformerNetwork(16, 8, 3).double().eval()


def noisy(graphs, seed=0):
    """Return random structures, centred, and a time each."""
    rng = np.random.default_rng(seed)
    positions = pad_positions([rng.normal(size=(len(graph), 3)) * 2 for graph in graphs]).double()
    return positions, torch.full((len(graphs),), 0.4, dtype=torch.float64)


def batch_of(*smiles):
    """Return graphs and their batch in double precision."""
    graphs = [featurise(with_hydrogens(text)) for text in smiles]
    batch = collate(graphs)
    object.__setattr__(batch, 'signs', batch.signs.double())
    return graphs, batch


def test_rotated_and_shifted_input_gives_rotated_output(network):
    graphs, batch = batch_of(CHIRAL, 'CC=O')
    positions, times = noisy(graphs)
    turn = torch.from_numpy(Rotation.random(random_state=1).as_matrix())
    shifted = (positions + torch.tensor([3.0, -1.0, 2.0])) * batch.mask[..., None]

    with torch.no_grad():
        expected = network(batch, positions, times) @ turn
        torch.testing.assert_close(network(batch, positions @ turn, times), expected, atol=1e-9, rtol=0)
        torch.testing.assert_close(network(batch, shifted, times) @ turn, expected, atol=1e-9, rtol=0)
    assert float(expected.abs().max()) > 0.5


def test_permuted_input_gives_permuted_output(network):
    (graph,), batch = batch_of(CHIRAL)
    positions, times = noisy([graph])
    order = np.random.default_rng(2).permutation(len(graph))
    place = np.argsort(order)
    centres = np.concatenate([place[graph.centres[:, :4]], graph.centres[:, 4:]], axis=1).astype(np.int16)
    other = collate([MoleculeGraph(graph.atoms[order], graph.pairs[np.ix_(order, order)], centres)])
    object.__setattr__(other, 'signs', other.signs.double())

    with torch.no_grad():
        expected = network(batch, positions, times)[:, order]
        torch.testing.assert_close(network(other, positions[:, order], times), expected, atol=1e-9, rtol=0)


def test_padding_and_neighbours_in_the_batch_change_nothing(network):
    graphs, batch = batch_of('CC=O', CHIRAL)
    positions, times = noisy(graphs)
    size = len(graphs[0])
    _, alone = batch_of('CC=O')

    with torch.no_grad():
        both = network(batch, positions, times)
        single = network(alone, positions[:1, :size], times[:1])
    torch.testing.assert_close(both[:1, :size], single, atol=1e-9, rtol=0)
    assert float(both[0, size:].abs().max()) == 0.0


def test_reflection_commutes_only_without_stereocentres(network):
    flip = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))
    for smiles, same in (('CC=O', True), (CHIRAL, False)):
        graphs, batch = batch_of(smiles)
        positions, times = noisy(graphs)
        with torch.no_grad():
            gap = network(batch, positions @ flip, times) - network(batch, positions, times) @ flip
        assert (float(gap.abs().max()) < 1e-9) == same


def test_mirror_image_of_the_molecule_gives_the_mirror_image(network):
    flip = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))
    (graph,), batch = batch_of(CHIRAL)
    _, other = batch_of(CHIRAL.replace('@', '@@'))
    positions, times = noisy([graph])

    with torch.no_grad():
        expected = network(batch, positions, times) @ flip
        torch.testing.assert_close(network(other, positions @ flip, times), expected, atol=1e-9, rtol=0)


def test_graph_comes_from_the_bonds_not_from_the_coordinates():
    (graph,), batch = batch_of('c1ccsc1')
    again, _ = batch_of('c1ccsc1')

    # Ring of five bonds and four hydrogens: the spectrum of the Laplacian sums up to twice the number of bonds.
    assert float(batch.basis().eigenvalues.sum()) == pytest.approx(18.0, abs=1e-4)
    assert (graph.pairs == again[0].pairs).all()


def test_alignment_finds_the_rotation_and_reflects_only_where_it_may():
    rng = np.random.default_rng(4)
    points = torch.from_numpy(rng.normal(size=(2, 7, 3)))
    turn = torch.from_numpy(Rotation.random(2, random_state=5).as_matrix())
    flip = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))
    mirrored = points @ turn @ flip

    torch.testing.assert_close(points @ rotation_onto(points, points @ turn), points @ turn)
    free = rotation_onto(points, mirrored, mirror=torch.tensor([True, False]))
    assert torch.linalg.det(free).round().tolist() == [1.0 * -1, 1.0]
    torch.testing.assert_close((points @ free)[0], mirrored[0])


def test_batches_of_similar_size_keep_everybody():
    sizes = np.array([5, 60, 7, 8, 5, 30, 6])
    batches = split_by_size(sizes, np.arange(7), cost=4 * 64.0)

    assert sorted(np.concatenate(batches).tolist()) == list(range(7))
    assert batches[0].tolist() == [1]
    assert all(len(part) == 1 or len(part) * sizes[part].max() ** 2 <= 256 for part in batches)
