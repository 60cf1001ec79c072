"""Compute the molecules of the reference at each level and print the errors; write the uncertainty of each level.

The batch runner does the work, as in a job but without AiiDA: one folder per level below ``--out``, smallest molecules
first, one thread. It may be stopped at any time; started again, it does only the rest, and ``--report`` computes
nothing and takes what is there. ``--csv`` writes the file that ships with the package, ``--markdown`` the tables of a
page between two marks.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import aiida_osc
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.qc.calculation import Model
from aiida_osc.qc.fourpoint import failures, labels_table, read_results
from aiida_osc.qc.level_uncertainty import Deviation, LevelError, compare, find_deviations, read_errors, write_errors
from aiida_osc.qc.levels import XTB_GEOMETRY, fourpoint_columns
from aiida_osc.qc.pyscf_level import ENGINE, pyscf_level
from aiida_osc.qc.reference import DOI, Reference, load_reference, preferred
from aiida_osc.qc.runner_archive import RUNNER, write_runner

THREADS = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1')
BEGIN, END = '<!-- begin: benchmarks/accuracy.py -->', '<!-- end: benchmarks/accuracy.py -->'
COMMAND = 'python benchmarks/accuracy.py --csv aiida_osc/qc/level_uncertainty.csv'
#: A molecule of the DFT levels may take that many seconds.
PATIENCE = 6 * 3600.0


@dataclass(frozen=True)
class Level:
    """One way to compute the molecules.

    :param job: what ``input.json`` says besides the molecules.
    :param purpose: only molecules with a published target that begins so are computed.
    """

    title: str
    job: Mapping[str, Any]
    purpose: str = ''


def dft(model: Model, purpose: str = '') -> Level:
    """Return the level of single points at GFN2-xTB geometries."""
    columns = fourpoint_columns(model, XTB_GEOMETRY)
    names = {target: column.level for target, column in columns.items()}
    job = {'engine': ENGINE, 'energy': pyscf_level(model), 'geometry': XTB_GEOMETRY, 'levels': names}
    return Level(model.name, {**job, 'environment': model.environment, 'geometry_level': XTB_GEOMETRY}, purpose)


LEVELS: dict[str, Level] = {
    'xtb': Level('xTB', {'engine': 'tblite'}),
    'svp': dft(Model('B3LYP', 'def2-SVP', 'D3BJ')),
    # Diffuse functions cost five times as much, and anions need them.
    'svpd': dft(Model('B3LYP', 'def2-SVPD', 'D3BJ'), purpose='ea_'),
}


@dataclass(frozen=True)
class Outcome:
    """What a level gave: its labels, why molecules have none or lost values, its versions and CPU seconds."""

    labels: MoleculeTable
    failed: Mapping[str, str]
    versions: Mapping[str, str]
    cpu_seconds: float


def reference_molecules(purpose: str = '') -> MoleculeTable:
    """Return the molecules that have a published value, the smallest first, without labels.

    :param purpose: beginning of the target that must be among the published ones.
    """
    found = {item.inchikey: item for item in load_reference() if item.target.startswith(purpose)}
    ordered = sorted(found.values(), key=lambda item: (sum(map(str.isalpha, item.smiles)), item.smiles))
    smiles, keys, names = zip(*((item.smiles, item.inchikey, item.name) for item in ordered), strict=True)
    return MoleculeTable(smiles, keys, names)


def chosen_molecules(level: Level, names: Sequence[str], smallest: int) -> MoleculeTable:
    """Return what is asked for of the molecules of a level."""
    molecules = reference_molecules(level.purpose)
    rows = [row for row, name in enumerate(molecules.source) if not names or name in names]
    return molecules.take(rows[: smallest or None])


def run(folder: Path, level: Level, molecules: MoleculeTable, minutes: float) -> None:
    """Let the runner do what is missing in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RUNNER).open('wb') as handle:
        write_runner(handle)
    settings = {'polarizability': False, 'molecule_timeout': PATIENCE, 'max_wall_seconds': 60 * minutes}
    tasks = [{'key': k, 'smiles': s} for k, s in zip(molecules.inchikeys, molecules.smiles, strict=True)]
    job = {'format': 1, 'cores': 1, 'seed': 0, 'settings': settings, 'molecules': tasks, **level.job}
    (folder / 'input.json').write_text(json.dumps(job))
    code = subprocess.run([sys.executable, RUNNER], cwd=folder, env={**os.environ, **THREADS}).returncode
    print(f'{folder}: the runner ended with exit code {code}', file=sys.stderr)


def collect(folder: Path, molecules: MoleculeTable) -> Outcome:
    """Return what is finished in ``folder``."""
    path = folder / 'results.jsonl'
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    records = read_results(lines)
    versions = {name: text for record in records for name, text in (record.get('versions') or {}).items()}
    failed = {key: f'{item["status"]}: {item["reason"]}' for key, item in failures(records).items()}
    for record in records:
        if dropped := record.get('dropped'):
            failed[record['key']] = 'without ' + '; '.join(f'{name}: {why}' for name, why in dropped.items())
    cpu = sum(record.get('cpu_seconds', 0.0) for record in records)
    return Outcome(labels_table(records, molecules), failed, versions, cpu)


def joined(outcomes: Sequence[Outcome], molecules: MoleculeTable) -> MoleculeTable:
    """Return one table with the columns of all levels, NaN where a level has no value."""
    rows, columns = molecules.index(), {}
    for outcome in outcomes:
        places = [rows[key] for key in outcome.labels.inchikeys]
        for column, values in outcome.labels.columns.items():
            columns[column] = np.full(len(molecules), np.nan)
            columns[column][places] = values
    return molecules.with_columns(columns)


