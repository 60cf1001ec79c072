"""Tests of the parser of osc.psi4 on recorded runs."""

import json

import numpy as np
import pytest
from aiida.orm import Dict

from aiida_osc.calculations.psi4 import Psi4Calculation
from aiida_osc.calculations.structures import read_structure, structure_from
from aiida_osc.parsers.psi4 import Psi4Parser
from aiida_osc.qc.failures import FAILURES

CODES = Psi4Calculation.exit_codes
WATER = (('O', 'H', 'H'), np.array([[0.0, 0.0, 0.1178], [0.0, 0.7555, -0.4712], [0.0, -0.7555, -0.4712]]))
AMMONIA = (
    ('N', 'H', 'H', 'H'),
    np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.8660254, -0.5, 0.0], [-0.8660254, -0.5, 0.0]]),
)
HYDROGEN = (('H', 'H'), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.04]]))
HELIUM = {'molecule': {'symbols': ['He'], 'geometry': [0, 0, 0]}}


@pytest.fixture
def parse(recorded_job):
    """Return a function that parses one recorded case and returns outputs and exit code."""

    def run(case, molecule=WATER, exit_status=None, inputs=None, **parameters):
        if inputs is None:
            inputs = {'structure': structure_from(*molecule), 'parameters': Dict(parameters)}
        node = recorded_job('osc.psi4', f'psi4/{case}', inputs)
        if exit_status:
            node.set_exit_status(exit_status)
        parser = Psi4Parser(node)
        exit_code = parser.parse()
        return {label: output.store() for label, output in parser.outputs.items()}, exit_code

    return run


def test_energy(parse):
    outputs, exit_code = parse('energy')

    assert exit_code.status == 0
    assert sorted(outputs) == ['results']
    results = outputs['results'].get_dict()
    assert results['success'] is True
    assert results['model'] == {'method': 'B3LYP', 'basis': 'STO-3G'}
    assert results['provenance']['creator'] == 'Psi4'
    assert results['properties']['return_energy'] == pytest.approx(-75.313, abs=1e-3)
    assert len(results['properties']['scf_polarizability']) == 3
    assert 'finite field' in results['properties']['scf_polarizability_method']
    assert json.loads(json.dumps(results, allow_nan=False)) == results


def test_cation(parse):
    outputs, exit_code = parse('cation', driver='gradient', charge=1, multiplicity=2)

    assert exit_code.status == 0
    properties = outputs['results']['properties']
    assert properties['s_squared'] == pytest.approx(0.7517, abs=1e-4)
    assert (properties['calcinfo_nalpha'], properties['calcinfo_nbeta']) == (5, 4)
    assert np.shape(properties['return_gradient']) == (3, 3)


def test_optimisation_gives_its_structure(parse):
    outputs, exit_code = parse('optimization', driver='optimization')

    assert exit_code.status == 0
    symbols, positions = read_structure(outputs['structure'])
    assert symbols == ('O', 'H', 'H')
    # HF/STO-3G water: 0.9894 A (Szabo and Ostlund, table 3.13).
    assert np.linalg.norm(positions[1] - positions[0]) == pytest.approx(0.9894, abs=1e-3)


@pytest.mark.parametrize(
    ('case', 'molecule', 'kind', 'words'),
    [
        ('scf_not_converged', WATER, 'scf_not_converged', 'damp it'),
        ('geometry_not_converged', WATER, 'geometry_not_converged', 'go on from the last one'),
        ('imaginary_mode', AMMONIA, 'imaginary_mode', 'displace it along the mode'),
        ('wrong_multiplicity', WATER, 'wrong_multiplicity', 'contradict each other'),
        ('unknown_basis', WATER, 'basis_missing', 'choose another basis'),
        ('unknown_method', WATER, 'input_refused', 'b4lyp'),
        ('atoms_too_close', HYDROGEN, 'atoms_too_close', 'give another structure'),
        ('no_dispersion', WATER, 'no_executable', 'dftd3'),
        ('no_solvent', WATER, 'no_executable', 'PCMSolver'),
        ('out_of_memory', WATER, 'out_of_memory', 'ask for more'),
        ('out_of_walltime', WATER, 'out_of_walltime', 'go on from the last geometry'),
        ('killed', WATER, 'out_of_memory', 'it was killed'),
        ('no_executable', WATER, 'no_executable', 'correct the path'),
    ],
)
def test_failures(parse, case, molecule, kind, words):
    outputs, exit_code = parse(case, molecule)

    assert exit_code.status == FAILURES[kind].status
    assert exit_code.status == CODES[FAILURES[kind].label].status
    assert words in exit_code.message
    assert exit_code.invalidates_cache
    assert outputs['results']['success'] is False
    assert outputs['results']['error']['error_type'] == kind


@pytest.mark.parametrize('case', ['geometry_not_converged', 'out_of_walltime', 'killed', 'imaginary_mode'])
def test_what_can_be_gone_on_from_has_its_structure(parse, case):
    outputs, _ = parse(case, AMMONIA if case == 'imaginary_mode' else WATER)
    if case == 'out_of_walltime':  # one gradient, at the structure that was given
        assert 'structure' not in outputs
    else:
        assert read_structure(outputs['structure'])[1].shape[1] == 3


def test_scheduler_explains_what_the_job_could_not(parse):
    assert parse('no_executable', exit_status=120)[1].status == 303, 'the shell knows better'
    assert parse('killed', exit_status=120)[1].status == FAILURES['out_of_walltime'].status


def test_results_of_another_molecule(parse):
    for parameters, molecule, words in (
        ({}, AMMONIA, 'H2O instead of H3N'),
        ({'charge': 1, 'multiplicity': 2}, WATER, 'charge +0 instead of +1'),
        ({'multiplicity': 3}, WATER, 'multiplicity 1 instead of 3'),
    ):
        _, exit_code = parse('energy', molecule, **parameters)
        assert exit_code.status == FAILURES['wrong_molecule'].status
        assert words in exit_code.message


def test_qcschema(parse):
    outputs, exit_code = parse('qcschema', inputs={'qcschema': Dict(HELIUM)})

    assert exit_code.status == 0
    assert outputs['qcschema']['schema_name'] == 'qcschema_output'
    assert outputs['qcschema']['return_result'] == outputs['results']['properties']['return_energy']
    other = {'molecule': {'symbols': ['Ne'], 'geometry': [0, 0, 0]}}
    assert parse('qcschema', inputs={'qcschema': Dict(other)})[1].status == FAILURES['wrong_molecule'].status


def test_refused_qcschema(parse):
    outputs, exit_code = parse('qcschema_refused', inputs={'qcschema': Dict(HELIUM)})
    assert exit_code.status == FAILURES['input_refused'].status
    assert 'b4lyp' in exit_code.message
    assert 'qcschema' not in outputs
