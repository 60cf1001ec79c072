"""Molecules made of others by rules."""

import numpy as np
import pytest
from rdkit import Chem

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.enumeration import RULES, EnumerationSettings, _reaction, enumerate_molecules
from aiida_osc.datasets.seed_set import load_seed, seed_entries
from aiida_osc.errors import OscError


@pytest.mark.parametrize(
    ('rule', 'reactants', 'product'),
    [
        ('join', ('c1ccccc1', 'c1ccccc1'), 'c1ccc(-c2ccccc2)cc1'),
        ('join by vinylene', ('c1ccccc1', 'c1ccccc1'), 'C(=C/c1ccccc1)\\c1ccccc1'),
        ('cut', ('c1ccc(-c2cccs2)cc1',), 'c1ccccc1'),
        ('fuse benzene', ('c1ccccc1',), 'c1ccc2ccccc2c1'),
        ('set CN', ('c1ccccc1',), 'N#Cc1ccccc1'),
        ('CH to N', ('c1ccccc1',), 'c1ccncc1'),
        ('N to CH', ('c1ccncc1',), 'c1ccccc1'),
        ('S to NH', ('c1ccsc1',), 'c1cc[nH]c1'),
    ],
)
def test_rules(rule, reactants, product):
    products = _reaction(rule).RunReactants([Chem.MolFromSmiles(item) for item in reactants])
    made = set()
    for (mol,) in products:
        assert Chem.SanitizeMol(mol, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE
        made.add(Chem.MolToSmiles(mol))
    assert Chem.CanonSmiles(product) in made


def test_every_rule_makes_something_of_the_seed_set():
    mols = [Chem.MolFromSmiles(entry.smiles) for entry in seed_entries()]
    for rule in RULES:
        reaction = _reaction(rule)
        pairs = ((mol, mols[0])[: reaction.GetNumReactantTemplates()] for mol in mols)
        found = (reaction.RunReactants(pair, 1) for pair in pairs)
        assert any(Chem.SanitizeMol(mol, catchErrors=True) == 0 for products in found for (mol,) in products), rule


def test_molecules_are_new_within_the_limits_and_repeat_with_the_seed():
    seeds = load_seed(labelled=False).take(list(range(60)))
    settings = EnumerationSettings(count=20, max_heavy_atoms=25, max_sa_score=3.5)
    table, reasons = enumerate_molecules(seeds.smiles, settings, seed=1)
    assert len(set(table.inchikeys)) == len(table) == 20
    assert not set(table.inchikeys) & set(seeds.inchikeys)
    assert [standardise(item).inchikey for item in table.smiles] == list(table.inchikeys)
    assert max(Chem.MolFromSmiles(item).GetNumHeavyAtoms() for item in table.smiles) <= 25
    (scores,) = table.columns.values()
    assert scores.max() <= 3.5
    assert sum(reasons.values()) > 0
    again, other = (enumerate_molecules(seeds.smiles, settings, seed=seed)[0] for seed in (1, 2))
    assert again.content_hash() == table.content_hash() != other.content_hash()
    assert np.array_equal(*(next(iter(item.columns.values())) for item in (again, table)))


def test_it_ends_where_nothing_more_can_be_made():
    table, reasons = enumerate_molecules(['CCO'], EnumerationSettings(count=5, attempts=3, min_heavy_atoms=1), seed=0)
    assert len(table) == 0
    assert reasons == {'made before': 15}


@pytest.mark.parametrize('values', [{'count': 0}, {'steps': 0}, {'min_heavy_atoms': 50}])
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(OscError):
        EnumerationSettings.from_dict(values)


def test_nothing_to_start_from_is_refused():
    with pytest.raises(OscError, match='give at least one'):
        enumerate_molecules([], EnumerationSettings(), seed=0)
