"""The ascent climbs, its parents can be named, and proposals follow the windows of a campaign."""

import numpy as np
import pytest
from rdkit import Chem

from aiida_osc.active_learning.ascent import LatentAscent
from aiida_osc.active_learning.propose import propose_molecules
from aiida_osc.active_learning.refresh import RefreshSettings
from aiida_osc.active_learning.scoring import OptimisticCost
from aiida_osc.active_learning.settings import SelectionSettings, default_column, promotion_rules
from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.errors import OscError
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.latents import find_anchors
from aiida_osc.generator.sample_settings import SampleSettings
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate

IE = default_column('ie_adiabatic')
OBJECTIVES = {'p_type': [{'target': 'ie_adiabatic', 'direction': 'min'}, {'target': 'sa_score', 'direction': 'min'}]}
SMILES = ('c1ccsc1', 'c1csc(-c2cccs2)c1', 'c1ccc(-c2cccs2)cc1', 'N#Cc1ccccc1', 'c1ccc(-c2ccccc2)cc1', 'c1ccc2sccc2c1')


@pytest.fixture(scope='module')
def model():
    molecules = [standardise(text) for text in SMILES]
    table = MoleculeTable([m.smiles for m in molecules], [m.inchikey for m in molecules], ['test'] * len(SMILES))
    labels = {IE: np.linspace(9.0, 7.0, len(SMILES))}
    settings = {'hidden': 32, 'latent': 8, 'epochs': 40, 'validation': 0.0, 'hold_out_test': False, 'min_labels': 5}
    return Generator.from_artifact(
        fit_jtvae_piece(table.with_columns(labels), JtvaeSettings.from_dict(settings), seed=0)
    )


@pytest.fixture(scope='module')
def surrogate():
    settings = SurrogateSettings.from_dict({'family': 'gp', 'columns': [str(IE)]})
    return Surrogate.from_artifact(fit_surrogate_piece(load_seed().take(range(120)), settings, seed=0))


def size_costs(smiles):
    """Return minus the number of heavy atoms, and the number itself: two families that want opposite things."""
    sizes = np.array([Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in smiles], dtype=float)
    return np.column_stack([-sizes, sizes])


def test_the_ascent_finds_better_molecules_than_sampling_does(model):
    options = {'count': 10, 'noise': 1.0, 'temperature': 1.0, 'max_attempts': 60, 'max_heavy_atoms': 30}
    settings = SampleSettings(strategy='ascent', oversample=10, **options)

    def large(smiles):
        return size_costs(smiles)[:, :1]

    source = LatentAscent(model, find_anchors(model, SMILES), large, settings)
    climbed = model.sample(settings, seed=0, source=source)
    plain = model.sample(SampleSettings(strategy='around', **options), seed=0)
    means = [size_costs(result.molecules.smiles)[:, 1].mean() for result in (climbed, plain)]
    assert means[0] > means[1] + 3
    known = {*SMILES, *source.cost_of}
    for entry in climbed.origins.values():
        assert entry['how'] == 'ascent'
        assert 1 <= len(entry['parents']) <= 2
        assert set(entry['parents']) <= {Chem.CanonSmiles(text) for text in known}
    assert any(not set(entry['parents']) <= set(SMILES) for entry in climbed.origins.values())
    again = model.sample(settings, seed=0, source=LatentAscent(model, find_anchors(model, SMILES), large, settings))
    assert again.molecules.smiles == climbed.molecules.smiles


def test_families_take_turns_among_the_best(model):
    source = LatentAscent(model, find_anchors(model, SMILES), size_costs, SampleSettings())
    found = ['c1ccccc1', 'c1ccc2ccccc2c1', 'c1ccc2cc3ccccc3cc2c1']
    source.learn(found)
    assert source.best(found, 2) == [2, 0]
    assert source.best([], 3) == []


