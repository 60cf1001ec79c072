"""Train the model of structures that comes with the package, on QM9 and donor-acceptor dimers.

Given again, an interrupted training goes on. Molecules of the common test split are left out.
"""

import argparse
import os
import sys
import time
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

from rdkit import RDLogger

from aiida_osc.datasets.geometry_sources import collect_structures
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.sources.registry import get_source
from aiida_osc.diffusion.molecules.data import prepare
from aiida_osc.diffusion.molecules.fit import fit_conformer_piece
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.training.artifact import CONFIG_FILE, ModelArtifact

SETTINGS = ConformerSettings(epochs=9, piece_epochs=1)


def read(name: str, folder: Path | None, cache: Path) -> tuple[MoleculeTable, GeometryTable]:
    """Return the molecules and structures of a known source, from the files of an earlier run where they are."""
    files = [cache / f'{name}_{kind}.h5' for kind in ('molecules', 'geometries')]
    if not files[1].exists():
        source = get_source(name)
        found = collect_structures(source.structures(folder, None, 0), level=source.geometry_level, source=name)
        found.molecules.write(files[0])
        found.geometries.write(files[1])
    return MoleculeTable.read(files[0]), GeometryTable.read(files[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--dimers', type=Path, required=True, help='folder of the source da_dimers')
    parser.add_argument('--out', type=Path, required=True, help='folder for data, checkpoint and model')
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    arguments.out.mkdir(parents=True, exist_ok=True)
    (small, structures), (large, dimers) = (
        read(name, folder, arguments.out) for name, folder in (('qm9', None), ('da_dimers', arguments.dimers))
    )
    names = zip(*((table.smiles, table.inchikeys, table.source) for table in (small, large)), strict=True)
    molecules = MoleculeTable(*(first + second for first, second in names))
    geometries = GeometryTable([*structures.geometries, *dimers.geometries], f'{structures.level}, {dimers.level}')
    data, folder = prepare(molecules, geometries, SETTINGS, seed=0), arguments.out / 'model'
    artifact = ModelArtifact.load(folder) if (folder / CONFIG_FILE).exists() else None
    while artifact is None or not artifact.config['finished']:
        begin = time.process_time()
        artifact = fit_conformer_piece(molecules, geometries, SETTINGS, seed=0, checkpoint=artifact, data=data)
        artifact.save(folder)
        last = artifact.config['training']['progress']['history'][-1]
        print(f'{last["epoch"]}: {last["loss"]:.4f}, {time.process_time() - begin:.0f} CPU seconds', file=sys.stderr)


if __name__ == '__main__':
    main()
