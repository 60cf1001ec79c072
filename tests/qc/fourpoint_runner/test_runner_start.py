import numpy as np
import pytest
from runner_jobs import THIOPHENE

from aiida_osc.qc.fourpoint_runner.engine import Surroundings
from aiida_osc.qc.fourpoint_runner.job import Task
from aiida_osc.qc.fourpoint_runner.meter import Meter
from aiida_osc.qc.fourpoint_runner.optimiser import optimise
from aiida_osc.qc.fourpoint_runner.plan import GFN2
from aiida_osc.qc.fourpoint_runner.settings import BOHR, MoleculeFailure, RunnerSettings
from aiida_osc.qc.fourpoint_runner.start import embed, embed_all, make_start
from aiida_osc.qc.fourpoint_runner.tblite_engine import TbliteEngine


def test_given_start_is_used_and_checked():
    start = embed(THIOPHENE, RunnerSettings(), 3, random_coordinates=False)
    given = {'numbers': start.numbers.tolist(), 'positions': (start.positions * BOHR).tolist()}
    again = make_start(Task('a', THIOPHENE, given), 0, Surroundings())
    assert again.origin == 'given'
    assert np.allclose(again.positions, start.positions)
    assert sorted(map(sorted, again.bonds.tolist())) == sorted(map(sorted, start.bonds.tolist()))


def test_given_start_that_is_not_the_molecule_is_replaced():
    thiophene = embed(THIOPHENE, RunnerSettings(), 3, random_coordinates=False)
    other = {'numbers': thiophene.numbers.tolist(), 'positions': (thiophene.positions * BOHR).tolist()}
    torn = {**other, 'positions': [[3.0 * value for value in row] for row in other['positions']]}
    for smiles, given in (('c1ccoc1', other), (THIOPHENE, torn)):
        start = make_start(Task('a', smiles, given), 5, Surroundings())
        without = make_start(Task('a', smiles), 5, Surroundings())
        assert start.origin == 'ETKDGv3+MMFF94, as the given structure is not the molecule'
        assert np.allclose(start.positions, without.positions)


def test_given_start_does_not_save_a_smiles_that_is_none():
    given = {'numbers': [1, 1], 'positions': [[0.0, 0.0, 0.0], [0.0, 0.0, 0.74]]}
    with pytest.raises(MoleculeFailure, match='not valid'):
        make_start(Task('a', 'C1CC', given), 0, Surroundings())


@pytest.mark.xtb
def test_conformers_are_ranked_by_force_field_or_by_xtb():
    settings = RunnerSettings(conformers=4)
    starts = embed_all('OCCN', settings, 0, random_coordinates=False)
    assert len(starts) == 4
    assert np.allclose(starts[0].positions, embed('OCCN', settings, 0, random_coordinates=False).positions)
    task, by_force_field = Task('a', 'OCCN'), Surroundings(settings)
    by_xtb = Surroundings(RunnerSettings(conformers=4, conformer_ranking='xtb'))
    assert np.allclose(make_start(task, 0, by_force_field).positions, starts[0].positions)
    chosen = make_start(task, 0, by_xtb)
    assert chosen.origin == 'ETKDGv3+MMFF94, lowest of 4 by GFN2-xTB'
    lowest = {}
    for start in starts:
        engine = TbliteEngine(GFN2, start.numbers, start.positions, 0, Meter())
        lowest[start.positions.tobytes()] = optimise(engine, start.positions, start.bonds, settings).energy
    assert lowest[chosen.positions.tobytes()] == pytest.approx(min(lowest.values()), abs=1e-4)
