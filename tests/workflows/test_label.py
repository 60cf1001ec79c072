"""Tests of the label work chain, with real xTB jobs."""

import shutil
import sys

import pytest
from aiida.engine import run_get_node
from aiida.orm import Bool, CalcJobNode, Dict, Int

from aiida_osc.chem.molecules import standardise
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.qc.levels import XTB_LEVELS
from aiida_osc.workflows.label import LabelWorkChain, validate_options, validate_positive

PSI4 = shutil.which('psi4')
THIOPHENE, FURAN, CYCLOPROPYNE = 'c1ccsc1', 'c1ccoc1', 'C1#CC1'


def molecule_set(*smiles):
    molecules = [standardise(item) for item in smiles]
    keys = tuple(item.inchikey for item in molecules)
    return MoleculeSetData(MoleculeTable(tuple(m.smiles for m in molecules), keys, ('seed',) * len(keys)))


@pytest.fixture
def python(aiida_code_installed):
    """Return a code that has the engine."""
    return aiida_code_installed(filepath_executable=sys.executable)


@pytest.mark.xtb
def test_label_three_molecules_one_of_them_impossible(python):
    builder = LabelWorkChain.get_builder()
    builder.code, builder.molecules = python, molecule_set(THIOPHENE, CYCLOPROPYNE, FURAN)
    builder.chunk_size, builder.max_concurrent, builder.reuse = Int(2), Int(2), Bool(False)

    outputs, node = run_get_node(builder)

    assert node.is_finished_ok, node.exit_message
    labels = outputs['labels'].load()
    assert sorted(labels.smiles) == sorted([THIOPHENE, FURAN])
    assert set(labels.source) == {'seed'}
    assert {str(column) for column in labels.columns} == {f'{name}@{level}' for name, level in XTB_LEVELS.items()}
    hole = labels.values(Column('lambda_hole', XTB_LEVELS['lambda_hole']))
    assert (hole > 0).all()
    assert outputs['geometries'].count == 6
    failures = outputs['failures'].get_dict()
    assert [item['smiles'] for item in failures['molecules'].values()] == [CYCLOPROPYNE]
    assert failures['totals']['asked'] == 3
    assert failures['totals']['labelled'] == 2
    assert failures['totals']['failed'] == 1
    links = {link.link_label for link in node.base.links.get_outgoing().all()}
    assert {'split', 'chunk_000', 'chunk_001', 'collect'} <= links
    stories = {child.label for child in node.called_descendants}
    assert {'deal 3 molecules into jobs', 'job 1 of 2: four-point scheme of 1 molecule'} <= stories


def test_no_molecules(python):
    _, node = run_get_node(LabelWorkChain, molecules=MoleculeSetData(), code=python)

    assert node.exit_status == LabelWorkChain.exit_codes.ERROR_NO_MOLECULES.status
    assert 'give at least one molecule' in node.exit_message
    assert not node.called


def test_all_jobs_failed(aiida_code_installed):
    """A Python without the engine: the sentence says what to install."""
    code = aiida_code_installed(filepath_executable='/usr/bin/python3')
    inputs = {'molecules': molecule_set(FURAN), 'code': code, 'reuse': Bool(False)}
    outputs, node = run_get_node(LabelWorkChain, **inputs)

    assert node.exit_status == LabelWorkChain.exit_codes.ERROR_ALL_JOBS_FAILED.status
    assert 'install tblite' in node.exit_message
    assert len(node.called_descendants) == 4, 'split, base work chain, one job, collect: no restart'
    (failure,) = outputs['failures'].get_dict()['molecules'].values()
    assert failure['status'] == 'not_treated'


@pytest.mark.xtb
def test_labels_of_earlier_are_taken_from_the_graph(python):
    first, _ = run_get_node(LabelWorkChain, molecules=molecule_set('C#C'), code=python)
    outputs, node = run_get_node(LabelWorkChain, molecules=molecule_set('C=C', 'C#C'), code=python)

    assert node.is_finished_ok, node.exit_message
    assert sorted(outputs['labels'].load().smiles) == ['C#C', 'C=C']
    assert outputs['geometries'].count == 6
    jobs = [child for child in node.called_descendants if isinstance(child, CalcJobNode)]
    assert [job.inputs.molecules.load().smiles for job in jobs] == [('C=C',)]
    used = [link.node.uuid for link in node.called[-1].base.links.get_incoming().all()]
    assert {outputs['labels'].creator.inputs.known_000.uuid} <= set(used)
    column = Column('ie_adiabatic', XTB_LEVELS['ie_adiabatic'])
    index = outputs['labels'].load().index()
    again = outputs['labels'].load().values(column)[index[molecule_set('C#C').load().inchikeys[0]]]
    assert again == first['labels'].load().values(column)[0]


@pytest.mark.psi4
@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.skipif(PSI4 is None, reason='the program psi4 is not on PATH')
def test_label_by_a_program_after_xtb(python, aiida_code_installed):
    """One molecule has no xTB geometry, the other gets labels of both levels, and the second time none is computed."""
    code = aiida_code_installed(filepath_executable=PSI4)
    energy = {'method': 'PBE', 'basis': 'def2-SVP', 'dispersion': ''}
    parameters = {'engine': 'psi4', 'energy': energy, 'settings': {'polarizability': False}}
    inputs = {'code': code, 'xtb_code': python, 'molecules': molecule_set('C=O', CYCLOPROPYNE)}
    outputs, node = run_get_node(LabelWorkChain, **inputs, parameters=Dict(parameters), reuse=Bool(False))

    assert node.is_finished_ok, node.exit_message
    labels = outputs['labels'].load()
    assert labels.smiles == ('C=O',)
    assert {column.level for column in labels.columns} == {'PBE/def2-SVP//GFN2-xTB', *XTB_LEVELS.values()}
    assert [item['smiles'] for item in outputs['failures']['molecules'].values()] == [CYCLOPROPYNE]

    again, second = run_get_node(LabelWorkChain, **inputs, parameters=Dict(parameters))
    assert not [child for child in second.called_descendants if child.process_type.endswith('osc.psi4')]
    column = Column('ie_vertical', 'PBE/def2-SVP//GFN2-xTB')
    assert again['labels'].load().values(column)[0] == pytest.approx(labels.values(column)[0], abs=1e-4)


@pytest.mark.xtb
def test_no_molecule_passes(python):
    _, node = run_get_node(LabelWorkChain, molecules=molecule_set(CYCLOPROPYNE), code=python)

    assert node.exit_status == LabelWorkChain.exit_codes.ERROR_NO_LABELS.status
    assert 'failures' in node.exit_message


def test_builder_from_protocol(python):
    builder = LabelWorkChain.get_builder_from_protocol(
        python, molecule_set(FURAN), 'fast', {'chunk_size': 7}, {'max_wallclock_seconds': 60}
    )

    assert builder.chunk_size.value == 7
    assert builder.max_concurrent.value == 1
    assert builder.options.get_dict() == {'resources': {'num_machines': 1}, 'max_wallclock_seconds': 60}
    with pytest.raises(ValueError, match='unknown key'):
        LabelWorkChain.get_builder_from_protocol(python, molecule_set(FURAN), 'fast', {'chunk_sise': 7})


def test_validators():
    assert validate_positive(Int(1), None) is None
    assert 'at least 1' in validate_positive(Int(0), None)
    assert validate_options(Dict({'resources': {'num_machines': 1}}), None) is None
    assert "unknown option 'walltime'" in validate_options(Dict({'walltime': 3}), None)
    assert 'one machine' in validate_options(Dict({'resources': {'num_machines': 2}}), None)
