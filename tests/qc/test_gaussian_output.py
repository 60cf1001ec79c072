"""Tests of the parser of Gaussian on short outputs in its public print format."""

import json

import numpy as np
import pytest
from gaussian_files import POLARIZABILITY, SOLVENT, STATIONARY, STOPPED, short_gaussian

from aiida_osc.qc.gaussian_output import parse_gaussian, read_route
from aiida_osc.units import AU_TO_DEBYE, BOHR_TO_ANGSTROM


def test_single_point():
    result = parse_gaussian(short_gaussian(middle=POLARIZABILITY + SOLVENT))

    assert result.success, result.reason
    assert (result.version, result.method, result.basis, result.driver) == ('16 C.01', 'RB3LYP', 'Def2SVP', 'energy')
    assert (result.energy, result.charge, result.multiplicity) == (-76.358, 0, 1)
    assert result.symbols == ('O', 'H', 'H')
    assert result.geometry[0, 2] * BOHR_TO_ANGSTROM == pytest.approx(0.118)
    assert result.eigenvalues_a.tolist() == [-19.13801, -0.99737, -0.5315, -0.37096, -100.29129, 0.06535, 0.14939], (
        'also where columns have grown together'
    )
    assert (result.occupied_a, result.eigenvalues_b) == (5, None)
    assert result.dipole[2] * AU_TO_DEBYE == pytest.approx(-2.0438)
    assert result.polarizability.tolist() == [[2.866, 0, 0], [0, 6.712, 0], [0, 0, 5.013]]
    assert result.solvent == 'cpcm(eps=3.5)'
    assert (result.nuclear_repulsion, result.dispersion_energy) == (9.1882584177, -0.0000124)
    assert (result.basis_functions, result.threads, result.scf_iterations) == (24, 4, 10)
    assert result.wall_seconds == 63.5
    json.dumps(result.to_dict(), allow_nan=False)


def test_open_shell_of_gaussian_09():
    result = parse_gaussian(short_gaussian(multiplicity=2, charge=1, version='09:  EM64L-G09RevD.01 24-Apr-2013'))

    assert result.success, result.reason
    assert (result.version, result.charge, result.multiplicity) == ('09 D.01', 1, 2)
    assert (result.occupied_a, result.occupied_b, result.s_squared) == (5, 4, 0.7538)
    assert result.frontier == (-0.3, -0.2)


def test_energy_beyond_the_scf():
    line = ' E2(B2PLYPD3) =    -0.1000000000D+00 E(B2PLYPD3) =    -0.76458000000000D+02\n'
    assert parse_gaussian(short_gaussian(middle=line)).energy == -76.458


def test_optimisation():
    result = parse_gaussian(short_gaussian(steps=('-76.3', '-76.358'), middle=STATIONARY))
    assert result.success
    assert result.optimization_converged is True
    assert result.optimization_energies.tolist() == [-76.3, -76.358]
    assert result.geometry[0, 2] * BOHR_TO_ANGSTROM == pytest.approx(0.119)
    assert parse_gaussian(short_gaussian(steps=('-76.3', '-76.358'))).failure == 'geometry_not_converged'


def test_gradient_is_minus_the_forces():
    result = parse_gaussian(short_gaussian(forces=True))
    assert result.driver == 'gradient'
    assert result.gradient.tolist() == [[0, 0, 0.061], [0, -0.024, -0.0305], [0, 0.024, -0.0305]]


def test_frequencies_and_imaginary_modes():
    result = parse_gaussian(short_gaussian(first_frequency='-412.5000'))
    assert result.driver == 'frequencies'
    assert result.frequencies.tolist() == [-412.5, 3700.5, 3800.25]
    assert result.imaginary_modes.tolist() == [[[0, 0, 0.07], [0, -0.43, -0.56], [0, 0.43, -0.56]]]


