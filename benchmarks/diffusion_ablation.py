"""Measure what the harmonic prior, the time warp and the number of steps are worth to a conformer model.

Every variant is trained in the same way on the same QM9 molecules, once per seed, and measured on molecules of the
common test split, without the force field that cleans structures up. A difference below the spread between the seeds
is a tie.
"""

import argparse
import os
import sys
import time

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import numpy as np
from conformers import read_qm9
from rdkit import RDLogger

from aiida_osc.datasets.geometry_sources import collect_structures
from aiida_osc.datasets.sources.qm9 import GEOMETRY_LEVEL, qm9_structures
from aiida_osc.diffusion.molecules.data import prepare
from aiida_osc.diffusion.molecules.fit import fit_conformer_piece
from aiida_osc.diffusion.molecules.model import ConformerModel
from aiida_osc.diffusion.molecules.settings import ConformerSettings, SampleSettings
from aiida_osc.diffusion.quality.assess import AssessSettings, assess

VARIANTS = {
    'harmonic prior': {},
    'white prior': {'prior': 'white'},
    'harmonic prior, warp 1': {'warp': 1.0},
}
STEPS = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--train', type=int, default=6000, help='molecules drawn from QM9 for the training')
    parser.add_argument('--epochs', type=int, default=4)
    parser.add_argument('--seeds', type=int, default=2)
    parser.add_argument('--molecules', type=int, default=300, help='of the common test split')
    parser.add_argument('--variants', nargs='+', default=list(VARIANTS), choices=VARIANTS)
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    references = [item.reference for item in read_qm9(arguments.molecules, 0)]
    smiles = [item.smiles for item in references]
    drawn = collect_structures(qm9_structures(sample=arguments.train, seed=1), level=GEOMETRY_LEVEL, source='qm9')
    print('| | seed | training CPU-s |' + ''.join(f' {count} steps |' for count in STEPS))
    print('|---' * (3 + len(STEPS)) + '|')
    for name in arguments.variants:
        settings = ConformerSettings.from_dict({'epochs': arguments.epochs, **VARIANTS[name]})
        for seed in range(arguments.seeds):
            data = prepare(drawn.molecules, drawn.geometries, settings, seed=seed)
            begin = time.process_time()
            artifact = fit_conformer_piece(
                drawn.molecules,
                drawn.geometries,
                settings,
                seed=seed,
                data=data,
                report=lambda record: print(f'epoch {record["epoch"]}: {record["loss"]:.4f}', file=sys.stderr),
            )
            spent, model, cells = time.process_time() - begin, ConformerModel.from_artifact(artifact), []
            for count in STEPS:
                structures = model.sample(smiles, SampleSettings(steps=count, clean=0), seed=seed)
                found = assess(references, structures, AssessSettings(posebusters=False), seed=seed)
                bond = np.nan if found['bond_mae'] is None else found['bond_mae']
                cells.append(f'{found["rmsd_mean"]:.3f} / {found["rmsd_median"]:.3f}, {bond:.4f}')
            print(f'| {name} | {seed} | {spent:.0f} | ' + ' | '.join(cells) + ' |', flush=True)
    print('\nheavy-atom RMSD mean / median and mean error of bond lengths, all in Angstrom')


if __name__ == '__main__':
    main()
