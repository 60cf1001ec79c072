"""Members of the ensemble that read structures."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from aiida_osc.datasets.geometry_table import Geometry
from aiida_osc.errors import OscError
from aiida_osc.surrogate.neighbours import SpatialGraphs
from aiida_osc.surrogate.network import MIN_SIGMA
from aiida_osc.surrogate.spatial import SpatialArchitecture, SpatialNetwork

CUTOFF = 3.0


def network(**changes):
    values = {'members': 2, 'hidden': 16, 'interactions': 2, 'cutoff': CUTOFF, 'targets': 2}
    torch.manual_seed(0)
    return SpatialNetwork(SpatialArchitecture(**{**values, **changes})).eval()


def molecules(count=4, seed=0):
    """Return clouds of 4 to 9 atoms about 1.5 Angstrom apart."""
    rng = np.random.default_rng(seed)
    return [
        Geometry(f'KEY{size}', 0, rng.choice([1, 6, 7, 8], size), 1.5 * rng.standard_normal((size, 3)))
        for size in rng.integers(4, 10, count)
    ]


def moved(geometry, change):
    return Geometry(geometry.inchikey, geometry.charge, geometry.numbers, change(geometry.positions))


def answers(model, geometries, rows=None):
    rows = range(len(geometries)) if rows is None else rows
    with torch.inference_mode():
        return torch.cat(model(SpatialGraphs(geometries).batch(rows, CUTOFF)), dim=-1)


def same(one, other):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_shapes_and_positive_spread():
    mean, sigma = network()(SpatialGraphs(molecules()).batch(range(4), CUTOFF))
    assert mean.shape == sigma.shape == (2, 4, 2)
    assert (sigma >= MIN_SIGMA).all()
    assert (mean[0] - mean[1]).abs().min() > 0


@pytest.mark.parametrize(
    'change',
    [
        lambda positions: positions @ Rotation.from_euler('xyz', [0.3, 1.1, -2.0]).as_matrix().T,
        lambda positions: positions + np.array([100.0, -20.0, 3.0]),
        lambda positions: positions * np.array([1.0, 1.0, -1.0]),
    ],
    ids=['rotation', 'translation', 'mirror'],
)
def test_where_a_molecule_lies_does_not_matter(change):
    same(answers(network(), [moved(item, change) for item in molecules()]), answers(network(), molecules()))


def test_order_of_atoms_does_not_matter():
    rng = np.random.default_rng(1)
    orders = [rng.permutation(len(item.numbers)) for item in molecules()]
    shuffled = [
        Geometry(item.inchikey, 0, item.numbers[order], item.positions[order])
        for item, order in zip(molecules(), orders, strict=True)
    ]
    same(answers(network(), shuffled), answers(network(), molecules()))


def test_molecules_of_a_batch_do_not_see_each_other():
    """Not even where all lie at one place, and whatever else is in the batch."""
    model, geometries = network(), molecules()
    together = answers(model, geometries)
    same(answers(model, geometries, [2, 0, 3, 1]), together[:, [2, 0, 3, 1]])
    for row in range(4):
        same(answers(model, geometries, [row]), together[:, [row]])
    with_gaps = answers(model, [None, *geometries[:2], None, *geometries[2:]])
    same(with_gaps[:, [1, 2, 4, 5]], together)


def test_shape_of_a_molecule_matters():
    stretched = [moved(item, lambda positions: 1.05 * positions) for item in molecules()]
    assert (answers(network(), stretched) - answers(network(), molecules())).abs().max() > 1e-3


def test_atoms_come_and_go_smoothly_at_the_cutoff():
    pair = [
        Geometry('PAIR', 0, np.array([6, 8]), np.array([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]]))
        for distance in (CUTOFF - 1e-3, CUTOFF + 1e-3, CUTOFF - 0.5)
    ]
    found = answers(network(), pair)
    torch.testing.assert_close(found[:, 0], found[:, 1], atol=1e-5, rtol=0)
    assert (found[:, 0] - found[:, 2]).abs().max() > 1e-4


def test_neighbours_are_all_pairs_within_the_cutoff():
    geometries = [molecules()[0], None, molecules()[1]]
    batch = SpatialGraphs(geometries).batch([2, 1, 0], CUTOFF)
    assert batch.sizes.tolist() == [len(geometries[2].numbers), 0, len(geometries[0].numbers)]
    assert batch.owner.tolist() == [0] * len(geometries[2].numbers) + [2] * len(geometries[0].numbers)
    expected = np.concatenate([pdist(geometries[row].positions) for row in (2, 0)])
    expected = np.sort(np.repeat(expected[expected <= CUTOFF], 2))
    np.testing.assert_allclose(np.sort(batch.distances.numpy()), expected, rtol=1e-6)
    assert {*zip(*batch.edges.tolist(), strict=True)} == {*zip(*batch.edges.flip(0).tolist(), strict=True)}
    positions = np.concatenate([geometries[row].positions for row in (2, 0)])
    ends = positions[batch.edges.numpy()]
    np.testing.assert_allclose(np.linalg.norm(ends[0] - ends[1], axis=1), batch.distances.numpy(), rtol=1e-6)


def test_a_batch_without_any_structure_has_answers_that_are_finite():
    found = answers(network(), [None, None])
    assert found.shape == (2, 2, 4)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize('changes', [{'members': 0}, {'hidden': 0}, {'interactions': 100}, {'cutoff': 0.0}])
def test_impossible_shapes_are_refused(changes):
    with pytest.raises(OscError, match=f'{next(iter(changes))} of the spatial members is'):
        network(**changes)
