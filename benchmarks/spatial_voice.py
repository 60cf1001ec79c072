"""Measure what members that read structures add to an ensemble: QM9 with its B3LYP geometries, and embedded ones.

Trained on molecules outside the common test split of QM9 and tested on molecules of it, of HOMO, LUMO and gap in eV.
"Structures" says of which kind they are in training and in prediction; CPU seconds are those of the training.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import numpy as np
from rdkit import RDLogger

from aiida_osc.datasets.geometry_sources import collect_structures
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.sources.qm9 import GEOMETRY_LEVEL, qm9_structures, write_qm9
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.diffusion.geometries import GeometrySettings, make_geometries
from aiida_osc.surrogate.evaluate import labels_for, score_columns
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import predict_molecules

TARGETS = ('homo', 'lumo', 'gap')
FIGURES = ('mae', 'crps', 'coverage_90')


def read(sample: int, seed: int) -> tuple[MoleculeTable, GeometryTable]:
    """Return molecules of QM9 with their labels and structures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'qm9.csv')
        write_qm9(path, sample, seed)
        table = read_table(path, source_name='qm9').table
    found = collect_structures(qm9_structures(sample=sample, seed=seed), level=GEOMETRY_LEVEL, source='qm9')
    return table, found.geometries


def train(
    table: MoleculeTable, structures: GeometryTable | None, members: int, spatial: int, seed: int
) -> tuple[Surrogate, float]:
    """Return a surrogate and the CPU seconds of its training."""
    columns = [str(column) for column in table.columns if column.target in TARGETS]
    settings = SurrogateSettings(columns=columns, members=members, spatial_members=spatial)
    begin, artifact = time.process_time(), None
    while artifact is None or not artifact.config['finished']:
        artifact = fit_surrogate_piece(table, settings, seed=seed, checkpoint=artifact, structures=structures)
    return Surrogate.from_artifact(artifact), time.process_time() - begin


def figures(surrogate: Surrogate, test: MoleculeTable, structures: GeometryTable | None) -> str:
    """Return MAE and CRPS of each target and the mean coverage of 90 % intervals, as cells."""
    prediction = predict_molecules(surrogate, test, structures=structures, similarity=False)
    scores = dict(zip(prediction.columns, score_columns(prediction, labels_for(prediction, test)), strict=True))
    named = {column.target: values for column, values in scores.items()}
    cells = [' / '.join(f'{named[target][name]:.3f}' for target in TARGETS) for name in FIGURES[:2]]
    return f'{" | ".join(cells)} | {100 * np.mean([named[target][FIGURES[2]] for target in TARGETS]):.0f} %'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--sample', type=int, default=4000, help='Molecules of QM9 to draw.')
    parser.add_argument('--labels', type=int, default=2000, help='Molecules to train on.')
    parser.add_argument('--seed', type=int, default=0)
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    table, dft = read(arguments.sample, arguments.seed)
    held = np.array([in_common_test_split(key) for key in table.inchikeys])
    test, pool = table.take(np.flatnonzero(held)), table.take(np.flatnonzero(~held)[: arguments.labels])
    print(f'{len(pool)} molecules, {len(test)} test molecules; HOMO / LUMO / gap in eV\n', flush=True)
    print('| members graph + spatial | structures | MAE | CRPS | coverage of 90 % | training CPU-s |')
    print('|---|---|---|---|---|---|')

    def row(members: str, kind: str, cells: str, seconds: float) -> None:
        print(f'| {members} | {kind} | {cells} | {seconds:.0f} |', flush=True)

    plain, seconds = train(pool, None, 5, 0, arguments.seed)
    row('5 + 0', 'none', figures(plain, test, None), seconds)
    both, seconds = train(pool, dft, 5, 2, arguments.seed)
    row('5 + 2', 'B3LYP, B3LYP', figures(both, test, dft), seconds)
    row('5 + 2', 'B3LYP, none', figures(both, test, None), seconds)
    begin = time.process_time()
    found = make_geometries(table.smiles, table.inchikeys, None, GeometrySettings(), seed=arguments.seed)
    spent = time.process_time() - begin
    row('5 + 2', 'B3LYP, embedded', figures(both, test, found.table), seconds)
    again, seconds = train(pool, found.table, 5, 2, arguments.seed)
    row('5 + 2', 'embedded, embedded', figures(again, test, found.table), seconds)
    print(f'\nembedding: {1000 * spent / len(table):.0f} CPU-ms per molecule')


if __name__ == '__main__':
    main()
