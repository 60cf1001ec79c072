import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aiida_osc.qc import fourpoint_runner as runner
from aiida_osc.qc import levels

pytestmark = pytest.mark.xtb

THIOPHENE, ETHYLENE, BENZENE = 'c1ccsc1', 'C=C', 'c1ccccc1'
NAPHTHALENE, PENTACENE = 'c1ccc2ccccc2c1', 'c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1'
QUICK = {'polarizability': False}


def write_job(folder: Path, smiles: list[str], cores: int = 2, **settings) -> None:
    molecules = [{'key': text, 'smiles': text, 'start': None} for text in smiles]
    job = {'format': 1, 'engine': 'tblite', 'cores': cores, 'seed': 0, 'settings': {**QUICK, **settings}}
    (folder / runner.INPUT).write_text(json.dumps({**job, 'molecules': molecules}))


def start_runner(folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, runner.__file__, str(folder)], stderr=subprocess.PIPE, text=True)


def run_runner(folder: Path) -> tuple[int, str]:
    process = start_runner(folder)
    error = process.communicate(timeout=120)[1]
    return process.returncode, error


def results(folder: Path) -> list[dict]:
    path = folder / runner.RESULTS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.05)


@pytest.fixture(scope='module')
def batch(tmp_path_factory):
    folder = tmp_path_factory.mktemp('batch')
    write_job(folder, [THIOPHENE, PENTACENE, NAPHTHALENE, 'C((', 'CC[N+](C)(C)C'], polarizability=True)
    code, _ = run_runner(folder)
    assert code == 0
    return folder, {record['key']: record for record in results(folder)}


def test_shift_and_units_are_those_of_the_package():
    from aiida_osc import units

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
    progress = json.loads((folder / runner.PROGRESS).read_text())
    assert {name: progress[name] for name in ('total', 'done', 'ok', 'failed')} == {
        'total': 5, 'done': 5, 'ok': 3, 'failed': 2,
    }  # fmt: skip
    assert json.loads((folder / runner.SUMMARY).read_text())['exit_code'] == 0


def test_second_run_computes_nothing(batch):
    folder, _ = batch
    before = (folder / runner.RESULTS).read_bytes()
    assert run_runner(folder)[0] == 0
    assert (folder / runner.RESULTS).read_bytes() == before


def test_polarizability_agrees_with_the_dipole_response(batch):
    _, records = batch
    # Experiment: 9.67 Angstrom^3 = 65 bohr^3 (CRC Handbook); GFN2's small basis gives about three quarters.
    assert 40 < records[THIOPHENE]['properties']['polarizability'] < 65


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'format': 7}, 'format'),
        ({'engine': 'orca'}, 'engine'),
        ({'molecules': []}, 'no molecules'),
        ({'cores': -1}, 'cores'),
        ({'settings': {'speed': 3}}, 'unknown settings speed'),
        ({'settings': {'max_steps': 2.5}}, 'whole number'),
        ({'settings': {'molecule_timeout': 0}}, 'positive'),
        ({'settings': {'polarizability': 1}}, 'True'),
        ({'molecules': [{'key': 'a'}]}, 'smiles'),
        ({'molecules': [{'key': 'a', 'smiles': 'C'}] * 2}, 'twice'),
        ({'molecules': [{'key': 'a', 'smiles': 'C', 'start': {'numbers': [6], 'positions': []}}]}, 'start geometry'),
    ],
)
def test_bad_input_is_named(tmp_path, change, message):
    job = {'format': 1, 'engine': 'tblite', 'molecules': [{'key': 'a', 'smiles': 'C'}], **change}
    (tmp_path / runner.INPUT).write_text(json.dumps(job))
    with pytest.raises(runner.InputError, match=message):
        runner.read_input(tmp_path / runner.INPUT)


def test_bad_input_ends_with_code_2(tmp_path):
    code, error = run_runner(tmp_path)
    assert code == 2
    assert 'input.json' in error
    assert 'input.json' in (tmp_path / runner.LOG).read_text()


