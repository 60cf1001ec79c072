import json

import pytest
from runner_jobs import NAPHTHALENE, PENTACENE, THIOPHENE, results, run_runner, write_job

from aiida_osc import units
from aiida_osc.qc import levels
from aiida_osc.qc.fourpoint_runner import settings as runner
from aiida_osc.qc.fourpoint_runner.settings import PROGRESS, RESULTS, SUMMARY

pytestmark = pytest.mark.xtb


@pytest.fixture(scope='module')
def batch(tmp_path_factory):
    folder = tmp_path_factory.mktemp('batch')
    write_job(folder, [THIOPHENE, PENTACENE, NAPHTHALENE, 'C((', 'CC[N+](C)(C)C'], polarizability=True)
    code, _ = run_runner(folder)
    assert code == 0
    return folder, {record['key']: record for record in results(folder)}


def test_shift_and_units_are_those_of_the_package():

    assert runner.IPEA1_SHIFT == levels.IPEA1_SHIFT
    assert runner.HARTREE_TO_EV == units.HARTREE_TO_EV
    assert runner.BOHR == units.BOHR_TO_ANGSTROM
    assert runner.AU_TO_DEBYE == units.AU_TO_DEBYE


def test_every_level_has_its_property(batch):
    _, records = batch
    assert set(records[THIOPHENE]['properties']) == set(levels.XTB_LEVELS)


def test_thiophene_agrees_with_the_xtb_program(batch):
    _, records = batch
    energies, properties = records[THIOPHENE]['energies'], records[THIOPHENE]['properties']
    # xtb 6.5.1 --opt vtight, charge 0 and charge 1.
    assert energies['GFN2:0@0'] == pytest.approx(-13.818275443, abs=1e-5)
    assert energies['GFN2:1@1'] == pytest.approx(-13.307978176, abs=1e-5)
    # xtb 6.5.1 --gfn 1 --vipea at our minimum (with its own shift), and dipole and gap of the GFN2 run above.
    assert properties['ie_vertical'] == pytest.approx(9.1053, abs=1e-3)
    assert properties['ea_vertical'] == pytest.approx(-1.4625, abs=1e-3)
    assert properties['dipole'] == pytest.approx(0.913, abs=2e-3)
    assert properties['gap'] == pytest.approx(4.09699, abs=2e-3)


def test_acenes_lie_near_experiment(batch):
    _, records = batch
    pentacene, naphthalene = records[PENTACENE]['properties'], records[NAPHTHALENE]['properties']
    # Adiabatic EA of free pentacene 1.43 +- 0.03 eV (doi 10.1063/1.4973012); its IE is 6.6 eV.
    assert pentacene['ea_adiabatic'] == pytest.approx(1.43, abs=0.5)
    assert pentacene['ie_adiabatic'] == pytest.approx(6.6, abs=0.3)
    # IE of naphthalene 8.144 eV (NIST), its anion is not bound in the gas phase (EA -0.2 eV).
    assert naphthalene['ie_adiabatic'] == pytest.approx(8.144, abs=0.3)
    assert naphthalene['ea_adiabatic'] < 0.2
    assert pentacene['lambda_hole'] < naphthalene['lambda_hole']


def test_energies_are_ordered_by_the_variational_principle(batch):
    _, records = batch
    for key in (THIOPHENE, PENTACENE):
        e = records[key]['energies']
        for q in (1, -1):
            assert e[f'GFN2:{q}@{q}'] < e[f'GFN2:{q}@0']
            assert e['GFN2:0@0'] < e[f'GFN2:0@{q}']
        assert e['GFN2:1@1'] > e['GFN2:0@0']


def test_bad_molecules_are_failed_with_their_reason(batch):
    folder, records = batch
    assert records['C((']['status'] == 'failed'
    assert records['C((']['stage'] == 'embed'
    assert 'not valid' in records['C((']['reason']
    assert 'neutral' in records['CC[N+](C)(C)C']['reason']
    progress = json.loads((folder / PROGRESS).read_text())
    assert {name: progress[name] for name in ('total', 'done', 'ok', 'failed')} == {
        'total': 5, 'done': 5, 'ok': 3, 'failed': 2,
    }  # fmt: skip
    assert json.loads((folder / SUMMARY).read_text())['exit_code'] == 0


def test_second_run_computes_nothing(batch):
    folder, _ = batch
    before = (folder / RESULTS).read_bytes()
    assert run_runner(folder)[0] == 0
    assert (folder / RESULTS).read_bytes() == before


def test_polarizability_agrees_with_the_dipole_response(batch):
    _, records = batch
    # Experiment: 9.67 Angstrom^3 = 65 bohr^3 (CRC Handbook); GFN2's small basis gives about three quarters.
    assert 40 < records[THIOPHENE]['properties']['polarizability'] < 65
