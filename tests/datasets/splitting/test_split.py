import json

import numpy as np
import pytest

from aiida_osc.chem.clusters import clusters, pack
from aiida_osc.chem.molecules import parse_smiles, standardise
from aiida_osc.chem.scaffolds import scaffold
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.datasets.splitting.leaks import find_leaks
from aiida_osc.datasets.splitting.settings import METHODS, SplitSettings
from aiida_osc.datasets.splitting.split import CONSTANT, NO_LABELS, normalisation, split_table
from aiida_osc.errors import OscError

PARTS = ('train', 'validation', 'test')
GAP = Column('gap', 'GFN2-xTB//GFN2-xTB')


@pytest.fixture(scope='module')
def seed():
    return load_seed()


def keys(split):
    return [set(getattr(split, name).inchikeys) for name in PARTS]


def made(*smiles, source=None):
    items = [standardise(item) for item in smiles]
    return MoleculeTable([m.smiles for m in items], [m.inchikey for m in items], source or ['x'] * len(items))


@pytest.mark.parametrize('by', METHODS)
@pytest.mark.parametrize('common_test', ['test', 'leave_out', 'ignore'])
def test_parts_are_whole_and_have_the_sizes_asked_for(seed, by, common_test):
    split = split_table(seed, SplitSettings(by=by, common_test=common_test), seed=1)
    train, validation, test = keys(split)
    assert sum(map(len, keys(split))) == len(train | validation | test)
    common = {key for key in seed.inchikeys if in_common_test_split(key)}
    if common_test == 'test':
        assert common <= test
    assert (train | validation | test) == set(seed.inchikeys) - (common if common_test == 'leave_out' else set())
    total = len(train | validation | test)
    assert np.abs(np.array([len(train), len(validation), len(test)]) / total - (0.8, 0.1, 0.1)).max() < 0.02
    assert split.report['counts'] == {name: len(part) for name, part in zip(PARTS, keys(split), strict=True)}
    json.dumps(split.report, allow_nan=False)


def test_labels_go_with_their_molecules(seed):
    split = split_table(seed, SplitSettings(), seed=0)
    index = seed.index()
    for name in PARTS:
        part = getattr(split, name)
        np.testing.assert_array_equal(part.values(GAP), seed.values(GAP)[[index[key] for key in part.inchikeys]])


@pytest.mark.parametrize('by', ['random', 'scaffold', 'cluster'])
def test_the_seed_decides_and_the_order_of_rows_does_not(seed, by):
    settings = SplitSettings(by=by)
    first = split_table(seed, settings, seed=1)
    assert keys(split_table(seed, settings, seed=1)) == keys(first)
    assert keys(split_table(seed, settings, seed=2)) != keys(first)
    if by != 'cluster':  # Butina's ties are broken by row
        assert keys(split_table(seed.take(range(len(seed))[::-1]), settings, seed=1)) == keys(first)


@pytest.mark.parametrize('by', ['scaffold', 'cluster'])
def test_no_scaffold_and_no_cluster_is_torn_apart(seed, by):
    split = split_table(seed, SplitSettings(by=by, common_test='ignore'), seed=3)
    mols = [parse_smiles(smiles) for smiles in seed.smiles]
    names = [scaffold(mol) for mol in mols] if by == 'scaffold' else clusters(pack(mols), 0.5).tolist()
    index = seed.index()
    groups = [{names[index[key]] for key in part} - {''} for part in keys(split)]
    assert sum(map(len, groups)) == len(set.union(*groups))


def test_test_molecules_of_the_common_split_that_have_relatives_in_training_are_told(seed):
    report = split_table(seed, SplitSettings(by='scaffold'), seed=1).report
    assert report['common_test']['related_to_train'] > 0
    assert any('leave the common test split out' in flag for flag in report['flags'])
    apart = split_table(seed, SplitSettings(by='scaffold', common_test='leave_out'), seed=1).report
    assert apart['common_test']['related_to_train'] == 0
    assert apart['flags'] == []


def test_ignoring_the_common_split_is_told(seed):
    report = split_table(seed, SplitSettings(common_test='ignore'), seed=1).report
    assert report['common_test']['in_train'] > 0
    assert any('quote no figure of it' in flag for flag in report['flags'])


@pytest.mark.parametrize('tautomers', [False, True])
def test_relatives_stay_together_and_leaks_are_found(tautomers):
    pairs = [f'C{n * "C"}/C=C/C,C{n * "C"}/C=C\\C'.split(',') for n in range(8)]
    pairs += [[f'C{n * "C"}C(=O)CC(C)=O', f'C{n * "C"}C(=O)C=C(C)O'] for n in range(8)]
    table = made(*(smiles for pair in pairs for smiles in pair))
    for seed in range(5):
        settings = SplitSettings(fractions=(0.5, 0.2, 0.3), tautomers=tautomers)
        split = split_table(table, settings, seed=seed)
        place = {key: name for name in PARTS for key in getattr(split, name).inchikeys}
        torn = [place[table.inchikeys[2 * n]] != place[table.inchikeys[2 * n + 1]] for n in range(16)]
        assert not any(torn[:8])
        leaks = split.report['leaks']
        assert (leaks['inchikey'], leaks['skeleton']) == (0, 0)
        assert leaks['tautomer'] == (0 if tautomers else None)
        if tautomers:
            assert not any(torn)


