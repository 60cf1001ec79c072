"""Tests of the four-point scheme as single calculations."""

import numpy as np
import pytest

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation, Model, check_electrons, default_multiplicity
from aiida_osc.qc.fourpoint import labels_table
from aiida_osc.qc.levels import fourpoint_columns, parse_level
from aiida_osc.qc.result import QcResult
from aiida_osc.qc.scheme import (
    FourPointSettings,
    Point,
    assemble,
    calculation,
    derive,
    is_ready,
    plan,
)
from aiida_osc.units import BOHR_TO_ANGSTROM, HARTREE_TO_EV

B3LYP = {'method': 'B3LYP', 'basis': 'def2-SVP', 'dispersion': 'D3BJ'}
PBE = {'method': 'PBE', 'basis': 'STO-3G', 'dispersion': ''}
HYDROGEN_CYANIDE, KEY = 'C#N', 'LELOWRISYMNNSU-UHFFFAOYSA-N'
GEOMETRY = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.156], [0.0, 0.0, -1.064]]) / BOHR_TO_ANGSTROM
#: Made-up energies with lambda_hole = 3 + 2 and lambda_electron = 4 + 1 mEh.
ENERGIES = {
    (0, 0): -93.0, (1, 0): -92.5, (1, 1): -92.503, (0, 1): -92.998, (-1, 0): -92.9, (-1, -1): -92.904, (0, -1): -92.999,
}  # fmt: skip


def settings(**changes):
    return FourPointSettings.from_dict({'engine': 'psi4', 'energy': B3LYP, **changes})


def result(charge, at, energy, **changes):
    values = {
        'charge': charge,
        'multiplicity': 1 + charge % 2,
        'symbols': ('C', 'N', 'H'),
        'geometry': GEOMETRY,
        'energy': energy,
        'version': '1.3.2',
        's_squared': 0.76 if charge else 0.0,
        'dipole': np.array([0.0, 0.0, 1.2]),
        'polarizability': np.eye(3) * 15.0,
        'eigenvalues_a': np.array([-14.0, -0.5, 0.1]),
        'occupied_a': 2,
    }
    return Point(charge, at).name, QcResult('Psi4', **{**values, **changes}).to_dict()


def results(**changes):
    return dict(result(q, p, energy, **changes) for (q, p), energy in ENERGIES.items())


def test_single_points_at_xtb_geometries_are_seven():
    points = plan(settings())
    assert {(point.charge, point.at) for point in points} == set(ENERGIES)
    assert all(point.driver == 'energy' for point in points)
    assert all(is_ready(point, {0, 1, -1}) for point in points)


def test_optimisations_at_the_same_level_spare_three_single_points():
    assert len(plan(settings(geometry=B3LYP))) == 7
    assert sum(point.driver == 'optimization' for point in plan(settings(geometry=B3LYP))) == 3
    assert len(plan(settings(geometry=PBE))) == 10


def test_order_neutral_first_then_ions_then_crossed_points():
    points = plan(settings(geometry=B3LYP))
    assert [point.name for point in points if is_ready(point, set())] == ['optimise_neutral']
    after = [point.name for point in points if is_ready(point, {0})]
    assert after == ['optimise_neutral', 'optimise_cation', 'optimise_anion', 'cation_at_neutral', 'anion_at_neutral']
    assert all(is_ready(point, {0, 1, -1}) for point in points)


def test_names_of_points_lead_back():
    for point in plan(settings(geometry=PBE)):
        assert Point.named(point.name) == point


def test_calculation_of_each_point():
    chosen = settings(geometry=PBE)
    numbers = [6, 7, 1]
    cation = calculation(Point(1, 0), chosen, numbers)
    assert (cation.charge, cation.multiplicity, cation.model.name) == (1, 2, 'B3LYP-D3BJ/def2-SVP')
    assert calculation(Point(0, 0, 'optimization'), chosen, numbers).model.name == 'PBE/STO-3G'
    assert not calculation(Point(0, 0, 'optimization'), chosen, numbers).polarizability
    assert calculation(Point(0, 0), chosen, numbers).polarizability
    assert not calculation(Point(0, 0), settings(settings={'polarizability': False}), numbers).polarizability
    same = settings(geometry=B3LYP)
    assert calculation(Point(0, 0, 'optimization'), same, numbers).polarizability


def test_derive_is_nelsen():
    values = derive(ENERGIES)
    assert values['ie_vertical'] == pytest.approx(0.5 * HARTREE_TO_EV)
    assert values['ie_adiabatic'] == pytest.approx(0.497 * HARTREE_TO_EV)
    assert values['ea_vertical'] == pytest.approx(-0.1 * HARTREE_TO_EV)
    assert values['ea_adiabatic'] == pytest.approx(-0.096 * HARTREE_TO_EV)
    assert values['lambda_hole'] == pytest.approx(0.005 * HARTREE_TO_EV)
    assert values['lambda_electron'] == pytest.approx(0.005 * HARTREE_TO_EV)


