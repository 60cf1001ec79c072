"""Learn the morphology of a donor-acceptor blend and draw new films: ``python examples/08_grid_fields.py``.

Films of 30 x 30 nodes are simulated and learnt (two CPU minutes), new ones drawn on 30 x 30, 256 x 256 and 1000 x 1000
nodes and compared with simulated ones of the same size. Nothing here needs a profile.
"""

import argparse
import csv
import time
from pathlib import Path

import matplotlib
import torch

from aiida_osc.diffusion.grid_basis import GridBasis
from aiida_osc.diffusion.grids.dataset import FieldArray, FieldFile
from aiida_osc.diffusion.grids.fields import BlendSettings, blends
from aiida_osc.diffusion.grids.fit import fit_grid_piece
from aiida_osc.diffusion.grids.model import GridModel
from aiida_osc.diffusion.grids.settings import GridSampleSettings, GridSettings
from aiida_osc.diffusion.grids.spectrum import Spectrum, radial_spectrum, spectral_distance

matplotlib.use('Agg')
from matplotlib import pyplot

BLEND = BlendSettings()
#: Side of the grid, films simulated and drawn on it.
SIZES = ((30, 128), (256, 4), (1000, 1))


def simulate(side: int, count: int, seed: int) -> torch.Tensor:
    return blends(GridBasis((side, side)), count, BLEND, generator=torch.Generator().manual_seed(seed))


def train(folder: Path, epochs: int) -> GridModel:
    FieldArray(simulate(30, 768, seed=0), (30, 30)).write(folder / 'films.h5')
    settings = GridSettings(epochs=epochs)
    artifact = fit_grid_piece(FieldFile(folder / 'films.h5'), settings, seed=0, report=lambda record: print(record))
    artifact.save(folder / 'model')
    return GridModel.from_artifact(artifact)


def draw(panels, side: int, simulated: torch.Tensor, drawn: torch.Tensor, spectra: list[Spectrum]) -> None:
    for panel, films, title in zip(panels, (simulated, drawn), ('simulated', 'drawn'), strict=False):
        panel.imshow(films[0, :, 0].reshape(side, side)[:256, :256], vmin=-1, vmax=1, cmap='coolwarm')
        panel.set(title=f'{title}, {side} x {side}', xticks=[], yticks=[])
    for spectrum, name in zip(spectra, ('simulated', 'drawn'), strict=True):
        panels[2].loglog(spectrum.wave_number, spectrum.power[:, 0], label=name)
    panels[2].set(xlabel='wave number / inverse spacing', ylabel='power per mode', ylim=(1e-4, None))
    panels[2].legend()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('grid_fields'), help='folder for model, figure and spectra')
    parser.add_argument('--epochs', type=int, default=30)
    parser.add_argument('--largest', type=int, default=1000, help='leave out larger grids')
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.process_time()
    model = train(options.out, options.epochs)
    print(f'trained in {time.process_time() - start:.0f} CPU seconds: {model.config["metrics"]["held_out"]}')
    sizes = [item for item in SIZES if item[0] <= options.largest]
    figure, panels = pyplot.subplots(len(sizes), 3, figsize=(10, 3.2 * len(sizes)), squeeze=False)
    rows = []
    for row, (side, count) in zip(panels, sizes, strict=True):
        simulated = simulate(side, count, seed=1)
        start = time.process_time()
        drawn = model.sample(count, GridSampleSettings(shape=(side, side), batch=32), seed=2)
        spent = (time.process_time() - start) / count
        basis = GridBasis((side, side))
        spectra = [radial_spectrum(basis, films) for films in (simulated, drawn)]
        pure = [float((films.abs() > 0.7).float().mean()) for films in (simulated, drawn)]
        print(
            f'{side} x {side}: {spent:.2f} CPU seconds per film, spectra differ by '
            f'{spectral_distance(spectra[1], spectra[0]):.0%}, pure phases {pure[1]:.0%} (simulated {pure[0]:.0%})'
        )
        rows += [
            (side, name, float(wave), float(power))
            for name, spectrum in zip(('simulated', 'drawn'), spectra, strict=True)
            for wave, power in zip(spectrum.wave_number, spectrum.power[:, 0], strict=True)
        ]
        draw(row, side, simulated, drawn, spectra)
    figure.tight_layout()
    figure.savefig(options.out / 'films.png', dpi=80)
    with (options.out / 'spectra.csv').open('w', newline='') as target:
        csv.writer(target).writerows([('side', 'films', 'wave_number', 'power'), *rows])


if __name__ == '__main__':
    main()
