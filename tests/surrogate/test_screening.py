"""Predictions a part at a time."""

import csv

import numpy as np
import pytest
from rdkit import Chem

from aiida_osc.datasets.formats.rows import Record
from aiida_osc.surrogate import screening
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.screening import Way, screen_records, screen_table
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import csv_header, prediction_csv
from aiida_osc.training.artifact import ModelArtifact

WAY = Way(0.9)


@pytest.fixture(scope='module')
def model(labelled_table, tmp_path_factory):
    """Return the folder of a small network."""
    settings = SurrogateSettings(members=2, hidden=16, depth=2, readout=16, epochs=2, device='cpu', amp='off')
    folder = tmp_path_factory.mktemp('screening') / 'model'
    fit_surrogate_piece(labelled_table, settings, seed=1).save(folder)
    return folder


@pytest.fixture
def records(labelled_table, monkeypatch):
    """Return records of which three are no molecules, in parts of seven."""
    monkeypatch.setattr(screening, 'PART', 7)
    texts = [*labelled_table.smiles[:20], 'C1', *labelled_table.smiles[20:], 'C C']
    return [*(Record(line, text) for line, text in enumerate(texts, start=1)), Record(63, 'C', problem='no cells')]


def parsed(texts):
    """Return the cells of lines of CSV; numbers as numbers."""
    rows = list(csv.reader(texts))
    return [row[:3] for row in rows], np.array([[float(cell or 'nan') for cell in row[3:]] for row in rows])


def test_parts_are_the_whole(model, records, labelled_table):
    answers = list(screen_records(model, records, WAY))
    assert [len(part.rows) + len(part.rejected) for part in answers] == [7] * 9
    reasons = [(item.line, item.reason) for part in answers for item in part.rejected]
    assert [line for line, _ in reasons] == [21, 62, 63]
    assert [reason.split()[0] for _, reason in reasons] == ['invalid', 'SMILES', 'no']
    surrogate = Surrogate.from_artifact(ModelArtifact.load(model))
    whole = prediction_csv(labelled_table, surrogate.predict(labelled_table.smiles), 0.9).splitlines()
    assert csv_header(surrogate.columns) == f'{whole[0]}\n'
    rows = [row for part in answers for row in part.rows]
    (names, numbers), (expected_names, expected) = parsed(row.text for row in rows), parsed(whole[1:])
    assert names == expected_names
    np.testing.assert_allclose(numbers, expected, rtol=1e-5)
    assert [str(row.in_domain).lower() for row in rows] == [cells[2] for cells in names]
    from_table = [row.text for part in screen_table(surrogate, labelled_table, WAY) for row in part.rows]
    np.testing.assert_allclose(parsed(from_table)[1], expected, rtol=1e-5)


def test_processes_do_not_change_the_answers(model, records):
    assert list(screen_records(model, records, WAY, jobs=2)) == list(screen_records(model, records, WAY))


def test_as_written(model):
    mol = Chem.MolFromSmiles('OCC')
    records = [Record(1, 'OCC'), Record(2, 'CCO.Cl'), Record(3, 'a title', mol=mol), Record(4, 'C[O-]')]
    written = next(screen_records(model, records, Way(0.9, as_is=True, similarity=False))).rows
    assert [row.text.split(',')[:2] for row in written] == [[text, ''] for text in ('OCC', 'CCO.Cl', 'CCO', 'C[O-]')]
    standard = next(screen_records(model, records, Way(0.9, similarity=False)))
    assert [row.line for row in standard.rows] == [1, 3, 4]
    assert [item.reason.split(':')[0] for item in standard.rejected] == ['more than one fragment']
    (_, numbers), (_, expected) = (parsed(row.text for row in rows) for rows in (written[:1], standard.rows[:1]))
    np.testing.assert_allclose(numbers, expected, rtol=1e-5)


def test_records_are_read_as_they_are_needed(model, records):
    taken = []
    answers = screen_records(model, (taken.append(item) or item for item in records), WAY)
    next(answers)
    assert len(taken) == 7
