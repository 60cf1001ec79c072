"""How many more molecules lie in a window when the generator is led there: by a surrogate, then by xTB.

    python benchmarks/generator_windows.py MODEL --out FOLDER
    aiida-osc compute FOLDER/to_compute.csv --cores 2 --out FOLDER/computed.csv
    python benchmarks/generator_windows.py MODEL --out FOLDER

The windows are the lowest tenth of the seed set's adiabatic IE and the highest tenth of its adiabatic EA. Molecules are
sampled from the prior, once as they come and once for each window, as ``aiida-osc generate --window`` does it: led
there, and kept when the property heads put the finished molecule inside. The surrogate is trained on the seed set: it
shares the labels with the property heads, and nothing else. Once ``computed.csv`` is there, the same is said of the
first ``--computed`` molecules of each sample by computed values.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from rdkit import RDLogger

from aiida_osc.active_learning.settings import default_column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.sample_settings import SampleSettings
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.training.artifact import ModelArtifact

#: Target -> share of the seed set's values below the lower and the upper bound of its window.
WINDOWS = {'ie_adiabatic': (0.0, 0.1), 'ea_adiabatic': (0.9, 1.0)}


def bounds(seed: MoleculeTable) -> dict[str, list[float]]:
    """Return the windows, open to the outside, in eV."""
    found = {}
    for target, (low, high) in WINDOWS.items():
        values = seed.values(default_column(target))
        inner = float(np.nanquantile(values, high if low == 0 else low))
        found[target] = [inner - 20, inner] if low == 0 else [inner, inner + 20]
    return found


def train(seed: MoleculeTable) -> Surrogate:
    """Return the surrogate of both targets."""
    settings = SurrogateSettings(family='auto', columns=[str(default_column(target)) for target in WINDOWS])
    artifact = None
    while artifact is None or not artifact.config['finished']:
        artifact = fit_surrogate_piece(seed, settings, seed=0, checkpoint=artifact)
    return Surrogate.from_artifact(artifact)


def sample(model: Generator, window: dict[str, list[float]] | None, count: int) -> list[str]:
    """Return the molecules of one sample."""
    settings = SampleSettings(count=count, strategy='prior', windows=window, max_attempts=60)
    result = model.sample(settings, seed=0)
    print(f'{len(result.molecules)} molecules in {result.report["attempts"]} decodings, led to {window or "nothing"}')
    return list(result.molecules.smiles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', help='folder of a generator with heads for both targets')
    parser.add_argument('--out', type=Path, required=True, help='folder of the molecules')
    parser.add_argument('--count', type=int, default=1000, help='molecules of each sample')
    parser.add_argument('--computed', type=int, default=100, help='those of them that are to be computed')
    options = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    options.out.mkdir(parents=True, exist_ok=True)
    seed = load_seed()
    windows, model = bounds(seed), Generator.from_artifact(ModelArtifact.load(options.model))
    samples = {'nothing': sample(model, None, options.count)}
    samples |= {target: sample(model, {target: window}, options.count) for target, window in windows.items()}
    surrogate = train(seed)
    columns = [str(column) for column in surrogate.columns]
    predicted = {
        name: dict(zip(columns, surrogate.predict(smiles, similarity=False).mean.T, strict=True))
        for name, smiles in samples.items()
    }
    tables = {'the surrogate': predicted}
    labels = options.out / 'computed.csv'
    if labels.exists():
        known = read_table(labels).table
        rows = dict(zip(known.smiles, range(len(known)), strict=True))
        tables['xTB'] = {
            name: {
                str(column): known.values(column)[[rows[text] for text in smiles[: options.computed] if text in rows]]
                for column in map(default_column, WINDOWS)
            }
            for name, smiles in samples.items()
        }
    else:
        with (options.out / 'to_compute.csv').open('w', newline='') as handle:
            wanted = dict.fromkeys(text for smiles in samples.values() for text in smiles[: options.computed])
            csv.writer(handle).writerows([['smiles'], *([text] for text in wanted)])
    print('| window in eV | by | molecules | as they come | led there | times |\n|---|---|---|---|---|---|')
    for target, (low, high) in windows.items():
        for how, values in tables.items():
            column = str(default_column(target))
            known = [values[name][column] for name in ('nothing', target)]
            free, led = (float(np.mean((part >= low) & (part <= high))) for part in known)
            name = f'{target} {"below" if low < 0 else "above"} {high if low < 0 else low:.2f}'
            times = f'{led / free:.1f}' if free else '-'
            print(f'| {name} | {how} | {len(known[0])}, {len(known[1])} | {free:.1%} | {led:.1%} | {times} |')


if __name__ == '__main__':
    main()
