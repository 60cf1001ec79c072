import pytest
from runner_jobs import embedded

from aiida_osc.qc.fourpoint_runner.engine import Surroundings
from aiida_osc.qc.fourpoint_runner.meter import Meter
from aiida_osc.qc.fourpoint_runner.plan import GFN2
from aiida_osc.qc.fourpoint_runner.search import find_minimum
from aiida_osc.qc.fourpoint_runner.settings import RunnerSettings
from aiida_osc.qc.fourpoint_runner.tblite_engine import TbliteEngine

pytestmark = pytest.mark.xtb


def search(smiles, **settings):
    start = embedded(smiles)
    engine = TbliteEngine(GFN2, start.numbers, start.positions, 0, Meter())
    return find_minimum(engine, start.positions, start.bonds, Surroundings(RunnerSettings(**settings)))


def test_geometric_finds_our_minimum_and_says_nothing(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    theirs, name = search('c1ccsc1', optimiser='geometric')
    ours, _ = search('c1ccsc1')
    assert name.startswith('geometric ')
    assert theirs.converged
    assert theirs.energy == pytest.approx(ours.energy, abs=2e-6)
    assert theirs.steps >= ours.steps, 'as measured when our own was made the default'
    assert capfd.readouterr() == ('', '')
    assert list(tmp_path.iterdir()) == []


def test_too_few_steps_are_told():
    minimum, _ = search('CCO', optimiser='geometric', max_steps=2)
    assert not minimum.converged
    assert minimum.first_energy > minimum.energy
