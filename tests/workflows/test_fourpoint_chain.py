"""Tests of the four-point work chain: by xTB, and by Psi4 where the program is."""

import shutil
import sys

import numpy as np
import pytest
from aiida.engine import run_get_node
from aiida.orm import CalcFunctionNode, CalcJobNode, Dict, Int, WorkChainNode

from aiida_osc.chem.molecules import standardise
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import XTB_LEVELS
from aiida_osc.qc.scheme import FourPointSettings
from aiida_osc.workflows.fourpoint import FourPointWorkChain, validate_inputs, validate_molecule, validate_parameters

HF = {'method': 'HF', 'basis': 'STO-3G', 'dispersion': ''}
PBE = {'method': 'PBE', 'basis': 'def2-SVP', 'dispersion': ''}
PSI4 = shutil.which('psi4')
CODES = FourPointWorkChain.exit_codes


def molecule_set(*smiles):
    molecules = [standardise(item) for item in smiles]
    keys = tuple(item.inchikey for item in molecules)
    return MoleculeSetData(MoleculeTable(tuple(m.smiles for m in molecules), keys, ('test',) * len(keys)))


def geometries(node, charges, level='GFN2-xTB'):
    key = node.load().inchikeys[0]
    positions = np.array([[0, 0, 0.1], [0, 0.76, -0.49], [0, -0.76, -0.49]])
    return GeometrySetData(GeometryTable([Geometry(key, q, np.array([8, 1, 1]), positions) for q in charges], level))


@pytest.fixture
def python(aiida_code_installed):
    return aiida_code_installed(filepath_executable=sys.executable)


@pytest.fixture
def psi4(aiida_code_installed):
    if PSI4 is None:
        pytest.skip('the program psi4 is not on PATH')
    return aiida_code_installed(filepath_executable=PSI4)


@pytest.mark.xtb
def test_xtb_is_one_job(python):
    builder = FourPointWorkChain.get_builder_from_protocol(python, molecule_set('C#C'), 'fast')
    outputs, node = run_get_node(builder)

    assert node.is_finished_ok, node.exit_message
    assert {column.level for column in outputs['labels'].load().columns} == set(XTB_LEVELS.values())
    assert outputs['geometries'].count == 3
    assert sum(isinstance(child, CalcJobNode) for child in node.called_descendants) == 1


@pytest.mark.xtb
def test_a_molecule_that_fails_says_why(python):
    inputs = {'code': python, 'molecule': molecule_set('C1#CC1'), 'parameters': Dict({'engine': 'tblite'})}
    _, node = run_get_node(FourPointWorkChain, **inputs)
    assert node.exit_status in (CODES.ERROR_NOT_PLAUSIBLE.status, CODES.ERROR_CALCULATION_FAILED.status)
    assert node.exit_message


@pytest.mark.psi4
@pytest.mark.xtb
def test_formaldehyde_by_psi4_at_xtb_geometries(python, psi4):
    parameters = {'engine': 'psi4', 'energy': PBE, 'settings': {'polarizability': False}}
    inputs = {'code': psi4, 'xtb_code': python, 'molecule': molecule_set('C=O'), 'parameters': Dict(parameters)}
    outputs, node = run_get_node(FourPointWorkChain, **inputs, max_concurrent=Int(3))

    assert node.is_finished_ok, node.exit_message
    table = outputs['labels'].load()
    assert set(table.columns) >= set(FourPointSettings.from_dict(parameters).required_columns)
    assert {column.level for column in table.columns} == {'PBE/def2-SVP//GFN2-xTB'}
    values = {column.target: float(value[0]) for column, value in table.columns.items()}
    # 10.89 eV by experiment (ASE's collection of NIST data); a small basis without dispersion comes near.
    assert 10 < values['ie_adiabatic'] < 11.5
    assert 10 < values['ie_vertical'] < 11.5
    assert values['ea_adiabatic'] < 0, 'formaldehyde binds no electron'
    assert outputs['geometries'].count == 3
    links = {link.link_label for link in node.base.links.get_outgoing(WorkChainNode).all()}
    assert links == {'start'} | {f'{a}_at_{b}' for a, b in POINTS}
    derive = outputs['labels'].creator
    assert isinstance(derive, CalcFunctionNode)
    assert all(isinstance(derive.inputs[f'{a}_at_{b}'].creator, CalcJobNode) for a, b in POINTS)


