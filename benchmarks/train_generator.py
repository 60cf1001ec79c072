"""Train the generator that comes with the package, on the seed set, molecules enumerated from it, and two free sets.

Given again, an interrupted training goes on. Molecules of the common test split are left out of the training.
"""

import argparse
import os
import sys
import time
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

from rdkit import RDLogger

from aiida_osc.datasets.enumeration import EnumerationSettings, enumerate_molecules
from aiida_osc.datasets.merge import merge_tables
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.training.artifact import CONFIG_FILE, ModelArtifact

#: The model remembers the seed set alone: it stands first, and about a tenth of it is held out.
SETTINGS = JtvaeSettings(epochs=17, piece_epochs=1, memory=400, jobs=2, validation=0.02)
#: Targets of the property heads; those of the free sets help to tell molecules apart.
TARGETS = ('ie_', 'ea_', 'lambda_', 'homo', 'lumo', 'dipole', 'polarizability')


def collect(arguments: argparse.Namespace) -> dict[str, MoleculeTable]:
    """Return the sets by name, the seed set first."""
    seed = load_seed()
    trained = [smiles for smiles, key in zip(seed.smiles, seed.inchikeys, strict=True) if not in_common_test_split(key)]
    made, _ = enumerate_molecules(trained, EnumerationSettings(count=arguments.enumerated), seed=0)
    sets = {'seed': seed, 'enumerated': made}
    for name, path in (('cep', arguments.cep), ('nfa', arguments.nfa)):
        if path is not None:
            sets[name] = read_table(path, source_name=name, jobs=2).table
    return {
        name: table.only([column for column in table.columns if str(column).startswith(TARGETS)])
        for name, table in sets.items()
    }


def read(arguments: argparse.Namespace) -> dict[str, MoleculeTable]:
    """Return the sets by name, from the files of an earlier run where they are."""
    files = sorted(arguments.out.glob('*.h5'))
    if not files:
        for number, (name, table) in enumerate(collect(arguments).items()):
            table.write(arguments.out / f'{number}-{name}.h5')
        files = sorted(arguments.out.glob('*.h5'))
    return {file.stem.partition('-')[2]: MoleculeTable.read(file) for file in files}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--cep', type=Path, help='file of the source cep')
    parser.add_argument('--nfa', type=Path, help='file of the source nfa')
    parser.add_argument('--enumerated', type=int, default=10_000, help='molecules to enumerate')
    parser.add_argument('--out', type=Path, required=True, help='folder for data, checkpoint and model')
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    arguments.out.mkdir(parents=True, exist_ok=True)
    sets = read(arguments)
    table, folder = merge_tables(sets).table, arguments.out / 'model'
    artifact = ModelArtifact.load(folder) if (folder / CONFIG_FILE).exists() else None
    while artifact is None or not artifact.config['finished']:
        begin = time.process_time()
        artifact = fit_jtvae_piece(table, SETTINGS, seed=0, checkpoint=artifact)
        artifact.save(folder)
        last = artifact.config['training']['progress']['history'][-1]
        figures = ', '.join(f'{name} {value:.3f}' for name, value in last.items())
        print(f'{figures}, {time.process_time() - begin:.0f} CPU seconds', file=sys.stderr)


if __name__ == '__main__':
    main()
