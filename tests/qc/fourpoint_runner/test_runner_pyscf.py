"""PySCF as an engine; the expected numbers come from PySCF, called here as its manual does."""

import numpy as np
import pyscf
import pytest

from aiida_osc.qc.calculation import Model
from aiida_osc.qc.fourpoint_runner import pyscf_scf
from aiida_osc.qc.fourpoint_runner.engine import Surroundings
from aiida_osc.qc.fourpoint_runner.job import Job, Task
from aiida_osc.qc.fourpoint_runner.plan import GFN2, Level, Plan
from aiida_osc.qc.fourpoint_runner.pyscf_engine import PyscfEngine
from aiida_osc.qc.fourpoint_runner.settings import BOHR, HARTREE_TO_EV, MoleculeFailure, RunnerSettings
from aiida_osc.qc.fourpoint_runner.worker import treat
from aiida_osc.qc.pyscf_level import pyscf_level

pytestmark = pytest.mark.pyscf

NUMBERS = np.array([8, 1, 1])
WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]]) / BOHR
COARSE = RunnerSettings(grid_level=1)


def level(*names, **more):
    return Level(**pyscf_level(Model(*names, **more)))


def engine(where, charge=0, settings=COARSE):
    return PyscfEngine(where, NUMBERS, charge, Surroundings(settings))


def direct(charge=0, positions=WATER, basis='def2-SVP', xc=None, cart=False, grid=1, density_fitting=True):
    """Return the converged field as the manual of PySCF makes it."""
    atoms = [[int(number), tuple(row)] for number, row in zip(NUMBERS, positions, strict=True)]
    mol = pyscf.gto.M(atom=atoms, unit='Bohr', basis=basis, charge=charge, spin=abs(charge), cart=cart, verbose=0)
    field = mol.KS(xc=xc) if xc else mol.HF()
    if xc:
        field.grids.level = grid
    field = field.density_fit(auxbasis='def2-universal-jkfit') if density_fitting else field
    return field.run(conv_tol=1e-10)


def test_energy_gradient_and_properties_are_those_of_pyscf():
    found = engine(level('HF', 'def2-SVP', ''))
    energy, gradient = found.evaluate(WATER)
    field = direct()
    assert energy == pytest.approx(field.e_tot, abs=1e-8)
    assert np.allclose(gradient, field.nuc_grad_method().kernel(), atol=2e-6)
    occupied = field.mo_energy[field.mo_occ > 0].max() * HARTREE_TO_EV
    assert found.frontier()[0] == pytest.approx(occupied, abs=1e-4)
    assert np.allclose(found.dipole(), field.dip_moment(unit='AU', verbose=0), atol=1e-5)
    assert found.s_squared is None
    # Density fitting itself costs less than 0.1 mEh.
    assert energy == pytest.approx(direct(density_fitting=False).e_tot, abs=1e-4)


def test_b3lyp_is_that_of_gaussian():
    """With VWN3 ('b3lypg' of PySCF), not with VWN5; the difference is 50 meV and more."""
    energy = engine(level('B3LYP', 'def2-SVP', '')).energy(WATER)
    assert energy == pytest.approx(direct(xc='.2*HF + .08*SLATER + .72*B88, .81*LYP + .19*VWN3').e_tot, abs=1e-6)
    assert abs(energy - direct(xc='b3lyp5').e_tot) > 2e-3


def test_dispersion_is_added():
    from pyscf.dispersion import dftd3

    with_it, without = level('PBE', 'STO-3G', 'D3BJ'), level('PBE', 'STO-3G', '')
    model = dftd3.DFTD3Dispersion(direct(basis='STO-3G').mol, xc='pbe', version='d3bj')
    difference = engine(with_it).energy(WATER) - engine(without).energy(WATER)
    assert difference == pytest.approx(model.get_dispersion()['energy'], abs=1e-8)


