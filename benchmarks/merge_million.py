"""Merge two HDF5 sets of a million synthetic rows each, half of them in both; print rows, CPU seconds and memory.

    python benchmarks/merge_million.py [ROWS]

Each step runs in a process of its own, so that its peak of resident memory is its own.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.merge import merge_files
from aiida_osc.datasets.molecule_file import SLICE, write_molecules
from aiida_osc.datasets.molecule_table import MoleculeTable

COLUMNS = [Column(target, level) for level in ('PBE', 'GFN2-xTB') for target in ('homo', 'lumo', 'gap', 'dipole')]
#: Share of the values that one set has otherwise than the other.
DIFFERING = 0.01


def write_set(path: Path, rows: int, source: str, seed: int) -> None:
    """Write ``rows`` of the molecules with eight columns, a third of the values missing."""
    pool = synthetic_keys(rows + rows // 2)
    places = np.arange(rows) if source == 'one' else np.arange(len(pool))[: rows // 2 - 1 : -1]
    keys, random = pool[places], np.random.default_rng(seed)

    def texts(field: str):
        for start in range(0, rows, SLICE):
            part = keys[start : start + SLICE].astype(str).tolist()
            if field == 'source':
                yield [source] * len(part)
            else:
                yield part if field == 'inchikeys' else [f'c1ccc(-c2ccc({key[:14]})s2)cc1' for key in part]

    def columns():
        for number, column in enumerate(COLUMNS):
            values = np.sin(places + number) + (random.random(rows) < DIFFERING)
            yield column, np.where(random.random(rows) < 1 / 3, np.nan, values), None

    write_molecules(path, rows, texts, columns(), ())


def synthetic_keys(count: int) -> np.ndarray:
    """Return different keys in the shape of InChIKeys."""
    letters = np.random.default_rng(0).integers(ord('A'), ord('Z') + 1, (count, 27), dtype=np.uint8)
    letters[:, [14, 25]] = ord('-')
    return letters.view('S27').ravel()


def merge(folder: Path) -> str:
    """Merge the two sets."""
    with (folder / 'conflicts.csv').open('w', newline='') as handle:
        report = merge_files({'one': folder / 'one.h5', 'two': folder / 'two.h5'}, folder / 'out.h5', conflicts=handle)
    return f'merged: {report.molecules} rows, {sum(report.differing["two"].values())} values differ'


def read(folder: Path) -> str:
    """Read the union into memory."""
    return f'read whole: {len(MoleculeTable.read(folder / "out.h5"))} rows'


def read_and_write(folder: Path) -> str:
    """Read the union into memory and write it again."""
    MoleculeTable.read(folder / 'out.h5').write(folder / 'again.h5')
    return f'read and written whole: {(folder / "again.h5").stat().st_size / 1e6:.0f} MB'


def measure(step, *arguments) -> None:
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    clock = time.process_time()
    said = step(*arguments)
    seconds, peak = time.process_time() - clock, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if said:
        print(f'{said}; {seconds:.1f} CPU-s, peak memory {peak:.0f} MB, of which {start:.0f} MB before', flush=True)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    context = multiprocessing.get_context('spawn')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = [(write_set, folder / f'{source}.h5', rows, source, seed) for seed, source in enumerate(('one', 'two'))]
        for step in (*steps, (merge, folder), (read, folder), (read_and_write, folder)):
            process = context.Process(target=measure, args=step)
            process.start()
            process.join()


if __name__ == '__main__':
    main()
