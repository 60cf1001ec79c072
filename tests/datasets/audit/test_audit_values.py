import numpy as np
import pytest

from aiida_osc.datasets.audit.records import IMPOSSIBLE, OUTLIER, SUSPECT
from aiida_osc.datasets.audit.settings import AuditSettings
from aiida_osc.datasets.audit.values import audit_columns, robust_scores
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

LEVEL = 'PBE//PBE'


def audited(columns, settings=None):
    count = len(next(iter(columns.values())))
    keys = [f'KEY{row}' for row in range(count)]
    table = MoleculeTable(
        ['C'] * count, keys, ['x'] * count, {Column.parse(k): np.array(v) for k, v in columns.items()}
    )
    found, findings = audit_columns(table, settings or AuditSettings())
    return {item.column: item for item in found}, findings


def kinds(findings, kind):
    return {(item.column.partition('@')[0], item.inchikey, item.reason) for item in findings if item.kind == kind}


def test_statistics_of_a_column():
    columns, findings = audited({f'homo@{LEVEL}': [-6.0, -5.0, np.nan, -7.0]})
    item = columns[f'homo@{LEVEL}']
    assert (item.labels, item.share, item.unit) == (3, 0.75, 'eV')
    assert (item.low, item.median, item.high, item.mean) == (-7, -6, -5, -6)
    assert item.std == pytest.approx(np.sqrt(2 / 3))
    assert sum(item.histogram.counts) == 3
    assert (item.flags, findings) == ((), [])


def test_what_is_out_of_range_is_impossible_the_worst_first():
    columns, findings = audited({f'lambda_hole@{LEVEL}': [0.1, -0.2, 0.3, -0.9, 7.0]})
    assert columns[f'lambda_hole@{LEVEL}'].impossible == 3
    assert [(item.inchikey, item.reason) for item in findings if item.kind == IMPOSSIBLE] == [
        ('KEY4', 'outside 0 to 5 eV'), ('KEY3', 'outside 0 to 5 eV'), ('KEY1', 'outside 0 to 5 eV'),
    ]  # fmt: skip


def test_contradictions_within_a_level_are_found():
    columns, findings = audited(
        {
            f'ie_vertical@{LEVEL}': [8.0, 2.0, 3.0],
            f'ea_vertical@{LEVEL}': [1.0, 2.5, 3.0],
            f'homo@{LEVEL}': [-7.0, -6.0, -5.0],
            f'lumo@{LEVEL}': [-3.0, -2.0, -5.5],
            f'gap@{LEVEL}': [4.04, 4.06, np.nan],
        }
    )
    assert kinds(findings, IMPOSSIBLE) == {
        ('ie_vertical', 'KEY1', 'not above ea_vertical'),
        ('ie_vertical', 'KEY2', 'not above ea_vertical'),
        ('gap', 'KEY1', 'differs from lumo - homo by more than 0.05 eV'),
        ('lumo', 'KEY2', 'below homo'),
    }
    assert columns[f'ie_vertical@{LEVEL}'].impossible == 2


def test_other_levels_and_environments_do_not_contradict():
    _, findings = audited({'ie_vertical@A': [2.0], 'ea_vertical@B': [3.0], 'ea_vertical@A@cpcm(eps=3.5)': [3.0]})
    assert findings == []


def test_ions_that_lose_by_relaxation_are_suspect():
    columns, findings = audited(
        {
            f'ie_vertical@{LEVEL}': [8.0, 8.0, 8.0],
            f'ie_adiabatic@{LEVEL}': [7.9, 8.05, 8.2],
            f'ea_vertical@{LEVEL}': [1.0, 1.0, 1.0],
            f'ea_adiabatic@{LEVEL}': [1.1, 0.8, np.nan],
        }
    )
    assert kinds(findings, SUSPECT) == {
        ('ie_adiabatic', 'KEY2', 'more than 0.1 eV above ie_vertical'),
        ('ea_adiabatic', 'KEY1', 'more than 0.1 eV below ea_vertical'),
    }
    assert columns[f'ie_adiabatic@{LEVEL}'].suspect == 1


def test_outliers_are_named_and_counted():
    values = [*np.random.default_rng(0).normal(3, 1, 200), 30.0, -20.0, np.nan]
    columns, findings = audited({f'dipole@{LEVEL}': values}, AuditSettings(listed=1))
    assert columns[f'dipole@{LEVEL}'].outliers == 2
    (named,) = [item for item in findings if item.kind == OUTLIER]
    assert (named.inchikey, named.value) == ('KEY200', 30)


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        # median 3, median distance 1
        ([1.0, 2, 3, 4, 100], [-2 / 1.4826, -1 / 1.4826, 0, 1 / 1.4826, 97 / 1.4826]),
        # more than half equal: mean distance 1 instead
        ([0.0, 0, 0, 4], [0, 0, 0, 4 / 1.2533]),
        ([5.0, 5, np.nan], [0, 0, np.nan]),
        ([np.nan, np.nan], [np.nan, np.nan]),
    ],
)
def test_robust_scores(values, expected):
    np.testing.assert_allclose(robust_scores(np.array(values)), expected)


def test_columns_as_a_whole_are_flagged():
    columns, _ = audited(
        {'homo@hartree': [-0.25, -0.22, -0.21], 'gap@constant': [2.0, 2.0, 2.0], 'lumo@empty': [np.nan] * 3}
    )
    (unit,) = columns['homo@hartree'].flags
    assert 'they would fit hartree' in unit
    assert columns['gap@constant'].flags == ('all 3 values are 2',)
    empty = columns['lumo@empty']
    assert (empty.flags, empty.labels, empty.median, empty.histogram) == (('no labels',), 0, None, None)


def test_settings_are_checked():
    with pytest.raises(OscError, match='outlier is -1'):
        AuditSettings(outlier=-1.0)
