"""Predictions for any number of molecules, a part at a time, in this process or in several."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rdkit import Chem

from aiida_osc.chem.molecules import MoleculeError, parse_smiles, standardise_mol
from aiida_osc.datasets.collector import clip
from aiida_osc.datasets.formats.rows import Record
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.import_report import Rejection
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.prediction import Prediction
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import csv_lines, predict_molecules
from aiida_osc.training.artifact import ModelArtifact

#: Molecules that are predicted at once.
PART = 2048
#: Parts that wait for each process, so that none is idle and few are held.
WAITING = 2


@dataclass(frozen=True)
class Way:
    """How molecules are predicted.

    :param confidence: probability of the intervals.
    :param similarity: whether the nearest training molecules are searched.
    :param as_is: predict each molecule as it is written, neither standardised nor named by an InChIKey.
    """

    confidence: float
    similarity: bool = True
    as_is: bool = False


@dataclass(frozen=True)
class Answer:
    """The prediction for one molecule: line of the file, InChIKey or nothing, flags and line of CSV."""

    line: int
    inchikey: str
    in_domain: bool
    has_structure: bool
    text: str


@dataclass(frozen=True)
class Answers:
    """What became of a part of the records."""

    rows: tuple[Answer, ...]
    rejected: tuple[Rejection, ...] = ()


def screen_records(model: Path, records: Iterable[Record], way: Way, jobs: int = 1) -> Iterator[Answers]:
    """Yield the answers to all records in their order; a few parts are held at a time.

    :param model: folder of a finished surrogate that starts from no cheaper level.
    :param jobs: processes; the answers are the same for any number.
    :raises OscError: when the model cannot be used, or a process ends.
    """
    stream = iter(records)
    parts = iter(lambda: tuple(islice(stream, PART)), ())
    if jobs == 1:
        surrogate = Surrogate.from_artifact(ModelArtifact.load(model))
        yield from (_answers(surrogate, part, way) for part in parts)
        return
    waiting: deque = deque()
    with ProcessPoolExecutor(jobs, get_context('spawn'), _open_model, (model,)) as pool:
        try:
            for part in parts:
                waiting.append(pool.submit(_answers_of_process, part, way))
                if len(waiting) > WAITING * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise OscError('a process ended, maybe for want of memory: use fewer with --jobs') from None


def screen_table(
    surrogate: Surrogate, table: MoleculeTable, way: Way, structures: GeometryTable | None = None
) -> Iterator[Answers]:
    """Yield the answers to all rows of ``table``, whose molecules are standardised already; lines are rows, from 1.

    :param structures: for models that read them.
    :raises OscError: when the table lacks a column that the model starts from.
    """
    for start in range(0, len(table), PART):
        part = table.take(range(start, min(start + PART, len(table))))
        prediction = predict_molecules(surrogate, part, similarity=way.similarity, structures=structures)
        yield Answers(_rows(range(start + 1, start + len(part) + 1), part.smiles, part.inchikeys, prediction, way))


#: The surrogate of a process of its own.
_OPENED: list[Surrogate] = []


def _open_model(model: Path) -> None:
    _OPENED.append(Surrogate.from_artifact(ModelArtifact.load(model)))


def _answers_of_process(records: Sequence[Record], way: Way) -> Answers:
    return _answers(_OPENED[0], records, way)


def _answers(surrogate: Surrogate, records: Sequence[Record], way: Way) -> Answers:
    found, rejected = [], []
    for record in records:
        try:
            found.append((record.line, *_molecule(record, way.as_is)))
        except MoleculeError as exception:
            rejected.append(Rejection(record.line, clip(record.text), str(exception)))
    if not found:
        return Answers((), tuple(rejected))
    lines, smiles, keys, mols = zip(*found, strict=True)
    prediction = surrogate.answer(Molecules(smiles, mols), similarity=way.similarity)
    return Answers(_rows(lines, smiles, keys, prediction, way), tuple(rejected))


def _molecule(record: Record, as_is: bool) -> tuple[str, str, Chem.Mol]:
    """Return SMILES, InChIKey and structure of a record.

    :raises MoleculeError: with the reason why it has none.
    """
    if record.problem:
        raise MoleculeError(record.problem)
    mol = parse_smiles(record.text) if record.mol is None else record.mol
    if as_is:
        return record.text if record.mol is None else Chem.MolToSmiles(mol), '', mol
    molecule = standardise_mol(mol)
    return molecule.smiles, molecule.inchikey, parse_smiles(molecule.smiles)


def _rows(
    lines: Iterable[int], smiles: Sequence[str], keys: Sequence[str], prediction: Prediction, way: Way
) -> tuple[Answer, ...]:
    texts = csv_lines(smiles, keys, prediction, way.confidence)
    known, seen = prediction.in_domain, prediction.has_structure
    # A model that reads no structures misses none.
    flags = known.tolist(), (np.ones(len(known), dtype=bool) if seen is None else seen).tolist()
    return tuple(Answer(*row) for row in zip(lines, keys, *flags, texts, strict=True))
