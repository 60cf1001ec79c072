"""The vocabulary and the trees that grow from it."""

import json

import numpy as np
import pytest

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.errors import OscError
from aiida_osc.generator.junction import canonical_graph, decompose
from aiida_osc.generator.tensors import collate, featurise, graph_arrays
from aiida_osc.generator.vocabulary import Vocabulary, build_vocabulary, frequent_chains, partner


@pytest.fixture
def trees(small_table):
    return [decompose(smiles) for smiles in small_table.smiles]


def test_json_round_trip_keeps_every_number(trees):
    vocabulary = build_vocabulary(trees)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert (again.motifs, again.sites, again.attachments) == (
        vocabulary.motifs,
        vocabulary.sites,
        vocabulary.attachments,
    )
    assert (again.roots, again.counts, again.chains) == (vocabulary.roots, vocabulary.counts, vocabulary.chains)


def test_an_extended_vocabulary_keeps_the_old_numbers(trees):
    base = build_vocabulary(trees[:4])
    more = build_vocabulary(trees, base)
    assert more.motifs[: len(base.motifs)] == base.motifs
    assert more.sites[: len(base.sites)] == base.sites
    assert more.attachments[: len(base.attachments)] == base.attachments
    assert len(more.motifs) > len(base.motifs)


def test_the_order_of_molecules_does_not_matter(trees):
    assert build_vocabulary(trees).to_json() == build_vocabulary(trees[::-1]).to_json()


def test_sites_include_symmetric_places(trees):
    vocabulary = build_vocabulary(trees)
    benzene = vocabulary.motif_index['ring:c1ccccc1']
    places = {site.atoms for site in vocabulary.sites if site.motif == benzene and site.signature == 'atom 1'}
    assert places == {(atom,) for atom in range(6)}


def test_frequent_chains_are_counted_by_molecule(trees):
    assert 'chain:*CCCC' in frequent_chains(trees, 2)
    assert 'chain:*[N+](=O)[O-]' not in frequent_chains(trees, 2)


def test_partners_fit_each_other():
    assert partner('anchor 1') == 'atom 1'
    assert partner(partner('atom 2')) == 'atom 2'
    assert partner('share ring 6.0.1.-1.0 0') == 'share ring 6.0.1.-1.0 0'


def test_replay_asks_one_question_per_open_place(trees, small_table):
    vocabulary = build_vocabulary(trees)
    features = [featurise(_graph(s), tree, vocabulary) for s, tree in zip(small_table.smiles, trees, strict=True)]
    for item, tree in zip(features, trees, strict=True):
        assert len(item.expansions) == len(tree) - 1
        assert (item.steps[:, 4] < item.candidate_counts).all()
    batch = collate(features, np.zeros((len(features), 0)))
    assert len(batch) == len(trees)
    assert len(batch.real) == len(batch.answers) == sum(len(item.steps) for item in features)


def test_an_unknown_motif_or_joint_is_named(trees):
    vocabulary = build_vocabulary(trees)
    with pytest.raises(MoleculeError, match='is not in the vocabulary'):
        featurise(_graph('C1CCCCC1'), decompose('C1CCCCC1'), vocabulary)
    with pytest.raises(MoleculeError, match='joint that is not in the vocabulary'):
        featurise(_graph('N#Cc1ccccc1'), decompose('N#Cc1ccsc1'), build_vocabulary([decompose('N#Cc1cccs1')]))


@pytest.mark.parametrize(
    'damage', [{}, {'motifs': [{'kind': 'ring', 'atoms': [[6, 0, 1, -1, 0]], 'bonds': [[0, 4, 1]]}]}]
)
def test_a_damaged_vocabulary_is_refused(damage):
    with pytest.raises(OscError, match='damaged vocabulary'):
        Vocabulary.from_json(damage)


def test_a_vocabulary_changed_since_is_refused(trees):
    values = build_vocabulary(trees).to_json()
    assert values['rdkit']
    values['counts'][0] += 1
    with pytest.raises(OscError, match='not the one the generator was trained with'):
        Vocabulary.from_json(values)


def _graph(smiles):
    return graph_arrays(canonical_graph(smiles)[1])
