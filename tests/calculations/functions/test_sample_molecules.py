"""The calcfunction that samples new molecules."""

import pytest
from aiida.orm import Dict, Int
from rdkit import Chem

from aiida_osc.calculations.functions.sample_molecules import sample_molecules
from aiida_osc.calculations.functions.train_jtvae import train_jtvae
from aiida_osc.chem.molecules import standardise
from aiida_osc.chem.synthesis import sa_scores
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

SMILES = ('c1ccsc1', 'c1ccc2ccccc2c1', 'c1csc(-c2cccs2)c1', 'c1ccc(-c2cccs2)cc1', 'N#Cc1ccccc1', 'c1ccc(-c2ccccc2)cc1')
SETTINGS = {'hidden': 32, 'latent': 8, 'epochs': 20, 'batch_size': 4, 'validation': 0.0, 'hold_out_test': False}


@pytest.fixture
def model(aiida_profile):
    molecules = [standardise(text) for text in SMILES]
    smiles, keys = [item.smiles for item in molecules], [item.inchikey for item in molecules]
    table = MoleculeTable(smiles, keys, ['test'] * len(keys))
    return train_jtvae(MoleculeSetData(table), Dict(SETTINGS), Int(0))['model']


def test_molecules_are_new_valid_and_scored(model):
    outputs = sample_molecules(model, Dict({'count': 10, 'temperature': 1.5, 'noise': 2.0}), Int(1))
    table, report = outputs['molecules'].load(), outputs['report'].get_dict()
    assert len(table) == report['returned'] > 0
    assert set(table.source) == {'jtvae'}
    assert not set(table.inchikeys) & {standardise(text).inchikey for text in SMILES}
    assert [Chem.CanonSmiles(text) for text in table.smiles] == list(table.smiles)
    scores = table.values(Column('sa_score', 'Ertl-Schuffenhauer'))
    assert scores.tolist() == sa_scores(table.smiles).tolist()
    again = sample_molecules(model, Dict({'count': 10, 'temperature': 1.5, 'noise': 2.0}), Int(1))
    assert again['molecules'].base.attributes.get('content_hash') == table.content_hash()


def test_origins_name_the_decoding_and_the_parents(model):
    settings = Dict({'count': 5, 'strategy': 'around', 'temperature': 1.5, 'noise': 2.0})
    outputs = sample_molecules(model, settings, Int(1))
    origins, table = outputs['origins'].get_dict(), outputs['molecules'].load()
    assert origins['seed'] == 1
    assert set(origins['molecules']) == set(table.inchikeys)
    for entry in origins['molecules'].values():
        assert 0 <= entry['attempt'] < outputs['report']['attempts']
        assert len(entry['parents']) == 1
        assert entry['parents'][0] in SMILES


def test_windows_of_a_campaign_without_a_head_lead_nowhere(model):
    promotion = {'p_type': {'scale': 'gas phase', 'windows': {'ie_adiabatic': [5.0, 6.0]}}}
    settings = Dict({'count': 3, 'temperature': 1.5, 'noise': 2.0})
    outputs = sample_molecules(model, settings, Int(1), promotion=Dict(promotion))
    assert outputs['report']['families'] == {}
    assert outputs['molecules'].count > 0


def test_excluded_molecules_do_not_come_again(model):
    settings = Dict({'count': 5, 'temperature': 1.5, 'noise': 2.0})
    first = sample_molecules(model, settings, Int(1))['molecules']
    second = sample_molecules(model, settings, Int(1), known=first)['molecules']
    assert len(first.load()) > 0
    assert not set(second.load().inchikeys) & set(first.load().inchikeys)


def test_a_checkpoint_cannot_be_sampled(aiida_profile, model):
    molecules = model.creator.inputs.molecules
    checkpoint = train_jtvae(molecules, Dict({**SETTINGS, 'piece_epochs': 1}), Int(0))['model']
    with pytest.raises(OscError, match='middle of its training'):
        sample_molecules(checkpoint, Dict({'count': 1}), Int(0))
