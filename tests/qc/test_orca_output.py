"""Tests of the parser of ORCA: real outputs of 4.0 to 6.0, and short ones for what those do not show."""

import json

import numpy as np
import pytest
from orca_files import ATOMS, OUTPUTS, needs_atoms, needs_outputs, read, short_output

from aiida_osc.qc.orca_output import LOOSE, parse_orca
from aiida_osc.units import AU_TO_DEBYE, HARTREE_TO_EV

REAL = sorted(path for folder in ('orca5', 'orca6', 'orca_failed') for path in (OUTPUTS / folder).glob('*.[ol]*'))
#: What each failed run is, by the last lines of its output.
FAILED = {
    'orca_basis_error.log': ('basis_missing', '(Br)', '4.2.0'),
    'orca_input_error.log': ('input_refused', 'XTB1', '4.0.0'),
    'orca_multiplicity_error.log': ('wrong_multiplicity', 'multiplicity (2) is even', '4.1.2'),
    'orca_scf_blow_up_error.log': ('scf_not_converged', 'blew up', '4.2.0'),
    'orca_scf_memory_error.log': ('out_of_memory', 'Not enough memory', '4.1.2'),
    'orca_wavefunction_not_converge_error.log': ('scf_not_converged', 'NOT FULLY CONVERGED', '4.2.0'),
    'freq_arc.out': ('output_truncated', 'nothing of an end', '6.0.0'),
}
#: energy, HOMO, LUMO in hartree as printed in the file; charge, multiplicity, driver, version.
GOOD = {
    'orca5/Trp_polar.out': (-673.590571115294, -0.225669, 0.247577, 0, 1, 'energy', '5.0.0'),
    'orca5/dvb_gopt.out': (-382.055133372796, -0.149435, 0.041027, 0, 1, 'optimization', '5.0.1'),
    'orca5/dvb_ir.out': (-382.055108614160, -0.149394, 0.041148, 0, 1, 'frequencies', '5.0.1'),
    'orca5/dvb_sp.out': (-382.055108614123, -0.149394, 0.041148, 0, 1, 'energy', '5.0.0'),
    'orca5/dvb_sp_un.out': (-381.831981252254, -0.366207, -0.296766, 1, 2, 'energy', '5.0.0'),
    'orca6/Trp_polar.out': (-673.590571115239, -0.225669, 0.247577, 0, 1, 'energy', '6.0.1'),
    'orca6/dvb_gopt.out': (-382.055133399486, -0.149429, 0.041009, 0, 1, 'optimization', '6.0.0'),
    'orca6/dvb_sp_dft.out': (-382.055108392562, -0.149295, 0.041246, 0, 1, 'energy', '6.0.0'),
    'orca6/dvb_sp_un_dft.out': (-381.831980903245, -0.366268, -0.296813, 1, 2, 'energy', '6.0.0'),
    'orca6/water_cpcm.out': (-74.967672596588, -0.385683, 0.579105, 0, 1, 'energy', '6.0.1'),
    'orca_failed/orca_successful_sp.log': (-189.939510650571, -0.459564, 0.119654, 0, 2, 'energy', '4.1.2'),
    'orca_failed/orca_successful_sp_scf.log': (-361.15302867573, -0.467662, 0.121908, 0, 1, 'energy', '4.2.0'),
}


def load(name):
    return parse_orca(read(OUTPUTS / name))


@needs_outputs
@pytest.mark.parametrize('name', GOOD)
def test_good_runs(name):
    energy, homo, lumo, charge, multiplicity, driver, version = GOOD[name]

    result = load(name)

    assert result.failure is None, result.reason
    assert result.energy == pytest.approx(energy, abs=1e-11)
    assert result.frontier == (homo, lumo)
    assert (result.charge, result.multiplicity, result.driver, result.version) == (
        charge,
        multiplicity,
        driver,
        version,
    )
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))['success'] is True


@needs_outputs
@pytest.mark.parametrize('name', FAILED)
def test_failed_runs(name):
    kind, words, version = FAILED[name]

    result = load(f'{"orca6" if name == "freq_arc.out" else "orca_failed"}/{name}')

    assert result.failure == kind
    assert words in result.reason
    assert result.version == version
    assert result.to_dict()['success'] is False


@needs_outputs
def test_every_recorded_output_is_in_one_of_the_tables():
    known = {name.split('/')[1] for name in GOOD} | set(FAILED)
    assert {path.name for path in REAL} == known


