"""Tests of the rendered Psi4 inputs: compared with stored files, and run when Psi4 is there."""

import ast
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase import build

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.psi4_input import (
    SCF_HELP,
    Psi4Remedies,
    Psi4Settings,
    memory_for,
    render_input,
    render_qcschema_input,
)
from aiida_osc.qc.psi4_json import read_psi4_json
from aiida_osc.qc.psi4_output import parse_psi4

STORED = Path(__file__).parent / 'psi4_inputs'
PSI4 = shutil.which('psi4')
needs_psi4 = pytest.mark.skipif(PSI4 is None, reason='needs the psi4 program (apt install psi4)')
WATER = (('O', 'H', 'H'), np.array([[0.0, 0.0, 0.1178], [0.0, 0.7555, -0.4712], [0.0, -0.7555, -0.4712]]))
AMMONIA = (
    ('N', 'H', 'H', 'H'),
    np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.8660254, -0.5, 0.0], [-0.8660254, -0.5, 0.0]]),
)
HF = {'method': 'HF', 'basis': 'STO-3G', 'dispersion': ''}
B3LYP = {'method': 'B3LYP', 'basis': 'STO-3G', 'dispersion': ''}
CASES = {
    'energy': ({}, {}),
    'cation_gradient': ({'driver': 'gradient', 'charge': 1, 'multiplicity': 2, 'model': B3LYP}, {}),
    'optimization': ({'driver': 'optimization', 'max_steps': 40, 'model': HF}, {'deadline': 3600}),
    'loose_optimization': ({'driver': 'optimization', 'loose_geometry': True, 'model': HF}, {}),
    'frequencies': ({'driver': 'frequencies', 'model': {**HF, 'basis': '6-31G*', 'cartesian': True}}, {}),
    'solvent': ({'model': {**HF, 'epsilon': 3.5}}, {}),
    'polarizability': ({'polarizability': True, 'model': HF}, {}),
    **{f'scf_help_{stage}': ({'scf_help': stage, 'model': B3LYP}, {}) for stage in SCF_HELP},
}


def render(case, molecule=WATER, **keywords):
    values, more = CASES[case] if isinstance(case, str) else (case, {})
    return render_input(Calculation.from_dict(values), *molecule, threads=2, memory_mb=1700, **{**more, **keywords})


@pytest.mark.parametrize('case', CASES)
def test_rendered_text_is_the_stored_one(case):
    text = render(case)
    ast.parse(text)
    assert text == (STORED / f'{case}.in').read_text()


def test_rendered_text_for_qcschema_is_the_stored_one():
    text = render_qcschema_input(threads=2, memory_mb=1700)
    ast.parse(text)
    assert text == (STORED / 'qcschema.in').read_text()


@pytest.mark.parametrize(
    ('symbols', 'charge', 'multiplicity', 'closed', 'more'),
    [
        (('O', 'H', 'H'), 1, 2, 0, (0, -1)),
        (('O', 'H', 'H'), -1, 2, 0, (1, 0)),
        (('O', 'H'), 0, 2, 1, (1, 0)),
        (('O', 'H', 'H'), 0, 3, 0, (1, -1)),
        (('O', 'H', 'H'), 1, 4, 0, (1, -2)),
        (('H',), 0, 2, None, None),
        (('O', 'H', 'H'), 0, 1, None, None),
    ],
)
def test_open_shells_start_from_a_closed_one(symbols, charge, multiplicity, closed, more):
    positions = np.arange(3.0 * len(symbols)).reshape(-1, 3)
    text = render({'model': B3LYP, 'charge': charge, 'multiplicity': multiplicity}, (symbols, positions))
    if closed is None:
        assert 'closed' not in text
        return
    for line in (
        f'closed.set_molecular_charge({closed})',
        f'shell.nalpha() + {more[0]}\n',
        f'shell.nbeta() + {more[1]}\n',
        "{'reference': 'rks'}",
        "{'reference': 'uks'}",
    ):
        assert line in text