POINTS = [
    ('neutral', 'neutral'), ('cation', 'neutral'), ('anion', 'neutral'), ('cation', 'cation'), ('anion', 'anion'),
    ('neutral', 'cation'), ('neutral', 'anion'),
]  # fmt: skip


@pytest.mark.psi4
@pytest.mark.slow
def test_water_by_psi4_optimised(psi4):
    molecule = molecule_set('O')
    parameters = {'engine': 'psi4', 'energy': PBE, 'geometry': PBE, 'settings': {'polarizability': True}}
    inputs = {'code': psi4, 'molecule': molecule, 'geometries': geometries(molecule, [0], 'by hand')}
    outputs, node = run_get_node(FourPointWorkChain, **inputs, parameters=Dict(parameters))

    assert node.is_finished_ok, node.exit_message
    (level,) = {column.level for column in outputs['labels'].load().columns}
    assert level == 'PBE/def2-SVP//PBE/def2-SVP'
    values = {column.target: float(value[0]) for column, value in outputs['labels'].load().columns.items()}
    assert values['lambda_hole'] > 0
    assert values['lambda_electron'] > 0
    assert values['ie_adiabatic'] < values['ie_vertical']
    neutral = outputs['geometries'].load().select(molecule.load().inchikeys)[0]
    assert np.linalg.norm(neutral.positions[0] - neutral.positions[1]) == pytest.approx(0.97, abs=0.02)
    jobs = [child for child in node.called_descendants if isinstance(child, CalcJobNode)]
    assert len(jobs) == 7


@pytest.mark.xtb
def test_when_the_engine_fails_the_labels_of_xtb_are_the_last_resort(python, aiida_code_installed):
    code = aiida_code_installed(filepath_executable='/bin/false')
    parameters = {'engine': 'psi4', 'energy': HF, 'settings': {'polarizability': False}}
    inputs = {'code': code, 'xtb_code': python, 'molecule': molecule_set('C=O'), 'parameters': Dict(parameters)}
    outputs, node = run_get_node(FourPointWorkChain, **inputs, max_concurrent=Int(1))

    assert node.exit_status == CODES.ERROR_LAST_RESORT.status
    assert 'neutral_at_neutral failed' in node.exit_message
    assert {column.level for column in outputs['labels'].load().columns} <= set(XTB_LEVELS.values())
    begun = [link.link_label for link in node.base.links.get_outgoing(WorkChainNode).all()]
    assert begun == ['start', 'neutral_at_neutral'], 'nothing more is started after a failure'


def test_validators(python):
    water, two = molecule_set('O'), molecule_set('O', 'C#C')
    assert validate_molecule(water, None) is None
    assert 'a set of one' in validate_molecule(two, None)
    assert 'unknown engine' in validate_parameters(Dict({'engine': 'vasp'}), None)
    inputs = {'molecule': water, 'parameters': Dict({'engine': 'psi4', 'energy': HF})}
    assert 'give xtb_code' in validate_inputs(inputs, None)
    assert validate_inputs({**inputs, 'xtb_code': python}, None) is None
    assert 'no cation and no anion' in validate_inputs({**inputs, 'geometries': geometries(water, [0])}, None)
    other = {**inputs, 'geometries': geometries(water, [0, 1, -1], 'MMFF94')}
    assert 'level MMFF94' in validate_inputs(other, None)


def test_builder_from_protocol(python):
    builder = FourPointWorkChain.get_builder_from_protocol(
        python,
        molecule_set('O'),
        'stringent',
        {'parameters': {'energy': HF, 'geometry': HF}},
        engine='orca',
        xtb_code=python,
    )
    assert builder.parameters['engine'] == 'orca'
    assert builder.parameters['geometry'] == HF
    with pytest.raises(OscError, match='psi4 needs a level'):
        FourPointWorkChain.get_builder_from_protocol(python, molecule_set('O'), 'fast', engine='psi4')
    tight = FourPointWorkChain.get_builder_from_protocol(python, molecule_set('O'), 'stringent', engine='tblite')
    assert 'energy' not in tight.parameters.get_dict()
