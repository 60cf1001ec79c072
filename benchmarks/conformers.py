"""Compare structures of a conformer model with those of ETKDGv3, alone and with MMFF94, in one markdown table.

Molecules are random ones of QM9 that belong to the common test split, so that no model of ours was trained on them, and
their references the B3LYP/6-31G(2df,p) minima of QM9. ``--dimers FOLDER`` adds donor-acceptor dimers of that split: the
folder holds ``dimers.csv`` (columns SMILES, whose first two atoms are the bond between the halves, and xyz_file_name)
and ``structures_xyz.tar.gz``.

The model is asked for all molecules at once, the others for one after the other; times are CPU time of one thread per
structure made, and what embedding spends on molecules that it fails on is told below the table.
Deviations are of heavy atoms, with the mirror image allowed and not, and like all errors over the molecules of which a
method made a structure. The last columns are GFN2-xTB optimisations, by the optimiser of the batch job, of the first
molecules of which every method made a structure, and with ``--dft`` B3LYP/def2-SVP ones by PySCF; "reference" starts
from the reference itself.
"""

import argparse
import csv
import io
import os
import resource
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import rdDistGeom

from aiida_osc.datasets.geometry_sources import Structure, collect_structures
from aiida_osc.datasets.sources.qm9 import qm9_structures
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.diffusion.embedding import etkdg
from aiida_osc.diffusion.geometries import GeometrySettings, make_geometries, open_model
from aiida_osc.diffusion.quality.assess import AssessSettings, assess
from aiida_osc.diffusion.quality.local import torsion_angles
from aiida_osc.diffusion.quality.references import Reference
from aiida_osc.diffusion.quality.relaxation import Relaxation, relax, summarise
from aiida_osc.qc.fourpoint_runner.plan import GFN2, Level

TIMEOUT = 20
#: A tenth of all molecules belongs to the test split, and some cannot be placed.
DRAWN_PER_MOLECULE = 13
COLUMNS = (
    'none', 'not plausible', 'ms', 'RMSD mean / median', 'no mirror images', 'bond MAE', 'angle MAE', 'torsion MAE',
    'twist mean / median', 'xTB gradients', 'xTB CPU-s', 'strain eV', 'DFT gradients', 'DFT CPU-s',
)  # fmt: skip
DFT = Level('B3LYP/def2-SVP', 'b3lyp', 'def2-svp')


@dataclass(frozen=True)
class Item:
    """A molecule, its reference and the bond between its halves, if it has some."""

    reference: Reference
    link: tuple[int, int] | None = None


@dataclass
class Made:
    """What a method made: structures or None, and the CPU seconds that it took."""

    structures: list[np.ndarray | None]
    cpu: float
    note: str = ''
    relaxations: dict[str, list[Relaxation | None]] = field(default_factory=dict)


def read_qm9(count: int, seed: int) -> list[Item]:
    """Return random molecules of the common test split with their references."""
    drawn = collect_structures(
        qm9_structures(sample=count * DRAWN_PER_MOLECULE, seed=seed), level='reference', source='qm9'
    )
    rows = zip(drawn.molecules.smiles, drawn.geometries.geometries, strict=True)
    held = [Item(Reference(text, own.positions)) for text, own in rows if in_common_test_split(own.inchikey)]
    return held[:count]


def read_dimers(folder: Path, count: int, seed: int) -> list[Item]:
    """Return random dimers of the common test split with their references."""
    with (folder / 'dimers.csv').open(newline='') as stream:
        rows = {Path(row['xyz_file_name']).name: row['SMILES'] for row in csv.DictReader(stream)}
    names = np.random.default_rng(seed).permutation(sorted(rows))[: count * DRAWN_PER_MOLECULE].tolist()
    items = []
    for structure in _archive(folder / 'structures_xyz.tar.gz', {name: rows[name] for name in names}):
        placed = collect_structures([structure], level='reference', source='dimers')
        if placed.rejected:
            print(f'left out: {placed.rejected[0]}', file=sys.stderr)
        elif in_common_test_split(placed.molecules.inchikeys[0]):
            reference = Reference(placed.molecules.smiles[0], placed.geometries.geometries[0].positions)
            match = reference.mol.GetSubstructMatch(Chem.MolFromSmiles(structure.smiles))
            items.append(Item(reference, (match[0], match[1])))
    return items[:count]


