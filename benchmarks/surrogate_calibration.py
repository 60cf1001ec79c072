"""How good and how honest the families of surrogates are, by number of labels and by kind of split.

Prints, for each data set, split, number of labels and family, the mean over the columns of MAE, CRPS, ENCE and the
coverage of the 90 % interval on molecules that no part of the training saw, and the CPU seconds of the training. A line
``auto`` repeats the family that the calibration part chooses. The splits: ``random`` tests on the common test split,
``scaffold`` on Bemis-Murcko scaffolds that are not trained on, ``element`` on molecules with an element that is not.

    python benchmarks/surrogate_calibration.py --qm9 20000 --nfa FOLDER --labels 200 500 2000
"""

import argparse
import csv
import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from aiida_osc.chem.molecules import MoleculeError, standardise
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.sources.qm9 import LEVEL, read_rows
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.surrogate.evaluate import labels_for, score_columns
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.training.registry import build
from aiida_osc.units import HARTREE_TO_EV

FAMILIES = ('mpnn', 'gp', 'boosting')
SPLITS = ('random', 'scaffold', 'element')
#: Element that is kept from training, by data set.
ELEMENTS = {'qm9': 'F', 'nfa': 'Si'}
FIGURES = ('mae', 'crps', 'ence', 'coverage_90')


def main() -> None:
    options = parse()
    print(
        f'{"data":<5}{"split":<10}{"labels":>7} {"family":<10}{"MAE":>8}{"CRPS":>8}{"ENCE":>7}{"in 90 %":>9}'
        f'{"tested":>8}{"domain":>8}{"CPU s":>8}'
    )
    for name, table in tables(options):
        keys = np.array([in_common_test_split(key) for key in table.inchikeys])
        for split in options.splits:
            train, test = split_rows(split, table, keys, ELEMENTS[name])
            rng = np.random.default_rng(options.seed)
            train, test = rng.permutation(train), table.take(rng.permutation(test)[: options.test])
            for count in options.labels:
                if count <= len(train) and len(test):
                    measure(name, split, table.take(train[:count]), test, options)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--qm9', type=int, default=0, metavar='N', help='molecules of QM9 to draw; needs qm9pack')
    parser.add_argument('--nfa', metavar='FOLDER', help='folder with nfa_homo_lumo.csv (smiles, HOMO_eV, LUMO_eV)')
    parser.add_argument('--nfa-count', type=int, default=20000, metavar='N', help='molecules of it to draw')
    parser.add_argument('--labels', type=int, nargs='+', default=[200, 500, 2000], help='labels to train with')
    parser.add_argument('--families', nargs='+', choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument('--splits', nargs='+', choices=SPLITS, default=list(SPLITS))
    parser.add_argument('--test', type=int, default=2000, help='molecules to test on, at most')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


def tables(options: argparse.Namespace) -> Iterator[tuple[str, MoleculeTable]]:
    if options.qm9:
        rows = read_rows(('SMILES', 'HOMO_au', 'LUMO_au'), sample=options.qm9, seed=options.seed)
        yield 'qm9', make_table(rows, LEVEL, HARTREE_TO_EV)
    if options.nfa:
        with Path(options.nfa, 'nfa_homo_lumo.csv').open(newline='') as handle:
            rows = [(row['smiles'], row['HOMO_eV'], row['LUMO_eV']) for row in csv.DictReader(handle)]
        picked = np.random.default_rng(options.seed).permutation(len(rows))[: options.nfa_count]
        yield 'nfa', make_table([rows[number] for number in picked], 'as published', 1.0)


def make_table(rows: Sequence[Sequence[str]], level: str, factor: float) -> MoleculeTable:
    found: dict[str, tuple[str, float, float]] = {}
    for smiles, homo, lumo in rows:
        try:
            molecule = standardise(smiles)
        except MoleculeError:
            continue
        found.setdefault(molecule.inchikey, (molecule.smiles, factor * float(homo), factor * float(lumo)))
    smiles, homo, lumo = zip(*found.values(), strict=True)
    columns = {Column('homo', level): np.array(homo), Column('lumo', level): np.array(lumo)}
    return MoleculeTable(smiles, tuple(found), ('benchmark',) * len(found), columns)


def split_rows(split: str, table: MoleculeTable, common: np.ndarray, element: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on, never of the common test split, and to test on."""
    if split == 'random':
        held_out = common
    elif split == 'scaffold':
        scaffolds = [MurckoScaffoldSmiles(smiles) for smiles in table.smiles]
        held_out = np.array([hashlib.sha256(item.encode()).digest()[0] % 5 == 0 for item in scaffolds])
    else:
        mols = [Chem.MolFromSmiles(smiles) for smiles in table.smiles]
        held_out = np.array([element in {atom.GetSymbol() for atom in mol.GetAtoms()} for mol in mols])
    return np.flatnonzero(~held_out & ~common), np.flatnonzero(held_out)


def measure(name: str, split: str, train: MoleculeTable, test: MoleculeTable, options: argparse.Namespace) -> None:
    lines, choices = {}, {}
    for family in options.families:
        settings = SurrogateSettings(family=family, min_labels=5)
        start, artifact = time.process_time(), None
        while artifact is None or not artifact.config['finished']:
            artifact = fit_surrogate_piece(train, settings, seed=options.seed, checkpoint=artifact)
        seconds = time.process_time() - start
        prediction = build(artifact).predict(test.smiles)
        scores = score_columns(prediction, labels_for(prediction, test))
        mean = {key: np.mean([item[key] for item in scores]) for key in FIGURES}
        choices[family] = artifact.config['training']['choice']['crps'][family]
        lines[family] = (
            f'{mean["mae"]:>8.4f}{mean["crps"]:>8.4f}{mean["ence"]:>7.3f}{100 * mean["coverage_90"]:>9.1f}'
            f'{len(test):>8}{100 * prediction.in_domain.mean():>8.1f}{seconds:>8.1f}'
        )
        print(f'{name:<5}{split:<10}{len(train):>7} {family:<10}{lines[family]}', flush=True)
    best = min(choices, key=lambda family: choices[family])
    if len(choices) > 1:
        print(f'{name:<5}{split:<10}{len(train):>7} {"auto":<10}{lines[best]}  ({best})', flush=True)


if __name__ == '__main__':
    main()