def value_rows(outcomes: Mapping[str, Outcome]) -> list[list[str]]:
    """Return a row per published value: molecule, target, the value and its source, computed values with errors."""
    found: dict[str, dict[tuple[str, str], Deviation]] = {
        name: {(d.reference.inchikey, d.reference.target): d for d in find_deviations(o.labels, load_reference())}
        for name, o in outcomes.items()
    }
    rows = []
    for item in preferred(load_reference()):
        cells = [found[name].get((item.inchikey, item.target)) for name in outcomes]
        if any(cells):
            texts = [f'{cell.computed:.3f} ({cell.error:+.3f})' if cell else '' for cell in cells]
            rows.append([item.name, item.target, published(item), item.kind, item.doi, *texts])
    return rows


def published(item: Reference) -> str:
    """Return a published value with its uncertainty."""
    return (
        f'{item.value:.3f}' if item.uncertainty is None else f'{item.value:.3f} +- {max(item.uncertainty, 0.001):.3f}'
    )


def error_rows(errors: Sequence[LevelError]) -> list[list[str]]:
    """Return a row per level and target."""
    return [
        [e.level, e.target, str(e.molecules), f'{e.mean_signed_eV:+.3f}', f'{e.mean_absolute_eV:.3f}',
         f'{e.root_mean_square_eV:.3f}', e.kinds]
        for e in errors
    ]  # fmt: skip


VALUE_HEADER = ('molecule', 'target', 'published', 'kind', 'doi')
ERROR_HEADER = ('level', 'target', 'molecules', 'mean signed', 'mean absolute', 'root mean square', 'against')


def as_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table for a terminal."""
    table = [header, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    return '\n'.join(line.rstrip() for line in lines)


def as_markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table for a page, DOIs as links."""
    lines = ['| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header)]
    for row in rows:
        cells = [f'[{cell}](https://doi.org/{cell})' if DOI.fullmatch(cell) else cell for cell in row]
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def write_markdown(path: Path, sections: Sequence[str]) -> None:
    """Put the sections between the marks of a page."""
    before, rest = path.read_text(encoding='utf-8').split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(before + BEGIN + '\n\n' + '\n\n'.join(sections) + '\n\n' + END + after, encoding='utf-8')


def all_versions(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return the versions of everything that took part."""
    merged = {'aiida-osc': aiida_osc.__version__}
    for outcome in outcomes.values():
        merged.update(outcome.versions)
    return merged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--levels', nargs='+', choices=LEVELS, default=list(LEVELS), help='what to compute')
    parser.add_argument('--molecules', nargs='+', default=[], metavar='NAME', help='only these; default: all')
    parser.add_argument('--smallest', type=int, default=0, metavar='N', help='only that many of them; default: all')
    parser.add_argument('--minutes', type=float, default=0.0, help='stop each level after that time; default: never')
    parser.add_argument('--out', type=Path, default=Path('accuracy'), help='folder of the results, kept between runs')
    parser.add_argument('--report', action='store_true', help='compute nothing, take what is finished')
    parser.add_argument('--csv', type=Path, help='write the uncertainty of each level')
    parser.add_argument('--markdown', type=Path, help='put the tables between the marks of that page')
    arguments = parser.parse_args()
    everything = reference_molecules()
    for name in () if arguments.report else arguments.levels:
        molecules = chosen_molecules(LEVELS[name], arguments.molecules, arguments.smallest)
        if len(molecules):
            run(arguments.out / name, LEVELS[name], molecules, arguments.minutes)
    outcomes = {name: collect(arguments.out / name, everything) for name in LEVELS}
    outcomes = {name: outcome for name, outcome in outcomes.items() if len(outcome.labels) or outcome.failed}
    report(outcomes, everything, arguments)


def report(outcomes: Mapping[str, Outcome], molecules: MoleculeTable, arguments: argparse.Namespace) -> None:
    """Print the tables and write the files that were asked for."""
    names = dict(zip(molecules.inchikeys, molecules.source, strict=True))
    versions = all_versions(outcomes)
    text = write_errors(compare(joined(list(outcomes.values()), molecules), load_reference()), COMMAND, versions)
    errors = read_errors(text)  # as rounded in the file, so that the page shows the same digits
    header = (*VALUE_HEADER, *(LEVELS[name].title for name in outcomes))
    print(as_text(header, value_rows(outcomes)), as_text(ERROR_HEADER, error_rows(errors)), sep='\n\n')
    costs = [f'{LEVELS[n].title}: {len(o.labels)} molecules, {o.cpu_seconds:.0f} CPU-s' for n, o in outcomes.items()]
    lost = [f'{LEVELS[n].title}, {names[key]}: {why}' for n, o in outcomes.items() for key, why in o.failed.items()]
    print('', *costs, *lost, sep='\n')
    if arguments.csv:
        arguments.csv.write_text(text, encoding='utf-8')
    if arguments.markdown:
        made = 'Versions: ' + ', '.join(f'{name} {text}' for name, text in sorted(versions.items())) + '.'
        tables = [as_markdown(ERROR_HEADER, error_rows(errors)), as_markdown(header, value_rows(outcomes))]
        write_markdown(arguments.markdown, [*tables, '; '.join(costs) + '.', *lost, made])


if __name__ == '__main__':
    main()