def test_options_follow_the_calculation():
    text = render(
        {'model': {'method': 'r2SCAN', 'basis': 'def2-TZVP', 'dispersion': 'D4'}, 'charge': -1, 'multiplicity': 2}
    )
    for line in (
        "METHOD = 'r2scan-d4'",
        "'basis': 'def2-tzvp'",
        "'puream': True",
        "'reference': 'uks'",
        "'dft_spherical_points': 590",
        'psi4.set_num_threads(2)',
        "psi4.set_memory('1700 MB')",
        '\n    -1 2\n',
    ):
        assert line in text
    assert "'puream': False" in render('frequencies')
    settings = Psi4Settings(scf_iterations=7, density_fitting=False, radial_points=99, spherical_points=590)
    text = render({'model': B3LYP}, settings=settings)
    for line in ("'maxiter': 7", "'scf_type': 'direct'", "'dft_radial_points': 99", "'dft_spherical_points': 590"):
        assert line in text


@pytest.mark.parametrize(
    ('values', 'molecule', 'words'),
    [
        ({'multiplicity': 2}, WATER, 'cannot have multiplicity 2'),
        ({'charge': 1}, WATER, 'cannot have multiplicity 1'),
        ({'charge': 10}, WATER, 'leaves 0 electrons'),
        ({'model': {**HF, 'basis': '6-31+G*'}}, (('I', 'H'), np.array([[0.0, 0, 0], [0, 0, 1.6]])), 'use a def2 basis'),
        ({}, (('Xx',), np.zeros((1, 3))), 'no elements: Xx'),
        ({}, ((), np.zeros((0, 3))), 'nothing at all'),
        ({}, (('H', 'H'), np.zeros((1, 3))), 'x, y, z of every atom'),
        ({}, (('H', 'H'), np.array([[0.0, 0, 0], [0, np.nan, 1]])), 'x, y, z of every atom'),
        ({'driver': 'optimization', 'model': {**HF, 'epsilon': 3.5}}, WATER, 'no gradients in a solvent'),
        ({'polarizability': True, 'model': {**HF, 'epsilon': 3.5}}, WATER, 'in the gas phase'),
        ({'scf_help': 4}, WATER, 'stages 0 to 3'),
    ],
)
def test_refuses_with_a_sentence(values, molecule, words):
    with pytest.raises(OscError, match=words):
        render(values, molecule)


@pytest.mark.parametrize(
    'settings', [{'scf_iterations': 0}, {'spherical_points': 300}, {'radial_points': -1}, {'x': 1}]
)
def test_refuses_impossible_settings(settings):
    with pytest.raises(OscError):
        Psi4Settings.from_dict(settings)


def test_memory():
    assert memory_for(None) == 1700
    assert memory_for(4_000_000) == 3400
    assert memory_for(1000) == 300, 'what Psi4 needs at least'


def test_remedies():
    remedies = Psi4Remedies()
    assert [remedies.help_scf({}, stage) for stage in (1, 2, 3, 4)] == [
        {'scf_help': 1}, {'scf_help': 2}, {'scf_help': 3}, None,
    ]  # fmt: skip
    assert remedies.help_scf({'scf_help': 2, 'charge': 1}, 1) == {'scf_help': 3, 'charge': 1}
    assert [remedies.describe_scf(stage) for stage in (1, 2, 3)] == [SCF_HELP[stage][0] for stage in (1, 2, 3)]
    parameters, options = remedies.help_memory({'charge': 1}, {'max_memory_kb': 1000, 'x': 2}, 1)
    assert (parameters, options) == ({'charge': 1}, {'max_memory_kb': 2000, 'x': 2})
    assert remedies.help_memory({}, {}, 1)[1] == {'max_memory_kb': 4_000_000}
    assert remedies.help_memory({}, {}, 4) is None
    assert remedies.loosen_geometry({'charge': 1}) == {'charge': 1, 'loose_geometry': True}
    assert remedies.loosen_geometry({'loose_geometry': True}) is None


def run(folder, text):
    """Run Psi4 on an input and return the JSON result and the one read from the text."""
    (folder / 'input.py').write_text(text)
    with (folder / 'stdout').open('w') as handle:
        command = [PSI4, '-n', '1', '--skip-preprocessor', '-i', 'input.py', '-o', 'output.txt']
        subprocess.run(command, cwd=folder, stdout=handle, stderr=subprocess.STDOUT, check=False, timeout=300)
    text = (folder / 'output.txt').read_text(errors='replace')
    return read_psi4_json((folder / 'results.json').read_bytes()), parse_psi4(text)


