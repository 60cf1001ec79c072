"""Errors of levels against published values."""

from pathlib import Path

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.level_uncertainty import (
    FEWEST,
    LevelError,
    compare,
    find_deviations,
    load_errors,
    read_errors,
    uncertainty,
    write_errors,
)
from aiida_osc.qc.levels import GFN2, IPEA1
from aiida_osc.qc.reference import Reference

NAMES = ('a', 'b', 'c', 'd')
ROW = LevelError('ea_adiabatic', 'L//L', 4, -0.25, 0.25, 0.3, 'experiment')


def published(key, value, kind='experiment', target='ea_adiabatic'):
    return Reference(key, 'C', key, target, value, None, kind, '10.1000/182')


def labels(columns):
    return MoleculeTable(('C',) * 4, NAMES, ('test',) * 4, {Column(*key): np.array(v) for key, v in columns.items()})


def test_errors_of_hand_made_numbers():
    table = labels({('ea_adiabatic', 'L//L'): [1.1, 0.7, 5.0, np.nan]})
    (row,) = compare(
        table, [published('a', 1.0), published('b', 1.0), published('d', 2.0), published('elsewhere', 1.0)]
    )
    # errors +0.1 and -0.3: mean -0.1, absolute 0.2, root mean square sqrt(0.05)
    assert (row.target, row.level, row.molecules, row.kinds) == ('ea_adiabatic', 'L//L', 2, 'experiment')
    assert row.mean_signed_eV == pytest.approx(-0.1)
    assert row.mean_absolute_eV == pytest.approx(0.2)
    assert row.root_mean_square_eV == pytest.approx(0.05**0.5)


def test_levels_and_targets_stay_apart_and_other_environments_are_left_out():
    table = labels({
        ('ea_adiabatic', 'L//L'): [1.0] * 4,
        ('ea_adiabatic', 'M//L'): [2.0] * 4,
        ('ie_vertical', 'L//L'): [9.0] * 4,
        ('ea_adiabatic', 'L//L', 'cpcm(eps=3.5)'): [7.0] * 4,
        ('gap', 'L//L'): [3.0] * 4,
    })  # fmt: skip
    rows = compare(table, [published('a', 1.0), published('b', 8.0, target='ie_vertical')])
    assert [(row.level, row.target, row.mean_signed_eV) for row in rows] == [
        ('L//L', 'ea_adiabatic', 0.0),
        ('L//L', 'ie_vertical', 1.0),
        ('M//L', 'ea_adiabatic', 1.0),
    ]


def test_a_measurement_goes_before_theory():
    table = labels({('ea_adiabatic', 'L//L'): [1.0] * 4})
    found = find_deviations(
        table, [published('a', 3.0, 'CCSD(T)'), published('a', 1.5), published('b', 2.0, 'CCSD(T)')]
    )
    assert [item.error for item in found] == [-0.5, -1.0]
    assert compare(table, [item.reference for item in found])[0].kinds == 'experiment+CCSD(T)'


def test_nothing_to_compare_gives_nothing():
    assert compare(MoleculeTable(), [published('a', 1.0)]) == ()


def test_written_rows_are_read_again_and_the_file_says_what_made_it():
    text = write_errors([ROW], 'python make.py', {'tblite': '0.8.0', 'aiida-osc': '0.1'})
    assert text.splitlines()[:2] == ['# written by: python make.py', '# versions: aiida-osc 0.1, tblite 0.8.0']
    assert read_errors(text) == (ROW,)


@pytest.mark.parametrize(
    'bad',
    [
        'ea_adiabatic,L//L,4,-0.25,0.25,experiment',
        'ea_adiabatic,L//L,four,-0.25,0.25,0.3,experiment',
        'affinity,L//L,4,-0.25,0.25,0.3,experiment',
        'ea_adiabatic,L//L,4,-0.25,0.1,0.3,experiment',
        'ea_adiabatic,L//L,4,-0.25,0.25,0.2,experiment',
        'ea_adiabatic,L//L,4,nan,nan,nan,experiment',
        'ea_adiabatic,L//L,0,-0.25,0.25,0.3,experiment',
        'ea_adiabatic,L//L,4,-0.25,0.25,0.3,experiment\nea_adiabatic,L//L,4,-0.25,0.25,0.3,experiment',
    ],
)
def test_damaged_rows_are_refused(bad):
    header = write_errors([], 'x', {})
    with pytest.raises(OscError, match=r'benchmarks/accuracy\.py'):
        read_errors(header + bad + '\n')


def test_a_file_without_the_columns_is_refused():
    with pytest.raises(OscError, match='must have the columns'):
        read_errors('# only a comment\n')


def test_the_shipped_file_covers_the_levels_of_xtb():
    found = {(row.target, row.level): row for row in load_errors()}
    for kind in ('ie_vertical', 'ie_adiabatic', 'ea_vertical', 'ea_adiabatic'):
        assert found[kind, IPEA1].molecules >= 4
        assert 0.05 < uncertainty(kind, IPEA1) < 0.5  # 0.1 to 0.5 eV for acenes and acceptors
    # GFN2 reorganisation energies of the acenes are half to two thirds of B3LYP's 0.1 to 0.2 eV
    assert -0.1 < found['lambda_hole', GFN2].mean_signed_eV < -0.03


def test_what_was_not_measured_has_no_uncertainty():
    assert uncertainty('lambda_electron', GFN2) is None
    assert uncertainty('ea_adiabatic', 'HF/STO-3G//HF/STO-3G') is None


def test_too_few_molecules_give_no_uncertainty(monkeypatch):
    rows = [LevelError('ea_adiabatic', f'{n}', n, 0.1, 0.1, 0.1, 'experiment') for n in (FEWEST - 1, FEWEST)]
    monkeypatch.setattr('aiida_osc.qc.level_uncertainty.load_errors', lambda: tuple(rows))
    assert uncertainty('ea_adiabatic', str(FEWEST - 1)) is None
    assert uncertainty('ea_adiabatic', str(FEWEST)) == 0.1


def test_the_page_shows_the_shipped_numbers():
    page = Path(__file__).parents[2] / 'docs' / 'topics' / 'accuracy.md'
    text = page.read_text(encoding='utf-8')
    for row in load_errors():
        assert f'| {row.level} | {row.target} | {row.molecules} | {row.mean_signed_eV:+.3f} |' in text
