"""Promotion windows are closed, need every label and name their scale."""

import numpy as np

from aiida_osc.active_learning.promote import hit_families, promote_molecules
from aiida_osc.active_learning.settings import default_column, promotion_rules
from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable

NAMES = ('c1ccccc1', 'c1ccc2ccccc2c1', 'c1ccc2cc3ccccc3cc2c1', 'c1ccc2cc3cc4ccccc4cc3cc2c1')
RULES = promotion_rules(
    {
        'p_type': {'scale': 'gas phase', 'windows': {'ie_adiabatic': [0, 7.0], 'sa_score': [1, 4]}},
        'n_type': {'scale': 'gas phase', 'windows': {'ea_adiabatic': [1.0, 9.0]}},
    }
)


def table(ie, ea):
    molecules = [standardise(item) for item in NAMES]
    columns = {default_column('ie_adiabatic'): np.array(ie), default_column('ea_adiabatic'): np.array(ea)}
    return MoleculeTable([m.smiles for m in molecules], [m.inchikey for m in molecules], ['seed'] * 4, columns)


def test_windows_are_closed_and_missing_labels_lie_outside():
    molecules = table([9.2, 8.1, 7.0, np.nan], [-1.1, -0.2, 0.5, 1.0])
    promoted, report = promote_molecules(molecules, RULES)
    assert promoted.inchikeys == molecules.inchikeys[2:]
    assert [item['families'] for item in report['molecules']] == [['p_type'], ['n_type']]
    rule = report['families']['p_type']
    assert rule['scale'] == 'gas phase'
    assert rule['promoted'] == 1
    assert [(w['column'].partition('@')[0], w['labels'], w['passed']) for w in rule['windows']] == [
        ('ie_adiabatic', 3, 1),
        ('sa_score', 4, 4),
    ]
    assert report['examined'] == 4


def test_a_molecule_of_two_families_is_promoted_once():
    promoted, report = promote_molecules(table([6.0] * 4, [2.0] * 4), RULES)
    assert len(promoted) == 4
    assert report['molecules'][0]['families'] == ['n_type', 'p_type']


def test_nothing_inside():
    promoted, report = promote_molecules(table([9.0] * 4, [-1.0] * 4), RULES)
    assert len(promoted) == 0
    assert report['molecules'] == []
    assert hit_families(table([9.0] * 4, [-1.0] * 4), RULES) == {'n_type': [], 'p_type': []}