@needs_outputs
@pytest.mark.parametrize('name', ['dvb_gopt.out', 'dvb_ir.out', 'dvb_sp.out', 'dvb_sp_un.out', 'Trp_polar.out'])
def test_agrees_with_cclib(name):
    cclib = pytest.importorskip('cclib', reason='cclib is not installed')
    theirs, ours = cclib.io.ccread(str(OUTPUTS / 'orca5' / name)), load(f'orca5/{name}')

    assert ours.energy * HARTREE_TO_EV == pytest.approx(theirs.scfenergies[-1], abs=1e-3)  # other constants
    assert [*ours.symbols] == [cclib.parser.utils.PeriodicTable().element[number] for number in theirs.atomnos]
    assert np.allclose(ours.geometry * 0.529177, theirs.atomcoords[-1], atol=2e-5)
    assert np.allclose(ours.eigenvalues_a * HARTREE_TO_EV, theirs.moenergies[0], atol=1e-3)
    assert ours.occupied_a == theirs.homos[0] + 1
    if ours.eigenvalues_b is not None:
        assert np.allclose(ours.eigenvalues_b * HARTREE_TO_EV, theirs.moenergies[1], atol=1e-3)
        assert ours.occupied_b == theirs.homos[1] + 1
    assert np.allclose(ours.dipole * AU_TO_DEBYE, theirs.moments[1], atol=1e-3)
    if hasattr(theirs, 'vibfreqs'):
        assert ours.frequencies.tolist() == theirs.vibfreqs.tolist()
    if hasattr(theirs, 'polarizabilities'):
        assert np.allclose(ours.polarizability, theirs.polarizabilities[-1], atol=1e-5)


@needs_outputs
def test_numbers_of_real_outputs():
    cation, polar, solvated = load('orca5/dvb_sp_un.out'), load('orca6/Trp_polar.out'), load('orca6/water_cpcm.out')
    assert cation.s_squared == 0.778096
    assert (cation.occupied_a, cation.occupied_b, cation.basis_functions, cation.threads) == (35, 34, 60, 4)
    assert (cation.method, cation.basis) == ('B3LYP(VWN5)', 'STO-3G')
    assert np.trace(polar.polarizability) / 3 == pytest.approx(74.124238871)  # the isotropic value in the same file
    assert polar.polarizability[1, 2] == polar.polarizability[2, 1] == 30.419140904
    assert solvated.solvent == 'cpcm(eps=2.3741)'
    assert solvated.solvation_energy == -0.00344317868215
    assert solvated.dipole.tolist() == [0, 0.679392731, 0]
    assert solvated.nuclear_repulsion == 8.88701189385341
    assert solvated.wall_seconds == pytest.approx(0.518)
    assert solvated.scf_iterations == 9


@needs_outputs
@pytest.mark.parametrize('version', ['orca5', 'orca6'])
def test_optimisation(version):
    result = load(f'{version}/dvb_gopt.out')

    assert result.optimization_converged is True
    assert len(result.optimization_energies) == 4, 'three cycles and the final evaluation'
    assert (np.diff(result.optimization_energies) < 0).all()
    # The first carbon of the final coordinates, as printed in both files.
    assert result.geometry[0] == pytest.approx(np.array([-1.4177, 0.2285, 0]) / 0.529177, abs=2e-3)
    assert result.gradient is None, 'the last gradient is of the structure before'


@needs_atoms
@pytest.mark.parametrize('path', sorted(ATOMS.glob('*.out')), ids=lambda path: path.stem)
def test_atoms_against_their_property_files(path):
    result = parse_orca(read(path))
    properties = read(path.with_name(f'{path.stem}_property.txt'))
    values = {
        line.split(':')[0].strip(): line.split(':')[1].strip()
        for line in properties.splitlines()
        if line.count(':') == 1
    }

    assert result.success, result.reason
    assert result.energy == pytest.approx(float(values['SCF Energy']), abs=1e-9)  # without correction for single atoms
    assert result.charge == int(values['Charge'])
    assert result.multiplicity == int(values['Multiplicity'])
    assert result.basis_functions == int(values['number of basis functions'])
    assert result.s_squared == pytest.approx((result.multiplicity**2 - 1) / 4, abs=0.004)
    assert result.driver == 'frequencies'
    assert len(result.frequencies) == 0


def cuts(text, step):
    """Return the text cut behind every ``step``-th line, the last two lines, which are the normal end, left out."""
    lines = text.splitlines(keepends=True)
    ends = [index for index, line in enumerate(lines) if 'TERMINATED NORMALLY' in line]
    last = ends[-1] if ends else len(lines) - 1
    return (''.join(lines[:count]) for count in range(0, last, step))


@needs_outputs
def test_every_seventh_line_of_a_small_output():
    results = [parse_orca(part) for part in cuts(read(OUTPUTS / 'orca6' / 'water_cpcm.out'), 7)]

    assert len(results) > 100
    assert not any(result.success for result in results)
    assert {result.failure for result in results} == {'output_missing', 'output_truncated'}


