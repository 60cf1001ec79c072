import pytest
from runner_jobs import embedded

from aiida_osc.qc.fourpoint_runner.internals import Cartesians, Internals
from aiida_osc.qc.fourpoint_runner.meter import Meter
from aiida_osc.qc.fourpoint_runner.optimiser import descend
from aiida_osc.qc.fourpoint_runner.plan import GFN2
from aiida_osc.qc.fourpoint_runner.settings import HARTREE_TO_EV, RunnerSettings
from aiida_osc.qc.fourpoint_runner.tblite_engine import TbliteEngine

pytestmark = pytest.mark.xtb


def test_cartesian_fallback_finds_the_same_minimum():
    start, settings = embedded('C=CC=C'), RunnerSettings()
    internals = Internals(start.numbers, start.bonds, start.positions)
    found = [
        descend(
            TbliteEngine(GFN2, start.numbers, start.positions, 0, Meter()),
            start.positions, coordinates, settings, None,
        )
        for coordinates in (internals, Cartesians(internals))
    ]  # fmt: skip
    assert all(minimum.converged for minimum in found)
    assert found[0].energy == pytest.approx(found[1].energy, abs=5e-3 / HARTREE_TO_EV)
    assert found[0].steps < 30