def test_costs_are_optimistic_and_standardised(surrogate):
    settings = SelectionSettings.from_dict({'objectives': {'p_type': OBJECTIVES['p_type'][:1]}, 'beta': 2.0})
    reference = load_seed().smiles[:40]
    cost = OptimisticCost(surrogate, settings, reference)
    prediction = surrogate.predict(reference)
    bound = prediction.mean[:, 0] - 2.0 * prediction.sigma[:, 0]
    assert cost(reference)[:, 0] == pytest.approx((bound - bound.mean()) / bound.std(), abs=1e-6)
    assert cost.scored == 80


def test_a_surrogate_without_the_objectives_is_refused(surrogate):
    with pytest.raises(OscError, match='does not predict ea_adiabatic'):
        OptimisticCost(surrogate, SelectionSettings(), SMILES)


def test_proposals_climb_with_a_surrogate(model, surrogate):
    selection = SelectionSettings.from_dict({'objectives': OBJECTIVES})
    settings = SampleSettings(count=4, strategy='ascent', temperature=1.2, max_attempts=30, oversample=3)
    result = propose_molecules(model, settings, seed=0, surrogate=surrogate, selection=selection)
    assert {entry['how'] for entry in result.origins.values()} == {'ascent'}
    assert result.report['scored'] >= 2 * len(SMILES) + result.report['returned']
    with pytest.raises(OscError, match='an ascent needs a surrogate'):
        propose_molecules(model, settings, seed=0)


def test_every_child_of_an_ascent_may_be_led_to_windows(model, surrogate):
    windows = {'ie_adiabatic': [6.0, 9.5]}
    settings = SampleSettings(count=3, strategy='ascent', temperature=1.2, max_attempts=60, noise=2.0, windows=windows)
    selection = SelectionSettings.from_dict({'objectives': OBJECTIVES})
    report = propose_molecules(model, settings, seed=0, surrogate=surrogate, selection=selection).report
    assert report['families']['any'] == {'aimed': report['attempts'], 'inside': report['returned']}
    assert report['returned'] > 0


def test_proposals_are_led_to_the_windows_of_a_campaign(model):
    rules = promotion_rules({
        'p_type': {'scale': 'gas phase', 'windows': {'ie_adiabatic': [7.0, 8.0], 'lambda_hole': [0.0, 0.2]}},
        'n_type': {'scale': 'gas phase', 'windows': {'ea_adiabatic': [3.0, 9.0]}},
    })  # fmt: skip
    settings = SampleSettings(count=4, temperature=1.5, guided=0.5, keep_outside=True, noise=2.0)
    report = propose_molecules(model, settings, seed=0, rules=rules).report
    # the generator has a head for the ionisation energy alone
    assert set(report['families']) == {'p_type'}
    assert report['families']['p_type']['aimed'] == report['attempts'] // 2
    own = SampleSettings(**{**settings.to_dict(), 'windows': {'ie_adiabatic': [7.0, 8.0]}})
    assert set(propose_molecules(model, own, seed=0, rules=rules).report['families']) == {'any'}


def test_refreshes_get_gentler_and_favour_the_objectives():
    base, selection = {'epochs': 60, 'hidden': 96}, {'objectives': OBJECTIVES}
    schedule = RefreshSettings(epochs=10, learning_rate=1e-3, decay=0.5, softness=0.2)
    first, third = (schedule.training(base, selection, number) for number in (0, 2))
    assert (first['epochs'], first['hidden'], first['learning_rate']) == (10, 96, 1e-3)
    assert third['learning_rate'] == pytest.approx(2.5e-4)
    assert first['favour']['p_type'] == {str(IE): 'min', 'sa_score@Ertl-Schuffenhauer': 'min'}
    assert JtvaeSettings.from_dict(first).favour_softness == 0.2
    assert RefreshSettings(softness=0.0).training(base, selection, 0)['favour'] is None
    with pytest.raises(OscError, match='refresh'):
        RefreshSettings(decay=0.0)
