"""Calcfunction: deal molecules into chunks, one per job."""

from aiida.engine import calcfunction
from aiida.orm import Int

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.labels import chunk


@calcfunction
def chunk_molecules(molecules: MoleculeSetData, size: Int) -> dict:
    """Deal molecules into chunks of at most ``size`` and about equal cost: ``chunk_000``, ``chunk_001``, ...

    :param molecules: what to deal out.
    :param size: largest number of molecules in a chunk.
    """
    chunks = chunk(molecules.load(), size.value)
    return {f'chunk_{number:03d}': MoleculeSetData(table) for number, table in enumerate(chunks)}
