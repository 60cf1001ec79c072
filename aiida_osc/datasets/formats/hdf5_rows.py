"""Reader of the package's own molecule tables, as rows: a foreign file is standardised like any other input."""

from pathlib import Path

from aiida_osc.datasets.formats.rows import Record, Rows, origin_header
from aiida_osc.datasets.molecule_table import MoleculeTable


def read_hdf5_rows(path: Path, smiles_column: str | None = None) -> Rows:
    """Return one record per molecule of a molecule table; the line is the row, from 1.

    :param smiles_column: not used: the table has its own.
    :raises OscError: when the file is damaged, refused by the guards or not a molecule table.
    """
    del smiles_column
    table = MoleculeTable.read(path)
    headers = ('source', *(str(column) for column in table.columns))
    records = []
    for row, smiles in enumerate(table.smiles):
        cells = {str(column): repr(float(values[row])) for column, values in table.columns.items()}
        cells |= {origin_header(str(column)): table.origin(column, row) or '' for column in table.origins}
        records.append(Record(row + 1, smiles, {'source': table.source[row], **cells}))
    return Rows(headers, tuple(records))