@needs_outputs
@pytest.mark.parametrize('path', REAL, ids=lambda path: f'{path.parent.name}-{path.stem}')
def test_halves_and_pieces_are_never_a_success(path):
    text = read(path)
    pieces = [*cuts(text, max(7, text.count('\n') // 6)), text[len(text) // 2 :], text[text.index('Version') + 8 :]]

    assert not any(parse_orca(piece).success for piece in pieces)


@needs_outputs
def test_geometry_of_a_cut_optimisation_is_whole():
    text = read(OUTPUTS / 'orca5' / 'dvb_gopt.out')
    second = text.index('GEOMETRY OPTIMIZATION CYCLE   2')
    cut = text[: text.index('CARTESIAN COORDINATES (A.U.)', second) + 600]

    result = parse_orca(cut)

    assert result.failure == 'output_truncated'
    assert len(result.symbols) == 20, 'that of the first cycle, as the second is cut'


@pytest.mark.parametrize(
    'text',
    ['\x00' * 500, '\ufffd\ufffd' * 99, '\x7fELF' + chr(200) * 999, 'a' * 200_000, '| 1> ! B3LYP\n' * 9, '9 ' * 9999],
)
def test_noise_is_a_failed_run(text):
    assert parse_orca(text).failure in ('output_truncated', 'output_missing')


def test_empty_text():
    assert parse_orca('').failure == 'output_missing'
    assert parse_orca(' \n\n').failure == 'output_missing'


@pytest.mark.parametrize('version', ['4.2.1', '5.0.4', '6.0.1', '6.1.1'])
def test_short_output_of_each_version(version):
    result = parse_orca(short_output(version=version))

    assert result.success, result.reason
    assert (result.version, result.energy, result.method, result.basis) == (version, -76.321, 'B3LYP-D3BJ', 'def2-SVP')
    assert result.symbols == ('O', 'H', 'H')
    assert result.wall_seconds == 62.5


def test_what_the_user_wrote_is_no_result():
    """The echo of the input holds the words of a normal end and of an input error."""
    assert parse_orca(short_output(end=False)).failure == 'output_truncated'
    assert parse_orca(short_output()).success


def test_windows_line_ends_and_zero_bytes():
    text = short_output()
    assert parse_orca(text.replace('\n', '\r\n')).energy == -76.321
    assert parse_orca(''.join(f'{letter}\x00' for letter in text)).energy == -76.321


@pytest.mark.parametrize('energy', ['nan', '-nan', '-inf', '-9999.25', '812.5'])
def test_impossible_energies(energy):
    result = parse_orca(short_output(steps=(energy,)))

    assert result.failure == 'scf_not_converged'
    assert 'blew up' in result.reason
    json.dumps(result.to_dict(), allow_nan=False)


def test_odd_virial_ratio():
    assert 'virial' in parse_orca(short_output().replace('2.00187471', '33173.13')).reason


def test_optimisation_without_hurray_is_no_success():
    """ORCA ends normally when the cycles are used up."""
    given_up = (
        '\n       The optimization did not converge but reached the maximum \n       number of optimization cycles.\n'
        '       As a subsequent Frequencies calculation has been requested\n'
    )
    hurray = '\n                    ***********************HURRAY********************\n'

    assert parse_orca(short_output(steps=('-76.1', '-76.3'), middle=given_up)).failure == 'geometry_not_converged'
    assert parse_orca(short_output(steps=('-76.1', '-76.3'))).failure == 'geometry_not_converged'
    good = parse_orca(short_output(steps=('-76.1', '-76.3'), middle=hurray))
    assert good.success
    assert good.optimization_energies.tolist() == [-76.1, -76.3]
    assert parse_orca(short_output(steps=('-76.1', '-76.3'), middle=hurray + given_up)).success is False


@pytest.mark.parametrize('note', ['(SCF not fully converged!)', '(Wavefunction not fully converged!)'])
def test_note_at_the_last_energy(note):
    result = parse_orca(short_output(steps=(f'-76.321   {note}',)))
    assert result.failure == 'scf_not_converged'
    assert result.energy == -76.321, 'is told, but not as a success'


def test_scf_that_converged_later_is_fine():
    text = short_output(steps=('-76.1', '-76.3'), middle='\n  ***  THE OPTIMIZATION HAS CONVERGED  ***\n')
    assert parse_orca(text.replace('SCF CONVERGED AFTER   8', 'SCF NOT CONVERGED AFTER 125', 1)).success
    assert parse_orca(text.replace('SCF CONVERGED', 'SCF NOT CONVERGED')).failure == 'scf_not_converged'


def test_loose_criteria_are_told():
    text = short_output(keywords='B3LYP/G def2-SVP LooseOpt', steps=('-76.1', '-76.3'), middle='\n HURRAY\n')
    assert parse_orca(text).warnings == (LOOSE,)


FREQUENCIES = """
-----------------------
VIBRATIONAL FREQUENCIES
-----------------------

Scaling factor for frequencies =  1.000000000  (already applied!)

     0:       0.00 cm**-1
     1:       0.00 cm**-1
     2:       0.00 cm**-1
     3:       0.00 cm**-1
     4:       0.00 cm**-1
     5:       0.00 cm**-1
     6:    -412.50 cm**-1 ***imaginary mode***
     7:    1595.12 cm**-1
     8:    3700.00 cm**-1


------------
NORMAL MODES
------------

These modes are the Cartesian displacements weighted by the diagonal matrix
M(i,i)=1/sqrt(m[i]) where m[i] is the mass of the displaced atom

                  0          1          2          3          4          5
"""
FREQUENCIES += ''.join(f'{row:7d}' + '   0.000000' * 6 + '\n' for row in range(9))
FREQUENCIES += '                  6          7          8\n'
FREQUENCIES += ''.join(f'{row:7d}   {row / 10:.6f}   0.100000  -0.200000\n' for row in range(9)) + '\n\n'


def test_imaginary_mode():
    result = parse_orca(short_output(middle=FREQUENCIES))

    assert result.success, 'whether it should be a minimum is not the parser of text to know'
    assert result.driver == 'frequencies'
    assert result.frequencies.tolist() == [-412.5, 1595.12, 3700.0]
    assert result.imaginary_modes == pytest.approx(np.arange(9).reshape(1, 3, 3) / 10)


def test_numerical_frequencies_do_not_change_the_energy():
    displaced = '\n                      ORCA NUMERICAL FREQUENCIES\n' + short_output(steps=('-76.300',), end=False)
    result = parse_orca(short_output(middle=displaced + FREQUENCIES))

    assert result.energy == -76.321
    assert len(result.frequencies) == 3


def test_gradient():
    block = (
        '\n------------------\nCARTESIAN GRADIENT\n------------------\n\n'
        '   1   O   :    0.000000000    0.000000000    0.061000000\n'
        '   2   H   :    0.000000000   -0.024000000   -0.030500000\n'
        '   3   H   :    0.000000000    0.024000000   -0.030500000\n\nDifference to translation invariance:\n'
    )
    result = parse_orca(short_output(middle=block))

    assert result.driver == 'gradient'
    assert result.gradient[1].tolist() == [0, -0.024, -0.0305]


def test_smd_solvent_and_dispersion():
    """Lines of ORCA 6.0 with SMD (https://github.com/cclib/cclib, data/ORCA/basicORCA6.0) and of D3."""
    middle = (
        '\n--------------------\nCPCM SOLVATION MODEL\n--------------------\nCPCM parameters:\n'
        '  Epsilon                                         ...       2.3741\n'
        'Solvent:                                          ... TOLUENE\nSMD-CDS solvent descriptors:\n'
        'CPCM Dielectric    :         -0.00203326633278 Eh              -0.05533 eV\n'
        'SMD CDS (Gcds)     :         -0.00134274227128 Eh              -0.03654 eV\n'
        'Dispersion correction           -0.004200000\n'
    )
    result = parse_orca(short_output(middle=middle))

    assert result.solvent == 'smd(toluene)'
    assert result.solvation_energy == pytest.approx(-0.00337600860406)
    assert result.dispersion_energy == -0.0042


PROPERTIES = {
    'Calculation_Status': {'version': '6.1.0', 'Status': 'NORMAL TERMINATION'},
    'Geometries': [
        {
            'Single_Point_Data': {'FinalEnergy': -76.321, 'Converged': True},
            'SCF_Dipole_Moment': [{'dipoleTotal': [[0.0], [0.0], [0.75]], 'dipoleMagnitude': 0.75}],
            'SCF_Polarizability': [{'rawCartesian': [[6, 0, 0], [0, 7, 0], [0, 0, 8]], 'isotropicPolar': 7.0}],
        }
    ],
}


def test_property_file_fills_what_is_not_printed():
    result = parse_orca(short_output(), properties=PROPERTIES)

    assert result.success
    assert result.dipole.tolist() == [0, 0, 0.75]
    assert result.polarizability.diagonal().tolist() == [6, 7, 8]


def test_property_file_of_another_run_is_not_used():
    result = parse_orca(short_output(steps=('-76.5',)), properties=PROPERTIES)

    assert result.success
    assert result.dipole is None
    assert 'another run' in result.warnings[0]


@pytest.mark.parametrize(
    'content', [{}, {'Geometries': []}, {'Geometries': [3]}, {'Geometries': {'a': 1}}, {'x': None}]
)
def test_odd_property_files(content):
    assert parse_orca(short_output(), properties=content).success