def test_missing_engine_ends_with_code_3(tmp_path):
    write_job(tmp_path, [ETHYLENE])
    (tmp_path / 'tblite.py').write_text('raise ImportError("No module named tblite")')
    script = tmp_path / 'fourpoint_runner.py'
    script.write_text(Path(runner.__file__).read_text())
    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3
    assert 'pip install tblite' in done.stderr


def test_runner_needs_neither_aiida_nor_the_package():
    text = Path(runner.__file__).read_text()
    code = (
        f'import runpy, sys; runpy.run_path({runner.__file__!r}); print("aiida" in sys.modules, "torch" in sys.modules)'
    )
    assert 'import aiida' not in text
    assert 'from aiida' not in text
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ['False', 'False']


def test_killed_job_goes_on_where_it_was(tmp_path):
    write_job(tmp_path, [BENZENE, ETHYLENE, THIOPHENE, NAPHTHALENE], cores=1)
    first = start_runner(tmp_path)
    wait_for(lambda: len(results(tmp_path)) >= 1)
    first.kill()
    first.wait()
    kept = (tmp_path / runner.RESULTS).read_bytes()
    with (tmp_path / runner.RESULTS).open('ab') as handle:
        handle.write(b'{"key": "C=C", "status": "o')
    assert run_runner(tmp_path)[0] == 0
    after = (tmp_path / runner.RESULTS).read_bytes()
    assert after.startswith(kept)
    good = [json.loads(line)['key'] for line in after.splitlines() if line.endswith(b'}')]
    assert len(good) == len(set(good))
    assert {BENZENE, ETHYLENE, THIOPHENE, NAPHTHALENE} == set(good)


def stopped_after_its_start(folder: Path) -> subprocess.Popen:
    """Return a runner that holds the lock and stands still, as one that needs long for its molecule."""
    process = start_runner(folder)
    wait_for(lambda: (folder / runner.PROGRESS).exists())
    process.send_signal(signal.SIGSTOP)
    return process


def has_seen_another(folder: Path) -> bool:
    return 'another runner' in (folder / runner.LOG).read_text()


def test_second_start_waits_and_leaves_the_results_alone(tmp_path):
    write_job(tmp_path, [THIOPHENE, NAPHTHALENE], cores=1)
    first = stopped_after_its_start(tmp_path)
    second = start_runner(tmp_path)
    wait_for(lambda: has_seen_another(tmp_path))
    assert second.poll() is None
    first.send_signal(signal.SIGCONT)
    assert (first.wait(120), second.wait(120)) == (0, 0)
    assert len(results(tmp_path)) == 2


def test_second_start_takes_over_when_the_first_dies(tmp_path):
    write_job(tmp_path, [THIOPHENE, NAPHTHALENE], cores=1)
    first = stopped_after_its_start(tmp_path)
    second = start_runner(tmp_path)
    wait_for(lambda: has_seen_another(tmp_path))
    first.kill()
    first.wait()
    assert second.wait(60) == 0
    assert {record['status'] for record in results(tmp_path)} == {'ok'}
    assert len(results(tmp_path)) == 2


def test_stale_heartbeat_is_taken_over(tmp_path):
    generation = tmp_path / runner.LOCK / '0001'
    generation.mkdir(parents=True)
    (generation / 'holder.json').write_text(json.dumps({'pid': 1, 'place': 'another computer'}))
    write_job(tmp_path, [ETHYLENE], stale_seconds=0.5)
    assert run_runner(tmp_path)[0] == 0
    assert (tmp_path / runner.LOCK / '0002' / 'ended').read_text() == '0'


def test_holder_notices_that_it_was_replaced(tmp_path):
    lock = runner.LaunchLock(tmp_path, 60.0)
    assert lock.acquire(lambda: False) == 'held'
    assert lock.beat()
    (tmp_path / runner.LOCK / '0002').mkdir()
    lock._last = 0.0
    assert not lock.beat()


def test_termination_is_clean(tmp_path):
    write_job(tmp_path, [ETHYLENE, 'C' * 50], cores=1)
    process = start_runner(tmp_path)
    wait_for(lambda: (tmp_path / runner.PROGRESS).exists())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 4
    assert json.loads((tmp_path / runner.PROGRESS).read_text())['state'] == 'interrupted'
    assert 'start again' in (tmp_path / runner.LOG).read_text()


