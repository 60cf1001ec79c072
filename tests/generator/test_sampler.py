"""What sampling keeps and why, where latent vectors come from, and how the windows lead them."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.generator.filters import MoleculeFilter
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.guidance import make_demands
from aiida_osc.generator.latents import find_anchors, on_arc, within_shell
from aiida_osc.generator.sample_settings import SampleSettings
from aiida_osc.generator.settings import JtvaeSettings

FREE = {'temperature': 1.5, 'noise': 2.0}
WAYS = [('prior', {'prior'}), ('around', {'around'}), ('mixed', {'prior', 'around'})]


@pytest.fixture(scope='module')
def sized(small_table, small_settings):
    """Return a generator with a head for the number of heavy atoms, ten units each."""
    sizes = np.array([10.0 * Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in small_table.smiles])
    column = Column('polarizability', 'made up')
    settings = JtvaeSettings.from_dict({**small_settings.to_dict(), 'min_labels': 5})
    return Generator.from_artifact(fit_jtvae_piece(small_table.with_columns({column: sizes}), settings, seed=0))


@pytest.mark.parametrize(
    ('smiles', 'options', 'reason'),
    [
        ('c1ccc2ccccc2c1', {'max_heavy_atoms': 9}, 'too large'),
        ('c1ccccc1', {'require': ['c1ccsc1']}, 'without c1ccsc1'),
        ('c1ccsc1', {'forbid': ['[#6]', 's']}, 'forbidden: [#6]'),
        ('Sc1ccccc1', {}, 'reactive: thiol'),
        ('C1CCC#CC1', {}, 'strained: triple bond in a small ring'),
        ('c1ccccc1', {'max_sa_score': 0.5}, 'hard to make'),
        ('Sc1ccccc1', {'reactive': True}, None),
        ('C1CCC#CC1', {'strained': True}, None),
        ('c1csc(-c2cccs2)c1', {'require': ['c1ccsc1'], 'forbid': ['n']}, None),
    ],
)
def test_filters_say_why(smiles, options, reason):
    assert MoleculeFilter(SampleSettings(**options)).reason(Chem.MolFromSmiles(smiles)) == reason


@pytest.mark.parametrize('pattern', ['', 'c1cc', '[#'])
def test_wrong_patterns_are_refused(pattern):
    with pytest.raises(OscError, match='is no SMARTS'):
        MoleculeFilter(SampleSettings(forbid=[pattern]))


@pytest.mark.parametrize(
    'options',
    [
        {'windows': {'gap': [2.0]}},
        {'windows': {'gap': 'wide'}},
        {'windows': {'gap': [3.0, 1.0]}},
        {'windows': {'gap': [1.0, float('nan')]}},
        {'families': {'p_type': {}}},
        {'families': {'p_type': {'gap': [0, 1]}}, 'windows': {'gap': [0, 1]}},
        {'require': 'c1ccsc1'},
        {'guided': 1.5},
        {'norm_cap': 0.0},
        {'patience': 0},
    ],
)
def test_wrong_settings_are_refused(options):
    with pytest.raises(OscError):
        SampleSettings(**options)


def test_every_decoding_is_counted_once(small_generator):
    report = small_generator.sample(SampleSettings(count=30, max_heavy_atoms=18, **FREE), seed=2).report
    assert report['returned'] + sum(report['rejected'].values()) == report['attempts']
    assert report['rejected']['too large'] > 0
    assert list(report['rejected'].values()) == sorted(report['rejected'].values(), reverse=True)


def test_required_and_forbidden_patterns_hold(small_generator):
    settings = SampleSettings(count=8, require=['c1ccsc1'], forbid=['[#7]'], **FREE)
    table = small_generator.sample(settings, seed=0).molecules
    assert len(table) > 0
    mols = [Chem.MolFromSmiles(text) for text in table.smiles]
    assert all(mol.HasSubstructMatch(Chem.MolFromSmarts('c1ccsc1')) for mol in mols)
    assert not any(atom.GetAtomicNum() == 7 for mol in mols for atom in mol.GetAtoms())


def test_a_filter_that_nothing_passes_ends_early_with_a_reason(small_generator):
    settings = SampleSettings(count=50, require=['[U]'], max_attempts=100, patience=100, **FREE)
    report = small_generator.sample(settings, seed=0).report
    assert report['returned'] == 0
    assert 100 <= report['attempts'] < 500
    assert report['reason'].startswith('0 of 50 molecules')
    assert 'gave nothing to keep' in report['reason']
    assert 'without [U]' in report['rejected']


def test_origins_tell_decoding_and_parents(small_generator, small_table):
    first, other = small_table.smiles[1], small_table.smiles[4]
    result = small_generator.sample(SampleSettings(count=6, strategy='between', around=[first, other], **FREE), seed=3)
    assert set(result.origins) == set(result.molecules.inchikeys)
    attempts = [entry['attempt'] for entry in result.origins.values()]
    assert attempts == sorted(set(attempts))
    assert max(attempts) < result.report['attempts']
    assert {entry['how'] for entry in result.origins.values()} == {'between'}
    assert all(sorted(entry['parents']) == sorted([first, other]) for entry in result.origins.values())


@pytest.mark.parametrize(('strategy', 'ways'), WAYS)
def test_parents_are_those_of_the_strategy(small_generator, small_table, strategy, ways):
    origins = small_generator.sample(SampleSettings(count=15, strategy=strategy, **FREE), seed=0).origins.values()
    assert {entry['how'] for entry in origins} == ways
    for entry in origins:
        assert len(entry['parents']) == (0 if entry['how'] == 'prior' else 1)
        assert set(entry['parents']) <= set(small_table.smiles)


def test_a_move_of_no_size_decodes_the_parents(small_generator, small_table):
    settings = SampleSettings(count=5, strategy='around', noise=0.0, temperature=0.0, max_attempts=4)
    report = small_generator.sample(settings, seed=0).report
    # All that comes back is what the generator knows by heart: once as known, then as repeated.
    assert report['returned'] == 0
    assert set(report['rejected']) == {'known', 'duplicate'}
    assert report['rejected']['known'] <= len(small_table)


def test_molecules_that_cannot_be_encoded_are_named(small_generator, small_table):
    good = small_table.smiles[0]
    settings = SampleSettings(count=2, around=[good, 'C1CCCCCC1', 'nonsense'], **FREE)
    report = small_generator.sample(settings, seed=0).report
    assert report['around'] == 1
    assert set(report['left_out']) == {'C1CCCCCC1', 'nonsense'}
    assert 'not in the vocabulary' in report['left_out']['C1CCCCCC1']
    assert report['left_out']['nonsense'] == 'invalid SMILES'
    with pytest.raises(OscError, match=r'none .* can be encoded \(C1CCCCCC1: motif'):
        find_anchors(small_generator, ['C1CCCCCC1'])
    with pytest.raises(OscError, match='two at least'):
        small_generator.sample(SampleSettings(strategy='between', around=[good]), seed=0)
    with pytest.raises(OscError, match='an ascent needs a surrogate'):
        small_generator.sample(SampleSettings(strategy='ascent'), seed=0)


def test_arcs_keep_the_length_and_meet_their_ends():
    generator = torch.Generator().manual_seed(0)
    first, second = (3 * torch.nn.functional.normalize(torch.randn(5, 8, generator=generator)) for _ in range(2))
    share = torch.full((5, 1), 0.3)
    assert torch.allclose(on_arc(first, second, share).norm(dim=1), torch.full((5,), 3.0), atol=1e-5)
    assert torch.allclose(on_arc(first, second, torch.zeros(5, 1)), first, atol=1e-5)
    assert torch.allclose(on_arc(first, second, torch.ones(5, 1)), second, atol=1e-5)


def test_steps_stay_in_the_shell_unless_they_began_outside():
    start = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 9.0, 0.0, 0.0]])
    moved = torch.tensor([[10.0, 0.0, 0.0, 0.0], [0.0, 20.0, 0.0, 0.0]])
    # radius of the prior's shell in four dimensions: 2; cap 1.5 times that
    assert within_shell(moved, start, 1.5).norm(dim=1).tolist() == pytest.approx([3.0, 9.0])


def test_latent_vectors_are_led_into_the_windows(sized):
    (demand,) = make_demands(sized.columns, {'small': {'polarizability': [60.0, 110.0]}})
    latent = torch.randn(200, 16, generator=torch.Generator().manual_seed(0))
    before, after = (demand.holds(sized.predict(part)).mean() for part in (latent, demand.lead(sized, latent, 1.5)))
    assert after > 0.9 > before
    assert demand.lead(sized, latent, 1.5).norm(dim=1).max() <= max(1.5 * 4, latent.norm(dim=1).max()) + 1e-4


def test_two_families_share_the_molecules(sized):
    families = {'small': {'polarizability': [40.0, 120.0]}, 'large': {'polarizability': [140.0, 260.0]}}
    result = sized.sample(SampleSettings(count=6, families=families, max_attempts=60, **FREE), seed=1)
    counts = result.report['families']
    assert {entry['aim'] for entry in result.origins.values()} <= {'small', 'large'}
    assert max(item['inside'] for item in counts.values()) <= 3
    assert sum(item['aimed'] for item in counts.values()) == result.report['attempts']
    bounds = [(name, tuple(item.values())) for name, item in families.items()]
    values = sized.predict(sized.encode(result.molecules.smiles))[:, 0]
    for value, key in zip(values, result.molecules.inchikeys, strict=True):
        inside = [name for name, ((low, high),) in bounds if low <= value <= high]
        assert result.origins[key]['inside'] == inside


def test_led_but_not_filtered(sized):
    window = {'polarizability': [1.0, 5.0]}
    free = sized.sample(SampleSettings(count=5, windows=window, keep_outside=True, max_attempts=200, **FREE), seed=0)
    assert free.report['returned'] == 5
    assert free.report['families'] == {'any': {'aimed': free.report['attempts'], 'inside': 0}}
    none = sized.sample(SampleSettings(count=5, windows=window, max_attempts=20, **FREE), seed=0).report
    assert none['returned'] == 0
    assert none['rejected']['outside the windows'] > 0
    assert '0 of 5 molecules' in none['reason']


def test_windows_without_a_head(sized):
    with pytest.raises(OscError, match='names 0 property heads of this generator; it has: polarizability@made up'):
        make_demands(sized.columns, {'p_type': {'ie_adiabatic': [5.0, 6.0]}})
    families = {'p_type': {'ie_adiabatic': [5.0, 6.0]}, 'n_type': {'polarizability': [0, 1], 'gap': [1, 2]}}
    found = make_demands(sized.columns, families, lenient=True)
    assert [(item.family, item.heads) for item in found] == [('n_type', (0,))]
