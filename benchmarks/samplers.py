"""Draw from a Gaussian with its exact denoiser and print how far the covariance of what each sampler draws is off.

The signal lives on a path of six nodes and its covariance is not diagonal in the modes, so that no sampler is exact by
construction. Distances are relative Frobenius norms; ``--draws`` signals leave a scatter of about 3 / sqrt(draws).
"""

import argparse

import torch

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.paths import PathSettings, SpectralPath
from aiida_osc.diffusion.samplers import SAMPLERS, sample

NODES, STEPS = 6, (8, 16, 32)
AT_ONCE = 10_000
PATHS = {'flow': PathSettings(kind='flow'), 'vp': PathSettings(kind='vp')}


class Gaussian:
    """A zero-mean Gaussian on the modes of a path, and the exact answer of a denoiser for it."""

    def __init__(self, basis: GridBasis, path: SpectralPath) -> None:
        self.basis, self.path = basis, path
        factor = torch.randn(NODES, NODES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        self.covariance = factor @ factor.T / NODES + 0.1 * torch.eye(NODES, dtype=torch.float64)

    def denoise(self, signal: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """Return the mean of the data given a noisy signal."""
        a, b = (item[0, :, 0] for item in self.path.factors(times[:1]))
        mixed = self.covariance * a
        gain = torch.linalg.solve(a[:, None] * mixed + torch.diag(b**2), mixed.T).T
        return self.basis.from_modes(gain @ self.basis.to_modes(signal))


def distance(sampler: str, settings: PathSettings, steps: int, draws: int) -> float:
    """Return how far the covariance of ``draws`` signals is off."""
    basis = GridBasis((NODES,), dtype=torch.float64)
    path = SpectralPath(settings, basis.eigenvalues)
    data, generator = Gaussian(basis, path), torch.Generator().manual_seed(0)
    run = {'features': AT_ONCE, 'batch': 1, 'steps': steps, 'generator': generator}
    found = torch.zeros_like(data.covariance)
    for _ in range(draws // AT_ONCE):
        modes = basis.to_modes(sample(sampler, data.denoise, basis, path, **run))[0]
        found += modes @ modes.T / AT_ONCE / (draws // AT_ONCE)
    return float((found - data.covariance).norm() / data.covariance.norm())


def main() -> None:
    """Print one row per sampler."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--draws', type=int, default=1_000_000)
    arguments = parser.parse_args()
    print('| | ' + ' | '.join(f'`{name}`, {" / ".join(map(str, STEPS))} steps' for name in PATHS) + ' |')
    print('|---' * (len(PATHS) + 1) + '|')
    for sampler in SAMPLERS:
        rows = [[distance(sampler, settings, steps, arguments.draws) for steps in STEPS] for settings in PATHS.values()]
        print(f'| `{sampler}` | ' + ' | '.join(' / '.join(f'{value:.3f}' for value in row) for row in rows) + ' |')


if __name__ == '__main__':
    main()
