import numpy as np
import pytest
from runner_jobs import THIOPHENE

from aiida_osc.qc.fourpoint_runner.engine import Surroundings
from aiida_osc.qc.fourpoint_runner.job import Task
from aiida_osc.qc.fourpoint_runner.settings import BOHR, MoleculeFailure, RunnerSettings
from aiida_osc.qc.fourpoint_runner.start import embed, make_start


def test_given_start_is_used_and_checked():
    start = embed(THIOPHENE, RunnerSettings(), 3, random_coordinates=False)
    given = {'numbers': start.numbers.tolist(), 'positions': (start.positions * BOHR).tolist()}
    again = make_start(Task('a', THIOPHENE, given), 0, Surroundings())
    assert again.origin == 'given'
    assert np.allclose(again.positions, start.positions)
    assert sorted(map(sorted, again.bonds.tolist())) == sorted(map(sorted, start.bonds.tolist()))
    with pytest.raises(MoleculeFailure, match='not the molecule'):
        make_start(Task('a', 'c1ccoc1', given), 0, Surroundings())
