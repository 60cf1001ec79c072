"""The chain of fallbacks, with stand-ins for the trained model and real embedding."""

import time

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.chem.handedness import reflect
from aiida_osc.diffusion import embedding
from aiida_osc.diffusion.embedding import Embedder, graph_positions
from aiida_osc.diffusion.geometries import Geometries, GeometrySettings, make_geometries, open_model
from aiida_osc.diffusion.molecules.model import build_network
from aiida_osc.diffusion.plausible import Blueprint
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens
from aiida_osc.training.artifact import SCHEMA, ModelArtifact

ALANINE = 'C[C@H](N)C(=O)O'


class Told:
    """A model that returns the structures that it is given, None where it has none."""

    def __init__(self, **positions):
        self.positions = positions

    def sample(self, smiles, settings, *, seed):
        return [self.positions.get(f'm{number}') for number, _ in enumerate(smiles)]

    def reason(self, smiles):
        return f'no element of {smiles} was learnt'


def make(*smiles, model=None, **settings):
    keys = [f'KEY{number}' for number in range(len(smiles))]
    return make_geometries(smiles, keys, model, GeometrySettings(**settings), seed=1)


def positions_of(smiles):
    return make(smiles).table.geometries[0].positions


def test_a_plausible_structure_of_the_model_is_taken_as_it_is():
    own = positions_of(ALANINE)
    found = make(ALANINE, 'c1ccsc1', model=Told(m0=own))
    assert found.origins == {'KEY0': 'model', 'KEY1': 'ETKDGv3+MMFF94'}
    assert found.refusals == {'KEY1': ('model: no element of c1ccsc1 was learnt',)}
    assert found.flagged == {}
    assert found.table.level == 'ETKDGv3+MMFF94 / model'
    np.testing.assert_array_equal(found.table.geometries[0].positions, own)
    assert found.table.geometries[0].symbols == tuple('CCNCOOHHHHHHH')


def test_a_mirror_image_is_reflected_and_says_so():
    own = positions_of(ALANINE)
    found = make(ALANINE, model=Told(m0=reflect(own)))
    assert found.origins == {'KEY0': 'model, reflected'}
    np.testing.assert_array_equal(found.table.geometries[0].positions, own)


@pytest.mark.parametrize(
    ('smiles', 'asked', 'reason'),
    [
        ('C[C@H](O)[C@@H](N)F', 'C[C@H](O)[C@H](N)F', 'model: stereocentre'),
        ('F/C=C/F', 'F/C=C\\F', 'model: double bond 2-3 is on the other side'),
    ],
)
def test_another_isomer_is_refused(smiles, asked, reason):
    found = make(asked, model=Told(m0=positions_of(smiles)))
    assert found.origins == {'KEY0': 'ETKDGv3+MMFF94'}
    assert found.refusals['KEY0'][0].startswith(reason)
    assert Blueprint(with_hydrogens(asked)).fault(found.table.geometries[0].positions) is None


def test_nonsense_of_the_model_is_refused():
    own = positions_of('c1ccsc1')
    noise = np.random.default_rng(0).normal(size=own.shape)
    found = make('c1ccsc1', 'c1ccsc1', 'c1ccsc1', model=Told(m0=own * np.nan, m1=noise, m2=own[:-1]))
    assert set(found.origins.values()) == {'ETKDGv3+MMFF94'}
    assert [found.refusals[f'KEY{n}'][0].split(':')[1].split()[0] for n in range(3)] == [
        'positions',
        'connectivity',
        'positions',
    ]


@pytest.mark.parametrize(
    ('smiles', 'origin'),
    [
        ('c1cc2ccc3ccc4ccc5ccc1c1c2c3c4c51', 'ETKDGv3+MMFF94'),  # corannulene
        ('C12C3C4C1C5C2C3C45', 'ETKDGv3+MMFF94'),  # cubane
        ('C1C23CC12C3', 'ETKDGv3+MMFF94'),  # [1.1.1]propellane
        ('c1ccc([Se]c2cccs2)cc1', 'ETKDGv3+UFF'),
        ('CCO.c1ccccc1', 'bond graph+MMFF94'),
        ('C[N+](C)(C)C', 'distance geometry+MMFF94'),
        ('[H][H]', 'ETKDGv3+UFF'),
    ],
)
def test_every_molecule_gets_a_plausible_structure(smiles, origin):
    found = make(smiles)
    assert found.origins == {'KEY0': origin}
    assert found.flagged == {}
    item = found.table.geometries[0]
    assert item.charge == Chem.GetFormalCharge(Chem.MolFromSmiles(smiles))
    assert Blueprint(with_hydrogens(smiles)).fault(item.positions) is None


def test_a_molecule_that_cannot_be_embedded_is_flagged_where_it_is_wrong():
    """Four stereocentres in a tetrahedrane whose hands contradict each other."""
    found = make('[C@@]12(F)[C@]3(F)[C@]1(F)[C@@]23F')
    assert len(found.table) == 1
    assert found.origins['KEY0'].startswith(('bond graph', 'distance geometry'))
    assert [reason.split(':')[0] for reason in found.refusals['KEY0'][:2]] == ['ETKDGv3', 'ETKDGv3-random']


