"""Tests of reading xtb's text; the files are real runs of xtb 6.5.1 on water and ethanol."""

from pathlib import Path

import numpy as np
import pytest

from aiida_osc.qc.xtb_output import parse_xtb
from aiida_osc.units import HARTREE_TO_EV

FOLDER = Path(__file__).parent / 'fixtures' / 'xtb'


def read(name):
    return (FOLDER / f'{name}.out').read_text()


def test_optimisation():
    result = parse_xtb(read('opt'))

    assert result.success, result.reason
    assert (result.version, result.method, result.driver) == ('6.5.1', 'GFN2-xTB', 'optimization')
    assert result.symbols == ('C', 'C', 'O', 'H', 'H', 'H', 'H', 'H', 'H')
    assert result.geometry.shape == (9, 3)
    assert result.optimization_converged is True
    assert result.energy == pytest.approx(min(result.optimization_energies), abs=1e-6)
    homo, lumo = result.frontier
    assert lumo - homo == pytest.approx(
        float(read('opt').split('HOMO-LUMO GAP')[1].split()[0]) / HARTREE_TO_EV, abs=1e-5
    )


def test_cation_has_one_unpaired_electron():
    result = parse_xtb(read('cation'))
    assert (result.charge, result.multiplicity) == (1, 2)
    assert (result.occupied_a, result.occupied_b) == (4, 3)
    assert result.symbols == ('O', 'H', 'H')
    assert result.geometry is None, 'no structure is printed but the input names one'


def test_frequencies_without_translations_and_rotations():
    result = parse_xtb(read('frequencies'))
    assert result.driver == 'frequencies'
    assert len(result.frequencies) == 3
    assert (np.diff(result.frequencies) > 0).all()
    assert result.frequencies[0] > 1000


def test_solvent():
    result = parse_xtb(read('alpb'))
    assert result.solvent == 'water'
    assert result.solvation_energy == pytest.approx(-0.019195621438)


@pytest.mark.parametrize(
    ('name', 'kind', 'words'),
    [
        ('failed_scf', 'scf_not_converged', 'iterator did not converge'),
        ('failed_geometry', 'geometry_not_converged', 'IN 2 ITERATIONS'),
        ('missing', 'input_refused', 'No input file'),
    ],
)
def test_failures(name, kind, words):
    result = parse_xtb(read(name))
    assert result.failure == kind
    assert words in result.reason


@pytest.mark.parametrize('name', ['opt', 'cation', 'frequencies', 'alpb'])
def test_no_part_of_an_output_passes_for_the_whole(name):
    lines = read(name).splitlines(keepends=True)
    end = next(place for place, line in enumerate(lines) if '* finished run on' in line)
    for length in range(0, end, 11):
        result = parse_xtb(''.join(lines[:length]))
        assert not result.success
        assert result.reason


def test_noise_is_no_result():
    noise = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes().decode('utf-8', errors='replace')
    assert parse_xtb(noise).failure == 'output_truncated'
    assert parse_xtb('').failure == 'output_missing'
