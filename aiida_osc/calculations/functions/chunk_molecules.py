"""Calcfunction: deal molecules into chunks, one per job."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.labels import chunk, without
from aiida_osc.qc.scheme import FourPointSettings


@calcfunction
def chunk_molecules(molecules: MoleculeSetData, size: Int, parameters: Dict, **known: MoleculeSetData) -> dict:
    """Deal molecules into chunks of at most ``size`` and about equal cost: ``chunk_000``, ``chunk_001``, ...

    :param molecules: what to deal out.
    :param size: largest number of molecules in a chunk.
    :param parameters: engine and levels.
    :param known: sets with labels from earlier, whose molecules are left out.
    """
    columns = FourPointSettings.from_dict(parameters.get_dict()).required_columns
    left = without(molecules.load(), [node.load() for node in known.values()], columns)
    chunks = chunk(left, size.value)
    return {f'chunk_{number:03d}': MoleculeSetData(table) for number, table in enumerate(chunks)}
