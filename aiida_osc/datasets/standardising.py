"""Molecules of records, standardised in this process or in several."""

from collections.abc import Iterable, Iterator
from itertools import islice
from multiprocessing import get_context

from aiida_osc.chem.molecules import Molecule, MoleculeError, standardise, standardise_mol
from aiida_osc.datasets.formats.rows import Record
from aiida_osc.errors import OscError

#: Records that are held while several processes work on them.
BATCH = 5000


def standardised(records: Iterable[Record], jobs: int = 1) -> Iterator[tuple[Record, Molecule | str]]:
    """Yield each record with its molecule, or the reason why it has none.

    :param jobs: processes; the order and the result are the same for any number.
    :raises OscError: when ``jobs`` is not positive.
    """
    if jobs < 1:
        raise OscError(f'{jobs} processes: give a positive number')
    if jobs == 1:
        yield from ((record, _molecule(record)) for record in records)
        return
    stream = iter(records)
    with get_context('spawn').Pool(jobs) as pool:
        while batch := list(islice(stream, BATCH)):
            yield from zip(batch, pool.map(_molecule, batch, chunksize=100), strict=True)


def _molecule(record: Record) -> Molecule | str:
    try:
        if record.problem:
            return record.problem
        return standardise(record.text) if record.mol is None else standardise_mol(record.mol)
    except MoleculeError as exception:
        return str(exception)