def test_cartesian_functions_and_the_continuum_count():
    spherical, cartesian = (engine(level('HF', '6-31G*', '', cartesian=flag)).energy(WATER) for flag in (False, True))
    assert cartesian == pytest.approx(direct(basis='6-31G*', cart=True).e_tot, abs=1e-8)
    assert cartesian < spherical - 1e-5
    solvated = engine(level('HF', 'STO-3G', '', epsilon=78.4)).energy(WATER)
    gas = engine(level('HF', 'STO-3G', '')).energy(WATER)
    # Solvation of water by a continuum: some kcal/mol.
    assert -0.02 < solvated - gas < -0.002


def test_ion_starts_from_the_density_of_the_neutral():
    where = level('HF', 'def2-SVP', '')
    neutral, cation = engine(where), engine(where, charge=1)
    neutral.energy(WATER)
    cation.start_from(neutral)
    mol = pyscf_scf.build_molecule(where, NUMBERS, WATER, 1, 1, 0)
    guess, overlap = cation._guess(mol), mol.intor('int1e_ovlp')
    assert [float(np.trace(density @ overlap)) for density in guess] == pytest.approx([5.0, 4.0], abs=1e-9)
    assert cation.energy(WATER) == pytest.approx(direct(1).e_tot, abs=1e-7)
    assert cation.s_squared == pytest.approx(direct(1).spin_square()[0], abs=1e-5)


def test_density_is_carried_to_the_next_structure():
    where = level('HF', 'def2-SVP', '')
    found, moved = engine(where), WATER + np.array([[0, 0, 0.1], [0, 0, 0], [0, 0, 0]])
    found.energy(WATER)
    mol = pyscf_scf.build_molecule(where, NUMBERS, moved, 0, 0, 0)
    guess, overlap = found._guess(mol), mol.intor('int1e_ovlp')
    assert np.trace(guess @ overlap) == pytest.approx(10.0, abs=1e-9)
    assert np.allclose(guess @ overlap @ guess, 2 * guess, atol=1e-8), 'the density of orthonormal orbitals'


def test_polarizability_is_the_response_of_the_dipole():
    where = level('HF', 'STO-3G', '')
    # Coupled-perturbed Hartree-Fock of the same field by numerical second derivatives of the energy.
    field, core, strength = direct(basis='STO-3G'), None, 2e-3
    core, moments = field.get_hcore(), field.mol.intor_symmetric('int1e_r', comp=3)
    trace = 0.0
    for axis in range(3):
        energies = []
        for sign in (1, 0, -1):
            field.get_hcore = lambda *_, sign=sign, axis=axis: core + sign * strength * moments[axis]
            energies.append(field.kernel())
        trace -= (energies[0] - 2 * energies[1] + energies[2]) / strength**2
    assert engine(where).polarizability(WATER) == pytest.approx(trace / 3, rel=1e-3)


def test_second_order_helps_where_diis_does_not(monkeypatch):
    def stop_at_once(field, density):
        field.max_cycle = 1
        field.kernel(dm0=density)
        return density

    remedies = [pyscf_scf.Remedy('', stop_at_once), *pyscf_scf.LADDER[1:]]
    monkeypatch.setattr(pyscf_scf, 'LADDER', remedies)
    found = engine(level('HF', 'STO-3G', ''))
    assert found.energy(WATER) == pytest.approx(direct(basis='STO-3G').e_tot, abs=1e-7)
    assert found.remedies == ['damping and level shift']
    for left in (remedies[2:], remedies[3:]):
        monkeypatch.setattr(pyscf_scf, 'LADDER', left)
        other = engine(level('HF', 'STO-3G', ''), charge=1)
        assert other.energy(WATER) == pytest.approx(direct(1, basis='STO-3G').e_tot, abs=1e-7)
        assert other.remedies == [left[0].name]


def test_scf_that_nothing_helps_is_a_reason(monkeypatch):
    monkeypatch.setattr(pyscf_scf, 'LADDER', ())
    with pytest.raises(MoleculeFailure, match=r'HF/STO-3G at charge \+0: the SCF did not converge'):
        engine(level('HF', 'STO-3G', '')).energy(WATER)


def test_threads_are_those_of_the_job():
    before = pyscf.lib.num_threads()
    PyscfEngine(level('HF', 'STO-3G', ''), NUMBERS, 0, Surroundings(threads=2))
    assert pyscf.lib.num_threads() == 2
    pyscf.lib.num_threads(before)


