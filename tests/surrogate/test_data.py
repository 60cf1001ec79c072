"""Columns, parts and bad data."""

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.surrogate.data import choose_columns, normalisation, prepare, split

HOMO, DIPOLE = Column('homo', 'made up'), Column('dipole', 'made up')
KEYS = [f'KEY{number:05d}' for number in range(2500)]


def test_columns_with_enough_labels_are_chosen(labelled_table):
    score = Column('sa_score', 'Ertl-Schuffenhauer')
    table = labelled_table.with_columns({score: np.linspace(1, 3, len(labelled_table))})
    assert choose_columns(table, None, 20) == (DIPOLE, HOMO)
    assert choose_columns(table, None, 50) == (HOMO,)
    assert choose_columns(table, [str(score), str(HOMO)], 20) == (HOMO, score)


def test_constant_and_empty_columns_are_not_chosen(labelled_table):
    count = len(labelled_table)
    more = {Column('lumo', 'x'): np.full(count, -3.14), Column('gap', 'x'): np.full(count, np.nan)}
    assert choose_columns(labelled_table.with_columns(more), None, 20) == (DIPOLE, HOMO)


@pytest.mark.parametrize(
    ('columns', 'message'),
    [
        (['lumo@x'], 'no labels in column lumo@x: the data have dipole@made up, homo@made up'),
        (['homo'], 'is no column'),
        ([], 'none named'),
    ],
)
def test_columns_that_are_not_there_are_named(labelled_table, columns, message):
    with pytest.raises(OscError, match=message):
        choose_columns(labelled_table, columns, 20)


def test_nothing_labelled_says_how_many_there_are(labelled_table):
    with pytest.raises(OscError, match=r'no column has 100 labels.*dipole@made up 45, homo@made up 60'):
        choose_columns(labelled_table, None, 100)


def test_a_constant_label_is_named(labelled_table):
    table = labelled_table.with_columns({HOMO: np.full(len(labelled_table), -5.0)})
    with pytest.raises(OscError, match='homo@made up has the same value -5 for all'):
        prepare(table, [str(HOMO)], 20, 0.15, 0)


def test_one_molecule_is_too_few(labelled_table):
    with pytest.raises(OscError, match='too few to train on: give at least 5'):
        prepare(labelled_table.take([0]), [str(HOMO)], 20, 0.15, 0)


def test_unlabelled_molecules_are_left_out(labelled_table):
    data = prepare(labelled_table, [str(DIPOLE)], 20, 0.15, 0)
    assert len(data.molecules) == len(data.labels) == 45
    assert np.isfinite(data.labels).all()


@pytest.mark.parametrize('count', [8, 30, 400, 2500])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_parts_are_disjoint_and_keep_the_common_test_split_apart(count, seed):
    parts = split(KEYS[:count], 0.15, seed)
    assert {int(row) for row in parts.test} == {row for row in range(count) if in_common_test_split(KEYS[row])}
    apart = count == 2500
    used = [parts.train, parts.validation, parts.test] + ([parts.calibration] if apart else [])
    rows = np.concatenate(used)
    assert sorted(rows.tolist()) == list(range(count))
    assert np.array_equal(parts.calibration, parts.validation) != apart
    assert min(len(parts.train), len(parts.validation), len(parts.calibration)) > 0


def test_a_molecule_keeps_its_part_when_others_are_added():
    small, large = split(KEYS[:300], 0.15, 7), split(KEYS[:600], 0.15, 7)
    assert set(small.validation) == {row for row in large.validation if row < 300}
    assert len(large.validation) == pytest.approx(0.15 * 540, abs=30)


def test_the_seed_changes_the_parts_but_not_the_test_molecules():
    one, other = split(KEYS[:300], 0.15, 0), split(KEYS[:300], 0.15, 1)
    assert set(one.validation) != set(other.validation)
    assert set(one.test) == set(other.test)


@pytest.mark.parametrize('fraction', [0.0, 0.5, -1.0])
def test_impossible_fractions_are_refused(fraction):
    with pytest.raises(OscError, match='validation_fraction'):
        split(KEYS, fraction, 0)


def test_normalisation_leaves_missing_labels_out():
    center, spread = normalisation(np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 9.0]]))
    assert center.tolist() == [2.0, 7.0]
    assert spread.tolist() == [1.0, 2.0]
