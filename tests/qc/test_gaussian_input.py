"""Tests of the input of Gaussian: parameters, the text that the plugin makes of them, and remedies."""

import pytest

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation, Model
from aiida_osc.qc.gaussian_input import (
    SCF_STAGES,
    GaussianRemedies,
    check_gaussian_parameters,
    gaussian_parameters,
    read_basis,
    read_cores,
    read_memory,
    reads_orbitals,
    with_orbitals,
    with_scf_help,
    without_orbitals,
)


def parameters(cores=4, memory_mb=8000, **values):
    return gaussian_parameters(Calculation(**values), cores=cores, memory_mb=memory_mb)


def test_rendered_input():
    molecule = pytest.importorskip('pymatgen.core', reason='aiida-gaussian is not installed').Molecule(
        ['O', 'H', 'H'], [[0, 0, 0.1], [0, 0.75, -0.47], [0, -0.75, -0.47]]
    )
    plugin = pytest.importorskip('aiida_gaussian.calculations.gaussian', reason='aiida-gaussian is not installed')
    values = parameters(driver='optimization', model=Model(epsilon=3.5), charge=1, multiplicity=2)

    text = plugin.GaussianCalculation._render_input_string_from_params(values, molecule)

    assert text.splitlines()[:5] == [
        '%chk=aiida.chk',
        '%mem=6000MB',
        '%nprocshared=4',
        '#P UB3LYP/Def2SVP 5D 7F EmpiricalDispersion=GD3BJ NoSymm Opt=(MaxCycles=100) SCF=(Tight) '
        'SCRF=(CPCM,Solvent=Generic,Read)',
        '',
    ]
    assert '\n1 2\nO 0.000000' in text
    assert text.rstrip().endswith('eps=3.5')


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ({'driver': 'frequencies'}, 'Freq'),
        ({'driver': 'gradient'}, 'Force'),
        ({'polarizability': True}, 'Polar'),
        ({'model': Model(basis='6-31G*', cartesian=True)}, '6D'),
        ({'model': Model(basis='6-31G*')}, '5D'),
    ],
)
def test_route(values, expected):
    assert parameters(**values)['route_parameters'][expected] is None


@pytest.mark.parametrize(
    'model', [Model('r2SCAN', 'def2-SVP', ''), Model(basis='def2-SVPD'), Model(dispersion='D4')], ids=lambda m: m.name
)
def test_what_gaussian_lacks(model):
    with pytest.raises(OscError, match='gaussian has no'):
        parameters(model=model)


def test_help_of_the_scf():
    remedies, current = GaussianRemedies(), parameters()
    for stage in range(1, len(SCF_STAGES) + 1):
        current = remedies.help_scf(current, stage)
        check_gaussian_parameters(current)
        assert current == with_scf_help(parameters(), stage)
        assert remedies.describe_scf(stage)
    assert remedies.help_scf(current, len(SCF_STAGES) + 1) is None
    assert parameters(scf_help=2) == with_scf_help(parameters(), 2)


def test_orbitals_come_and_go():
    assert reads_orbitals(with_orbitals(parameters()))
    assert without_orbitals(with_orbitals(parameters())) == parameters()
    assert with_scf_help(with_orbitals(parameters()), 3)['route_parameters']['Guess'] == 'Huckel'


def test_memory_ladder():
    remedies, current, options, seen = GaussianRemedies(), parameters(), {'max_memory_kb': 1000}, []
    for stage in range(1, 9):
        changed = remedies.help_memory(current, options, stage)
        if changed is None:
            break
        current, options = changed
        seen.append((read_cores(current), read_memory(current), options['max_memory_kb']))
    assert seen == [(2, 6000, 1000), (1, 6000, 1000), (1, 12000, 2000), (1, 24000, 4000), (1, 48000, 8000)]


def test_loose_geometry():
    remedies, tight = GaussianRemedies(), parameters(driver='optimization')
    loose = remedies.loosen_geometry(tight)
    assert loose == parameters(driver='optimization', loose_geometry=True)
    assert remedies.loosen_geometry(loose) is None
    assert remedies.loosen_geometry(parameters()) is None


def test_basis():
    assert read_basis(parameters()) == 'def2-SVP'
    assert read_basis({'basis_set': 'Gen'}) is None


@pytest.mark.parametrize(
    'change',
    [
        {'functional': 'B3LYP/x\n%rwf'},
        {'route_parameters': {'IOp': '1'}},
        {'route_parameters': {'Opt': 'x y'}},
        {'link0_parameters': {'%subst': 'l1'}},
        {'input_parameters': {'eps': '3.5\n'}},
        {'dieze_tag': '!'},
        {'title': 'x'},
        {'charge': 0.5},
    ],
)
def test_foreign_text_is_refused(change):
    with pytest.raises(OscError):
        check_gaussian_parameters({**parameters(), **change})