def _archive(path: Path, wanted: dict[str, str]) -> Iterator[Structure]:
    table = Chem.GetPeriodicTable()
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member) if name in wanted else None
            if content is None:
                continue
            lines = io.TextIOWrapper(content).read().splitlines()
            rows = [line.split() for line in lines[2 : 2 + int(lines[0])]]
            numbers = np.array([table.GetAtomicNumber(row[0]) for row in rows])
            yield Structure(name, wanted[name], numbers, np.array([row[1:4] for row in rows], dtype=float))


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(make: Callable[[], list[np.ndarray | None]]) -> Made:
    begin = cpu_seconds()
    structures = make()
    return Made(structures, cpu_seconds() - begin)


def one_by_one(make: Callable[[str, int], np.ndarray | None], smiles: Sequence[str], seed: int) -> Made:
    """Return what a method makes of one molecule after the other; failures are timed apart."""
    found, spent, lost = [], 0.0, 0.0
    for text in smiles:
        begin = cpu_seconds()
        found.append(make(text, seed))
        if found[-1] is None:
            lost += cpu_seconds() - begin
        else:
            spent += cpu_seconds() - begin
    failures = sum(own is None for own in found)
    return Made(found, spent, f'{failures} failures took {lost:.1f} CPU-s' if failures else '')


def embed_alone(smiles: str, seed: int) -> np.ndarray | None:
    """Return ETKDGv3's structure as it is."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed, parameters.timeout = seed + 1, TIMEOUT
    return mol.GetConformer().GetPositions() if rdDistGeom.EmbedMolecule(mol, parameters) == 0 else None


def embed_and_relax(smiles: str, seed: int) -> np.ndarray | None:
    """Return ETKDGv3's structure relaxed by MMFF94."""
    try:
        found = etkdg(smiles, TIMEOUT, seed)
    except ValueError:  # RDKit's time-out
        return None
    return None if isinstance(found, str) else found[1]


def run_methods(smiles: Sequence[str], model: Any, sampling: dict[str, Any], seed: int) -> dict[str, Made]:
    """Return what every method makes of the molecules."""
    found = {
        'ETKDGv3': one_by_one(embed_alone, smiles, seed),
        'ETKDGv3 + MMFF94': one_by_one(embed_and_relax, smiles, seed),
        'chain without a model': run_chain(smiles, None, {}, seed),
    }
    if model is not None:
        from aiida_osc.diffusion.molecules.settings import SampleSettings

        options = SampleSettings.from_dict({'threads': 1, **sampling})
        model.sample(smiles[:2], options, seed=seed)  # the first call loads what torch loads late
        found['model'] = timed(lambda: model.sample(smiles, options, seed=seed))
        found['chain with the model'] = run_chain(smiles, model, sampling, seed)
    return found


def run_chain(smiles: Sequence[str], model: Any, sampling: dict[str, Any], seed: int) -> Made:
    """Return what the chain of fallbacks makes; it leaves no molecule without a structure."""
    settings, notes = GeometrySettings(TIMEOUT, sampling), []

    def make() -> list[np.ndarray | None]:
        found = make_geometries(smiles, [str(n) for n in range(len(smiles))], model, settings, seed=seed)
        notes.append(', '.join(f'{number} x {origin}' for origin, number in found.counts().items()))
        return [item.positions for item in found.table.geometries]

    made = timed(make)
    made.note = notes[0]
    return made


def relax_some(items: Sequence[Item], made: dict[str, Made], level: Level, count: int) -> None:
    """Optimise the first molecules that every method has; a chain's structures are those of others where equal."""
    common = [n for n in range(len(items)) if all(own.structures[n] is not None for own in made.values())][:count]
    known: dict[bytes, Relaxation | None] = {}
    for own in made.values():
        own.relaxations[level.name] = []
        for n in common:
            positions = own.structures[n]
            assert positions is not None
            if (key := positions.tobytes()) not in known:
                known[key] = relax(items[n].reference.mol, positions, level)
            own.relaxations[level.name].append(known[key])


def twist(positions: np.ndarray, mol: Chem.Mol, link: tuple[int, int]) -> float:
    """Return the angle between the planes of the two halves in degrees, from 0 to 90."""
    first, last = (
        [atom.GetIdx() for atom in mol.GetAtomWithIdx(end).GetNeighbors() if atom.GetIdx() not in link] for end in link
    )
    paths = np.array([(a, *link, d) for a in first for d in last])
    angles = np.abs(torsion_angles(*(positions[column] for column in paths.T)))
    return float(np.mean(np.minimum(angles, 180.0 - angles)))


