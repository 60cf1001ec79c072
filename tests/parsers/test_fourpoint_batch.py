"""Tests of the parser of the four-point batch job on recorded runs."""

import json
import shutil
from pathlib import Path

import pytest
from aiida.orm import Dict

from aiida_osc.calculations.fourpoint_batch import FourPointBatchCalculation
from aiida_osc.chem.molecules import standardise
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.parsers.fourpoint_batch import FourPointBatchParser
from aiida_osc.qc.levels import XTB_LEVELS

CODES = FourPointBatchCalculation.exit_codes
FIXTURES = Path(__file__).parent / 'fixtures'
THIOPHENE, FURAN, PYRROLE, BENZENE, CYCLOPROPYNE = 'c1ccsc1', 'c1ccoc1', 'c1cc[nH]c1', 'c1ccccc1', 'C1#CC1'


@pytest.fixture
def parse(recorded_job):
    """Return a function that parses one recorded case and returns outputs and exit code."""

    def run(case, smiles, exit_status=None, parameters=None, **options):
        molecules = [standardise(item) for item in smiles]
        keys = tuple(item.inchikey for item in molecules)
        table = MoleculeTable(tuple(item.smiles for item in molecules), keys, ('seed',) * len(keys))
        inputs = {'molecules': MoleculeSetData(table), 'parameters': Dict(parameters or {})}
        node = recorded_job('osc.fourpoint_batch', Path('fourpoint_batch') / case, inputs, **options)
        if exit_status:
            node.set_exit_status(exit_status)
        parser = FourPointBatchParser(node)
        exit_code = parser.parse()
        return {label: output.store() for label, output in parser.outputs.items()}, exit_code

    return run


def test_ok(parse):
    outputs, exit_code = parse('ok', [THIOPHENE, FURAN])

    assert exit_code.status == 0
    labels = outputs['labels'].load()
    assert labels.smiles == (THIOPHENE, FURAN), 'rows in the order of the input'
    assert labels.source == ('seed', 'seed')
    assert {str(column) for column in labels.columns} == {f'{name}@{level}' for name, level in XTB_LEVELS.items()}
    # Thiophene, adiabatic ionisation energy 8.86 eV (NIST WebBook, evaluated); IPEA1-xTB is a few tenths off.
    assert labels.values(Column('ie_adiabatic', XTB_LEVELS['ie_adiabatic']))[0] == pytest.approx(8.86, abs=0.4)
    geometries = outputs['geometries']
    assert geometries.base.attributes.get('charges') == {'-1': 2, '0': 2, '1': 2}
    assert geometries.base.attributes.get('level') == 'GFN2-xTB'
    results = outputs['results'].get_dict()
    assert (results['ok'], results['asked'], results['not_treated']) == (2, 2, [])
    assert results['job']['exit_code'] == 0
    assert results['failures'] == {}


def test_failed_molecules_are_no_failure_of_the_job(parse):
    outputs, exit_code = parse('partial', [THIOPHENE, CYCLOPROPYNE, FURAN])

    assert exit_code.status == 0
    assert outputs['labels'].load().smiles == (THIOPHENE, FURAN)
    results = outputs['results'].get_dict()
    assert (results['ok'], results['failed']) == (2, 1)
    (failure,) = results['failures'].values()
    assert failure['smiles'] == CYCLOPROPYNE
    assert failure['stage'] == 'embed'
    assert 'no start geometry' in failure['reason']


@pytest.mark.parametrize(
    ('case', 'code', 'words'),
    [
        ('interrupted', CODES.ERROR_INTERRUPTED, 'interrupted after 1 of 3'),
        ('killed', CODES.ERROR_OUT_OF_MEMORY, 'lack of memory, after 1 of 3'),
    ],
)
def test_ended_job_keeps_what_it_has(parse, case, code, words):
    outputs, exit_code = parse(case, [THIOPHENE, FURAN, PYRROLE])

    assert exit_code.status == code.status
    assert words in exit_code.message
    assert 'parent_folder' in exit_code.message
    assert outputs['labels'].load().smiles == (PYRROLE,)
    results = outputs['results'].get_dict()
    assert (results['total'], results['asked'], len(results['not_treated'])) == (1, 3, 2)


def test_walltime_by_the_runner_and_by_the_scheduler(parse):
    smiles = [THIOPHENE, FURAN, PYRROLE, BENZENE]
    outputs, exit_code = parse('walltime', smiles, max_wallclock_seconds=1)

    assert exit_code.status == CODES.ERROR_OUT_OF_WALLTIME.status
    assert 0 < outputs['labels'].count < 4
    assert outputs['results'].get_dict()['job']['state'] == 'interrupted'
    assert parse('interrupted', smiles, exit_status=120)[1].status == CODES.ERROR_OUT_OF_WALLTIME.status
    assert parse('interrupted', smiles, exit_status=110)[1].status == CODES.ERROR_OUT_OF_MEMORY.status
    assert parse('interrupted', smiles, max_wallclock_seconds=999)[1].status == CODES.ERROR_INTERRUPTED.status