def test_wall_limit_is_clean_and_leaves_no_process(tmp_path):
    write_job(tmp_path, ['C' * 50], cores=1, max_wall_seconds=1.0)
    begin = time.monotonic()
    assert run_runner(tmp_path)[0] == 4  # returns when the last process has closed the standard error
    assert time.monotonic() - begin < 40


def test_slow_molecule_is_failed_and_the_others_go_on(tmp_path):
    write_job(tmp_path, ['C' * 50, ETHYLENE], cores=2, molecule_timeout=3.0)
    assert run_runner(tmp_path)[0] == 0
    found = {record['key']: record for record in results(tmp_path)}
    assert found[ETHYLENE]['status'] == 'ok'
    assert found['C' * 50]['status'] == 'failed'
    assert 'not finished within 3 s' in found['C' * 50]['reason']


def test_crashed_worker_is_replaced(tmp_path):
    write_job(tmp_path, ['C' * 50, ETHYLENE], cores=1)
    process = start_runner(tmp_path)
    wait_for(lambda: (tmp_path / runner.PROGRESS).exists())
    children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
    if not children.exists():
        process.kill()
        pytest.skip('this system does not list the children of a process')
    wait_for(lambda: children.read_text().split())
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    assert process.wait(60) == 0
    found = {record['key']: record for record in results(tmp_path)}
    assert 'crashed' in found['C' * 50]['reason']
    assert found[ETHYLENE]['status'] == 'ok'


def test_failed_molecules_are_retried_on_request(tmp_path):
    write_job(tmp_path, [ETHYLENE])
    failed = {'key': ETHYLENE, 'smiles': ETHYLENE, 'status': 'failed', 'reason': 'x', 'stage': 'embed'}
    (tmp_path / runner.RESULTS).write_text(json.dumps(failed) + '\n')
    assert run_runner(tmp_path)[0] == 0
    assert len(results(tmp_path)) == 1
    write_job(tmp_path, [ETHYLENE], retry_failed=True)
    assert run_runner(tmp_path)[0] == 0
    assert [record['status'] for record in results(tmp_path)] == ['failed', 'ok']


def test_given_start_is_used_and_checked():
    start = runner.embed(THIOPHENE, runner.RunnerSettings(), 3, random_coordinates=False)
    given = {'numbers': start.numbers.tolist(), 'positions': (start.positions * runner.BOHR).tolist()}
    again = runner.make_start(runner.Task('a', THIOPHENE, given), runner.RunnerSettings(), 0)
    assert again.origin == 'given'
    assert np.allclose(again.positions, start.positions)
    assert sorted(map(sorted, again.bonds.tolist())) == sorted(map(sorted, start.bonds.tolist()))
    with pytest.raises(runner.MoleculeFailure, match='not the molecule'):
        runner.make_start(runner.Task('a', 'c1ccoc1', given), runner.RunnerSettings(), 0)


def test_hanging_or_crashing_child_is_ended():
    begin = time.monotonic()
    assert 'no end within' in runner._in_child(lambda: time.sleep(60), 0.3)
    assert runner._in_child(lambda: os._exit(1), 5.0) == 'the embedding process crashed'
    assert 'ZeroDivisionError' in runner._in_child(lambda: 1 / 0, 5.0)
    assert time.monotonic() - begin < 10


def test_broken_bond_is_seen():
    start = runner.embed(THIOPHENE, runner.RunnerSettings(), 0, random_coordinates=False)
    assert runner.connectivity_fault(start, start.positions) is None
    far = start.positions.copy()
    far[5] *= 2.5
    assert 'broken' in runner.connectivity_fault(start, far)


def embedded(smiles: str) -> runner.Start:
    start = runner.embed(smiles, runner.RunnerSettings(), 0, random_coordinates=False)
    assert isinstance(start, runner.Start)
    return start


