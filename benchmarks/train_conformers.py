"""Train the model of structures that comes with the package; given again, an interrupted training goes on.

First on all of QM9 and on donor-acceptor dimers, then, from those weights, on the dimers, six times each, and a part of
QM9, so that it knows conjugated molecules better. Who is held out in the first stage is in the second; molecules of
the common test split are in neither.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import numpy as np
from rdkit import RDLogger

from aiida_osc.datasets.geometry_sources import collect_structures
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.sources.registry import get_source
from aiida_osc.diffusion.molecules.data import TrainingData, prepare
from aiida_osc.diffusion.molecules.fit import fit_conformer_piece
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.training.artifact import CONFIG_FILE, ModelArtifact

FIRST = ConformerSettings(epochs=9, piece_epochs=1)
SECOND = ConformerSettings(epochs=3, piece_epochs=1, learning_rate=1e-3)
#: Structures of QM9 in the second stage, and how often each dimer counts there.
REHEARSED, REPEATED = 30000, 6


def read(name: str, folder: Path | None, cache: Path) -> tuple[MoleculeTable, GeometryTable]:
    """Return the molecules and structures of a known source, from the files of an earlier run where they are."""
    files = [cache / f'{name}_{kind}.h5' for kind in ('molecules', 'geometries')]
    if not files[1].exists():
        source = get_source(name)
        found = collect_structures(source.structures(folder, None, 0), level=source.geometry_level, source=name)
        found.molecules.write(files[0])
        found.geometries.write(files[1])
    return MoleculeTable.read(files[0]), GeometryTable.read(files[1])


def train(molecules, geometries, settings, data: TrainingData, folder: Path, start: ModelArtifact | None = None):
    """Train in pieces with a checkpoint in ``folder``, and return the finished model."""
    artifact = ModelArtifact.load(folder) if (folder / CONFIG_FILE).exists() else None
    while artifact is None or not artifact.config['finished']:
        begin = time.process_time()
        artifact = fit_conformer_piece(
            molecules,
            geometries,
            settings,
            seed=0,
            checkpoint=artifact or start,
            data=data,
            report=lambda record: print(f'epoch {record["epoch"]}: {record["loss"]:.5f}', file=sys.stderr),
        )
        artifact.save(folder)
        print(f'{time.process_time() - begin:.0f} CPU seconds', file=sys.stderr)
    return artifact


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--dimers', type=Path, required=True, help='folder of the source da_dimers')
    parser.add_argument('--out', type=Path, required=True, help='folder for data, checkpoints and the two models')
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    arguments.out.mkdir(parents=True, exist_ok=True)
    (small, structures), (large, dimers) = (
        read(name, folder, arguments.out) for name, folder in (('qm9', None), ('da_dimers', arguments.dimers))
    )
    molecules = MoleculeTable(*(a + b for a, b in zip(_row(small), _row(large), strict=True)))
    level = f'{structures.level}, {dimers.level}'
    everything = GeometryTable([*structures.geometries, *dimers.geometries], level)
    data = prepare(molecules, everything, FIRST, seed=0)
    first = train(molecules, everything, FIRST, data, arguments.out / 'first')
    held = {data.smiles[place] for place in data.validation}
    drawn = np.sort(np.random.default_rng(1).permutation(len(structures))[:REHEARSED])
    chosen = GeometryTable([structures.geometries[n] for n in drawn] + [*dimers.geometries] * REPEATED, level)
    data = prepare(molecules, chosen, SECOND, seed=0)
    apart = np.array([name in held for name in data.smiles])
    data = replace(data, train=np.flatnonzero(~apart), validation=np.flatnonzero(apart))
    train(molecules, chosen, SECOND, data, arguments.out / 'second', first)


def _row(table: MoleculeTable) -> tuple[tuple[str, ...], ...]:
    return table.smiles, table.inchikeys, table.source


if __name__ == '__main__':
    main()
