"""Calcfunction: a file of molecules and labels becomes a molecule set."""

from aiida.engine import ExitCode, calcfunction
from aiida.orm import Dict, SinglefileData

from aiida_osc.data.files import as_path
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.readers import read_with_settings
from aiida_osc.errors import OscError


@calcfunction
def import_molecules(file: SinglefileData, settings: Dict | None = None) -> dict | ExitCode:
    """Standardise the molecules of a CSV, SMILES, SDF or HDF5 file or a known set; the report lists every row left out.

    :param file: the file as it came.
    :param settings: how to read it: keyword arguments of ``aiida_osc.datasets.readers.read_table``.
    """
    try:
        with as_path(file, file.filename) as path:
            result = read_with_settings(path, {} if settings is None else settings.get_dict())
    except OscError as exception:
        return ExitCode(210, f'the file cannot be imported: {exception}')
    if not len(result.table):
        first = result.report.rejected[0]
        return ExitCode(310, f'no row gives a molecule; the first, line {first.line}: {first.reason}')
    return {'molecules': MoleculeSetData(result.table), 'report': Dict(result.report.to_dict())}
