"""Tests of the reader of the file that the Psi4 job writes, on recorded ones and on damaged ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.psi4_json import read_psi4_json, read_qcschema
from aiida_osc.qc.psi4_output import parse_psi4

CASES = Path(__file__).parents[1] / 'parsers' / 'fixtures' / 'psi4'


def content_of(case):
    return (CASES / case / 'results.json').read_text()


@pytest.mark.parametrize('case', ['energy', 'cation', 'optimization'])
def test_agrees_with_the_text(case):
    result = read_psi4_json(content_of(case))
    text = parse_psi4((CASES / case / 'output.txt').read_text())

    assert result.success
    assert text.success
    for name in ('driver', 'method', 'basis', 'charge', 'multiplicity', 'symbols', 'version', 'basis_functions'):
        assert getattr(result, name) == getattr(text, name), name
    if case == 'energy':  # the last SCFs of its text are in a field
        assert result.dipole[2] == pytest.approx(-0.6609, abs=1e-4)
        assert np.trace(result.polarizability) / 3 == pytest.approx(2.430, abs=1e-3)
        return
    assert result.energy == pytest.approx(text.energy, abs=1e-10)
    assert result.frontier == pytest.approx(text.frontier, abs=1e-6)
    np.testing.assert_allclose(result.geometry, text.geometry, atol=1e-6)
    np.testing.assert_allclose(result.gradient, text.gradient, atol=1e-8)
    np.testing.assert_allclose(result.dipole, text.dipole, atol=1e-4)
    if text.s_squared is not None:
        assert result.s_squared == pytest.approx(text.s_squared, abs=1e-8)


@pytest.mark.parametrize(
    ('case', 'kind', 'words'),
    [
        ('scf_not_converged', 'scf_not_converged', 'in 2 iterations'),
        ('geometry_not_converged', 'geometry_not_converged', 'in 2 iterations'),
        ('imaginary_mode', 'imaginary_mode', '1081i cm^-1'),
        ('wrong_multiplicity', 'wrong_multiplicity', 'chg/mult'),
        ('unknown_basis', 'basis_missing', 'Unable to find a basis set for atom 1'),
        ('unknown_method', 'input_refused', 'b4lyp'),
        ('atoms_too_close', 'atoms_too_close', 'too close'),
        ('no_dispersion', 'no_executable', 'dftd3'),
        ('no_solvent', 'no_executable', 'without PCMSolver'),
        ('out_of_memory', 'out_of_memory', 'minimum 250 MiB'),
        ('out_of_walltime', 'out_of_walltime', 'nearly over'),
        ('killed', 'output_truncated', "state 'running'"),
        ('qcschema_refused', 'input_refused', 'b4lyp'),
    ],
)
def test_failures(case, kind, words):
    result = read_psi4_json(content_of(case))
    assert result.failure == kind
    assert words in result.reason
    assert result.to_dict()['error']['error_type'] == kind
    text = parse_psi4((CASES / case / 'output.txt').read_text())
    assert text.failure == (None if kind == 'imaginary_mode' else kind), 'the text alone tells the same'


def test_killed_optimisation_keeps_its_last_step():
    result = read_psi4_json(content_of('killed'))
    assert len(result.optimization_energies) >= 2
    assert result.energy == result.optimization_energies[-1]
    assert result.geometry.shape == (3, 3)
    assert result.optimization_converged is False


def test_imaginary_mode_of_planar_ammonia():
    result = read_psi4_json(content_of('imaginary_mode'))
    # frequency('hf') of Psi4 1.3.2 at the same geometry.
    expected = [-1081.4250, 1866.4629, 1866.4629, 4023.2105, 4363.0763, 4363.0763]
    np.testing.assert_allclose(result.frequencies, expected, atol=2e-4)
    mode = result.imaginary_modes[0]
    np.testing.assert_allclose(mode[:, :2], 0, atol=1e-6)
    assert mode[0, 2] * mode[1, 2] < 0, 'nitrogen goes one way, the hydrogen atoms go the other'


def test_qcschema_result():
    result = read_psi4_json(content_of('qcschema'))
    assert result.success
    assert (result.symbols, result.method, result.basis, result.version) == (('He',), 'hf', 'sto-3g', '1.3.2')
    assert result.energy == pytest.approx(-2.80778, abs=3e-4)
    assert (result.charge, result.multiplicity, result.occupied_a) == (0, 1, 1)


# Water, HF/cc-pVDZ gradient as the MolSSI QCSchema documentation shows such results, numbers shortened.
LATER = {
    'schema_name': 'qcschema_output', 'schema_version': 1, 'success': True, 'driver': 'gradient',
    'model': {'method': 'hf', 'basis': 'cc-pvdz'},
    'molecule': {'symbols': ['O', 'H', 'H'], 'geometry': [[0, 0, -0.12], [0, -1.49, 1.02], [0, 1.49, 1.02]],
                 'molecular_charge': 0.0, 'molecular_multiplicity': 1},
    'properties': {'return_energy': -76.021, 'scf_dipole_moment': [0.0, 0.0, 0.82], 'calcinfo_nbasis': 24,
                   'calcinfo_nalpha': 5, 'calcinfo_nbeta': 5, 'scf_iterations': 9, 'nuclear_repulsion_energy': 8.8},
    'return_result': [[0, 0, -0.06], [0, 0.03, 0.03], [0, -0.03, 0.03]],
    'provenance': {'creator': 'Psi4', 'version': '1.9.1'},
}  # fmt: skip


def test_atomic_result_of_later_versions():
    result = read_qcschema(LATER)
    assert result.success
    assert (result.version, result.driver, result.energy) == ('1.9.1', 'gradient', -76.021)
    np.testing.assert_array_equal(result.gradient[1], [0, 0.03, 0.03])
    np.testing.assert_array_equal(result.dipole, [0, 0, 0.82])


def test_failed_operation():
    failed = {
        'success': False,
        'error': {'error_type': 'x', 'error_message': 'SCFConvergenceError: Could not converge SCF'},
    }
    assert read_qcschema(failed).failure == 'scf_not_converged'
    assert read_qcschema({}).failure == 'crashed'
    assert read_qcschema({**LATER, 'properties': {'return_energy': -9e9}}).failure == 'scf_not_converged'


@pytest.mark.parametrize('content', ['', '{', '[]', 'null', '{"format": 2}', b'\xff\xfe\x00', '[' * 100_000, '1e999'])
def test_unreadable_files(content):
    result = read_psi4_json(content)
    assert result.failure == 'output_missing'


def test_damaged_values_never_raise_and_never_pass():
    known = json.loads(content_of('imaginary_mode'))
    for key in known:
        for value in (None, 'x', [], {}, [[1, 2]], -1e308, True, float('nan'), ['x', None]):
            result = read_psi4_json(json.dumps({**known, key: value}))
            assert result.failure is None or result.failure in FAILURES
            assert not result.success or result.energy is not None
    for key in ('energy', 'symbols', 'hessian', 'optimization_converged', 'state'):
        assert not read_psi4_json(json.dumps({**known, key: None})).success


def test_numbers_that_are_none_are_left_out():
    content = content_of('cation').replace('"s_squared": ', '"s_squared": NaN, "was": ')
    result = read_psi4_json(content)
    assert result.success
    assert result.s_squared is None
