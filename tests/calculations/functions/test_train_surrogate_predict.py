"""The calcfunctions that train and predict."""

import numpy as np
import pytest
from aiida.orm import Dict, Int

from aiida_osc.calculations.functions.predict import predict
from aiida_osc.calculations.functions.train_surrogate import train_surrogate
from aiida_osc.chem.molecules import standardise
from aiida_osc.chem.synthesis import sa_scores
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE
from aiida_osc.training.artifact import ModelArtifact

SMALL = {'members': 2, 'hidden': 16, 'depth': 2, 'readout': 16, 'epochs': 4, 'piece_epochs': 2}


@pytest.fixture
def node(aiida_profile, labelled_table):
    return MoleculeSetData(labelled_table)


def test_two_pieces_are_two_nodes_and_give_the_model_of_one_piece(node):
    first = train_surrogate(node, Dict(SMALL), Int(1))['model']
    second = train_surrogate(node, Dict(SMALL), Int(1), first)['model']
    assert isinstance(first, ModelData)
    assert (first.finished, second.finished) == (False, True)
    assert second.base.attributes.get('progress')['pieces'] == 2
    assert second.creator.inputs.checkpoint == first
    whole = train_surrogate(node, Dict({**SMALL, 'piece_epochs': 4}), Int(1))['model']
    smiles = node.load().smiles
    np.testing.assert_array_equal(whole.load().predict(smiles).mean, second.load().predict(smiles).mean)


def test_structures_are_inputs_of_training_and_prediction(node, labelled_structures):
    settings, geometries = (
        Dict({**SMALL, 'spatial_members': 1, 'spatial_hidden': 8}),
        GeometrySetData(labelled_structures),
    )
    model = train_surrogate(node, settings, Int(1), geometries=geometries)['model']
    model = train_surrogate(node, settings, Int(1), model, geometries)['model']
    assert model.finished
    assert model.creator.inputs.geometries == geometries
    read, unread = (predict(model, node, **given) for given in ({'geometries': geometries}, {}))
    assert read['domain'].get_array('has_structure').sum() == 48
    assert not unread['domain'].get_array('has_structure').any()
    (column, *_), rows = node.load().columns, np.arange(60) % 5 > 0
    means = [result['mean'].load().values(column) for result in (read, unread)]
    np.testing.assert_array_equal(means[0] != means[1], rows)
    with pytest.raises(OscError, match='give geometries'):
        train_surrogate(node, settings, Int(1))


def test_predict_keeps_rows_and_the_computed_column(node):
    model = train_surrogate(node, Dict({**SMALL, 'epochs': 1}), Int(0))['model']
    table = node.load()
    score = Column('sa_score', SA_SCORE)
    asked = table.take([3, 1, 2]).with_columns({score: sa_scores(table.take([3, 1, 2]).smiles)})
    result = predict(model, MoleculeSetData(asked))
    mean, sigma = result['mean'].load(), result['sigma'].load()
    assert mean.inchikeys == sigma.inchikeys == asked.inchikeys
    np.testing.assert_array_equal(mean.columns[score], asked.columns[score])
    assert set(sigma.columns) == set(mean.columns) - {score} == set(table.columns)
    assert all((values > 0).all() for values in sigma.columns.values())


def test_predict_says_what_lies_outside_the_domain(node, labelled_table):
    model = train_surrogate(node, Dict({'family': 'gp'}), Int(0))['model']
    strange = standardise('CCCCCCCCCCCC[SiH3]')
    known = labelled_table.take(range(4))
    asked = MoleculeTable((*known.smiles, strange.smiles), (*known.inchikeys, strange.inchikey), ('test',) * 5)
    domain = predict(model, MoleculeSetData(asked))['domain']
    assert domain.get_array('in_domain').tolist() == [True] * 4 + [False]
    assert domain.get_array('similarity').max() == 1
    assert domain.get_array('epistemic').shape == (5, 2)


def test_predict_refuses_a_model_of_another_kind(node):
    model = train_surrogate(node, Dict({'family': 'gp'}), Int(0))['model']
    artifact = model.artifact()
    other = ModelData(ModelArtifact({**artifact.config, 'kind': 'jtvae'}, artifact.weights))
    with pytest.raises(OscError, match="give one of kind 'surrogate'"):
        predict(other, node)
