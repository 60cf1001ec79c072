"""Tests of the reader of Psi4's text, on real outputs, on cut ones and on what Psi4 says when it fails."""

from pathlib import Path

import numpy as np
import pytest

from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.psi4_failures import classify
from aiida_osc.qc.psi4_output import parse_psi4
from aiida_osc.units import BOHR_TO_ANGSTROM, HARTREE_TO_EV

OUTPUTS = Path(__file__).parents[2].parent / 'shared' / 'data' / 'qc_outputs' / 'psi4'
FIXTURES = Path(__file__).parents[1] / 'parsers' / 'fixtures' / 'psi4'
NAMES = [f'dvb_{kind}_{version}' for kind in ('sp_rks', 'sp_uks', 'gopt_rks') for version in ('1.3.1', '1.7')]
needs_outputs = pytest.mark.skipif(not OUTPUTS.is_dir(), reason='needs the recorded Psi4 outputs beside the project')


def text_of(name):
    return (OUTPUTS / f'{name}.out').read_text(errors='replace')


@needs_outputs
@pytest.mark.parametrize('name', NAMES)
def test_agrees_with_cclib(name):
    cclib = pytest.importorskip('cclib')
    data = cclib.io.ccread(str(OUTPUTS / f'{name}.out'))

    result = parse_psi4(text_of(name))

    assert result.success
    assert (result.charge, result.multiplicity) == (data.charge, data.mult)
    assert result.symbols == ('C',) * 6 + ('H',) * 4 + ('C',) * 2 + ('H',) * 2 + ('C',) * 2 + ('H',) * 4
    assert result.energy * HARTREE_TO_EV == pytest.approx(data.scfenergies[-1], abs=1e-3)
    np.testing.assert_allclose(result.geometry * BOHR_TO_ANGSTROM, data.atomcoords[-1], atol=2e-4)
    np.testing.assert_allclose(np.sort(data.moenergies[0]) / HARTREE_TO_EV, result.eigenvalues_a, atol=2e-6)
    assert result.occupied_a == data.homos[0] + 1
    if len(data.moenergies) == 2:
        np.testing.assert_allclose(np.sort(data.moenergies[1]) / HARTREE_TO_EV, result.eigenvalues_b, atol=2e-6)
        assert result.occupied_b == data.homos[1] + 1


# Values read by eye in the files.
@needs_outputs
@pytest.mark.parametrize(
    ('name', 'version', 'energy', 'homo', 'lumo', 's_squared', 'iterations', 'wall'),
    [
        ('dvb_sp_rks_1.3.1', '1.3.1', -382.31092249631331, -0.153010, 0.037507, None, 8, 11.80),
        ('dvb_sp_rks_1.7', '1.7', -382.31091156274687, -0.153011, 0.037507, None, 8, 10.93),
        ('dvb_sp_uks_1.3.1', '1.3.1', -382.08410943870763, -0.369713, -0.300481, 0.7777722036, 11, 20.32),
        ('dvb_sp_uks_1.7', '1.7', -382.08409782425895, -0.369713, -0.300481, 0.7777721483, 11, 17.77),
    ],
)
def test_single_points(name, version, energy, homo, lumo, s_squared, iterations, wall):
    result = parse_psi4(text_of(name))

    assert (result.creator, result.version, result.driver) == ('Psi4', version, 'energy')
    assert (result.method, result.basis, result.basis_functions) == ('B3LYP', 'STO-3G', 60)
    assert result.energy == energy
    assert result.frontier == pytest.approx((homo, lumo), abs=1e-6)
    assert result.s_squared == s_squared
    assert (result.scf_iterations, result.threads, result.wall_seconds) == (iterations, 1, wall)
    assert result.nuclear_repulsion == pytest.approx(445.936979867057, abs=1e-12)
    assert result.dispersion_energy == 0
    np.testing.assert_array_equal(result.dipole, 0)  # by symmetry
    assert result.gradient is None
    assert result.frequencies is None


@needs_outputs
@pytest.mark.parametrize(
    ('version', 'energies', 'first'),
    [
        ('1.3.1', (-382.30823532916929, -382.30825993949770, -382.30826071186095), -1.417221323436),
        ('1.7', (-382.30822439326533, -382.30824776651332, -382.30824881959580), -1.417244680172),
    ],
)
def test_optimisations(version, energies, first):
    result = parse_psi4(text_of(f'dvb_gopt_rks_{version}'))

    assert result.success
    assert (result.driver, result.optimization_converged) == ('optimization', True)
    np.testing.assert_array_equal(result.optimization_energies, energies)
    assert result.energy == energies[-1]
    assert result.geometry[0, 0] * BOHR_TO_ANGSTROM == pytest.approx(first, abs=1e-11)
    assert np.abs(result.gradient).max() < 1.1e-4


