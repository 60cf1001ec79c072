"""The calcfunctions that make structures and assess them."""

import pytest
from aiida.orm import Dict, Int

from aiida_osc.calculations.functions.assess_geometries import assess_geometries
from aiida_osc.calculations.functions.sample_geometries import sample_geometries
from aiida_osc.chem.molecules import standardise
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.training.artifact import SCHEMA, ModelArtifact


@pytest.fixture
def molecules(aiida_profile):
    found = [standardise(text) for text in ('c1ccsc1', 'C[C@H](N)C(=O)O', 'CCO')]
    table = MoleculeTable([item.smiles for item in found], [item.inchikey for item in found], ['test'] * 3)
    return MoleculeSetData(table)


def test_every_molecule_has_a_structure_and_an_origin(molecules):
    outputs = sample_geometries(molecules, Dict({}), Int(0))
    table, report = outputs['geometries'].load(), outputs['report'].get_dict()
    keys = molecules.load().inchikeys
    assert tuple(item.inchikey for item in table.geometries) == keys
    assert outputs['geometries'].level == 'ETKDGv3+MMFF94'
    assert report['counts'] == {'ETKDGv3+MMFF94': 3}
    assert report['origins'] == dict.fromkeys(keys, 'ETKDGv3+MMFF94')
    assert report['flagged'] == report['refusals'] == {}
    again = sample_geometries(molecules, Dict({}), Int(0))['geometries']
    assert again.base.attributes.get('content_hash') == table.content_hash()


def test_a_model_for_grids_makes_no_molecules(molecules):
    values = {name: kind() for name, kind in SCHEMA.items()}
    config = {**values, 'format': 1, 'kind': 'diffusion', 'architecture': {'signal': 'grid'}}
    with pytest.raises(OscError, match="give one of kind 'diffusion of molecules'"):
        sample_geometries(molecules, Dict({}), Int(0), model=ModelData(ModelArtifact(config, {})))


def test_unknown_settings_are_refused(molecules):
    with pytest.raises(OscError, match='unknown settings speed'):
        sample_geometries(molecules, Dict({'speed': 2}), Int(0))


def test_figures_are_one_node_and_molecules_without_reference_are_left_out(molecules):
    made = sample_geometries(molecules, Dict({}), Int(0))['geometries']
    other = sample_geometries(molecules, Dict({}), Int(3))['geometries'].load()
    references = GeometrySetData(GeometryTable(other.geometries[:2], other.level))
    figures = assess_geometries(molecules, made, references, Dict({'mirror': True}), Int(0))
    assert isinstance(figures, Dict)
    assert figures.is_stored
    values = figures.get_dict()
    assert values['molecules'] == 2
    assert values['plausible'] == 1.0
    assert values['bond_mae'] < 0.005  # two MMFF94 minima
    assert values['coverage'][2] == {'threshold': 1.25, 'recall': 1.0, 'precision': 1.0}
    with pytest.raises(OscError, match='no molecule has a reference'):
        assess_geometries(molecules, made, GeometrySetData(GeometryTable([], 'none')), Dict({}), Int(0))
