"""Tables out: CSV, SDF and XYZ, text that a spreadsheet would run as a formula made harmless."""

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Geometry import Point3D

from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.datasets.formats.rows import origin_header
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

#: First characters that make a spreadsheet read a cell as a formula.
FORMULA_STARTS = ('=', '+', '-', '@', '\t', '\r')


def escape_cell(text: str) -> str:
    """Return ``text`` with an apostrophe in front when a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def format_number(value: float) -> str:
    """Return the shortest text that reads back as the same number, empty for NaN."""
    return '' if math.isnan(value) else repr(float(value))


def export_table(table: MoleculeTable | GeometryTable, path: str | Path, *, origins: bool = False) -> None:
    """Write ``table`` in the format of the suffix of ``path``: ``.csv``, ``.sdf``, ``.xyz`` or ``.h5``.

    :param origins: add the origin of each value to the CSV of a molecule table.
    :raises OscError: when the suffix is unknown, the format cannot hold the table or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower().removeprefix('.')
    if suffix not in ('csv', 'sdf', 'xyz', 'h5'):
        raise OscError(f'{path.name} has no known suffix: use .csv, .sdf, .xyz or .h5')
    if origins and not (suffix == 'csv' and isinstance(table, MoleculeTable)):
        raise OscError(f'{path.name} cannot take origins: a molecule set as .csv can, .h5 always has them')
    content = render(table, suffix, origins=origins) if suffix != 'h5' else b''
    try:
        table.write(path) if suffix == 'h5' else path.write_bytes(content)
    except OSError as exception:
        raise OscError(f'{path} cannot be written: {exception}') from None


def render(table: MoleculeTable | GeometryTable, suffix: str, *, origins: bool = False) -> bytes:
    """Return ``table`` as the bytes of a ``csv``, ``sdf`` or ``xyz`` file.

    :param origins: add the origin of each value to the CSV of a molecule table.
    :raises OscError: when the format cannot hold the table.
    """
    molecules = isinstance(table, MoleculeTable)
    if suffix == 'csv':
        text = molecules_csv(table, origins=origins) if isinstance(table, MoleculeTable) else geometries_csv(table)
    elif suffix == 'sdf':
        text = molecules_sdf(table) if isinstance(table, MoleculeTable) else geometries_sdf(table)
    elif molecules:
        raise OscError('a molecule set has no coordinates for XYZ: export its geometry set, or choose .csv or .sdf')
    else:
        text = geometries_xyz(table)  # type: ignore[arg-type]
    return text.encode()


def molecules_csv(table: MoleculeTable, *, origins: bool = False) -> str:
    """Return the table as CSV: smiles, inchikey, source, then one column ``target@level`` in canonical units.

    :param origins: after each of these columns another one says which set each value comes from.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    names = [(str(column), origin_header(str(column)))[: 1 + origins] for column in table.columns]
    writer.writerow(['smiles', 'inchikey', 'source', *(name for pair in names for name in pair)])
    for row, texts in enumerate(zip(table.smiles, table.inchikeys, table.source, strict=True)):
        cells = [escape_cell(text) for text in texts]
        for column, values in table.columns.items():
            cells.append(format_number(values[row]))
            if origins:
                cells.append(escape_cell(table.origin(column, row) or ''))
        writer.writerow(cells)
    return buffer.getvalue()


def molecules_sdf(table: MoleculeTable) -> str:
    """Return the table as an SD file with a drawing in two dimensions and one data field per label."""
    return ''.join(_molecule_records(table))


def _molecule_records(table: MoleculeTable) -> Iterator[str]:
    for row, smiles in enumerate(table.smiles):
        mol = parse_smiles(smiles)
        rdDepictor.Compute2DCoords(mol)
        fields = {'SMILES': smiles, 'InChIKey': table.inchikeys[row], 'source': table.source[row]}
        labels = {str(column): format_number(values[row]) for column, values in table.columns.items()}
        fields |= {name: text for name, text in labels.items() if text}
        yield _sdf_record(mol, table.inchikeys[row], fields)


def _sdf_record(mol: Chem.Mol, title: str, fields: dict[str, str]) -> str:
    mol.SetProp('_Name', title)
    data = ''.join(f'> <{name}>\n{text}\n\n' for name, text in fields.items())
    return f'{Chem.MolToMolBlock(mol)}{data}$$$$\n'


def geometries_xyz(table: GeometryTable) -> str:
    """Return all structures as one XYZ file; the comment line holds InChIKey, charge and level."""
    return ''.join(_xyz_frame(item, table.level) for item in table.geometries)


def _xyz_frame(item: Geometry, level: str) -> str:
    lines = [str(len(item.numbers)), f'inchikey={item.inchikey} charge={item.charge} level={level}']
    for symbol, (x, y, z) in zip(_symbols(item), item.positions, strict=True):
        lines.append(f'{symbol:<2} {x:16.10f} {y:16.10f} {z:16.10f}')
    return '\n'.join(lines) + '\n'


def geometries_csv(table: GeometryTable) -> str:
    """Return all structures as CSV, one row per atom."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    writer.writerow(['structure', 'inchikey', 'charge', 'element', 'x_angstrom', 'y_angstrom', 'z_angstrom'])
    for number, item in enumerate(table.geometries):
        for symbol, position in zip(_symbols(item), item.positions, strict=True):
            numbers = (repr(float(value)) for value in position)
            writer.writerow([number, escape_cell(item.inchikey), item.charge, symbol, *numbers])
    return buffer.getvalue()


def geometries_sdf(table: GeometryTable) -> str:
    """Return all structures as an SD file of atoms without bonds, as the table knows none."""
    records = []
    for item in table.geometries:
        mol, conformer = Chem.RWMol(), Chem.Conformer(len(item.numbers))
        for index, (number, position) in enumerate(zip(item.numbers, item.positions, strict=True)):
            atom = Chem.Atom(int(number))
            atom.SetNoImplicit(True)
            mol.AddAtom(atom)
            conformer.SetAtomPosition(index, Point3D(*(float(value) for value in position)))
        conformer.Set3D(True)
        mol.AddConformer(conformer)
        fields = {'InChIKey': item.inchikey, 'charge': str(item.charge), 'level': table.level}
        records.append(_sdf_record(mol.GetMol(), item.inchikey, fields))
    return ''.join(records)


def _symbols(item: Geometry) -> list[str]:
    periodic = Chem.GetPeriodicTable()
    return [periodic.GetElementSymbol(int(number)) for number in item.numbers]
