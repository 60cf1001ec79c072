import numpy as np
import pytest
import torch
from scipy.integrate import quad_vec
from scipy.linalg import expm, solve_continuous_lyapunov, sqrtm

from aiida_osc.diffusion.graph_basis import BatchBasis, GraphBasis
from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.path_laws import phis
from aiida_osc.diffusion.paths import PathSettings, SpectralPath
from aiida_osc.errors import OscError

# Six nodes: a ring with one chord and uneven weights.
EDGES = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (1, 4)]
WEIGHTS = [1.0, 0.5, 2.0, 1.0, 1.5, 0.7, 0.3]

KINDS = {
    'ou': PathSettings(kind='ou', gamma=0.7, decay=5.0, beta_start=5.0, beta_end=5.0),
    'ou, ramp': PathSettings(kind='ou', gamma=2.0, decay=3.0, horizon=2.0),
    'vp': PathSettings(kind='vp'),
    'vp, harmonic': PathSettings(kind='vp', prior='harmonic', scale=2.0, softening=0.3),
    'flow': PathSettings(kind='flow'),
    'flow, harmonic': PathSettings(kind='flow', prior='harmonic', scale=1.5, softening=0.2),
    'flow, warp': PathSettings(kind='flow', warp=1.5),
    'ou, warp': PathSettings(kind='ou', warp=0.8),
    'vp, warp': PathSettings(kind='vp', warp=0.8, warp_eigenvalue=2.0),
}
every_kind = pytest.mark.parametrize('settings', KINDS.values(), ids=KINDS)


@pytest.fixture
def basis():
    return GraphBasis.from_edges(EDGES, WEIGHTS, 6, dtype=torch.float64)


def laplacian():
    matrix = np.zeros((6, 6))
    for (first, second), weight in zip(EDGES, WEIGHTS, strict=True):
        matrix[[first, second], [first, second]] += weight
        matrix[[first, second], [second, first]] -= weight
    return matrix


def drift_and_noise(settings):
    """Return drift matrix, noise matrix and its rate of a linear SDE on the nodes, dS = -rate(t) A S dt + ..."""
    if settings.kind == 'ou':
        drift = settings.gamma * laplacian() + settings.decay * np.eye(6)
        return drift, np.eye(6), settings.horizon, lambda beta: 1.0, lambda beta: 2 * beta
    prior = settings.scale**2 * np.eye(6)
    if settings.prior == 'harmonic':
        prior = settings.scale**2 * np.linalg.inv(laplacian() + settings.softening * np.eye(6))
    return np.eye(6) / 2, prior, 1.0, lambda beta: beta, lambda beta: beta


def dense_law(settings, time):
    """Return the mean's factor and the covariance of the noise at ``time`` as matrices on the nodes.

    Matrix exponential and integral of exp(-A (t - r)) C exp(-A (t - r)) over r: no eigenbasis.
    """
    drift, noise, span, speed, strength = drift_and_noise(settings)

    def beta(moment):
        return settings.beta_start + (settings.beta_end - settings.beta_start) * moment / span

    def decayed(start):
        if speed(2.0) == 1.0:
            return expm(-drift * (end - start))
        return expm(-drift * (end - start) * (beta(start) + beta(end)) / 2)

    end = time * span
    integral, _ = quad_vec(lambda moment: strength(beta(moment)) * decayed(moment) @ noise @ decayed(moment), 0, end)
    return decayed(0.0), integral


@pytest.mark.parametrize('name', ['ou', 'ou, ramp', 'vp', 'vp, harmonic'])
def test_noising_a_batch_equals_the_dense_matrices(basis, name):
    settings, generator = KINDS[name], torch.Generator().manual_seed(0)
    path = SpectralPath(settings, basis.eigenvalues)
    data = torch.randn(4, 6, 3, generator=generator, dtype=torch.float64)
    times = torch.tensor([0.03, 0.2, 0.6, 1.0], dtype=torch.float64)
    modes, eps = path.noisy(basis.to_modes(data), times, generator=generator)
    found, eps = basis.from_modes(modes).numpy(), basis.from_modes(eps).numpy()
    for item, time in enumerate(times.tolist()):
        mean, covariance = dense_law(settings, time)
        expected = mean @ data[item].numpy() + sqrtm(covariance).real @ eps[item]
        np.testing.assert_allclose(found[item], expected, atol=1e-6)