def twist_errors(items: Sequence[Item], structures: Sequence[np.ndarray | None]) -> list[float]:
    return [
        abs(
            twist(own, item.reference.mol, item.link)
            - twist(item.reference.positions[0], item.reference.mol, item.link)
        )
        for item, own in zip(items, structures, strict=True)
        if item.link is not None and own is not None
    ]


def row(name: str, items: Sequence[Item], made: Made) -> str:
    """Return one line of the table."""
    references = [item.reference for item in items]
    kind, strict = (
        assess(references, made.structures, AssessSettings(mirror=mirror, posebusters=False))
        for mirror in (True, False)
    )
    there = len(items) - kind['without_structure']
    errors = twist_errors(items, made.structures)
    cost, dft = (summarise(made.relaxations[level.name]) for level in (GFN2, DFT))
    cells = [
        str(kind['without_structure']),
        str(sum(kind['faults'].values())),
        f'{1000 * made.cpu / max(there, 1):.1f}' if made.cpu else '-',
        *(f'{show(one["rmsd_mean"])} / {show(one["rmsd_median"])}' for one in (kind, strict)),
        show(kind['bond_mae'], 4),
        show(kind['angle_mae'], 2),
        show(kind['torsion_mae'], 1),
        f'{np.mean(errors):.1f} / {np.median(errors):.1f}' if errors else '-',
        calls(cost),
        show(cost['cpu_seconds'], 2),
        show(cost['strain_mean_ev'], 2),
        calls(dft),
        show(dft['cpu_seconds'], 0),
    ]
    return f'| {name} | ' + ' | '.join(cells if there else ['all', *['-'] * (len(cells) - 1)]) + ' |'


def calls(cost: dict[str, Any]) -> str:
    return show(cost['gradient_calls'], 1) + (f' ({cost["not_converged"]} not)' if cost['not_converged'] else '')


def show(value: float | None, digits: int = 3) -> str:
    return '-' if value is None else f'{value:.{digits}f}'


def report(title: str, items: Sequence[Item], made: dict[str, Made], relaxed: int, dft: int) -> None:
    """Print the table of one set of molecules."""
    made = {**made, 'reference': Made([item.reference.positions[0] for item in items], 0.0)}
    relax_some(items, made, GFN2, relaxed)
    relax_some(items, made, DFT, dft)
    print(f'\n{title}: {len(items)} molecules\n')
    print(f'| | {" | ".join(COLUMNS)} |\n|{"---|" * (len(COLUMNS) + 1)}')
    for name, own in made.items():
        print(row(name, items, own), flush=True)
    for name, own in made.items():
        if own.note:
            print(f'\n{name}: {own.note}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--model', type=Path, help='folder of a conformer model')
    parser.add_argument('--sampler', help="default: the model's")
    parser.add_argument('--steps', type=int, help="default: the model's")
    parser.add_argument('--molecules', type=int, default=100, help='of QM9')
    parser.add_argument('--dimers', type=Path, metavar='FOLDER', help='folder of donor-acceptor dimers')
    parser.add_argument('--dimer-count', type=int, default=30)
    parser.add_argument('--relaxed', type=int, default=20, help='molecules of each set that xTB optimises')
    parser.add_argument('--dft', type=int, default=0, help='molecules of each set that PySCF optimises')
    parser.add_argument('--seed', type=int, default=0)
    arguments = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    model = None
    if arguments.model is not None:
        import torch

        from aiida_osc.training.artifact import ModelArtifact

        torch.set_num_threads(1)
        model = open_model(ModelArtifact.load(arguments.model))
    options = {'sampler': arguments.sampler, 'steps': arguments.steps}
    sampling = {name: value for name, value in options.items() if value is not None}
    sets = {}
    if arguments.molecules:
        sets['QM9, common test split'] = read_qm9(arguments.molecules, arguments.seed)
    if arguments.dimers is not None:
        sets['donor-acceptor dimers'] = read_dimers(arguments.dimers, arguments.dimer_count, arguments.seed)
    for title, items in sets.items():
        made = run_methods([item.reference.smiles for item in items], model, sampling, arguments.seed)
        report(title, items, made, arguments.relaxed, arguments.dft)


if __name__ == '__main__':
    main()
