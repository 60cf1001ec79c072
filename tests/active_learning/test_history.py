"""The history of two small iterations, worked out by hand."""

import numpy as np
import pytest

from aiida_osc.active_learning.history import IterationRecord, box_of, build_history, prediction_errors, records_of
from aiida_osc.active_learning.settings import Objective, default_column, promotion_rules
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

IE, EA = default_column('ie_adiabatic'), default_column('ea_adiabatic')
FAMILIES = {
    'p_type': (
        Objective.from_dict({'target': 'ie_adiabatic', 'direction': 'min'}),
        Objective.from_dict({'target': 'ea_adiabatic', 'direction': 'max'}),
    )
}
RULES = promotion_rules({'p_type': {'scale': 'gas phase', 'windows': {'ie_adiabatic': [0, 6.5]}}})


def table(prefix, ie, ea):
    count = len(ie)
    keys = [f'{prefix}{i}' for i in range(count)]
    return MoleculeTable(['C' * (i + 1) for i in range(count)], keys, ['x'] * count, {IE: ie, EA: ea})


INITIAL = table('A', [7.0, 9.0], [0.0, 2.0])  # cost box: ie 7..9, -ea -2..0


def test_box_spans_the_first_data_and_a_margin():
    box = box_of(INITIAL, FAMILIES['p_type'])
    assert box.ideal == (7.0, -2.0)
    assert box.reference == pytest.approx((9.2, 0.2))


def test_counts_hits_and_hypervolume():
    batch, control = table('B', [6.0, 6.4], [2.0, 1.0]), table('C', [8.0], [0.0])
    asked = table('B', [np.nan] * 3, [np.nan] * 3)
    record = IterationRecord(
        1, batch, control, generated=INITIAL, batch=asked, control=control, failures={'B2': {'status': 'flagged'}}
    )
    history = build_history([record], FAMILIES, RULES, initial=INITIAL)
    (entry,) = history['iterations']
    counts = {key: entry[key] for key in ('generated', 'candidates', 'selected', 'computed', 'flagged', 'failed')}
    assert counts == {'generated': 2, 'candidates': None, 'selected': 3, 'computed': 2, 'flagged': 1, 'failed': 0}
    assert entry['hits_by_family'] == {'p_type': 2}
    assert entry['hit_molecules'] == ['B0', 'B1']
    assert entry['control']['hits'] == 0
    # (6.0, 2.0) dominates all others: (9.2 - 6) (0.2 + 2) in a unit box of 2.2 x 2.2
    assert entry['hypervolume']['p_type'] == pytest.approx(3.2 / 2.2)
    # initial points (7, 0) and (9, -2) and the control (8, 0), which (7, 0) dominates
    assert entry['hypervolume_control']['p_type'] == pytest.approx((2.2 * 0.2 + 0.2 * 2.2 - 0.2 * 0.2) / 2.2**2)
    assert entry['hypervolume_control']['p_type'] == history['initial']['hypervolume']['p_type']
    assert entry['best'][str(IE)] == {'value': 6.0, 'unit': 'eV', 'inchikey': 'B0'}
    assert entry['best'][str(EA)]['value'] == 2.0
    assert history['totals']['hits'] == 2
    assert history['totals']['control']['hits'] == 0
    assert history['scales'] == {'p_type': 'gas phase'}
    assert history['reference']['p_type'][str(EA)] == {'ideal': 2.0, 'reference': pytest.approx(-0.2)}


def test_windows_by_prediction_and_by_computation():
    mean = table('B', [6.0, 6.4, 7.0, np.nan], [0.0] * 4)
    batch, control = mean.take([0, 2]), mean.take([1, 3])
    record = IterationRecord(1, table('B', [7.1], [0.0]), table('B', [6.2], [0.0]), mean, batch=batch, control=control)
    (entry,) = build_history([record], FAMILIES, RULES)['iterations']
    assert entry['proposed_by_family'] == {'p_type': 2}
    assert (entry['predicted_by_family'], entry['hits_by_family']) == ({'p_type': 1}, {'p_type': 0})
    assert entry['control']['predicted_by_family'] == {'p_type': 1}
    (bare,) = build_history([IterationRecord(1)], FAMILIES, RULES)['iterations']
    assert bare['proposed_by_family'] is None


def test_hypervolume_never_falls():
    rng = np.random.default_rng(0)
    records = [IterationRecord(n, table(f'B{n}', rng.uniform(5, 9, 4), rng.uniform(0, 3, 4))) for n in (3, 1, 2)]
    history = build_history(records, FAMILIES, RULES)
    volumes = [item['hypervolume']['p_type'] for item in history['iterations']]
    assert [item['iteration'] for item in history['iterations']] == [1, 2, 3]
    assert volumes == sorted(volumes)
    assert volumes[0] > 0


def test_errors_of_the_predictions():
    labels = table('B', [6.0, 7.0, np.nan], [1.0, 1.0, 1.0])
    mean, sigma = table('B', [6.1, 6.8, 5.0], [1.0] * 3), table('B', [0.1, 0.1, 0.1], [np.nan] * 3)
    errors = prediction_errors(mean, sigma, labels)
    # differences +0.1 and -0.2 at sigma 0.1: |z| = 1 (inside 1.645) and 2 (outside)
    assert errors[str(IE)] == {
        'unit': 'eV',
        'n': 2,
        'mae': pytest.approx(0.15),
        'bias': pytest.approx(-0.05),
        'mean_abs_z': pytest.approx(1.5),
        'coverage_90': pytest.approx(0.5),
    }
    assert errors[str(EA)]['coverage_90'] is None


def test_an_iteration_without_labels():
    history = build_history([IterationRecord(1)], FAMILIES, RULES)
    (entry,) = history['iterations']
    assert entry['computed'] == 0
    assert entry['control'] is None
    assert entry['hypervolume'] == {'p_type': None}
    assert history['totals']['control'] is None


def test_records_of_names():
    failures = {'molecules': {'B1': {'status': 'failed'}}, 'totals': {}}
    first, second = records_of(
        {'labels_02': INITIAL, 'mean_01': INITIAL, 'model_01': {'mae': 0.1}, 'failures_02': failures}
    )
    assert (first.number, first.mean, first.model_metrics) == (1, INITIAL, {'mae': 0.1})
    assert (second.number, second.labels, second.failures) == (2, INITIAL, {'B1': {'status': 'failed'}})
    with pytest.raises(OscError, match="'colour_01' is no part"):
        records_of({'colour_01': INITIAL})