def test_record_becomes_labels_of_its_level():
    from aiida_osc.datasets.molecule_table import MoleculeTable

    record = assemble(KEY, HYDROGEN_CYANIDE, results(), settings())

    assert (record['status'], record['reason']) == ('ok', None)
    assert record['versions'] == {'Psi4': '1.3.2'}
    assert record['properties']['homo'] == pytest.approx(-0.5 * HARTREE_TO_EV, abs=1e-6)
    assert record['properties']['dipole'] == pytest.approx(1.2 * 2.5417464715, abs=1e-6)
    assert record['properties']['polarizability'] == pytest.approx(15.0)
    assert record['geometries']['-1']['numbers'] == [6, 7, 1]
    table = labels_table([record], MoleculeTable((HYDROGEN_CYANIDE,), (KEY,), ('test',)))
    assert set(table.columns) == set(settings().columns.values())
    assert {column.level for column in table.columns} == {'B3LYP-D3BJ/def2-SVP//GFN2-xTB'}


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'s_squared': 0.95}, 'contaminated'),
        ({'geometry': GEOMETRY * 1.8}, 'another molecule'),
        ({'eigenvalues_a': None, 'occupied_a': None}, 'homo is missing'),
    ],
)
def test_what_cannot_be_a_label_is_flagged(change, words):
    record = assemble(KEY, HYDROGEN_CYANIDE, results(**change), settings())
    assert record['status'] == 'flagged'
    assert words in record['reason']


def test_negative_reorganisation_energy_is_left_out_and_noise_is_zero():
    contents = results()
    contents['neutral_at_cation']['properties']['return_energy'] = -93.0060
    record = assemble(KEY, HYDROGEN_CYANIDE, contents, settings())
    assert 'negative' in record['dropped']['lambda_hole']
    assert 'lambda_hole' not in record['properties']
    assert (record['status'], record['reason']) == ('ok', None)
    contents['neutral_at_cation']['properties']['return_energy'] = -93.00301
    record = assemble(KEY, HYDROGEN_CYANIDE, contents, settings())
    assert (record['status'], record['properties']['lambda_hole']) == ('ok', 0.0)


def test_values_of_a_cation_that_relaxed_in_another_state_are_left_out():
    contents = results()
    for name, energy in (('cation_at_cation', -92.4920), ('neutral_at_cation', -92.98)):
        contents[name]['properties']['return_energy'] = energy
    record = assemble(KEY, HYDROGEN_CYANIDE, contents, settings())
    assert record['status'] == 'ok'
    assert set(record['dropped']) == {'ie_adiabatic', 'lambda_hole'}
    assert 'another state' in record['dropped']['ie_adiabatic']
    contents['cation_at_cation']['properties']['return_energy'] = -92.4980  # 54 meV: noise of a foreign geometry
    assert assemble(KEY, HYDROGEN_CYANIDE, contents, settings())['status'] == 'ok'


def test_missing_point_is_a_failure_with_its_name():
    contents = results()
    del contents['cation_at_neutral']
    record = assemble(KEY, HYDROGEN_CYANIDE, contents, settings())
    assert record['status'] == 'failed'
    assert '+1@+0' in record['reason']


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'engine': 'turbomole'}, 'unknown engine'),
        ({'engine': 'psi4'}, 'needs a level'),
        ({'engine': 'tblite', 'energy': B3LYP}, 'own levels'),
        ({'engine': 'psi4', 'energy': {'method': 'B4LYP'}}, 'unknown method'),
        ({'engine': 'psi4', 'energy': {'basis': 'def3-SVP'}}, 'unknown basis'),
        ({'engine': 'psi4', 'energy': {**B3LYP, 'epsilon': 0.5}}, 'dielectric'),
        ({'engine': 'orca', 'energy': {'method': 'wB97X-D', 'dispersion': ''}}, 'orca has no wB97X-D'),
        ({'engine': 'psi4', 'energy': {'method': 'wB97X-D'}}, 'dispersion correction of its own'),
        ({'engine': 'psi4', 'energy': B3LYP, 'geometry': 'PM7'}, 'GFN2-xTB'),
        ({'engine': 'psi4', 'energy': B3LYP, 'geometry': {**B3LYP, 'epsilon': 3.5}}, 'gas phase'),
        ({'engine': 'tblite', 'settings': {'conformer': 3}}, 'unknown settings'),
        ({'charge': 1}, 'unknown settings'),
    ],
)
def test_bad_settings_are_named(values, words):
    with pytest.raises(OscError, match=words):
        FourPointSettings.from_dict(values)


def test_levels_are_written_and_read():
    energy, geometry = parse_level('wB97X-D3BJ/def2-TZVP//GFN2-xTB', 3.5)
    assert (energy.method, energy.dispersion, energy.epsilon, geometry) == ('wB97X-D3BJ', '', 3.5, 'GFN2-xTB')
    assert str(fourpoint_columns(energy, geometry)['homo']) == 'homo@wB97X-D3BJ/def2-TZVP//GFN2-xTB@cpcm(eps=3.5)'
    energy, geometry = parse_level('B3LYP-D3BJ/def2-SVP')
    assert energy == geometry == Model()
    assert parse_level('B3LYP-D3BJ/def2-SVP', 3.5)[1] == Model(), 'geometries are of the gas phase'
    assert Model.parse('B3LYP/6-31G*[cartesian]').name == 'B3LYP/6-31G*[cartesian]'
    with pytest.raises(OscError, match='is no level'):
        parse_level('B3LYP')


def test_electrons():
    assert default_multiplicity(10, 0) == 1
    assert default_multiplicity(10, 1) == 2
    check_electrons(10, 1, 2)
    for charge, multiplicity in ((0, 2), (1, 1), (10, 1), (0, 13)):
        with pytest.raises(OscError, match='correct one'):
            check_electrons(10, charge, multiplicity)


def test_calculation_takes_its_model_as_a_mapping():
    task = Calculation.from_dict({'driver': 'gradient', 'model': PBE, 'charge': -1, 'multiplicity': 2})
    assert task.model.name == 'PBE/STO-3G'
    assert Calculation.from_dict(task.to_dict()) == task
    with pytest.raises(OscError, match='driver'):
        Calculation.from_dict({'driver': 'optimise'})
