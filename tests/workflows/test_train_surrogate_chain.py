"""The WorkChain that trains a surrogate."""

import pytest
from aiida.engine import run_get_node
from aiida.orm import CalcFunctionNode, Dict, Int, Log

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.workflows.train_in_pieces import checkpoint_validator, settings_validator
from aiida_osc.workflows.train_surrogate import TrainSurrogateWorkChain

SMALL = {'members': 2, 'hidden': 16, 'depth': 2, 'readout': 16, 'epochs': 4, 'piece_epochs': 2}


@pytest.fixture
def node(aiida_profile, labelled_table):
    return MoleculeSetData(labelled_table)


def test_two_pieces_are_two_calcfunctions(node):
    results, chain = run_get_node(TrainSurrogateWorkChain, molecules=node, settings=Dict(SMALL), seed=Int(3))
    assert chain.is_finished_ok
    pieces = chain.base.links.get_outgoing(CalcFunctionNode).all()
    assert sorted(link.link_label for link in pieces) == ['piece_000', 'piece_001']
    model = results['model']
    assert model.finished
    assert model.base.attributes.get('targets') == [str(column) for column in node.load().columns]
    assert model.creator.inputs.checkpoint.creator in chain.called


def test_a_finished_model_is_a_warm_start(node):
    first = run_get_node(TrainSurrogateWorkChain, molecules=node, settings=Dict(SMALL))[0]['model']
    results, chain = run_get_node(
        TrainSurrogateWorkChain, molecules=node, settings=Dict(SMALL), seed=Int(1), checkpoint=first
    )
    assert chain.is_finished_ok
    assert results['model'].artifact().config['training']['start'] == 'warm'


def test_structures_go_to_every_piece(node, labelled_structures):
    spatial = {**SMALL, 'spatial_members': 1, 'spatial_hidden': 8}
    geometries = GeometrySetData(labelled_structures)
    results, chain = run_get_node(
        TrainSurrogateWorkChain, molecules=node, settings=Dict(spatial), geometries=geometries, seed=Int(3)
    )
    assert chain.is_finished_ok, chain.exit_message
    assert [call.inputs.geometries.uuid for call in chain.called] == [geometries.uuid] * 2
    assert results['model'].artifact().config['training']['structures']['molecules'] == 48
    for inputs, reason in (
        ({'settings': Dict(spatial)}, 'give geometries'),
        ({'settings': Dict(SMALL), 'geometries': geometries}, 'set spatial_members'),
    ):
        with pytest.raises(ValueError, match=reason):
            run_get_node(TrainSurrogateWorkChain, molecules=node, **inputs)


def test_a_baseline_is_fitted_in_one_piece(node):
    results, chain = run_get_node(TrainSurrogateWorkChain, molecules=node, settings=Dict({'family': 'gp'}))
    assert chain.is_finished_ok
    assert results['model'].base.attributes.get('choice')['family'] == 'gp'
    messages = [entry.message for entry in Log.collection.get_logs_for(chain)]
    assert any('piece 1: fitted without epochs' in text for text in messages)
    assert any('kept: gp (calibrated CRPS' in text for text in messages)


def test_failure_is_an_exit_code_with_the_reason(node):
    few = MoleculeSetData(node.load().take([0, 1]))
    results, chain = run_get_node(TrainSurrogateWorkChain, molecules=few)
    assert chain.exit_status == 310
    assert 'label more molecules' in chain.exit_message
    assert results == {}


def test_validators_name_the_mistake(aiida_profile, labelled_table):
    validate_settings = settings_validator(SurrogateSettings)
    validate_checkpoint = checkpoint_validator('surrogate', 'surrogate')
    assert validate_settings(Dict(SMALL), None) is None
    assert 'epoks' in validate_settings(Dict({'epoks': 3}), None)
    assert validate_checkpoint(None, None) is None
    other = ModelData.__new__(ModelData)
    ModelData.__base__.__init__(other)
    other.base.attributes.set('kind', 'jtvae')
    assert "'jtvae'" in validate_checkpoint(other, None)