ERROR = ' Error termination via Lnk1e in /opt/g16/l{link}.exe at Sun Jan  1 00:00:00 2023.\n'
MESSAGES = [
    (' The combination of multiplicity  2 and    10 electrons is impossible.\n', 301, 'wrong_multiplicity'),
    (' Atomic number out of range for 6-31G  basis set.\n', 301, 'basis_missing'),
    (' Small interatomic distances encountered:\n Problem with the distance matrix.\n', 202, 'atoms_too_close'),
    (' QPErr --- A syntax error was detected in the input line.\n', 1, 'input_refused'),
    ('', 1, 'input_refused'),
    (' End of file in ZSymb.\n', 101, 'input_refused'),
    (' galloc:  could not allocate memory.\n', 502, 'out_of_memory'),
    (' Out-of-memory error in routine UFChkP\n', 9999, 'out_of_memory'),
    (' Convergence failure -- run terminated.\n', 502, 'scf_not_converged'),
    ('', 508, 'scf_not_converged'),
    (' Inaccurate quadrature in CalDSu.\n', 502, 'scf_not_converged'),
    (STOPPED, 9999, 'geometry_not_converged'),
    (' FormBX had a problem.\n', 103, 'geometry_not_converged'),
    (' Erroneous write. Write -1 instead of 4096.\n', 401, 'crashed'),
    ('', 716, 'crashed'),
]


@pytest.mark.parametrize(('message', 'link', 'kind'), MESSAGES)
def test_messages(message, link, kind):
    result = parse_gaussian(short_gaussian(end=message + ERROR.format(link=link)))
    assert result.failure == kind
    assert result.reason


@pytest.mark.parametrize('energy', ['********', 'NaN', '-9999.9', '12.0'])
def test_impossible_energies(energy):
    assert parse_gaussian(short_gaussian(steps=(energy,))).failure == 'scf_not_converged'


def test_every_seventh_line_is_never_a_success():
    text = short_gaussian(steps=('-76.3', '-76.358'), middle=STATIONARY, first_frequency='1600.0000')
    lines = text.splitlines(keepends=True)
    results = [parse_gaussian(''.join(lines[:count])) for count in range(0, len(lines) - 1, 7)]
    assert not any(result.success for result in results)
    assert not parse_gaussian(text[len(text) // 2 :]).success


def test_end_of_the_first_of_two_steps_is_no_end():
    """``Opt Freq`` ends normally twice."""
    first = short_gaussian(route='#P RB3LYP/Def2SVP Opt Freq', steps=('-76.3', '-76.358'), middle=STATIONARY)
    assert parse_gaussian(first).failure == 'output_truncated'
    second = ' Link1:  Proceeding to internal job step number  2.\n'
    assert parse_gaussian(first + second).failure == 'output_truncated'
    whole = first + second + short_gaussian(first_frequency='1600.0000').split('Multiplicity = 1\n')[1]
    assert parse_gaussian(whole).success


@pytest.mark.parametrize(
    'text', ['', ' \n', '\x00' * 99, '\ufffd' * 999, 'SCF Done:  E(RHF) = x A.U. after 1 cycles\n' * 9]
)
def test_noise(text):
    assert not parse_gaussian(text).success


def test_wrapped_route():
    """Gaussian breaks the line at its column, also within a word."""
    text = short_gaussian(route='#P RB3LYP/Def2S\n VP SCF=(Tight) NoSy\n mm')
    assert read_route(text) == '#P RB3LYP/Def2SVP SCF=(Tight) NoSymm'
    assert parse_gaussian(text).basis == 'Def2SVP'


def test_frames():
    """The frame of the input is that of gradients and restarts, whichever is printed last."""
    standard = short_gaussian().split(' Charge =')[1].split('Hartrees.')[0]
    standard = (
        standard[standard.index('  Input') :]
        .split('    24 basis')[0]
        .replace('Input', 'Standard')
        .replace('0.118', '0.777')
    )
    assert np.isclose(parse_gaussian(short_gaussian(middle=standard)).geometry[0, 2] * BOHR_TO_ANGSTROM, 0.118)
