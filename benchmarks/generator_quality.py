"""How many molecules come back from their latent vectors, and what the prior gives.

    python benchmarks/generator_quality.py MODEL FILE [FILE ...] [--tested 1000] [--samples 10000]

Of each FILE molecules of the common test split, on which nothing trains, are encoded and decoded by the likeliest
choices; those with a motif or joint that the model does not know count as lost. Then latent vectors are drawn from the
prior and decoded at temperature 1: valid is what RDKit sanitises before any repair or filter, unique what differs among
the valid ones, new what no training molecule is.
"""

import argparse
import os
import time
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import torch
from rdkit import RDLogger

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.generator.generator import Generator
from aiida_osc.training.artifact import ModelArtifact


def reconstruction(model: Generator, path: str, count: int) -> str:
    """Return a line on the first molecules of the common test split in a file."""
    table = read_table(path, level='not read').table
    pairs = zip(table.smiles, table.inchikeys, strict=True)
    tested = [smiles for smiles, key in pairs if in_common_test_split(key)][:count]
    known, _ = model.encode_known(tested)
    return (
        f'{Path(path).name}: {model.reconstruct(tested):.1%} of {len(tested)} come back, '
        f'{len(tested) - len(known)} cannot be encoded'
    )


def prior(model: Generator, count: int) -> str:
    """Return a line on samples of the prior."""
    source = torch.Generator().manual_seed(0)
    latent = torch.randn(count, model.network.latent, generator=source)
    begin = time.process_time()
    smiles = [text for text in model.decode(latent, temperature=1.0, max_heavy_atoms=60, generator=source) if text]
    rate = count / (time.process_time() - begin)
    some = sorted(set(smiles))
    taught = set(model.config['extra']['known'])
    new = sum(standardise(text).inchikey[:14] not in taught for text in some[:: max(1, len(some) // 500)])
    picked = len(some[:: max(1, len(some) // 500)])
    return (
        f'prior: of {count} decodings {len(smiles) / count:.2%} valid, {len(some) / max(len(smiles), 1):.2%} of these '
        f'unique, of {picked} of these {new / max(picked, 1):.1%} new; {rate:.0f} per CPU second'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', help='folder of a finished generator')
    parser.add_argument('files', nargs='+', metavar='FILE', help='molecules in a format that data import reads')
    parser.add_argument('--tested', type=int, default=1000)
    parser.add_argument('--samples', type=int, default=10_000)
    options = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    torch.set_num_threads(1)
    model = Generator.from_artifact(ModelArtifact.load(options.model))
    for path in options.files:
        print(reconstruction(model, path, options.tested), flush=True)
    print(prior(model, options.samples))


if __name__ == '__main__':
    main()
