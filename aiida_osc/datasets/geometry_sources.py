"""Molecules with their structures, from a folder of XYZ and SD files or from a known data set."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem

from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import place_atoms


@dataclass(frozen=True)
class Structure:
    """One structure as a source has it: ``smiles`` names the bonds, atoms in any order, positions in Angstrom."""

    name: str
    smiles: str
    numbers: np.ndarray
    positions: np.ndarray


@dataclass(frozen=True)
class Structures:
    """Molecules and their structures, each structure in the atom order of its molecule's SMILES with hydrogens.

    :param rejected: name of a structure and the reason why it was left out.
    """

    molecules: MoleculeTable
    geometries: GeometryTable
    rejected: tuple[tuple[str, str], ...]


def collect_structures(items: Iterable[Structure], *, level: str, source: str) -> Structures:
    """Put structures in the order of their SMILES; the first of each molecule is kept.

    :param level: how the structures were made.
    """
    smiles: dict[str, str] = {}
    geometries, rejected = [], []
    for item in items:
        try:
            placed = place_atoms(item.smiles, item.numbers, item.positions)
        except OscError as exception:
            rejected.append((item.name, str(exception)))
            continue
        if placed.inchikey in smiles:
            rejected.append((item.name, f'{placed.smiles} was there already'))
            continue
        smiles[placed.inchikey] = placed.smiles
        geometries.append(Geometry(placed.inchikey, 0, placed.numbers, placed.positions))
    table = MoleculeTable(tuple(smiles.values()), tuple(smiles), (source,) * len(smiles))
    return Structures(table, GeometryTable(geometries, level), tuple(rejected))


def folder_structures(folder: str | Path) -> Iterator[Structure]:
    """Yield the structures of a folder: SD files, and XYZ files named by a CSV file with columns file and smiles.

    :param folder: may be an SD file as well.
    :raises OscError: when the folder holds neither, or a file is damaged.
    """
    folder = Path(folder)
    if folder.is_file():
        yield from _sd_file(folder)
        return
    tables, records = sorted(folder.glob('*.csv')), sorted(folder.glob('*.sdf'))
    if not tables and not records:
        raise OscError(f'{folder} holds no *.sdf and no *.csv with columns file and smiles that names its *.xyz')
    for path in records:
        yield from _sd_file(path)
    for path in tables:
        with path.open(newline='', encoding='utf-8') as stream:
            reader = csv.DictReader(stream)
            if not {'file', 'smiles'} <= set(reader.fieldnames or ()):
                raise OscError(f'{path} has no columns file and smiles')
            for row in reader:
                yield Structure(row['file'], row['smiles'], *read_xyz(folder / Path(row['file']).name))


def read_xyz(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Return atomic numbers and positions (Angstrom) of the first frame of an XYZ file.

    :raises OscError: when the file is missing or damaged.
    """
    try:
        text = Path(path).read_text(encoding='utf-8')
    except (OSError, ValueError) as exception:
        raise OscError(f'{path} is no XYZ file: {exception}') from None
    return parse_xyz(text, str(path))


def parse_xyz(text: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return atomic numbers and positions (Angstrom) of the first frame of XYZ text.

    :param name: what to call the text in an error.
    :raises OscError: when the text is damaged.
    """
    table = Chem.GetPeriodicTable()
    lines = text.splitlines()
    try:
        rows = [line.split()[:4] for line in lines[2 : 2 + int(lines[0])]]
        numbers = np.array([table.GetAtomicNumber(row[0]) for row in rows])
        positions = np.array([[float(value) for value in row[1:]] for row in rows]).reshape(len(rows), 3)
    except (ValueError, IndexError, RuntimeError) as exception:
        raise OscError(f'{name} is no XYZ file: {exception}') from None
    if len(rows) != int(lines[0]) or not np.isfinite(positions).all():
        raise OscError(f'{name} is cut short or holds values that are not finite')
    return numbers, positions


def _sd_file(path: Path) -> Iterator[Structure]:
    for number, mol in enumerate(Chem.SDMolSupplier(str(path), removeHs=False), start=1):
        name = f'{path.name} record {number}'
        if mol is None or not mol.GetNumConformers():
            raise OscError(f'{name} cannot be read: repair or remove it')
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        yield Structure(name, Chem.MolToSmiles(Chem.RemoveHs(mol)), numbers, mol.GetConformer().GetPositions())
