"""Tests of what a job is given."""

import pytest

from aiida_osc.calculations.resources import count_cores, find_memory
from aiida_osc.calculations.validation import first_complaint


@pytest.mark.parametrize(
    ('resources', 'default', 'cores'),
    [
        ({}, None, 1),
        ({'num_machines': 1}, 6, 6),
        ({'num_mpiprocs_per_machine': 2}, 6, 2),
        ({'num_mpiprocs_per_machine': 2, 'num_cores_per_mpiproc': 3}, 6, 6),
        ({'num_cores_per_machine': 8, 'num_mpiprocs_per_machine': 2}, 6, 8),
    ],
)
def test_cores(resources, default, cores):
    assert count_cores(resources, default) == cores


def test_memory_is_that_of_the_options_else_that_of_the_computer(aiida_computer_local):
    computer = aiida_computer_local(label='with memory')
    assert find_memory({}, None) is None
    assert find_memory({}, computer) is None
    computer.set_default_memory_per_machine(4_000_000)
    assert find_memory({}, computer) == 4_000_000
    assert find_memory({'max_memory_kb': 500_000}, computer) == 500_000


def test_first_complaint():
    validate = first_complaint(
        None, lambda value, ctx: None, lambda value, ctx: f'no {value}', lambda value, ctx: 'late'
    )
    assert validate('cell', None) == 'no cell'
    assert first_complaint(None)('cell', None) is None