@pytest.mark.parametrize('name', ['flow', 'flow, harmonic'])
def test_flow_is_a_straight_line_to_its_prior(basis, name):
    settings, generator = KINDS[name], torch.Generator().manual_seed(0)
    path = SpectralPath(settings, basis.eigenvalues)
    data = torch.randn(3, 6, 2, generator=generator, dtype=torch.float64)
    times = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    modes, eps = path.noisy(basis.to_modes(data), times, generator=generator)
    prior = drift_and_noise(settings)[1]
    end = torch.from_numpy(sqrtm(prior).real) @ basis.from_modes(eps)
    expected = (1 - times[:, None, None]) * data + times[:, None, None] * end
    torch.testing.assert_close(basis.from_modes(modes), expected, atol=1e-10, rtol=0)


def test_long_process_reaches_the_lyapunov_solution(basis):
    # A C + C A = 2 beta I is the stationary covariance of dS = -A S dt + sqrt(2 beta) dW.
    settings = PathSettings(kind='ou', gamma=0.7, decay=5.0, horizon=8.0, beta_start=3.0, beta_end=3.0)
    drift = 0.7 * laplacian() + 5.0 * np.eye(6)
    expected = solve_continuous_lyapunov(drift, 6.0 * np.eye(6))
    noise = SpectralPath(settings, basis.eigenvalues).exact(torch.ones(1)).noise[0, :, 0]
    vectors = basis.eigenvectors
    np.testing.assert_allclose(vectors @ torch.diag(noise**2) @ vectors.T, expected, atol=1e-12)


@every_kind
def test_noising_has_the_moments_of_its_law(basis, settings):
    path, draws = SpectralPath(settings, basis.eigenvalues), 100_000
    data = torch.linspace(-1, 1, 6, dtype=torch.float64)[None, :, None].expand(1, 6, draws)
    times = torch.tensor([0.4])
    modes, _ = path.noisy(basis.to_modes(data), times, generator=torch.Generator().manual_seed(1))
    factors = path.coefficients(times)
    mean = (factors.signal * basis.to_modes(data[..., :1]))[0, :, 0]
    variance = factors.noise[0, :, 0] ** 2
    scale = variance.mean()
    torch.testing.assert_close(modes[0].mean(1), mean, atol=float(5 * (scale / draws).sqrt()), rtol=0.02)
    torch.testing.assert_close(torch.cov(modes[0]), torch.diag(variance), atol=float(0.02 * scale), rtol=0.02)


@every_kind
def test_every_path_ends_in_the_noise_that_sampling_starts_from(basis, settings):
    path = SpectralPath(settings, basis.eigenvalues)
    end = path.exact(torch.ones(1))
    assert float((end.signal**2 / end.noise**2).max()) < 1e-4
    generator = torch.Generator().manual_seed(2)
    drawn = path.prior(100_000, 1, generator=generator)[0]
    torch.testing.assert_close(drawn.var(1), end.noise[0, :, 0] ** 2, rtol=0.03, atol=0)
    far = torch.full((1, 6, 100_000), 1.0, dtype=torch.float64)
    noised, _ = path.noisy(far, torch.ones(1), generator=generator)
    torch.testing.assert_close(noised[0].var(1), drawn.var(1), rtol=0.03, atol=0)


