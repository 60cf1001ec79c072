"""The batch: known molecules never, families in turn, diverse, and the same for the same seed."""

import numpy as np
import pytest
from rdkit import DataStructs

from aiida_osc.active_learning.columns import SA_COLUMN
from aiida_osc.active_learning.select import select_molecules
from aiida_osc.active_learning.settings import SelectionSettings, default_column, promotion_rules
from aiida_osc.chem.fingerprints import morgan
from aiida_osc.errors import OscError

IE = default_column('ie_adiabatic')
ONE = {'p_type': [{'target': 'ie_adiabatic', 'direction': 'min'}]}
BOTH = {
    'p_type': [{'target': 'ie_adiabatic', 'direction': 'min'}],
    'n_type': [{'target': 'ea_adiabatic', 'direction': 'max'}],
}


def test_one_objective_greedy_takes_the_best(pool):
    mean, sigma = pool
    chosen = select_molecules(mean, sigma, SelectionSettings(size=5, beta=0.0, tanimoto_cap=1.0, objectives=ONE))
    best = np.argsort(mean.values(IE))[:5]
    assert chosen.batch.inchikeys == tuple(mean.inchikeys[row] for row in best)
    assert [item['front'] for item in chosen.ranking['molecules']] == [0, 1, 2, 3, 4]


def test_minimised_and_maximised_objectives_are_both_optimistic(pool):
    mean, sigma = pool
    chosen = select_molecules(mean, sigma, SelectionSettings(size=2, beta=2.0, tanimoto_cap=1.0, objectives=BOTH))
    ea = default_column('ea_adiabatic')
    low = mean.values(IE) - 2 * sigma.values(IE)
    high = mean.values(ea) + 2 * sigma.values(ea)
    assert set(chosen.batch.inchikeys) == {mean.inchikeys[low.argmin()], mean.inchikeys[high.argmax()]}


def test_families_choose_in_turn(pool):
    chosen = select_molecules(*pool, SelectionSettings(size=10))
    families = [item['family'] for item in chosen.ranking['molecules']]
    assert families == ['n_type', 'p_type'] * 5
    assert [item['rank'] for item in chosen.ranking['molecules']] == list(range(1, 11))


def test_fronts_are_used_up_one_after_the_other(pool):
    chosen = select_molecules(*pool, SelectionSettings(size=30, tanimoto_cap=1.0))
    for family in ('p_type', 'n_type'):
        fronts = [item['front'] for item in chosen.ranking['molecules'] if item['family'] == family]
        assert fronts == sorted(fronts)


def test_what_may_lie_inside_the_windows_goes_first(pool):
    mean, sigma = pool
    settings = SelectionSettings(
        size=len(mean),
        tanimoto_cap=1.0,
        objectives={'p_type': [*ONE['p_type'], {'target': 'lambda_hole', 'direction': 'min'}]},
    )
    bounds = {'ie_adiabatic': [6.0, 7.0], 'lambda_hole': [0.0, 0.2]}
    rules = promotion_rules({'p_type': {'scale': 'gas phase', 'windows': bounds}})
    entries = select_molecules(mean, sigma, settings, rules=rules).ranking['molecules']
    may = []
    for entry in entries:
        reach = [
            (entry['mean'][key] - entry['sigma'][key], entry['mean'][key] + entry['sigma'][key])
            for key in (str(default_column(name)) for name in bounds)
        ]
        may.append(all(low <= b and a <= high for (a, b), (low, high) in zip(reach, bounds.values(), strict=True)))
    assert 0 < sum(may) < len(mean)
    assert may == sorted(may, reverse=True)
    distances = [entry['outside'] for entry in entries]
    assert distances == sorted(distances)
    assert [distance == 0 for distance in distances] == may
    fronts = [entry['front'] for entry, inside in zip(entries, may, strict=True) if inside]
    assert fronts == sorted(fronts)
    free = select_molecules(mean, sigma, settings).ranking['molecules']
    assert {entry['outside'] for entry in free} == {None}
    assert [entry['inchikey'] for entry in free] != [entry['inchikey'] for entry in entries]


