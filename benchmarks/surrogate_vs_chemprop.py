"""Our surrogates beside chemprop 2.3.1: CPU seconds, molecules per second from SMILES, errors.

    python benchmarks/surrogate_vs_chemprop.py RESULTS.json --chemprop VENV/bin/chemprop [--nfa FOLDER]

Both see the same labels, none of them of the common test split, and are tested on molecules of that split: QM9 with
10,000 + 1,000 labels (HOMO, LUMO, gap) and 5,000 to test on, non-fullerene acceptors with 500, 5,000 and 25,000 (HOMO,
LUMO) and 2,000. chemprop validates with an eleventh of the labels; ours take validation and calibration out of them.
Everything runs as users run it, by the commands, with one thread; CPU seconds include start-up, reading and children.
Molecules per second come from the difference between many and few molecules, so start-up is not in them.

``RESULTS.json`` keeps what is done: the same command goes on from there, ``--only`` picks rows, and without any left to
do it prints the tables. Files lie in the folder of that name without its suffix. QM9 needs the package qm9pack.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from aiida_osc.chem.molecules import MoleculeError, standardise
from aiida_osc.datasets.sources.qm9 import read_rows
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.surrogate.metrics import crps
from aiida_osc.units import HARTREE_TO_EV

LEVEL = 'as published'
TARGETS = {'qm9': ('homo', 'lumo', 'gap'), 'nfa': ('homo', 'lumo')}
#: Labels of a row, validation included, and molecules to test on.
LABELS = {'qm9': (11000,), 'nfa': (500, 5000, 25000)}
TESTED = {'qm9': 5000, 'nfa': 2000}
FAMILIES = ('mpnn', 'gp', 'boosting')
MODELS = ('chemprop', *FAMILIES)
#: Ways to predict -> the files for which they are measured.
WAYS = {'--as-is --no-similarity': ('test', 'many'), '--as-is': ('test', 'many'), '': ('test',)}
#: Epochs of chemprop, its own default for few labels.
EPOCHS = {500: 50}
#: Epochs of our networks where those that the program would choose (32) take too long.
OUR_EPOCHS = {25000: 20}
#: Molecules whose prediction takes the time that is compared with that of the tested ones, as copies of these.
MANY = 30000


def main() -> None:
    options = parse()
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    for data in TARGETS if options.nfa else ('qm9',):
        for count in LABELS[data]:
            for model in MODELS:
                name = f'{data}-{count}-{model}'
                if (
                    name not in results
                    and (not options.only or name in options.only)
                    and (model != 'chemprop' or options.chemprop)
                ):
                    folder = prepare(data, count, options)
                    results[name] = (
                        chemprop(folder, count, options) if model == 'chemprop' else ours(folder, model, count)
                    )
                    options.results.write_text(json.dumps(results, indent=1))
                    print(name, results[name], file=sys.stderr, flush=True)
    print('\n'.join(tables(results)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', type=Path, metavar='RESULTS.json')
    parser.add_argument('--chemprop', metavar='PROGRAM', help='chemprop of an environment of its own')
    parser.add_argument('--nfa', metavar='FOLDER', help='folder with nfa_homo_lumo.csv (smiles, HOMO_eV, LUMO_eV)')
    parser.add_argument('--only', nargs='+', metavar='ROW', help='such as qm9-11000-chemprop or nfa-500-gp')
    return parser.parse_args()


# Data


def prepare(data: str, count: int, options: argparse.Namespace) -> Path:
    """Return the folder with the files of the rows of one number of labels."""
    folder = options.results.with_suffix('') / f'{data}-{count}'
    if (folder / 'many.csv').exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    train, test = drawn(data, count, options.nfa)
    cut = count - count // 11
    parts = {'train': train[:cut], 'val': train[cut:], 'labelled': train, 'test': test}
    parts['many'] = [test[number % len(test)] for number in range(MANY)]
    header = ['smiles', *(f'{name}@{LEVEL}' for name in TARGETS[data])]
    for name, rows in parts.items():
        with (folder / f'{name}.csv').open('w', newline='') as handle:
            csv.writer(handle, lineterminator='\n').writerows([header, *rows])
    return folder


def drawn(data: str, count: int, nfa: str | None) -> tuple[list[Sequence], list[Sequence]]:
    """Return ``count`` rows outside the common test split and those of it to test on, drawn with seed 0."""
    seen, train, test = set(), [], []
    for smiles, *values in shuffled(data, nfa):
        try:
            molecule = standardise(smiles)
        except MoleculeError:
            continue
        part, wanted = (test, TESTED[data]) if in_common_test_split(molecule.inchikey) else (train, count)
        if molecule.inchikey not in seen and len(part) < wanted:
            seen.add(molecule.inchikey)
            part.append((molecule.smiles, *values))
        if len(train) == count and len(test) == TESTED[data]:
            break
    return train, test


def shuffled(data: str, nfa: str | None) -> Iterator[tuple]:
    if data == 'qm9':
        rows = read_rows(('SMILES', 'HOMO_au', 'LUMO_au', 'HOMO_LUMO_gap_au'))
        factor = HARTREE_TO_EV
    else:
        with Path(nfa, 'nfa_homo_lumo.csv').open(newline='') as handle:
            rows = [(row['smiles'], row['HOMO_eV'], row['LUMO_eV']) for row in csv.DictReader(handle)]
        factor = 1.0
    for number in np.random.default_rng(0).permutation(len(rows)):
        yield (rows[number][0], *(factor * float(value) for value in rows[number][1:]))


# The two programs


def chemprop(folder: Path, count: int, options: argparse.Namespace) -> dict:
    out, files = folder / 'chemprop', [str(folder / f'{name}.csv') for name in ('train', 'val', 'val')]
    common = ['--accelerator', 'cpu', '--num-workers', '0', '--smiles-columns', 'smiles', '--batch-size', '64']
    own = f'--task-type regression --epochs {EPOCHS.get(count, 20)} --pytorch-seed 0'.split()
    seconds = run([options.chemprop, 'train', '--data-path', *files, '--output-dir', str(out), *own, *common])
    predict = [options.chemprop, 'predict', '--model-paths', str(next(out.glob('**/best.pt'))), *common]
    spent = {
        name: run([*predict, '--test-path', str(folder / f'{name}.csv'), '--preds-path', str(out / f'{name}.csv')])
        for name in ('test', 'many')
    }
    return {'train': seconds, 'predict': {'': spent}, **errors(folder, out / 'test.csv')}


def ours(folder: Path, family: str, count: int) -> dict:
    out, command = folder / family, [sys.executable, '-c', 'from aiida_osc.cli import main; main()']
    train = ['train', 'surrogate', '--family', family, '--data', str(folder / 'labelled.csv'), '--out', str(out)]
    if family == 'mpnn' and count in OUR_EPOCHS:
        train += ['--epochs', str(OUR_EPOCHS[count])]
    shutil.rmtree(out, ignore_errors=True)
    seconds = run([*command, *train])
    spent: dict[str, dict[str, float]] = {}
    for way, names in WAYS.items():
        for name in names:
            files = [str(folder / f'{name}.csv'), '--model', str(out), '--out', str(out / f'{name}.csv')]
            spent.setdefault(way, {})[name] = run([*command, 'predict', *files, '--jobs', '1', *way.split()])
    choice = json.loads((out / 'config.json').read_text())['training']['choice']['crps'][family]
    return {'train': seconds, 'predict': spent, 'choice': choice, **errors(folder, out / 'test.csv')}


def run(command: Sequence[str]) -> float:
    """Run a program and return the CPU seconds that it and its children took."""
    # Features are made anew, as for a new data set.
    single = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1')
    environment = {**os.environ, **single, 'AIIDA_OSC_CACHE': ''}
    if 'chemprop' in command[0]:
        environment.pop('PYTHONPATH', None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f'{" ".join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def errors(folder: Path, predicted: Path) -> dict:
    """Return the mean absolute error of each target and, where there is a sigma, the mean CRPS, both in eV."""
    with (folder / 'test.csv').open(newline='') as true_file, predicted.open(newline='') as predicted_file:
        true, found = list(csv.DictReader(true_file)), list(csv.DictReader(predicted_file))
    if [row['smiles'] for row in true] != [row['smiles'] for row in found]:
        raise SystemExit(f'{predicted} does not have the molecules of {folder}/test.csv')
    names = [name for name in true[0] if name != 'smiles']
    labels, means = (np.array([[float(row[name]) for name in names] for row in rows]) for rows in (true, found))
    result = {'mae': np.abs(labels - means).mean(axis=0).tolist()}
    if f'{names[0]} sigma' in found[0]:
        sigma = np.array([[float(row[f'{name} sigma']) for name in names] for row in found])
        result['crps'] = crps(means, sigma, labels).mean(axis=0).tolist()
    return result


# Tables


def tables(results: dict) -> Iterator[str]:
    yield '| data | labels | model | training CPU-s | chemprop / ours | MAE in eV | CRPS in eV |'
    yield '|---|---|---|---|---|---|---|'
    for data, count, model, row in rows_of(results):
        peer = results.get(f'{data}-{count}-chemprop')
        ratio = f'{peer["train"] / row["train"]:.2f}' if peer and model != 'chemprop' else ''
        figures = ' | '.join(' / '.join(f'{value:.3f}' for value in row.get(key, ())) for key in ('mae', 'crps'))
        yield f'| {data} | {count} | {model} | {row["train"]:.0f} | {ratio} | {figures} |'
    yield ''
    yield '| data | labels | model | CPU-s to predict the tested | molecules per CPU-s | ours / chemprop |'
    yield '|---|---|---|---|---|---|'
    for data, count, model, row in rows_of(results):
        peer = results.get(f'{data}-{count}-chemprop')
        for way, spent in row.get('predict', {}).items():
            speed = rate(data, spent)
            ratio = f'{speed / rate(data, peer["predict"][""]):.1f}' if peer and speed and model != 'chemprop' else ''
            name = f'{model} {way}'.strip()
            yield f'| {data} | {count} | {name} | {spent["test"]:.1f} | {f"{speed:.0f}" if speed else ""} | {ratio} |'


def rows_of(results: dict) -> Iterator[tuple[str, int, str, dict]]:
    """Yield the rows in order; ``auto`` repeats what the calibration molecules choose, at the cost of all."""
    for data in TARGETS:
        for count in LABELS[data]:
            found = {model: results[key] for model in MODELS if (key := f'{data}-{count}-{model}') in results}
            yield from ((data, count, model, row) for model, row in found.items())
            if all(family in found for family in FAMILIES):
                best = min(FAMILIES, key=lambda family: found[family]['choice'])
                cost = sum(found[family]['train'] for family in FAMILIES)
                yield data, count, f'auto: {best}', {**found[best], 'train': cost, 'predict': {}}


def rate(data: str, spent: dict) -> float:
    """Return molecules per CPU second without start-up, 0 where it was not measured."""
    return (MANY - TESTED[data]) / (spent['many'] - spent['test']) if 'many' in spent else 0.0


if __name__ == '__main__':
    main()