@needs_psi4
@pytest.mark.psi4
def test_energy_and_polarizability_of_water(tmp_path):
    result, text = run(tmp_path, render('polarizability'))

    assert result.success
    assert text.success
    # The last SCF of the text stands in a field: everything but the energy of the first is compared.
    assert result.basis_functions == 7
    assert result.symbols == ('O', 'H', 'H')
    # PySCF 2.14, HF/STO-3G at this geometry, without density fitting.
    assert result.energy == pytest.approx(-74.96326, abs=1e-4)
    assert result.dipole[2] == pytest.approx(-0.6796, abs=1e-3)
    assert (result.s_squared, result.occupied_a, result.eigenvalues_b) == (0, 5, None)
    np.testing.assert_allclose(np.diag(result.polarizability), [0.0416, 5.197, 2.148], atol=5e-3)
    assert 'finite field' in result.polarizability_method
    assert result.to_dict()['properties']['scf_polarizability_method'] == result.polarizability_method


@needs_psi4
@pytest.mark.psi4
def test_json_and_text_of_a_cation_agree(tmp_path):
    result, text = run(tmp_path, render('cation_gradient'))

    assert result.success
    assert text.success
    assert (result.driver, result.charge, result.multiplicity) == ('gradient', 1, 2) == (
        text.driver, text.charge, text.multiplicity,
    )  # fmt: skip
    assert result.energy == pytest.approx(text.energy, abs=1e-12)
    assert result.s_squared == pytest.approx(text.s_squared, abs=1e-8)
    for name in ('eigenvalues_a', 'eigenvalues_b', 'geometry', 'gradient'):
        np.testing.assert_allclose(getattr(result, name), getattr(text, name), atol=1e-6)
    np.testing.assert_allclose(result.dipole, text.dipole, atol=1e-4)
    assert (result.version, result.basis_functions, result.scf_iterations) == (
        text.version, text.basis_functions, text.scf_iterations,
    )  # fmt: skip


@needs_psi4
@pytest.mark.psi4
def test_optimisation_of_water(tmp_path):
    result, text = run(tmp_path, render('optimization'))

    assert result.success
    assert result.optimization_converged is True
    # HF/STO-3G water: r = 0.9894 A, angle = 100.03 degrees, E = -74.965901 (Szabo and Ostlund, tables 3.13 and 3.18).
    bond = np.linalg.norm(result.geometry[1] - result.geometry[0]) * 0.529177
    assert bond == pytest.approx(0.9894, abs=1e-3)
    assert result.energy == pytest.approx(-74.9659, abs=2e-4)
    np.testing.assert_allclose(result.optimization_energies, text.optimization_energies, atol=1e-9)
    np.testing.assert_allclose(result.geometry, text.geometry, atol=1e-6)


