"""Tests of the checks of QCSchema inputs."""

import copy

import numpy as np
import pytest

from aiida_osc.errors import OscError
from aiida_osc.qc.atomic_input import check_atomic_input, read_molecule

WATER = {
    'schema_name': 'qcschema_input',
    'schema_version': 1,
    'driver': 'energy',
    'keywords': {'scf_type': 'df'},
    'model': {'method': 'b3lyp-d3(bj)', 'basis': '6-31+G**'},
    'molecule': {'symbols': ['O', 'H', 'H'], 'geometry': [0, 0, 0.2, 0, 1.4, -0.9, 0, -1.4, -0.9]},
}


def changed(path, value):
    content = copy.deepcopy(WATER)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


def test_reads_a_molecule():
    check_atomic_input(WATER)
    symbols, positions, charge, multiplicity = read_molecule(WATER)
    assert (symbols, charge, multiplicity) == (('O', 'H', 'H'), 0, 1)
    np.testing.assert_array_equal(positions[1], [0, 1.4, -0.9])


@pytest.mark.parametrize(
    ('path', 'value', 'words'),
    [
        (['schema_name'], 'qcschema_molecule', 'qcschema_input and 1'),
        (['schema_version'], 2, 'qcschema_input and 1'),
        (['driver'], 'optimization', 'use one of energy'),
        (['model'], None, 'method and basis'),
        (['model', 'method'], "hf'); import os; ('", 'method and basis'),
        (['model', 'basis'], '', 'method and basis'),
        (['keywords'], [], 'option names'),
        (['keywords'], {'a b': 1}, 'option names'),
        (['molecule'], {}, 'symbols and geometry'),
        (['molecule', 'symbols'], ['O', 'H', 'Q'], 'no elements'),
        (['molecule', 'symbols'], ['O', 'H'], 'x, y, z'),
        (['molecule', 'geometry'], 'none', 'x, y, z'),
        (['molecule', 'geometry'], [0, 0, 0, 0, 0, 0.1, 0, 0, 3], 'on top of each other'),
        (['molecule', 'molecular_charge'], 0.5, 'whole numbers'),
        (['molecule', 'molecular_multiplicity'], 2, 'cannot have multiplicity 2'),
    ],
)
def test_refuses_with_a_sentence(path, value, words):
    with pytest.raises(OscError, match=words):
        check_atomic_input(changed(path, value))