@pytest.mark.parametrize(
    ('line', 'code'),
    [
        # Both written by SLURM 22.05 when it ended a job, without accounting.
        ('*** JOB 1 ON vm CANCELLED AT 2026-11-22T05:44:56 DUE TO TIME LIMIT ***', CODES.ERROR_OUT_OF_WALLTIME),
        ('StepId=2.batch exceeded memory limit (327430144 > 52428800), being killed', CODES.ERROR_OUT_OF_MEMORY),
    ],
)
def test_verdict_of_the_scheduler_without_accounting(parse, tmp_path, line, code):
    folder = tmp_path / 'interrupted'
    shutil.copytree(FIXTURES / 'fourpoint_batch' / 'interrupted', folder)
    (folder / '_scheduler-stderr.txt').write_text(f'a warning before it\nslurmstepd-vm: error: {line}\n')
    smiles = [THIOPHENE, FURAN, PYRROLE]
    exit_code = parse(folder, smiles, scheduler_stderr='_scheduler-stderr.txt')[1]
    assert exit_code.status == code.status


def test_complete_results_win_over_the_scheduler(parse):
    assert parse('ok', [THIOPHENE, FURAN], exit_status=120)[1].status == 0


@pytest.mark.parametrize(
    ('case', 'code', 'words'),
    [
        ('early', CODES.ERROR_INTERRUPTED_EARLY, 'before it had finished one of its 1'),
        ('engine_missing', CODES.ERROR_ENGINE_MISSING, "No module named 'numpy'"),
        ('input_refused', CODES.ERROR_INPUT_REFUSED, 'input.json is not of format 1'),
        ('no_executable', CODES.ERROR_NO_EXECUTABLE, 'No such file or directory'),
        ('empty', CODES.ERROR_NO_RESULTS, 'Segmentation fault'),
    ],
)
def test_nothing_usable(parse, case, code, words):
    outputs, exit_code = parse(case, [THIOPHENE])

    assert outputs == {}
    assert exit_code.status == code.status
    assert words in exit_code.message
    assert exit_code.invalidates_cache


def test_truncated_line_costs_one_molecule(parse):
    outputs, exit_code = parse('truncated', [THIOPHENE, FURAN])

    assert exit_code.status == CODES.ERROR_INTERRUPTED.status
    assert outputs['results'].get_dict()['total'] == 1
    assert outputs['labels'].count == 1


def test_results_of_other_molecules_are_left_out(parse):
    outputs, exit_code = parse('ok', [THIOPHENE])

    assert exit_code.status == 0
    assert outputs['labels'].load().smiles == (THIOPHENE,)
    assert outputs['geometries'].count == 3
    assert outputs['results'].get_dict()['total'] == 1


def test_bands_and_advice_of_the_exit_codes():
    own = [code for code in CODES.values() if 200 <= code.status < 500]

    assert {code.status // 100 for code in own} == {2, 3, 4}
    assert all(code.invalidates_cache for code in own)
    advice = ('submit', 'install', 'correct', 'look at', 'give', 'refused its input')
    assert all(any(word in code.message for word in advice) for code in own)


def test_outputs_hold_no_nan(parse):
    outputs, _ = parse('partial', [THIOPHENE, CYCLOPROPYNE, FURAN])
    assert json.loads(json.dumps(outputs['results'].get_dict(), allow_nan=False))


#: What the case ``pyscf`` was recorded with.
PBE = {'engine': 'pyscf', 'energy': {'method': 'PBE', 'basis': 'STO-3G', 'dispersion': '', 'epsilon': 3.5}}


def test_labels_of_pyscf_have_its_levels_and_environment(parse):
    outputs, exit_code = parse('pyscf', ['C=C'], parameters=PBE)

    assert exit_code.status == 0
    labels = outputs['labels'].load()
    level, environment = 'PBE/STO-3G//GFN2-xTB', 'cpcm(eps=3.5)'
    assert {(column.level, column.environment) for column in labels.columns} == {(level, environment)}
    assert outputs['geometries'].base.attributes.get('level') == 'GFN2-xTB'
    assert 'pyscf' in outputs['results'].get_dict()['versions']


def test_records_of_another_level_are_no_results(parse):
    other = {**PBE, 'energy': {**PBE['energy'], 'epsilon': 0.0}}
    outputs, exit_code = parse('pyscf', ['C=C'], parameters=other)

    assert outputs == {}
    assert exit_code.status == CODES.ERROR_INTERRUPTED_EARLY.status


def test_missing_pyscf_is_named_with_its_cure(parse):
    _, exit_code = parse('pyscf_missing', ['O'], parameters=PBE)

    assert exit_code.status == CODES.ERROR_ENGINE_MISSING.status
    assert "No module named 'pyscf'" in exit_code.message
    assert 'pip install tblite pyscf rdkit numpy' in exit_code.message


def test_bytes_that_are_no_text_cost_one_molecule(parse):
    outputs, exit_code = parse('garbled', [THIOPHENE, FURAN])

    assert exit_code.status == CODES.ERROR_INTERRUPTED.status
    assert outputs['results'].get_dict()['total'] == 1
    assert len(outputs['results'].get_dict()['not_treated']) == 1
