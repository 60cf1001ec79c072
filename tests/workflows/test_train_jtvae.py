"""The WorkChain that trains a generator."""

import pytest
from aiida.engine import run_get_node
from aiida.orm import CalcFunctionNode, Dict, Int

from aiida_osc.chem.molecules import standardise
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.workflows.train_jtvae import TrainJtvaeWorkChain

SMALL = {'hidden': 16, 'latent': 4, 'epochs': 4, 'piece_epochs': 2, 'hold_out_test': False}
SMILES = ('c1ccsc1', 'c1ccc2ccccc2c1', 'c1csc(-c2cccs2)c1', 'c1ccc(-c2cccs2)cc1')


@pytest.fixture
def node(aiida_profile):
    molecules = [standardise(text) for text in SMILES]
    smiles, keys = [item.smiles for item in molecules], [item.inchikey for item in molecules]
    return MoleculeSetData(MoleculeTable(smiles, keys, ['test'] * len(keys)))


def test_two_pieces_are_two_calcfunctions(node):
    results, chain = run_get_node(TrainJtvaeWorkChain, molecules=node, settings=Dict(SMALL), seed=Int(3))
    assert chain.is_finished_ok
    pieces = chain.base.links.get_outgoing(CalcFunctionNode).all()
    assert sorted(link.link_label for link in pieces) == ['piece_000', 'piece_001']
    assert [link.node.label for link in pieces] == ['generator: piece 1', 'generator: piece 2']
    model = results['model']
    assert model.finished
    assert model.base.attributes.get('kind') == 'jtvae'
    assert model.creator.inputs.checkpoint.creator in chain.called


def test_failure_is_an_exit_code_with_the_reason(node):
    few = MoleculeSetData(node.load().take([0]))
    results, chain = run_get_node(TrainJtvaeWorkChain, molecules=few, settings=Dict(SMALL))
    assert chain.exit_status == 310
    assert 'two at least' in chain.exit_message
    assert results == {}


def test_unknown_settings_and_other_models_are_refused(node):
    with pytest.raises(ValueError, match='epoks'):
        run_get_node(TrainJtvaeWorkChain, molecules=node, settings=Dict({'epoks': 3}))
