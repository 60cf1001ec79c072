"""Rules are read from JSON, and a wrong rule says what to do."""

import pytest

from aiida_osc.active_learning.settings import (
    Objective,
    SelectionSettings,
    Windows,
    default_column,
    promotion_rules,
)
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import GFN2, IPEA1, SA_SCORE


def test_default_levels_are_those_of_the_engine():
    assert default_column('ie_adiabatic').level == IPEA1
    assert default_column('lambda_hole').level == GFN2
    assert default_column('sa_score').level == SA_SCORE
    assert default_column('homo', 'B3LYP/def2-SVP//GFN2-xTB').level == 'B3LYP/def2-SVP//GFN2-xTB'


def test_default_families():
    families = SelectionSettings().families()
    assert list(families) == ['n_type', 'p_type']
    assert [(item.column.target, item.direction) for item in families['n_type']] == [
        ('ea_adiabatic', 'max'),
        ('lambda_electron', 'min'),
        ('sa_score', 'min'),
    ]


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'size': 0}, 'at least one'),
        ({'beta': -1.0}, 'positive'),
        ({'tanimoto_cap': 0.0}, 'tanimoto_cap'),
        ({'tanimoto_cap': 1.5}, 'tanimoto_cap'),
        ({'objectives': {}}, 'at least one family'),
        ({'objectives': {'p_type': []}}, 'at least one family'),
        ({'sizes': 3}, 'unknown settings sizes'),
    ],
)
def test_wrong_selection(values, sentence):
    with pytest.raises(OscError, match=sentence):
        SelectionSettings.from_dict(values)


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'target': 'ie_adiabatic'}, 'give target and direction'),
        ({'target': 'ie_adiabatic', 'direction': 'down'}, 'use min or max'),
        ({'target': 'colour', 'direction': 'min'}, 'unknown target'),
        ({'target': 'homo', 'direction': 'min', 'weight': 2}, 'give target and direction'),
    ],
)
def test_wrong_objective(values, sentence):
    with pytest.raises(OscError, match=sentence):
        Objective.from_dict(values)


def test_windows_name_their_scale_and_level():
    rule = Windows.from_dict(
        'p_type', {'scale': 'film', 'windows': {'homo': [-6, -5]}, 'levels': {'homo': 'B3LYP/def2-SVP//GFN2-xTB'}}
    )
    assert rule.scale == 'film'
    assert rule.bounds == {default_column('homo', 'B3LYP/def2-SVP//GFN2-xTB'): (-6.0, -5.0)}


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'windows': {'homo': [-6, -5]}}, 'names no scale'),
        ({'scale': 'film', 'windows': {}}, 'no windows'),
        ({'scale': 'film', 'windows': {'homo': [-5, -6]}}, 'smaller one'),
        ({'scale': 'film', 'windows': {'homo': -5}}, r'give \[low, high\]'),
        ({'scale': 'film', 'windows': {'homo': ['a', 'b']}}, r'give \[low, high\]'),
        ({'scale': 'film', 'window': {'homo': [-6, -5]}}, 'unknown keys window'),
    ],
)
def test_wrong_windows(values, sentence):
    with pytest.raises(OscError, match=sentence):
        promotion_rules({'p_type': values})


def test_no_rule_at_all():
    with pytest.raises(OscError, match='promotion is empty'):
        promotion_rules({})
