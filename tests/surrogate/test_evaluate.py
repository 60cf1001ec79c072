"""Predictions against labels."""

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.surrogate.conformal import GRID, Intervals
from aiida_osc.surrogate.evaluate import evaluate
from aiida_osc.surrogate.prediction import Prediction

HOMO, LUMO = Column('homo', 'made up'), Column('lumo', 'made up')


def prediction(table, error=0.25, factor=1.0):
    """Return a prediction that is too high by ``error``, with intervals of ``factor`` standard deviations of 0.5."""
    mean = np.stack([table.values(HOMO) + error, np.zeros(len(table))], axis=1)
    intervals = Intervals(np.full((2, len(GRID)), factor))
    inside = np.arange(len(table)) % 2 == 0
    return Prediction((HOMO, LUMO), mean, np.full(mean.shape, 0.5), inside, intervals=intervals)


def test_figures_per_column_and_group(labelled_table):
    found = evaluate(prediction(labelled_table), labelled_table)
    assert found[str(LUMO)] == {}
    groups = found[str(HOMO)]
    tests = sum(in_common_test_split(key) for key in labelled_table.inchikeys)
    counts = {
        'all': 60,
        'common test split': tests,
        'other molecules': 60 - tests,
        'in domain': 30,
        'out of domain': 30,
    }
    assert {name: values['n'] for name, values in groups.items()} == counts
    assert groups['common test split']['mae'] == pytest.approx(0.25)


def test_coverage_is_that_of_the_stored_intervals(labelled_table):
    wide, narrow = (evaluate(prediction(labelled_table, factor=f), labelled_table) for f in (0.6, 0.4))
    assert wide[str(HOMO)]['all']['coverage_90'] == 1
    assert narrow[str(HOMO)]['all']['coverage_90'] == 0  # an error of half a standard deviation


def test_model_of_other_targets_is_one_sentence(labelled_table):
    columns = {Column('lumo', 'PBE'): np.zeros(60)}
    bare = type(labelled_table)(labelled_table.smiles, labelled_table.inchikeys, labelled_table.source, columns)
    with pytest.raises(OscError, match=r'predicts homo@made up, lumo@made up, .*they have lumo@PBE'):
        evaluate(prediction(labelled_table), bare)
