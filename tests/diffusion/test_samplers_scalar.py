"""With all eigenvalues equal a spectral path is a scalar one: the schedulers of another library must agree with it."""

import pytest
import torch

from aiida_osc.diffusion.graph_basis import GraphBasis
from aiida_osc.diffusion.paths import PathSettings, SpectralPath
from aiida_osc.diffusion.samplers import sample

diffusers = pytest.importorskip('diffusers', reason='the scalar samplers to compare with come from diffusers')

NODES, FEATURES, BATCH = 5, 3, 4
#: beta = decay + gamma eigenvalue makes the Ornstein-Uhlenbeck process variance preserving.
KINDS = {
    'vp': PathSettings(kind='vp'),
    'ou': PathSettings(kind='ou', gamma=0.5, decay=5.0, beta_start=6.0, beta_end=6.0),
}
every_kind = pytest.mark.parametrize('settings', KINDS.values(), ids=KINDS)


class PlainPath(SpectralPath):
    """Draws its noise in the order of numbers in which the other library does."""

    def white(self, features, batch, *, generator):
        return torch.randn((batch, NODES, features), generator=generator)


def one_eigenvalue(settings):
    """Return a basis of turned vectors that all have the eigenvalue 2, and its path."""
    turned, _ = torch.linalg.qr(torch.randn(NODES, NODES, generator=torch.Generator().manual_seed(5)))
    basis = GraphBasis(torch.full((NODES,), 2.0), turned)
    return basis, PlainPath(settings, basis.eigenvalues)


def bent(signal, times):
    return torch.tanh(signal + 0.3 * signal.roll(1, 1)) * (1 - 0.5 * times[:, None, None]) + 0.1


def follow(scheduler, path, basis, steps, answer, **options):
    """Run a scheduler on the modes, with the random numbers that the sampler under test draws."""
    generator = torch.Generator().manual_seed(8)
    modes = path.prior(FEATURES, BATCH, generator=generator)
    if 'eta' in options or isinstance(scheduler, diffusers.DDPMScheduler):
        options['generator'] = generator
    for time, step in zip(path.times(steps).float(), scheduler.timesteps, strict=False):
        clean = basis.to_modes(bent(basis.from_modes(modes), time.expand(BATCH)))
        modes = scheduler.step(answer(clean, modes, time), step, modes, **options).prev_sample
    return basis.from_modes(modes)


def ours(name, path, basis, steps, eta=0.0):
    generator = torch.Generator().manual_seed(8)
    run = {'features': FEATURES, 'batch': BATCH, 'steps': steps}
    return sample(name, bent, basis, path, **run, generator=generator, eta=eta)


def betas(path, steps):
    """Return the betas of a discrete chain whose levels are those of the path."""
    kept = path.exact(path.times(steps).flip(0)).signal[:, 0, 0] ** 2
    return (1 - kept[1:] / kept[:-1]).tolist()


def clean_only(clean, modes, time):
    return clean


@every_kind
def test_ancestral_sampling(settings):
    basis, path = one_eigenvalue(settings)
    scheduler = diffusers.DDPMScheduler(
        12, trained_betas=betas(path, 12), prediction_type='sample', clip_sample=False, variance_type='fixed_small'
    )
    scheduler.set_timesteps(12)
    found = follow(scheduler, path, basis, 12, clean_only)
    torch.testing.assert_close(ours('ddpm', path, basis, 12), found, atol=2e-5, rtol=2e-5)


@every_kind
@pytest.mark.parametrize('eta', [0.0, 0.6])
def test_ddim(settings, eta):
    basis, path = one_eigenvalue(settings)
    scheduler = diffusers.DDIMScheduler(
        12, trained_betas=betas(path, 12), prediction_type='sample', clip_sample=False, set_alpha_to_one=True
    )
    scheduler.set_timesteps(12)
    found = follow(scheduler, path, basis, 12, clean_only, eta=eta)
    torch.testing.assert_close(ours('ddim', path, basis, 12, eta=eta), found, atol=2e-5, rtol=2e-5)


@every_kind
def test_multistep(settings):
    basis, path = one_eigenvalue(settings)
    scheduler = diffusers.DPMSolverMultistepScheduler(
        12,
        trained_betas=betas(path, 12),
        prediction_type='sample',
        algorithm_type='dpmsolver++',
        solver_order=2,
        solver_type='midpoint',
        final_sigmas_type='zero',
    )
    scheduler.set_timesteps(timesteps=list(range(11, -1, -1)))
    found = follow(scheduler, path, basis, 12, clean_only)
    torch.testing.assert_close(ours('multistep', path, basis, 12), found, atol=2e-5, rtol=2e-5)


def test_euler_on_the_straight_line():
    basis, path = one_eigenvalue(PathSettings(kind='flow'))
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=path.times(12)[:-1].tolist())
    found = follow(scheduler, path, basis, 12, lambda clean, modes, time: (modes - clean) / time)
    torch.testing.assert_close(ours('euler', path, basis, 12), found, atol=2e-5, rtol=2e-5)


def test_heun_on_the_straight_line():
    basis, path = one_eigenvalue(PathSettings(kind='flow'))
    scheduler = diffusers.FlowMatchHeunDiscreteScheduler(num_train_timesteps=12)
    scheduler.set_timesteps(12)
    modes = path.prior(FEATURES, BATCH, generator=torch.Generator().manual_seed(8))
    # Twice at every time but the first: the end of one step and the start of the next.
    for step in scheduler.timesteps:
        time = step / 12
        clean = basis.to_modes(bent(basis.from_modes(modes), time.expand(BATCH)))
        modes = scheduler.step((modes - clean) / time, step, modes).prev_sample
    assert len(scheduler.timesteps) == 2 * 12 - 1
    torch.testing.assert_close(ours('heun', path, basis, 12), basis.from_modes(modes), atol=2e-5, rtol=2e-5)
