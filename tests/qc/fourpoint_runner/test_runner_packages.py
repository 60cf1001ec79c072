import pytest

from aiida_osc.qc.fourpoint_runner import packages
from aiida_osc.qc.fourpoint_runner.job import Job
from aiida_osc.qc.fourpoint_runner.plan import GFN2, Level, Plan
from aiida_osc.qc.fourpoint_runner.settings import RunnerSettings

PBE, B3LYP = Level('PBE/STO-3G', 'pbe', 'STO-3G'), Level('B3LYP', 'b3lypg', 'def2-SVP', 'd3bj:b3lyp')


@pytest.mark.parametrize(
    ('plan', 'settings', 'names'),
    [
        (Plan(), {}, 'tblite rdkit numpy'),
        (Plan('pyscf', PBE, PBE), {}, 'pyscf rdkit numpy'),
        (Plan('pyscf', GFN2, B3LYP), {}, 'tblite pyscf pyscf-dispersion rdkit numpy'),
        (Plan('pyscf', PBE, PBE), {'optimiser': 'geometric'}, 'pyscf geometric rdkit numpy'),
        (Plan('pyscf', PBE, PBE), {'device': 'gpu'}, 'pyscf gpu4pyscf-cuda12x rdkit numpy'),
        (Plan('pyscf', PBE, PBE), {'conformer_ranking': 'xtb'}, 'tblite pyscf rdkit numpy'),
    ],
)
def test_packages_follow_the_levels(plan, settings, names):
    job = Job(plan=plan, settings=RunnerSettings(**settings))
    assert ' '.join(packages.needed(job).values()) == names


def test_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(packages.PYSCF, 'no_such_module', 'pyscf')
    fault = packages.find_missing(Job(plan=Plan('pyscf', PBE, PBE)))
    assert "No module named 'no_such_module'" in fault
    assert '-m pip install pyscf' in fault


def test_all_is_there_for_xtb():
    assert packages.find_missing(Job()) is None
    assert set(packages.versions(Job())) >= {'tblite', 'rdkit', 'numpy', 'python'}