@every_kind
def test_factors_depend_on_the_eigenvalue_alone(settings):
    # The ring of six: 0, 1, 1, 3, 3, 4, in any order and any basis of the degenerate planes.
    values = torch.tensor([0.0, 1.0, 1.0, 3.0, 3.0, 4.0], dtype=torch.float64)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    times = torch.tensor([0.1, 0.5, 0.9])
    plain = SpectralPath(settings, values).exact(times)
    for item, moved in zip(plain, SpectralPath(settings, values[order]).exact(times), strict=True):
        assert torch.equal(item[:, 1], item[:, 2])
        assert torch.equal(item[:, 3], item[:, 4])
        assert torch.equal(item[:, order], moved)


@every_kind
def test_rates_are_derivatives(basis, settings):
    path = SpectralPath(settings, basis.eigenvalues)
    times, step = torch.tensor([0.02, 0.3, 0.77, 0.99], dtype=torch.float64), 1e-6
    before, after, exact = path.exact(times - step), path.exact(times + step), path.exact(times)
    torch.testing.assert_close(exact.signal_rate, (after.signal - before.signal) / (2 * step), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(exact.noise_rate, (after.noise - before.noise) / (2 * step), rtol=1e-6, atol=1e-7)


@every_kind
def test_both_ends_are_exact_and_without_nan(basis, settings):
    path = SpectralPath(settings, basis.eigenvalues)
    factors = path.exact(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert not any(torch.isnan(item).any() for item in factors)
    assert torch.equal(factors.signal[0], torch.ones(6, 1, dtype=torch.float64))
    assert torch.equal(factors.noise[0], torch.zeros(6, 1, dtype=torch.float64))
    if settings.kind == 'flow':
        assert not factors.signal[1].any()


def test_noise_of_short_times_does_not_cancel():
    # 1 - exp(-2 a t) is 1e-15 here: the naive difference would be wrong in its first digit.
    path = SpectralPath(PathSettings(kind='ou', beta_start=5.0, beta_end=5.0), torch.zeros(1, dtype=torch.float64))
    noise = path.exact(torch.tensor([1e-16], dtype=torch.float64)).noise
    assert float(noise) == pytest.approx(np.sqrt(2 * 5.0 * 1e-16), rel=1e-12)


def test_phis_hold_where_their_formulas_cancel():
    mpmath = pytest.importorskip('mpmath')
    mpmath.mp.dps = 50
    points = torch.tensor([-200.0, -3.0, -0.5, -0.4999, -1e-3, -1e-9, -1e-300, 0.0], dtype=torch.float64)
    for z, first, second in zip(points.tolist(), *(item.tolist() for item in phis(points)), strict=True):
        exact = mpmath.mpf(z)
        assert first == pytest.approx(float(mpmath.expm1(exact) / exact) if z else 1.0, rel=1e-14)
        if abs(z) > 1e-20:
            assert second == pytest.approx(float((mpmath.expm1(exact) - exact) / exact**2), rel=1e-14)
        else:
            assert second == 0.5


def test_steps_of_the_process_compose():
    # The Markov property: noising to t equals noising to s and on from there, mean and variance.
    values = torch.tensor([0.0, 0.3, 2.0, 8.0], dtype=torch.float64)
    path = SpectralPath(PathSettings(kind='ou', gamma=0.5, beta_start=4.0, beta_end=4.0), values)
    early, late, between = path.exact(torch.tensor([0.2, 0.7, 0.5], dtype=torch.float64)).signal
    torch.testing.assert_close(early * between, late)
    first, last, step = path.exact(torch.tensor([0.2, 0.7, 0.5], dtype=torch.float64)).noise
    torch.testing.assert_close((between * first) ** 2 + step**2, last**2)


def test_two_ways_to_the_same_process_have_the_same_law():
    # Without the Laplacian and with beta = decay the OU process preserves variance; its clock runs at 2 beta horizon.
    values = torch.tensor([0.0, 1.0, 5.0], dtype=torch.float64)
    times = torch.tensor([0.01, 0.3, 1.0], dtype=torch.float64)
    ou = PathSettings(kind='ou', gamma=0.0, decay=3.0, horizon=2.0, beta_start=3.0, beta_end=3.0)
    vp = PathSettings(kind='vp', beta_start=12.0, beta_end=12.0)
    for one, other in zip(SpectralPath(ou, values).exact(times), SpectralPath(vp, values).exact(times), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ('settings', 'cure'),
    [
        # The signal that earlier code kept: 92 to 100 per cent at the end.
        (PathSettings(kind='ou', gamma=0.1, decay=0.0, horizon=0.1, beta_start=0.01, beta_end=0.01), 'decay'),
        (PathSettings(kind='ou', decay=3.0), 'horizon'),
        (PathSettings(kind='vp', beta_end=5.0), 'beta_end'),
        (PathSettings(kind='vp', data_variance=100.0), 'beta_end or scale'),
    ],
)
def test_path_that_does_not_end_in_noise_is_refused(settings, cure):
    with pytest.raises(OscError, match=cure):
        SpectralPath(settings, torch.tensor([0.0, 1.0, 4.0]))


def test_one_free_mode_is_enough_for_a_refusal():
    values, settings = torch.tensor([0.0, 6.0, 8.0]), {'kind': 'ou', 'gamma': 1.0, 'decay': 0.0}
    with pytest.raises(OscError, match='centred'):
        SpectralPath(PathSettings(**settings), values)
    assert SpectralPath(PathSettings(**settings, centred=True), values).live.tolist() == [False, True, True]


@pytest.mark.parametrize('kind', ['ou', 'vp', 'flow'])
def test_warp_keeps_ends_and_order_and_lets_fine_modes_go_first(kind):
    values = torch.tensor([0.0, 0.5, 1.0, 3.0, 8.0], dtype=torch.float64)
    # Without the Laplacian in the decay, only the warp tells the modes apart.
    plain = SpectralPath(PathSettings(kind=kind, gamma=0.0), values)
    path = SpectralPath(PathSettings(kind=kind, gamma=0.0, warp=1.0), values)
    times = torch.linspace(0, 1, 101, dtype=torch.float64)
    factors, reference = path.exact(times), plain.exact(times)
    for item, unwarped in zip(factors[:2], reference[:2], strict=True):
        torch.testing.assert_close(item[[0, -1]], unwarped[[0, -1]], rtol=1e-12, atol=1e-15)
    ratio = (factors.noise / factors.signal.clamp(min=1e-300))[1:, :, 0]
    assert (ratio.diff(dim=0) > 0).all()
    assert (ratio[:-1].diff(dim=1) > 0).all()
    torch.testing.assert_close(factors.signal[:, 2], reference.signal[:, 2])
    if kind == 'flow':
        # The ratio of eigenvalue 0 is multiplied by exp(-1).
        torch.testing.assert_close(ratio[:-1, 0], (times / (1 - times))[1:-1] * np.exp(-1), rtol=1e-10, atol=0)


@every_kind
def test_padded_batch_equals_its_graphs_alone(settings):
    adjacency, sizes = torch.zeros(2, 6, 6, dtype=torch.float64), torch.tensor([4, 6])
    adjacency[0, :4, :4] = torch.eye(4).roll(1, 0) + torch.eye(4).roll(-1, 0)
    adjacency[1] = torch.eye(6).roll(1, 0) + torch.eye(6).roll(-1, 0)
    batch = BatchBasis.from_adjacency(adjacency, sizes, dtype=torch.float64)
    path, times = SpectralPath(settings, batch.eigenvalues, batch.mask), torch.tensor([0.3, 0.8])
    factors = path.exact(times)
    for graph, size in enumerate(sizes.tolist()):
        alone = SpectralPath(settings, batch.eigenvalues[graph, :size]).exact(times[graph : graph + 1])
        for padded, real in zip(factors, alone, strict=True):
            torch.testing.assert_close(padded[graph : graph + 1, :size], real)
            assert not padded[graph, size:].any()
    modes, eps = path.noisy(torch.zeros(2, 6, 3).double(), times, generator=torch.Generator().manual_seed(0))
    assert not modes[0, 4:].any()
    assert not eps[0, 4:].any()
    assert modes[0, :4].all()


def test_centred_path_leaves_translations_out():
    basis = GridBasis((3, 4), dtype=torch.float64)
    path = SpectralPath(PathSettings(prior='harmonic', softening=0.0, centred=True), basis.eigenvalues)
    drawn = basis.from_modes(path.prior(3, 50, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(drawn.mean(1), torch.zeros(50, 3).double(), atol=1e-12, rtol=0)
    modes, _ = path.noisy(basis.to_modes(drawn + 7.0), torch.full((50,), 0.2), generator=torch.Generator())
    assert not modes[:, 0].any()


@every_kind
def test_single_precision_is_as_good_as_it_can_be(settings):
    values = torch.linspace(0, 8, 40)
    path, times = SpectralPath(settings, values), torch.tensor([1e-4, 0.2, 0.9])
    exact = SpectralPath(settings, values.double()).coefficients(times.double())
    for item, double in zip(path.coefficients(times), exact, strict=True):
        assert item.dtype == torch.float32
        assert item.shape == (3, 40, 1)
        torch.testing.assert_close(item.double(), double, rtol=2e-7, atol=1e-30)
    modes, eps = path.noisy(torch.randn(3, 40, 2), times, generator=torch.Generator())
    assert modes.dtype == eps.dtype == torch.float32


def test_noising_is_reproducible():
    path, modes = SpectralPath(PathSettings(), torch.linspace(0, 4, 5)), torch.ones(2, 5, 3)
    runs = [path.noisy(modes, torch.tensor([0.2, 0.7]), generator=torch.Generator().manual_seed(4))[0] for _ in '12']
    assert torch.equal(*runs)


def test_times_fall_from_noise_to_data():
    for kind in ('ou', 'vp', 'flow'):
        path = SpectralPath(PathSettings(kind=kind), torch.linspace(0, 4, 5))
        for steps in (1, 7):
            times = path.times(steps)
            assert times.shape == (steps + 1,)
            assert times[0] == 1
            assert times[-1] == 0
            assert (times.diff() < 0).all()
        # No step removes more than half of the way from noise to data, so none is wasted on an end.
        ten = path.exact(path.times(10))
        angle = torch.atan2(ten.noise, ten.signal)[:, 2, 0]
        assert float(-angle.diff().min() / angle[0]) < 0.5
        with pytest.raises(OscError, match='0 steps'):
            path.times(0)


@pytest.mark.parametrize(
    ('values', 'mask', 'sentence'),
    [
        (torch.zeros(2, 2, 2), None, 'shape'),
        (torch.zeros(0), None, 'shape'),
        (torch.zeros(3, dtype=torch.int64), None, 'float32'),
        (torch.tensor([0.0, -1.0]), None, 'not negative'),
        (torch.tensor([0.0, float('nan')]), None, 'finite'),
        (torch.zeros(3), torch.ones(2, dtype=torch.bool), 'mask'),
    ],
)
def test_impossible_eigenvalues_are_refused(values, mask, sentence):
    with pytest.raises(OscError, match=sentence):
        SpectralPath(PathSettings(), values, mask)


def test_padding_may_hold_anything():
    values, mask = torch.tensor([[0.0, 2.0, float('nan')]]), torch.tensor([[True, True, False]])
    factors = SpectralPath(PathSettings(kind='ou'), values, mask).exact(torch.tensor([0.0, 0.5]))
    assert not any(torch.isnan(item).any() for item in factors)


def test_unbounded_prior_is_refused():
    settings = PathSettings(prior='harmonic', softening=0.0)
    with pytest.raises(OscError, match='softening or centred'):
        SpectralPath(settings, torch.tensor([0.0, 1.0]))
    assert SpectralPath(settings, torch.tensor([0.5, 1.0])).live.all()


def test_batch_of_another_size_is_refused():
    path = SpectralPath(PathSettings(), torch.ones(2, 3))
    with pytest.raises(OscError, match='batch of 5'):
        path.prior(1, 5, generator=torch.Generator())