def test_large_molecules_from_the_graph_alone():
    origin, positions = embedding.from_graph('C' * 50, 30.0, 0)
    assert origin == 'bond graph+MMFF94'
    assert Blueprint(with_hydrogens('C' * 50)).fault(positions) is None
    raw = graph_positions(with_hydrogens('C' * 99), seed=0)
    assert raw.shape == (299, 3)
    assert np.isfinite(raw).all()


def test_equal_seeds_give_equal_structures():
    first, second = (make('CCCCO', '[Na+].[Cl-]') for _ in range(2))
    assert first.table.content_hash() == second.table.content_hash()
    assert first.report() == second.report()
    again = Geometries.from_report(first.table, first.report())
    assert again == first


def test_a_hanging_child_is_killed_and_replaced(monkeypatch):
    def hang(smiles, timeout, seed):
        time.sleep(60)

    def crash(smiles, timeout, seed):
        import os

        os._exit(3)

    monkeypatch.setitem(embedding.LINKS, 'hang', hang)
    monkeypatch.setitem(embedding.LINKS, 'crash', crash)
    with Embedder(1.0) as embedder:
        assert embedder.run('hang', 'C', seed=0) == 'no end within 1 s'
    with Embedder(60.0) as embedder:
        assert embedder.run('crash', 'C', seed=0) == 'the embedding process crashed'
        first = embedder.run('ETKDGv3', 'C', seed=0)
        process = embedder._process
        assert embedder.run('ETKDGv3', 'CC', seed=0)[1].shape == (8, 3)
        assert embedder._process is process  # one child for many molecules
    assert first[0] == 'ETKDGv3+MMFF94'
    assert embedder._process is None


def test_when_every_link_hangs_the_graph_stands(monkeypatch):
    for link in embedding.LINKS:
        monkeypatch.setitem(embedding.LINKS, link, lambda smiles, timeout, seed: 'out of order')
    found = make('CCO')
    assert found.origins == {'KEY0': 'bond graph'}
    assert found.table.geometries[0].positions.shape == (9, 3)
    assert len(found.refusals['KEY0']) == 4


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((['C', 'CC'], ['A', 'A']), 'one InChIKey of its own'),
        ((['C'], []), 'one InChIKey of its own'),
        ((['nonsense'], ['A']), 'invalid SMILES'),
    ],
)
def test_bad_molecules(arguments, message):
    with pytest.raises(OscError, match=message):
        make_geometries(*arguments, seed=0)


def test_bad_settings():
    with pytest.raises(OscError, match='seed -1'):
        make_geometries(['C'], ['A'], seed=-1)
    with pytest.raises(OscError, match='at least one second'):
        GeometrySettings(embed_timeout=0.0)
    with pytest.raises(OscError, match='0 steps'):
        make('C', model=Told(), sampling={'steps': 0})
    with pytest.raises(OscError, match='unknown settings size'):
        make('C', model=Told(), sampling={'size': 0})


def artifact(kind, architecture):
    values = {name: kind_() for name, kind_ in SCHEMA.items()}
    return ModelArtifact({**values, 'format': 1, 'kind': kind, 'architecture': architecture}, {})


def untrained():
    """Return a conformer model with random weights that has seen C, H and O in molecules of up to 40 atoms."""
    config = {name: kind() for name, kind in SCHEMA.items()}
    config |= {'format': 1, 'kind': 'diffusion', 'finished': True, 'extra': {'elements': ['C', 'H', 'O']}}
    config['architecture'] = {'signal': 'molecules', 'hidden': 16, 'pair': 8, 'layers': 1}
    config['training'] = {'settings': {'hidden': 16, 'pair': 8, 'layers': 1, 'max_atoms': 40}}
    torch.manual_seed(0)
    return ModelArtifact(config, build_network(config).state_dict())


def test_a_real_model_and_molecules_that_it_cannot_treat():
    smiles = ('CCO', 'c1ccsc1', 'C' * 14)
    found = make(*smiles, model=open_model(untrained()), sampling={'steps': 2, 'clean': 0})
    assert set(found.origins.values()) == {'ETKDGv3+MMFF94'}
    reasons = [found.refusals[f'KEY{number}'] for number in range(3)]
    assert all(len(reason) == 1 for reason in reasons)
    assert reasons[0][0].startswith('model: ')  # random weights make nonsense, which is refused
    assert reasons[1] == ('model: the model was not trained on S',)
    assert reasons[2] == ('model: 44 atoms, the model treats 2 to 40',)
    again = make(*smiles, model=open_model(untrained()), sampling={'steps': 2, 'clean': 0})
    assert again.table.content_hash() == found.table.content_hash()


def test_a_model_asked_for_no_steps_or_by_an_unknown_sampler():
    model = open_model(untrained())
    with pytest.raises(OscError, match='0 steps: give at least 1'):
        make('CCO', model=model, sampling={'steps': 0})
    with pytest.raises(OscError, match='guess'):
        make('CCO', model=model, sampling={'sampler': 'guess'})


def test_models_of_another_kind_are_refused():
    with pytest.raises(OscError, match="kind 'surrogate': give one of kind"):
        open_model(artifact('surrogate', {}))
    with pytest.raises(OscError, match="give one of kind 'diffusion of molecules'"):
        open_model(artifact('diffusion', {'signal': 'grid'}))
