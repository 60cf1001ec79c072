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


def embed(table: MoleculeTable, seed: int) -> GeometryTable:
    """Return structures by ETKDGv3 and MMFF94, as predictions of new molecules would have them."""
    return make_geometries(table.smiles, table.inchikeys, None, GeometrySettings(), seed=seed).table


def train(
    table: MoleculeTable, structures: GeometryTable | None, spatial: int, options: argparse.Namespace
) -> tuple[Surrogate, float]:
    """Return a surrogate and the CPU seconds of its training."""
    columns = [str(column) for column in table.columns if column.target in TARGETS]
    settings = SurrogateSettings(columns=columns, spatial_members=spatial, spatial_hidden=options.spatial_hidden)
    begin, artifact = time.process_time(), None
    while artifact is None or not artifact.config['finished']:
        artifact = fit_surrogate_piece(table, settings, seed=options.seed, checkpoint=artifact, structures=structures)
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
    parser.add_argument('--sample', type=int, default=3000, help='Molecules of QM9 to draw.')
    parser.add_argument('--labels', type=int, default=1000, help='Molecules to train on.')
    parser.add_argument('--spatial-hidden', type=int, default=32)
    parser.add_argument('--embedded', action='store_true', help='Train on embedded structures, too.')
    parser.add_argument('--seed', type=int, default=0)
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    table, dft = read(arguments.sample, arguments.seed)
    held = np.array([in_common_test_split(key) for key in table.inchikeys])
    test, pool = table.take(np.flatnonzero(held)), table.take(np.flatnonzero(~held)[: arguments.labels])
    print(f'{len(pool)} molecules, {len(test)} test molecules; HOMO / LUMO / gap in eV\n', flush=True)
    print('| members graph + spatial | structures | MAE | CRPS | coverage of 90 % | training CPU-s |')
    print('|---|---|---|---|---|---|')

    def row(kind: str, model: tuple[Surrogate, float], structures: GeometryTable | None) -> None:
        surrogate, seconds = model
        members = '5 + 1' if surrogate.reads_structures else '5 + 0'
        print(f'| {members} | {kind} | {figures(surrogate, test, structures)} | {seconds:.0f} |', flush=True)

    row('none', train(pool, None, 0, arguments), None)
    both = train(pool, dft, 1, arguments)
    row('B3LYP, B3LYP', both, dft)
    row('B3LYP, none', both, None)
    row('B3LYP, embedded', both, embed(test, arguments.seed))
    if arguments.embedded:
        row('embedded, embedded', train(pool, embed(pool, arguments.seed), 1, arguments), embed(test, arguments.seed))


if __name__ == '__main__':
    main()