def test_leaks_between_any_tables():
    parts = {
        'train': made('c1ccccc1', 'F/C=C/F', 'CC(=O)CC(C)=O'),
        'test': made('c1ccccc1', 'F/C=C\\F', 'CC(=O)C=C(C)O'),
    }
    found = find_leaks(parts, tautomers=True)
    assert (found['inchikey'], found['skeleton'], found['tautomer']) == (2, 4, 6)
    benzene = parts['train'].inchikeys[0]
    assert found['examples'][0] == {'kind': 'inchikey', 'molecules': [['train', benzene], ['test', benzene]]}


def test_time_tests_on_what_came_last():
    table = made(*('C' * n for n in range(1, 41)))
    split = split_table(table, SplitSettings(by='time', common_test='ignore'), seed=0)
    rows = [[table.index()[key] for key in getattr(split, name).inchikeys] for name in PARTS]
    assert rows == [list(range(32)), list(range(32, 36)), list(range(36, 40))]


def test_time_by_source_is_in_natural_order():
    table = made(*('C' * n for n in range(1, 41)), source=[f'batch {10 if n < 10 else 2}' for n in range(40)])
    split = split_table(table, SplitSettings(by='time', order='source', common_test='ignore'), seed=0)
    assert set(split.test.source) == {'batch 10'}
    assert set(split.train.source) == {'batch 2', 'batch 10'}


def test_time_by_column_tests_on_high_values():
    values = np.array([*range(39), np.nan])
    table = made(*('C' * n for n in range(1, 41))).with_columns({GAP: values[::-1]})
    split = split_table(table, SplitSettings(by='time', order=str(GAP), common_test='ignore'), seed=0)
    assert split.test.values(GAP).min() > split.validation.values(GAP).max() > np.nanmax(split.train.values(GAP))
    assert np.isnan(split.train.values(GAP)).sum() == 1


def test_normalisation_is_of_the_training_part_alone(seed):
    split = split_table(seed, SplitSettings(columns=[str(GAP)]), seed=1)
    (found,) = split.report['normalisation'].values()
    known = split.train.values(GAP)
    assert found == {'labels': len(known), 'mean': known.mean(), 'std': known.std(), 'flag': None}


@pytest.mark.parametrize(
    ('values', 'labels', 'mean', 'std', 'flag'),
    [
        ([np.nan, np.nan], 0, None, None, NO_LABELS),
        ([0.1 + 0.2, 0.3, np.nan], 2, 0.3, 0.0, CONSTANT),
        ([1.0, 3.0, np.nan], 2, 2.0, 1.0, None),
    ],
)
def test_missing_and_constant_labels_are_flagged(values, labels, mean, std, flag):
    found = normalisation(np.array(values))
    assert found == {'labels': labels, 'mean': pytest.approx(mean), 'std': std, 'flag': flag}


def test_what_is_no_molecule_is_split_and_told():
    good = made(*('C' * n for n in range(1, 12)))
    table = MoleculeTable((*good.smiles, 'C1C'), (*good.inchikeys, 'BAD'), (*good.source, 'x'))
    for by in ('scaffold', 'cluster'):
        split = split_table(table, SplitSettings(by=by), seed=0)
        assert sum(len(part) for part in keys(split)) == 12
        assert split.report['unparsable'] == ['BAD']
        assert '1 SMILES are no molecules' in split.report['flags']


@pytest.mark.parametrize('count', [0, 1, 2])
def test_too_few_molecules(count):
    with pytest.raises(OscError, match=f'{count} molecules cannot be split: give at least 3'):
        split_table(made(*('C' * n for n in range(1, count + 1))), SplitSettings(), seed=0)


@pytest.mark.parametrize('by', METHODS)
def test_a_set_of_test_molecules_alone(seed, by):
    held = seed.take([row for row, key in enumerate(seed.inchikeys) if in_common_test_split(key)])
    with pytest.raises(OscError, match='no molecule is left for training'):
        split_table(held, SplitSettings(by=by), seed=0)


def test_an_empty_part_is_told():
    split = split_table(
        made('C', 'CC', 'CCC', 'CCCC'), SplitSettings(fractions=(1, 0, 0), common_test='ignore'), seed=0
    )
    assert split.report['counts'] == {'train': 4, 'validation': 0, 'test': 0}
    assert split.report['flags'][:2] == ['validation is empty', 'test is empty']


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'fractions': [0.8, 0.1, 0.2]}, 'fractions 0.8 0.1 0.2: give three that sum to 1'),
        ({'fractions': [0.9, 0.1]}, 'give three that sum to 1'),
        ({'fractions': [1.1, -0.1, 0]}, 'give three that sum to 1'),
        ({'fractions': [0, 0.5, 0.5]}, 'the fraction of training is 0'),
        ({'by': 'colour'}, "by is 'colour': use one of random, scaffold, cluster, time"),
        ({'common_test': 'train'}, 'common_test is'),
        ({'similarity': 0.0}, 'similarity is 0.0'),
        ({'columns': ['gap@nothing']}, 'no column gap@nothing: the table has dipole@'),
        ({'by': 'time', 'order': 'gap@nothing'}, "order is 'gap@nothing': use rows, source or a column"),
        ({'by': 'time', 'order': 'year'}, "order is 'year'"),
        ({'part': 1}, 'unknown settings part'),
    ],
)
def test_bad_settings_are_refused(seed, settings, message):
    with pytest.raises(OscError, match=message):
        split_table(seed, SplitSettings.from_dict(settings), seed=0)