@needs_outputs
@pytest.mark.parametrize('name', NAMES)
def test_cut_outputs_never_pass(name):
    """Cut behind every 61st line, and in the middle of lines."""
    text = text_of(name)
    lines = text.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if line.startswith('*** Psi4 exiting'))
    cuts = [''.join(lines[:number]) for number in range(0, end + 1, 61)]
    cuts += [text[:place] for place in range(11, len(text) - 60, len(text) // 40)]
    for cut in cuts:
        result = parse_psi4(cut)
        assert not result.success, f'passes with {len(cut)} of {len(text)} characters'
        assert result.failure in ('output_truncated', 'output_missing')
        assert result.reason
        assert result.to_dict()['success'] is False


@needs_outputs
def test_damaged_outputs_never_raise():
    """Every 1,000th of the text lost, bytes changed, halves exchanged."""
    text = text_of('dvb_gopt_rks_1.7')
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(text), 25):
        parse_psi4(text[:place] + text[place + 1000 :])
        parse_psi4(text[place:] + text[:place])
        parse_psi4(text[:place].replace('0', '*') + text[place:])


@pytest.mark.parametrize(
    ('text', 'kind'),
    [
        ('', 'output_missing'),
        (' \n\n', 'output_missing'),
        ('\x00\x01\ufffd\ufffd' * 500, 'output_missing'),
        ('A text of another program.\n', 'output_missing'),
        ('bash: psi4: command not found\n', 'output_missing'),
        ('slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2024-01-01 DUE TO TIME LIMIT ***\n', 'out_of_walltime'),
    ],
)
def test_no_output_of_psi4(text, kind):
    result = parse_psi4(text)
    assert result.failure == kind
    assert result.reason


HEADER = """
    -----------------------------------------------------------------------
          Psi4: An Open-Source Ab Initio Electronic Structure Package
                               Psi4 1.9.1 release

"""
END = '\n*** Psi4 exiting successfully. Buy a developer a beer!\n'
ERROR_END = '\n*** Psi4 encountered an error. Buy a developer more coffee!\n'


@pytest.mark.parametrize(
    ('text', 'kind', 'words'),
    [
        # Psi4 1.0: thrown in C++.
        ('\n  Failed to converged.\n\n', 'scf_not_converged', 'Failed to converged.'),
        ('\nPsiException: Could not converge SCF iterations in 100 iterations.\n', 'scf_not_converged', '100'),
        ('\nFatal Error: A multiplicity of 2 with 10 electrons is impossible.\n', 'wrong_multiplicity', 'of 2 with 10'),
        ('\nFatal Error: Not enough memory for PK algorithm\n', 'out_of_memory', 'PK algorithm'),
        ('\nRuntimeError: DFHelper: not enough memory for JK blocking!\n', 'out_of_memory', 'JK blocking'),
        ("terminate called after throwing an instance of 'std::bad_alloc'\n", 'out_of_memory', 'bad_alloc'),
        ('Traceback (most recent call last):\nMemoryError\n', 'out_of_memory', 'MemoryError'),
        (
            'Traceback (most recent call last):\n  File "x.py", line 3, in f\n    raise MissingMethodError(a)\n\n'
            'psi4.driver.p4util.exceptions.MissingMethodError: Method=r2scn is not available for energy.\n',
            'input_refused',
            'MissingMethodError: Method=r2scn',
        ),
        (
            "Traceback (most recent call last):\n\nqcelemental.exceptions.DFTD4: x\nNo module named 'dftd4'\n",
            'no_executable',
            'install it',
        ),
        (
            'Traceback (most recent call last):\n\noptking.exceptions.AlgError: no step\n',
            'geometry_not_converged',
            'step',
        ),
        ('Traceback (most recent call last):\n\nKeyError: 7\n', 'crashed', 'KeyError: 7'),
        ('', 'crashed', 'did not name'),
    ],
)
def test_what_psi4_says_of_a_failure(text, kind, words):
    result = parse_psi4(HEADER + text + ERROR_END)
    assert result.failure == kind
    assert words in result.reason
    assert result.version == '1.9.1'


def test_scf_that_went_on_without_convergence_is_no_result():
    text = HEADER + '  Energy and/or wave function did not converge, but proceeding anyway.\n\n' + END
    assert parse_psi4(text).failure == 'scf_not_converged'


@pytest.mark.parametrize('energy', ['nan', '-123456.12345678901234', '12.50000000000000'])
def test_blown_up_energies_are_no_result(energy):
    text = f"""{HEADER}
                              RHF Reference
    Geometry (in Bohr), charge = 0, multiplicity = 1:

       Center              X                  Y                   Z               Mass
    ------------   -----------------  -----------------  -----------------  -----------------
         H            0.000000000000     0.000000000000     0.000000000000     1.007825032230
         H            0.000000000000     0.000000000000     1.400000000000     1.007825032230

  @DF-RHF Final Energy:   {energy}
{END}"""
    result = parse_psi4(text)
    assert result.failure == 'scf_not_converged'
    assert result.symbols == ('H', 'H')


def test_end_of_an_earlier_run_in_the_same_file_does_not_count():
    assert parse_psi4(HEADER + END + HEADER + '  ==> Iterations <==\n').failure == 'output_truncated'


def test_ending_without_an_energy_is_a_failure():
    assert parse_psi4(HEADER + END).failure == 'crashed'


def test_classify_knows_only_kinds_of_the_table():
    assert classify('all is well') is None
    for text in ('MemoryError', 'ValidationError: x', 'BasisSetNotFound', 'RuntimeError: what'):
        kind, words = classify(text)
        assert kind in FAILURES
        assert words


def scf(energy, reference='RHF', shift=0.0, unit='Angstrom'):
    """Return one SCF of a water-like molecule as Psi4 prints it, numbers made up."""
    return f"""
                              {reference} Reference
                        2 Threads,    256 MiB Core
    Geometry (in {unit}), charge = 0, multiplicity = 1:

       Center              X                  Y                   Z               Mass
    ------------   -----------------  -----------------  -----------------  -----------------
         O           {shift:.12f}     0.000000000000     0.100000000000    15.994914619570
       Gh(HE)         9.000000000000     0.000000000000     0.000000000000     4.002603254150
         H            0.000000000000     0.700000000000    -0.500000000000     1.007825032070
         H            0.000000000000    -0.700000000000    -0.500000000000     1.007825032070

  Charge       = 0
  Multiplicity = 1

   @DF-RHF iter   0:   -74.00000000000000   -7.40000e+01   1.00000e-01
   @DF-RHF iter   1:   {energy:.14f}   -1.00000e+00   1.00000e-09 DIIS

    Orbital Energies (a.u.)
    -----------------------

    Doubly Occupied:

       1A'    -20.500000     1Ap"    -1.250000

    Virtual:

       2App    -1.750000   123A1   1234.500000

    Final Occupation by Irrep:

  @DF-RHF Final Energy:   {energy:.14f}
"""


def test_finite_differences_give_the_structure_that_was_not_displaced():
    """In Psi4 1.0 it is the last of them, in later versions the first."""
    start = '  Using finite-differences of gradients to determine vibrational frequencies\n'
    end = '  Total E0, Electronic energy at well bottom at 0 [K]               -75.12345679 [Eh]\n'
    reference, others = scf(-75.123456789), [scf(-75.12 + 0.001 * n, shift=0.01 * (n + 1)) for n in range(3)]
    for order in ([*others, reference], [reference, *others]):
        result = parse_psi4(HEADER + start + ''.join(order) + end + END)
        assert result.success
        assert result.energy == -75.123456789
        assert result.geometry[0, 0] == 0
        assert result.symbols == ('O', 'H', 'H'), 'the ghost is no atom'


def test_labels_of_orbitals_and_units():
    result = parse_psi4(HEADER + scf(-75.0, unit='Bohr') + END)
    np.testing.assert_array_equal(result.eigenvalues_a, [-20.5, -1.75, -1.25, 1234.5])
    assert (result.occupied_a, result.threads, result.scf_iterations, result.method) == (2, 2, 1, 'HF')
    np.testing.assert_array_equal(result.geometry[1], [0, 0.7, -0.5])
    angstrom = parse_psi4(HEADER + scf(-75.0) + END)
    np.testing.assert_allclose(angstrom.geometry * BOHR_TO_ANGSTROM, result.geometry, rtol=1e-12)


@pytest.mark.parametrize(
    ('lines', 'method', 'energy'),
    [
        (
            '\t ==================> DF-MP2 Energies <====================\n\t----\n'
            '\t Reference Energy          =     -75.0000000000000000 [Eh]\n'
            '\t Correlation Energy        =      -0.2500000000000000 [Eh]\n'
            '\t Total Energy              =     -75.2500000000000000 [Eh]\n'
            '\t SCS Total Energy          =     -75.9000000000000000 [Eh]\n',
            'MP2',
            -75.25,
        ),
        (
            '      * MP2 total energy                      =  -75.250000000000000\n'
            '      * CCSD total energy                     =  -75.260000000000000\n'
            '      * CCSD(T) total energy                  =  -75.270000000000000\n',
            'CCSD(T)',
            -75.27,
        ),
        ('\tMP2 Total Energy (a.u.)            :   -75.25000000000000\n', 'MP2', -75.25),
        ('    @Final double-hybrid DFT total energy =   -75.2900000000000000\n', 'double hybrid', -75.29),
    ],
)
def test_energies_beyond_the_scf(lines, method, energy):
    result = parse_psi4(HEADER + scf(-75.0) + lines + END)
    assert (result.method, result.energy) == (method, energy)


OLD_MODES = """
   Frequency:        500.12i
   Force constant:  -0.4912
\t     X       Y       Z           mass\t
  O \t   0.000   0.100   0.000      15.994915
  H \t   0.500   0.000   0.000       1.007825
  H \t  -0.500   0.000   0.000       1.007825

   Frequency:       1500.26
   Force constant:   0.4912
\t     X       Y       Z           mass\t
  O \t   0.000   0.200   0.000      15.994915
  H \t   0.500   0.000   0.000       1.007825
  H \t  -0.500   0.000   0.000       1.007825

-------------------------------------------------------------

 #  #
 Irrep: 1
      1: -500.1234567
      2: 1500.2612345


"""


def test_vibrations_of_the_first_versions():
    result = parse_psi4(HEADER + scf(-75.0) + OLD_MODES + END)
    assert result.success
    assert result.driver == 'frequencies'
    np.testing.assert_array_equal(result.frequencies, [-500.1234567, 1500.2612345])
    assert result.imaginary_modes.shape == (1, 3, 3)
    assert result.imaginary_modes[0, 0, 1] == 0.1
    cut = parse_psi4(HEADER + scf(-75.0) + OLD_MODES[: OLD_MODES.index('   Frequency:       1500') + 120] + END)
    assert cut.frequencies is None, 'an incomplete table is none'


NEW_MODES = """
  ==> Harmonic Vibrational Analysis <==

  pre-proj  low-frequency mode:    0.0000i [cm^-1]
  Note that "Vibration"s include 1 un-projected rotation-like modes.
  Vibration                       1                   6
  Freq [cm^-1]                1118.1609i            12.5000
  Irrep                           B2
  ----------------------------------------------------------------------------------
      1   O                0.00 -0.12  0.00   -0.00 -0.00 -0.08
      2   H               -0.00  0.57  0.00    0.00 -0.00 -0.07
      3   H                0.00  0.57 -0.00    0.38  0.00  0.59

  Vibration                       7
  Freq [cm^-1]                1852.1078
  Irrep
  ----------------------------------------------------------------------------------
      1   O                0.00 -0.12  0.00
      2   H               -0.00  0.57  0.00
      3   H                0.00  0.57 -0.00

  ==> Thermochemistry Components <==
"""


def test_vibrations_without_the_rotations_that_psi4_left_in():
    result = parse_psi4(HEADER + scf(-75.0) + NEW_MODES + END)
    np.testing.assert_array_equal(result.frequencies, [-1118.1609, 1852.1078])
    np.testing.assert_array_equal(result.imaginary_modes[0, 1], [0, 0.57, 0])


@pytest.mark.parametrize('days', [False, True])
def test_wall_time(days):
    text = '    Psi4 wall time for execution: ' + ('2 days, ' if days else '') + '1:02:03.50\n'
    assert parse_psi4(HEADER + scf(-75.0) + text + END).wall_seconds == 3723.5 + (172800 if days else 0)
    old = 'Total time:\n\tuser time   =       1.00 seconds\n\tsystem time =       0.01 seconds\n'
    assert parse_psi4(HEADER + scf(-75.0) + old + '\ttotal time  =         17 seconds\n' + END).wall_seconds == 17
