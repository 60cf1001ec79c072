"""Measure preprocessing, training and sampling of the generator, one thread, in CPU time.

``FILE`` is a table of molecules, of which ``--count`` are picked at random. The model is hardly trained when it is
sampled from. The figures beside ours are those of a Python 3 port of the reference JT-VAE (Jin, Barzilay and
Jaakkola, arXiv 1802.04364), one thread on ZINC, measured once and quoted here: it is not run.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import h5py
import numpy as np
import torch

from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table
from aiida_osc.generator.data import choose_vocabulary
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.preprocess import decompose_table, featurise_table
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.store import FeatureStore

#: What is measured -> the same of the port.
PORT = {
    'preprocessing, ms per molecule': '40',
    'molecules that fail': '3 %',
    'bytes per molecule, in memory / in HDF5': '-',
    'training, molecules per second': '4.5',
    'sampling from the prior, molecules per second': '34',
    'encoding and decoding, molecules per second': '6',
    'million parameters': '5',
}


def preprocessing(table: MoleculeTable) -> tuple[float, int, FeatureStore]:
    """Return milliseconds per molecule, the number that fail, and the featurised others."""
    begin = time.process_time()
    decomposed = decompose_table(table.smiles, 2)
    done = featurise_table(table.smiles, choose_vocabulary(decomposed), decomposed)
    spent = time.process_time() - begin
    return 1000 * spent / len(table), len(done.rejected), done.features


def file_bytes(store: FeatureStore) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'store.h5'
        with h5py.File(path, 'w') as handle:
            for name, array in store.flat().items():
                handle.create_dataset(name, data=array, compression='gzip', shuffle=True)
        return path.stat().st_size


def training(table: MoleculeTable, settings: JtvaeSettings, seed: int) -> tuple[float, Generator]:
    """Return molecules per second of the quickest epoch but the first, and the generator."""
    marks: list[float] = []
    artifact = fit_jtvae_piece(table, settings, seed=seed, report=lambda record: marks.append(time.process_time()))
    count = artifact.config['training']['molecules']['train']
    return count / float(np.diff(marks).min()), Generator.from_artifact(artifact)


def rate(count: int, work) -> float:
    begin = time.process_time()
    work()
    return count / (time.process_time() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', metavar='FILE')
    parser.add_argument('--count', type=int, default=900)
    parser.add_argument('--hidden', type=int, default=320)
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--epochs', type=int, default=3)
    parser.add_argument('--samples', type=int, default=512)
    parser.add_argument('--seed', type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = read_table(arguments.file, level='not read', sample=arguments.count, seed=arguments.seed).table
    milliseconds, failed, store = preprocessing(table)
    settings = JtvaeSettings(hidden=arguments.hidden, batch_size=arguments.batch_size, epochs=arguments.epochs)
    speed, model = training(table, settings, arguments.seed)
    source = torch.Generator().manual_seed(arguments.seed)
    latent = torch.randn(arguments.samples, model.network.latent, generator=source)
    prior = rate(len(latent), lambda: model.decode(latent, temperature=1.0, generator=source))
    some = table.smiles[: arguments.samples]
    both = rate(len(some), lambda: model.reconstruct(some))
    ours = (
        f'{milliseconds:.2f}',
        f'{failed} of {len(table)}',
        f'{store.nbytes() / len(store):.0f} / {file_bytes(store) / len(store):.0f}',
        f'{speed:.0f}',
        f'{prior:.0f}',
        f'{both:.0f}',
        f'{sum(item.numel() for item in model.network.parameters()) / 1e6:.1f}',
    )
    print('| | this | port of the reference |\n|---|---|---|')
    for (name, port), value in zip(PORT.items(), ours, strict=True):
        print(f'| {name} | {value} | {port} |')


if __name__ == '__main__':
    main()
