"""Compare ways to noise fields on a grid: explicit matrices, eigenvectors, and the closed form of this project.

The process is the Ornstein-Uhlenbeck one, dS = -A S dt + sqrt(2 beta) dW with A = gamma L + decay and constant beta,
at T times; a batch of 32 fields with 3 channels gets to random ones of them:

- ``explicit``: exp(-A t) and the square root of the covariance are stored as N x N matrices for every time.
- ``rebuilt``: eigenvectors are stored, and both matrices put together from them for every field.
- ``eigenvectors``: U^T x, factors per mode, U.
- ``closed form``: ``GridBasis`` and ``SpectralPath``, which stores neither matrices nor factors.

Storage is what is kept between batches, precompute what is done once, each in CPU seconds of one thread, the least of
several runs. The explicit matrices of all times do not fit into small memories: as many as fit into ``--budget`` are
computed, and storage and precompute are scaled to all times; noising does not depend on their number. Peak memory is
that of a process of its own.
"""

import argparse
import math
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from functools import partial

os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import torch
from torch import Tensor

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.paths import PathSettings, SpectralPath

BATCH, CHANNELS, TIMES = 32, 3, 1000
GAMMA, DECAY, BETA = 1.0, 5.0, 5.0
SETTINGS = {
    'ou': PathSettings(kind='ou', gamma=GAMMA, decay=DECAY, beta_start=BETA, beta_end=BETA),
    'vp': PathSettings(kind='vp'),
    'flow': PathSettings(kind='flow'),
}
#: name, storage in bytes, precompute and noising in CPU seconds, a remark
Row = tuple[str, float, float, float, str]


def cpu_seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of several calls, after one that does not count."""
    call()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return min(spent)


def factors(values: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Return signal and noise of the modes, shape ``(times, nodes)``."""
    rates = GAMMA * values + DECAY
    signal = torch.exp(-rates * at[:, None])
    return signal, (BETA / rates * (1 - signal**2)).sqrt()


def laplacian(side: int) -> Tensor:
    """Return the dense Laplacian of a square grid with reflecting edges."""
    path = torch.diag(torch.full((side,), 2.0))
    path[0, 0] = path[-1, -1] = 1
    path -= torch.diag(torch.ones(side - 1), 1) + torch.diag(torch.ones(side - 1), -1)
    return torch.kron(path, torch.eye(side)) + torch.kron(torch.eye(side), path)


def together(vectors: Tensor, diagonal: Tensor) -> Tensor:
    return (vectors * diagonal[..., None, :]) @ vectors.mT


def explicit(side: int, fields: Tensor, budget: float) -> Row:
    nodes = side * side
    count = min(TIMES, max(1, int(budget / (2 * nodes * nodes * 4))))
    start = time.process_time()
    values, vectors = torch.linalg.eigh(laplacian(side))
    before = time.process_time() - start
    signal, noise = (torch.empty(count, nodes, nodes) for _ in range(2))
    start = time.process_time()
    for place, at in enumerate(torch.linspace(1 / count, 1, count)):
        decays, spreads = factors(values.clamp(min=0), at[None])
        signal[place], noise[place] = together(vectors, decays[0]), together(vectors, spreads[0])
    each = (time.process_time() - start) / count
    places = torch.randint(count, (BATCH,))

    def add() -> Tensor:
        return torch.stack(
            [signal[at] @ field + noise[at] @ torch.randn_like(field) for at, field in zip(places, fields, strict=True)]
        )

    # Only the matrix products count here: each time needs both matrices, 8 bytes per entry.
    remark = f'{count} of {TIMES} times measured, scaled'
    return 'explicit', 8.0 * TIMES * nodes * nodes, before + TIMES * each, cpu_seconds(add, 3), remark


def by_vectors(side: int, fields: Tensor, *, rebuilt: bool) -> Row:
    start = time.process_time()
    values, vectors = torch.linalg.eigh(laplacian(side))
    values = values.clamp(min=0)
    signal, noise = factors(values, torch.linspace(1 / TIMES, 1, TIMES))
    before = time.process_time() - start
    places = torch.randint(TIMES, (BATCH,))

    def add_rebuilt() -> Tensor:
        parts = [
            together(vectors, signal[at]) @ field + together(vectors, noise[at]) @ torch.randn_like(field)
            for at, field in zip(places, fields, strict=True)
        ]
        return torch.stack(parts)

    def add() -> Tensor:
        modes = vectors.T @ fields
        return vectors @ (signal[places, :, None] * modes + noise[places, :, None] * torch.randn_like(modes))

    spent = cpu_seconds(add_rebuilt if rebuilt else add, 2 if rebuilt else 20)
    storage = 4.0 * sum(item.numel() for item in (values, vectors, signal, noise))
    return 'rebuilt' if rebuilt else 'eigenvectors', storage, before, spent, ''


