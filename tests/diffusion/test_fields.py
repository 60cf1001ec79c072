"""Made fields and their spectra against what is known of them."""

import pytest
import torch

from aiida_osc.diffusion.graph_basis import GraphBasis
from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.fields import (
    BlendSettings,
    RandomFieldSettings,
    blends,
    cahn_hilliard_step,
    field_power,
    free_energy,
    random_fields,
)
from aiida_osc.diffusion.grids.spectrum import radial_spectrum, spectral_distance
from aiida_osc.errors import OscError

GRID = GridBasis((24, 20), dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_small_time_step_is_that_of_the_equation():
    shape, settings = (4, 3), BlendSettings(time_step=1e-5, stiffness=0.7)
    basis = GridBasis(shape, dtype=torch.float64)
    edges = [(3 * row + column, 3 * row + column + 1) for row in range(4) for column in range(2)]
    edges += [(3 * row + column, 3 * row + column + 3) for row in range(3) for column in range(3)]
    graph = GraphBasis.from_edges(edges, None, 12, dtype=torch.float64)
    laplacian = graph.eigenvectors @ torch.diag(graph.eigenvalues) @ graph.eigenvectors.T
    field = torch.randn(2, 12, 1, generator=seeded(), dtype=torch.float64)
    potential = field**3 - field + settings.stiffness * laplacian @ field
    rate = (cahn_hilliard_step(basis, field, settings) - field) / settings.time_step
    # What is left is of the order of the time step, times the square of the largest rate, about 50.
    torch.testing.assert_close(rate, -laplacian @ potential, rtol=0, atol=0.05)


def test_a_film_keeps_its_composition_and_loses_free_energy():
    settings = BlendSettings(mean=0.2, steps=0)
    field = blends(GRID, 3, settings, generator=seeded())
    torch.testing.assert_close(field.mean((1, 2)), torch.full((3,), 0.2, dtype=torch.float64), rtol=0, atol=1e-12)
    energies = []
    for _ in range(120):
        energies.append(free_energy(GRID, field, settings))
        field = cahn_hilliard_step(GRID, field, settings)
    torch.testing.assert_close(field.mean((1, 2)), torch.full((3,), 0.2, dtype=torch.float64), rtol=0, atol=1e-10)
    assert (torch.stack(energies).diff(dim=0) < 0).all()
    # The two phases lie at -1 and 1, beyond by what the curvature of the interfaces asks for.
    assert field.abs().max() < 1.15
    assert ((field.abs() > 0.7).double().mean((1, 2)) > 0.4).all()


def test_a_huge_time_step_stays_stable():
    field = blends(GRID, 2, BlendSettings(time_step=100.0, steps=40), generator=seeded())
    assert field.abs().max() < 1.2


def test_the_seed_decides_the_film_and_the_spread_its_mean():
    settings = BlendSettings(spread=0.2, steps=5)
    first, again, other = (blends(GRID, 60, settings, generator=seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    # Standard error of a standard deviation from 60 films: 0.2 / sqrt(120) = 0.018; four of them.
    assert float(first.mean((1, 2)).std()) == pytest.approx(0.2, abs=0.073)


def test_random_fields_have_their_spectrum():
    settings = RandomFieldSettings(length=3.0, roughness=2.0, deviation=0.5)
    fields = random_fields(GRID, 2000, settings, generator=seeded())
    power = field_power(GRID.eigenvalues, settings)
    measured = GRID.to_modes(fields)[..., 0].square().mean(0)
    # Relative standard error of a variance of 2,000 draws: sqrt(2 / 2000) = 0.032; five of them, for 480 modes.
    torch.testing.assert_close(measured, power, rtol=0.16, atol=0)
    assert float(fields.std()) == pytest.approx(0.5, rel=0.02)
    assert float(power[0] / power[-1]) == pytest.approx((1 + 9 * float(GRID.eigenvalues[-1])) ** 2)


def test_white_noise_has_a_flat_spectrum_on_any_grid():
    for shape in ((64, 64), (40, 30), (500,)):
        basis = GridBasis(shape)
        noise = torch.randn(40, basis.nodes, 2, generator=seeded())
        spectrum = radial_spectrum(basis, noise, rings=8)
        torch.testing.assert_close(spectrum.power, torch.ones_like(spectrum.power), rtol=0, atol=0.2)
        assert int(spectrum.modes.sum()) == basis.nodes - 1


def test_a_wave_shows_in_its_ring_alone():
    basis = GridBasis((16, 16), 'periodic', dtype=torch.float64)
    place = torch.arange(16, dtype=torch.float64)
    wave = torch.cos(2 * torch.pi * 3 * place / 16).repeat(16, 1).reshape(1, 256, 1)
    spectrum = radial_spectrum(basis, wave, rings=12)
    # 2 sin(pi 3 / 16), the square root of the eigenvalue; all the power, 256 / 2, in the modes of that ring.
    ring = int((spectrum.wave_number - 1.1111).abs().argmin())
    assert float(spectrum.power[ring, 0] * spectrum.modes[ring]) == pytest.approx(128.0)
    assert float((spectrum.power[:, 0] * spectrum.modes).sum()) == pytest.approx(128.0)


def test_spectra_are_compared_where_there_is_power():
    fields = random_fields(GRID, 50, RandomFieldSettings(), generator=seeded())
    spectrum = radial_spectrum(GRID, fields)
    assert spectral_distance(spectrum, spectrum) == 0
    louder = radial_spectrum(GRID, 1.1 * fields)
    # A tenth more in the field is 2 ln 1.1 = 0.19 more in the logarithm of the power.
    assert spectral_distance(louder, spectrum) == pytest.approx(0.1906, abs=1e-4)
    with pytest.raises(OscError, match='cannot be compared'):
        spectral_distance(radial_spectrum(GRID, fields, rings=5), spectrum)


@pytest.mark.parametrize(
    'values',
    [{'mean': 1.0}, {'spread': -0.1}, {'stiffness': 0.0}, {'time_step': -1.0}, {'steps': -1}, {'noise': -1.0}],
)
def test_impossible_blends_are_refused(values):
    with pytest.raises(OscError, match=r'mean lies|stiffness and time_step'):
        BlendSettings.from_dict(values)


def test_nothing_to_make_is_refused():
    with pytest.raises(OscError, match='length, roughness'):
        RandomFieldSettings(length=0.0)
    with pytest.raises(OscError, match='give at least 1'):
        blends(GRID, 0, BlendSettings(), generator=seeded())
    with pytest.raises(OscError, match='at least one ring'):
        radial_spectrum(GridBasis((1,)), torch.zeros(1, 1, 1))
