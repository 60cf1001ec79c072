"""Predict wB97X-D4/def2-TZVP orbital energies of polycyclic aromatics with and without GFN2-xTB values to start from.

``FILE`` is ``props.csv`` of PACHQA. Every row is tested on the molecules of the common test split. The straight lines
go through the same labels as the models do: one line from the same orbital energy of GFN2-xTB, and one through all of
its values; "graph" knows the molecule alone, "both" starts from the second line.
"""

import argparse
import os
import time

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import numpy as np
from rdkit import RDLogger

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.surrogate.delta import Delta
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import predict_molecules

TARGETS = ('homo', 'lumo', 'gap')


def columns_of(table: MoleculeTable, program: str, targets: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Return the columns of one program, for the targets in their order where some are named."""
    found = [column for column in table.columns if column.level.startswith(program)]
    return tuple(next(key for key in found if key.target == name) for name in targets) if targets else tuple(found)


def errors(predicted: np.ndarray, true: np.ndarray) -> str:
    return ' / '.join(f'{value:.3f}' for value in np.abs(predicted - true).mean(axis=0))


def lines(train: MoleculeTable, test: MoleculeTable, inputs: tuple[Column, ...], labels: np.ndarray) -> np.ndarray:
    """Return what lines through the training labels say of the test molecules."""
    known = Delta(inputs, np.zeros(0)).read(train)
    delta = Delta.fit(inputs, known, labels)
    return delta(delta.read(test))


def learnt(train: MoleculeTable, test: MoleculeTable, values: dict, wanted: tuple[Column, ...]) -> tuple[str, float]:
    """Return the errors of a surrogate and the CPU seconds of its training."""
    settings = SurrogateSettings.from_dict({'columns': [str(column) for column in wanted], 'family': 'auto', **values})
    begin, artifact = time.process_time(), None
    while artifact is None or not artifact.config['finished']:
        artifact = fit_surrogate_piece(train, settings, seed=0, checkpoint=artifact)
    spent = time.process_time() - begin
    prediction = predict_molecules(Surrogate.from_artifact(artifact), test)
    order = [prediction.columns.index(column) for column in wanted]
    kept = artifact.config['training']['choice']['family']
    return f'{errors(prediction.mean[:, order], labels_of(test, wanted))} ({kept})', spent


def labels_of(table: MoleculeTable, wanted: tuple[Column, ...]) -> np.ndarray:
    return np.stack([table.values(column) for column in wanted], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', metavar='FILE')
    parser.add_argument('--labels', type=int, nargs='+', default=[200, 2000])
    parser.add_argument('--seed', type=int, default=0)
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    table = read_table(arguments.file, source_name='pachqa').table
    cheap, dear = columns_of(table, 'GFN2-xTB'), columns_of(table, 'wB97X-D4', TARGETS)
    cheap += columns_of(table, 'D4[GFN2-xTB]')
    whole = np.isfinite(labels_of(table, (*cheap, *dear))).all(axis=1)
    held = np.array([in_common_test_split(key) for key in table.inchikeys])
    test = table.take(np.flatnonzero(whole & held))
    pool = np.random.default_rng(arguments.seed).permutation(np.flatnonzero(whole & ~held))
    print(f'{len(test)} test molecules, MAE of {" / ".join(TARGETS)} in eV\n')
    print('| labels | line, same energy | line, all values | graph | both | CPU-s graph, both |')
    print('|---|---|---|---|---|---|')
    for count in arguments.labels:
        train = table.take(pool[:count])
        true, labels = labels_of(test, dear), labels_of(train, dear)
        own = [
            lines(train, test, columns_of(table, 'GFN2-xTB', (name,)), labels[:, [place]])
            for place, name in enumerate(TARGETS)
        ]
        both = {'inputs': [str(column) for column in cheap]}
        (graph, first), (joint, second) = (learnt(train, test, values, dear) for values in ({}, both))
        every = errors(lines(train, test, cheap, labels), true)
        print(
            f'| {count} | {errors(np.hstack(own), true)} | {every} | {graph} | {joint} | {first:.0f}, {second:.0f} |',
            flush=True,
        )


if __name__ == '__main__':
    main()