@pytest.mark.parametrize('smiles', [THIOPHENE, 'N#CC(C#N)=Cc1ccsc1', 'C#CC#Cc1ccccc1', 'C=C=C', 'O=C=O', 'C=O', 'CC'])
def test_internal_coordinates_span_all_vibrations_and_have_right_derivatives(smiles):
    start = embedded(smiles)
    internals = runner.Internals(start.numbers, start.bonds, start.positions)
    values, wilson = internals.evaluate(start.positions)
    assert np.array_equal(values, internals.values(start.positions))
    numeric = np.empty_like(wilson)
    for n in range(start.positions.size):
        ahead, behind = start.positions.copy(), start.positions.copy()
        ahead.flat[n] += 1e-4
        behind.flat[n] -= 1e-4
        numeric[:, n] = internals.difference(internals.values(ahead), internals.values(behind)) / 2e-4
    assert np.abs(wilson - numeric).max() < 2e-6
    vibrations = start.positions.size - (5 if smiles == 'O=C=O' else 6)
    assert np.linalg.matrix_rank(wilson, tol=1e-3) >= vibrations


def test_displacement_reaches_the_wanted_coordinates():
    start = embedded('c1ccc(-c2cccs2)cc1')
    internals = runner.Internals(start.numbers, start.bonds, start.positions)
    frame = runner._Frame(internals, start.positions, np.zeros_like(start.positions))
    wanted = 0.1 * np.random.default_rng(0).normal(size=start.positions.shape)
    move = internals.difference(internals.values(start.positions + wanted), frame.values)
    reached = frame.displace(start.positions, move)
    assert np.abs(internals.difference(internals.values(reached), frame.values) - move).max() < 1e-3


def test_cartesian_fallback_finds_the_same_minimum():
    start, settings = embedded('C=CC=C'), runner.RunnerSettings()
    internals = runner.Internals(start.numbers, start.bonds, start.positions)
    found = [
        runner._descend(
            runner.Engine(runner.GFN2, start.numbers, start.positions, 0, runner.Meter()),
            start.positions, coordinates, settings, None,
        )
        for coordinates in (internals, runner.Cartesians(internals))
    ]  # fmt: skip
    assert all(minimum.converged for minimum in found)
    assert found[0].energy == pytest.approx(found[1].energy, abs=5e-3 / runner.HARTREE_TO_EV)
    assert found[0].steps < 30


def test_restricted_step_never_exceeds_the_radius():
    generator = np.random.default_rng(1)
    for _ in range(20):
        curvatures, force = np.sort(generator.normal(size=8)), generator.normal(size=8)
        move = runner._restricted(curvatures, force, 0.3)
        assert np.linalg.norm(move) <= 0.3 + 1e-9
        assert force @ move < 0


def test_update_is_secant_and_positive_definite():
    generator = np.random.default_rng(2)
    change, slope = generator.normal(size=6), generator.normal(size=6)
    if change @ slope < 0.2 * change @ change:
        slope = slope + change * (1 + abs(change @ slope) / (change @ change))
    hessian = runner._update(np.eye(6), change, slope)
    assert np.allclose(hessian @ change, slope)
    assert np.linalg.eigvalsh(runner._update(np.eye(6), change, -slope)).min() > 0


def test_scf_failure_is_a_reason(monkeypatch):
    def refuse(*_):
        raise RuntimeError('SCF not converged in 250 cycles')

    monkeypatch.setattr(runner.Calculator, 'singlepoint', refuse)
    record = runner.treat(runner.Task('a', ETHYLENE), runner.RunnerSettings(), 0, lambda stage: None)
    assert (record['status'], record['stage']) == ('failed', 'optimise_neutral')
    assert 'not converged' in record['reason']


def test_unconverged_optimisation_is_flagged():
    settings = runner.RunnerSettings(max_steps=2, polarizability=False)
    record = runner.treat(runner.Task('a', 'CCO'), settings, 0, lambda stage: None)
    assert record['status'] == 'flagged'
    assert 'gradient norm' in record['reason']


def test_same_seed_same_result():
    records = [
        runner.treat(runner.Task('a', THIOPHENE), runner.RunnerSettings(polarizability=False), 5, lambda stage: None)
        for _ in range(2)
    ]
    assert records[0]['geometries'] == records[1]['geometries']
    assert records[0]['properties'] == records[1]['properties']