def closed_form(side: int, fields: Tensor, kind: str, repeats: int) -> Row:
    before = cpu_seconds(lambda: GridBasis((side, side)), 20)
    basis = GridBasis((side, side))
    path = SpectralPath(SETTINGS[kind], basis.eigenvalues)
    times, generator = torch.rand(len(fields)), torch.Generator().manual_seed(0)

    def add() -> Tensor:
        return basis.from_modes(path.noisy(basis.to_modes(fields), times, generator=generator)[0])

    return f'closed form, {kind}', basis.storage, before, cpu_seconds(add, repeats), ''


def row(name: str, side: int, batch: int, budget: float, sender) -> None:  # type: ignore[no-untyped-def]
    """Measure one row and send it with the peak memory of this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    fields = torch.randn(batch, side * side, CHANNELS)
    if name in SETTINGS:
        result = closed_form(side, fields, name, max(3, round(2e6 / (batch * side * side))))
    elif name == 'explicit':
        result = explicit(side, fields, budget)
    else:
        result = by_vectors(side, fields, rebuilt=name == 'rebuilt')
    sender.send((*result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def measured(name: str, side: int, batch: int, budget: float) -> tuple[str, float, float, float, str, int]:
    """Return the row and the peak memory, measured in a process of its own."""
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=row, args=(name, side, batch, budget, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def scaled(amount: float, units: tuple[str, ...], step: float) -> str:
    place = min(len(units) - 1, max(0, int(math.log(max(amount, 1e-30), step)))) if amount >= 1 else 0
    return f'{amount / step**place:.3g} {units[place]}'


def memory(amount: float) -> str:
    return scaled(amount, ('B', 'kB', 'MB', 'GB'), 1000)


def seconds(amount: float) -> str:
    return f'{amount * 1000:.3g} ms' if amount < 1 else f'{amount:.3g} s'


def crossover() -> None:
    """Print the times of both transforms, from which ``MATRIX_LIMIT`` was chosen."""
    torch.set_num_threads(1)
    print('| side | fields | matrix product | FFT |\n|---|---|---|---|')
    for side in (30, 64, 128, 256, 320, 400, 512, 640, 800, 1000):
        batch = max(1, 500_000 // side**2)
        fields = torch.randn(batch, side * side, CHANNELS)
        bases = [GridBasis((side, side), method=method) for method in ('matrix', 'fft')]
        spent = [cpu_seconds(partial(basis.to_modes, fields), 7) for basis in bases]
        print(f'| {side} | {batch} | {seconds(spent[0])} | {seconds(spent[1])} |', flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--budget', type=float, default=1.5, help='GB for the explicit matrices')
    parser.add_argument('--crossover', action='store_true', help='compare matrix product and FFT instead')
    options = parser.parse_args()
    if options.crossover:
        crossover()
        return
    print('| grid, fields of 3 channels | way | storage | precompute | noising | peak memory | |')
    print('|---|---|---|---|---|---|---|')
    work = [(30, BATCH, name) for name in ('explicit', 'rebuilt', 'eigenvectors', *SETTINGS)]
    work += [(256, BATCH, name) for name in SETTINGS] + [(1000, 1, name) for name in SETTINGS]
    reached = {}
    for side, batch, name in work:
        label, storage, before, spent, remark, peak = measured(name, side, batch, options.budget * 1e9)
        reached[side, name] = spent
        cells = (
            f'{side} x {side}, {batch}',
            label,
            memory(storage),
            seconds(before),
            seconds(spent),
            memory(peak),
            remark,
        )
        print('| ' + ' | '.join(cells) + ' |', flush=True)
    for name in ('explicit', 'rebuilt', 'eigenvectors'):
        print(f'{name} / closed form of the same process: {reached[30, name] / reached[30, "ou"]:.1f} times')


if __name__ == '__main__':
    main()
