"""Draw the training curves of the models that come with the package; ``make reference`` runs this."""

import json
from pathlib import Path

from matplotlib.axes import Axes

from aiida_osc.report.figures import BLUE, ORANGE, render
from aiida_osc.shipped import FOLDER, NAMES

IMAGES = Path(__file__).parent / 'images'


def curve(history: list[dict], name: str) -> str:
    """Return losses over epochs as SVG; of a generator, the negative log-likelihoods of molecules."""
    generator = 'held_out_nll' in history[0]
    keys = ('nll', 'held_out_nll') if generator else ('train_loss', 'loss')

    def draw(axes: Axes) -> None:
        epochs = range(1, len(history) + 1)
        for key, label, colour in zip(keys, ('training', 'held out'), (ORANGE, BLUE), strict=True):
            axes.plot(epochs, [record[key] for record in history], 'o-', color=colour, label=label)
        axes.set(xlabel='epoch', ylabel='nats per molecule' if generator else 'loss', ylim=(0, None))

    return render(draw, f'{name} training')


def main() -> None:
    """Write one figure per model."""
    IMAGES.mkdir(exist_ok=True)
    for name in NAMES:
        config = json.loads((FOLDER / name / 'config.json').read_text())
        (IMAGES / f'{name}-training.svg').write_text(curve(config['training']['progress']['history'], name) + '\n')


if __name__ == '__main__':
    main()