def test_there_is_no_gpu_here_and_none_is_used():
    if pyscf_scf.gpu_is_there():
        pytest.skip('there is a GPU')
    assert not engine(level('HF', 'STO-3G', '')).gpu


def four_point(smiles, plan, **settings):
    job = Job(settings=RunnerSettings(grid_level=1, **settings), plan=plan)
    stages = []
    return treat(Task('a', smiles), job, stages.append), stages


def test_single_points_at_xtb_geometries_are_those_of_pyscf():
    where = level('HF', 'STO-3G', '')
    levels = {'homo': 'HF/STO-3G//GFN2-xTB'}
    record, stages = four_point('O', Plan('pyscf', GFN2, where, levels))
    assert record['status'] == 'ok', record['reason']
    assert 'energies' in stages
    energies = {}
    for q in (0, 1, -1):
        for p in (0, 1, -1):
            positions = np.array(record['geometries'][str(p)]['positions']) / BOHR
            energies[q, p] = direct(q, positions, 'STO-3G').e_tot * HARTREE_TO_EV if q * p >= 0 else None
    expected = {
        'ie_vertical': energies[1, 0] - energies[0, 0],
        'ie_adiabatic': energies[1, 1] - energies[0, 0],
        'ea_vertical': energies[0, 0] - energies[-1, 0],
        'ea_adiabatic': energies[0, 0] - energies[-1, -1],
        'lambda_hole': energies[1, 0] - energies[1, 1] + energies[0, 1] - energies[0, 0],
        'lambda_electron': energies[-1, 0] - energies[-1, -1] + energies[0, -1] - energies[0, 0],
    }
    assert {name: record['properties'][name] for name in expected} == pytest.approx(expected, abs=1e-3)
    assert record['levels'] == levels
    assert (record['environment'], record['geometry_level']) == ('gas', 'GFN2-xTB')
    assert set(record['s_squared']) == {'1@0', '1@1', '-1@0', '-1@-1'}
    assert record['polarizability_by'].startswith('finite field')
    assert record['versions']['pyscf'] == pyscf.__version__


def test_geometries_of_the_functional_itself():
    where = level('HF', 'STO-3G', '')
    record, stages = four_point('C=C', Plan('pyscf', where, where, geometry_level='HF/STO-3G'), polarizability=False)
    assert record['status'] == 'ok', record['reason']
    assert 'energies' not in stages
    # Ethylene HF/STO-3G: C=C 1.306 Angstrom (Hehre et al., Ab Initio Molecular Orbital Theory, 1986).
    positions = np.array(record['geometries']['0']['positions'])
    assert np.linalg.norm(positions[0] - positions[1]) == pytest.approx(1.306, abs=2e-3)
    e = record['energies']
    for q in (1, -1):
        assert e[f'HF/STO-3G:{q}@{q}'] < e[f'HF/STO-3G:{q}@0']
        assert e['HF/STO-3G:0@0'] < e[f'HF/STO-3G:0@{q}']
    assert record['properties']['lambda_hole'] > 0
    assert set(record['s_squared']) == {'1@0', '1@1', '-1@0', '-1@-1'}


@pytest.mark.slow
def test_thiophene_with_single_points_at_xtb_geometries():
    where = level('B3LYP', '6-31G*', '', cartesian=True)
    record, _ = four_point('c1ccsc1', Plan('pyscf', GFN2, where), polarizability=False)
    assert record['status'] == 'ok', record['reason']
    # B3LYP/6-31G* by PySCF at its own geometries: vertical IE 8.70, adiabatic 8.50 eV, vertical EA -2.07 eV.
    assert record['properties']['ie_vertical'] == pytest.approx(8.70, abs=0.05)
    assert record['properties']['ea_vertical'] == pytest.approx(-2.07, abs=0.15)
    # lambda_hole is 0.403 eV there: the cation of GFN2-xTB relaxes by a part of that only.
    assert 8.50 < record['properties']['ie_adiabatic'] < record['properties']['ie_vertical']
    assert 0 < record['properties']['lambda_hole'] < 0.403