@pytest.mark.filterwarnings('error')
def test_windows_without_any_prediction_leave_the_order_as_it_is(pool):
    mean, sigma = pool
    rules = promotion_rules({'p_type': {'scale': 'gas phase', 'windows': {'lambda_hole': [0.0, 0.2]}}})
    settings = SelectionSettings(size=8, objectives=ONE)
    unknown = mean.with_columns({default_column('lambda_hole'): np.full(len(mean), np.nan)})
    led, free = (select_molecules(unknown, sigma, settings, rules=item) for item in (rules, None))
    assert led.batch.inchikeys == free.batch.inchikeys
    empty = select_molecules(mean.take([]), sigma.take([]), settings, rules=rules)
    assert empty.ranking['reason'].startswith('0 of 8')


def test_known_molecules_are_never_chosen(pool):
    mean, sigma = pool
    known = set(mean.inchikeys[::2])
    chosen = select_molecules(mean, sigma, SelectionSettings(size=20, control=True), exclude=known)
    assert not known & set(chosen.batch.inchikeys)
    assert not known & set(chosen.control.inchikeys)
    assert chosen.ranking['counts']['excluded'] == len(known)


def test_the_batch_is_diverse(pool):
    chosen = select_molecules(*pool, SelectionSettings(size=15, tanimoto_cap=0.4))
    prints = morgan(chosen.batch.smiles)
    pairs = [DataStructs.TanimotoSimilarity(a, b) for i, a in enumerate(prints) for b in prints[:i]]
    assert pairs
    assert max(pairs) <= 0.4


def test_too_few_candidates_give_what_there_is_and_a_reason(pool):
    mean, sigma = pool
    few = mean.take(range(6)), sigma.take(range(6))
    chosen = select_molecules(*few, SelectionSettings(size=12, tanimoto_cap=1.0), exclude=mean.inchikeys[:2])
    assert len(chosen.batch) == 4
    assert '4 of 12 molecules selected: of 6 candidates 4 are new' in chosen.ranking['reason']
    nothing = select_molecules(*few, SelectionSettings(size=12, control=True), exclude=mean.inchikeys)
    assert len(nothing.batch) == len(nothing.control) == 0
    assert nothing.ranking['reason'].startswith('0 of 12')


def test_control_is_random_disjoint_and_fixed_by_the_seed(pool):
    settings = SelectionSettings(size=10, control=True)
    first, again, other = (select_molecules(*pool, settings, seed=seed) for seed in (3, 3, 4))
    assert first.batch.inchikeys == again.batch.inchikeys == other.batch.inchikeys
    assert first.control.inchikeys == again.control.inchikeys
    assert first.control.inchikeys != other.control.inchikeys
    assert len(first.control) == 10
    assert not set(first.control.inchikeys) & set(first.batch.inchikeys)
    assert first.ranking['control'] == list(first.control.inchikeys)


def test_the_batch_carries_no_prediction(pool):
    chosen = select_molecules(*pool, SelectionSettings(size=5))
    assert list(chosen.batch.columns) == [SA_COLUMN]


def test_a_molecule_without_prediction_is_no_candidate(pool):
    mean, sigma = pool
    values = mean.values(IE).copy()
    values[values.argmin()] = np.nan
    chosen = select_molecules(
        mean.with_columns({IE: values}), sigma, SelectionSettings(size=1, beta=0.0, objectives=ONE)
    )
    assert chosen.batch.inchikeys == (mean.inchikeys[np.nanargmin(values)],)


def test_ranking_says_what_was_expected(pool):
    mean, sigma = pool
    entry = select_molecules(mean, sigma, SelectionSettings(size=1, beta=1.5, objectives=ONE)).ranking['molecules'][0]
    row = mean.index()[entry['inchikey']]
    assert entry['mean'] == {str(IE): pytest.approx(mean.values(IE)[row])}
    assert entry['sigma'] == {str(IE): pytest.approx(sigma.values(IE)[row])}
    assert entry['acquisition'] == {str(IE): pytest.approx((mean.values(IE) - 1.5 * sigma.values(IE))[row])}


def test_a_missing_column_is_named(pool):
    mean, sigma = pool
    settings = SelectionSettings(objectives={'p_type': [{'target': 'homo', 'direction': 'max'}]})
    with pytest.raises(OscError, match='the prediction lacks the columns homo@GFN2-xTB'):
        select_molecules(mean, sigma, settings)


def test_mean_and_sigma_must_match(pool):
    mean, sigma = pool
    with pytest.raises(OscError, match='different molecules'):
        select_molecules(mean, sigma.take(range(3)), SelectionSettings())