@needs_psi4
@pytest.mark.psi4
@pytest.mark.pyscf
def test_thiophene_agrees_with_pyscf(tmp_path):
    """Started from atoms the cation would be caught in its second state, 0.45 eV higher."""
    gto = pytest.importorskip('pyscf.gto')
    atoms = build.molecule('C4H4S')
    symbols, positions = atoms.get_chemical_symbols(), atoms.get_positions()
    settings = Psi4Settings(density_fitting=False)
    for charge in (0, 1):
        mol = gto.M(
            atom=list(zip(symbols, positions, strict=True)), basis='sto-3g', charge=charge, spin=charge, verbose=0
        )
        field = (mol.UHF() if charge else mol.RHF()).run(conv_tol=1e-10)
        folder = tmp_path / str(charge)
        folder.mkdir()
        values = {'model': HF, 'charge': charge, 'multiplicity': 1 + charge}

        result, text = run(folder, render(values, (symbols, positions), settings=settings))

        assert result.success
        assert text.success
        assert result.energy == pytest.approx(field.e_tot, abs=2e-6)
        assert result.s_squared == pytest.approx(field.spin_square()[0] if charge else 0, abs=1e-4)
        if not charge:
            homo, lumo = field.mo_energy[mol.nelectron // 2 - 1 : mol.nelectron // 2 + 1]
            assert result.frontier == pytest.approx((homo, lumo), abs=1e-5)
            np.testing.assert_allclose(result.dipole, field.dip_moment(unit='AU', verbose=0), atol=1e-5)


@needs_psi4
@pytest.mark.psi4
def test_cartesian_functions_are_counted(tmp_path):
    for cartesian, count in ((True, 19), (False, 18)):
        folder = tmp_path / str(count)
        folder.mkdir()
        values = {'model': {**HF, 'basis': '6-31G*', 'cartesian': cartesian}}
        assert run(folder, render(values))[0].basis_functions == count


@needs_psi4
@pytest.mark.psi4
def test_orbitals_of_another_charge_are_left_alone(tmp_path):
    """The folder of a neutral beside a cation's input: another number of electrons, so the usual guess."""
    neutral, cation = tmp_path / 'neutral', tmp_path / 'cation'
    neutral.mkdir()
    cation.mkdir()
    run(neutral, render({'model': HF}))
    shutil.copy(neutral / 'orbitals.npy', cation / 'orbitals.npy')
    shutil.copy(neutral / 'results.json', cation / 'parent.json')
    result, _ = run(cation, render({'model': HF, 'charge': 1, 'multiplicity': 2}))
    assert result.success
    assert result.s_squared == pytest.approx(0.755, abs=2e-3)
    assert (cation / 'output.txt').read_text().count('RHF Reference') == 1, 'the closed shell is computed anew'
    shutil.copy(neutral / 'results.json', neutral / 'parent.json')
    again, _ = run(neutral, render({'model': HF}))
    assert again.success
    assert 'Reading orbitals from file 180' in (neutral / 'output.txt').read_text()
    assert again.scf_iterations <= 3


@needs_psi4
@pytest.mark.psi4
def test_planar_ammonia_is_no_minimum(tmp_path):
    values = {'driver': 'frequencies', 'model': HF}
    result, _ = run(tmp_path, render(values, AMMONIA))

    assert result.failure == 'imaginary_mode'
    assert FAILURES[result.failure].status == 403
    assert len(result.frequencies) == 6
    assert result.frequencies[0] < -900
    mode = result.imaginary_modes[0]
    assert np.abs(mode[:, 2]).max() == pytest.approx(np.abs(mode).max()), 'out of the plane'


@needs_psi4
@pytest.mark.psi4
def test_deadline_ends_an_optimisation_with_its_last_geometry(tmp_path):
    result, text = run(tmp_path, render('optimization', deadline=0.001))

    assert result.failure == 'out_of_walltime'
    assert len(result.optimization_energies) == 1
    assert result.geometry.shape == (3, 3)
    assert not text.success


@needs_psi4
@pytest.mark.psi4
@pytest.mark.parametrize(
    ('values', 'keywords', 'kind', 'words'),
    [
        ({'model': B3LYP}, {'settings': Psi4Settings(scf_iterations=2)}, 'scf_not_converged', 'in 2 iterations'),
        ({'model': {**B3LYP, 'method': 'r2SCAN'}}, {}, 'input_refused', 'r2scan'),
        ({'driver': 'optimization', 'max_steps': 1, 'model': HF}, {}, 'geometry_not_converged', 'in 1 iterations'),
    ],
)
def test_failures_of_the_program(tmp_path, values, keywords, kind, words):
    result, text = run(tmp_path, render(values, **keywords))
    if kind == 'input_refused' and result.success:
        pytest.skip('this Psi4 knows r2SCAN')
    assert (result.failure, text.failure) == (kind, kind)
    assert words in result.reason


@needs_psi4
@pytest.mark.psi4
def test_qcschema_is_evaluated(tmp_path):
    molecule = {'symbols': ['He'], 'geometry': [0.0, 0.0, 0.0], 'molecular_charge': 0, 'molecular_multiplicity': 1}
    atomic_input = {
        'schema_name': 'qcschema_input', 'schema_version': 1, 'driver': 'energy', 'keywords': {},
        'molecule': {'schema_name': 'qcschema_molecule', 'schema_version': 2, **molecule},
        'model': {'method': 'hf', 'basis': 'sto-3g'},
    }  # fmt: skip
    (tmp_path / 'qcschema.json').write_text(json.dumps(atomic_input))

    result, text = run(tmp_path, render_qcschema_input(threads=1, memory_mb=500))

    assert result.success
    assert text.success
    # Helium, HF/STO-3G (Szabo and Ostlund, section 3.5.3: -2.807784 at zeta = 1.6875).
    # With density fitting, the default of Psi4: 0.13 mEh away.
    assert result.energy == pytest.approx(-2.80778, abs=3e-4)
    assert (result.symbols, result.method, result.basis) == (('He',), 'hf', 'sto-3g')
