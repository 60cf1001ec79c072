"""The WorkChain that trains a model of structures."""

import numpy as np
import pytest
from aiida.engine import run_get_node
from aiida.orm import CalcFunctionNode, Dict, Int
from rdkit.Chem import rdDistGeom

from aiida_osc.chem.molecules import standardise
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.diffusion.molecules.settings import SampleSettings
from aiida_osc.qc.placing import with_hydrogens
from aiida_osc.workflows.train_diffusion import TrainDiffusionWorkChain

SMALL = {'hidden': 8, 'pair': 8, 'layers': 1, 'epochs': 2, 'piece_epochs': 1, 'hold_out_test': False}
SMILES = ('CC', 'CO', 'C=C', 'CC=O')


@pytest.fixture
def data(aiida_profile):
    """Return molecules and their structures as nodes."""
    named, structures = [standardise(text) for text in SMILES], []
    for item in named:
        mol = with_hydrogens(item.smiles)
        rdDistGeom.EmbedMolecule(mol, randomSeed=2)
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        structures.append(Geometry(item.inchikey, 0, numbers, mol.GetConformer().GetPositions()))
    smiles, keys = [item.smiles for item in named], [item.inchikey for item in named]
    table = MoleculeTable(smiles, keys, ['test'] * len(keys))
    return {'molecules': MoleculeSetData(table), 'geometries': GeometrySetData(GeometryTable(structures, 'ETKDGv3'))}


@pytest.mark.xtb
def test_two_pieces_are_two_calcfunctions(data):
    results, chain = run_get_node(TrainDiffusionWorkChain, **data, settings=Dict(SMALL), seed=Int(3))

    assert chain.is_finished_ok, chain.exit_message
    pieces = chain.base.links.get_outgoing(CalcFunctionNode).all()
    assert sorted(link.link_label for link in pieces) == ['piece_000', 'piece_001']
    model = results['model']
    assert model.finished
    assert model.base.attributes.get('kind') == 'diffusion'
    assert model.base.attributes.get('metrics')['gate']['passed'] is False
    assert model.creator.inputs.checkpoint.creator in chain.called
    assert [item.shape for item in model.load().sample(['CCO'], SampleSettings(steps=1), seed=1)] == [(9, 3)]


def test_failure_is_an_exit_code_with_the_reason(data):
    few = {**data, 'molecules': MoleculeSetData(data['molecules'].load().take([0]))}
    results, chain = run_get_node(TrainDiffusionWorkChain, **few, settings=Dict(SMALL))

    assert chain.exit_status == 310
    assert 'give at least 2' in chain.exit_message
    assert results == {}


def test_unknown_settings_are_refused(data):
    with pytest.raises(ValueError, match='epoks'):
        run_get_node(TrainDiffusionWorkChain, **data, settings=Dict({'epoks': 3}))
