"""What the inputs of programs with a plugin of their own share: resources, the launch lock, files of the job before."""

import shlex
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from aiida.orm import AbstractCode
from ase.data import atomic_numbers

from aiida_osc.calculations import launch_lock
from aiida_osc.calculations.resources import count_cores, find_memory
from aiida_osc.calculations.structures import read_structure
from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import check_electrons
from aiida_osc.qc.methods import check_basis

#: Memory of each process where the options set no limit, in MB.
DEFAULT_MEMORY_MB = 2000
HEADER = '# --- orbitals of the job before; without them the usual guess'


def job_resources(code: AbstractCode, options: dict[str, Any]) -> tuple[int, int]:
    """Return the number of cores and the memory in MB that the options of a job give it.

    :param options: ``metadata.options``.
    """
    resources, computer = options.get('resources', {}), code.computer
    cores = count_cores(resources, computer.get_default_mpiprocs_per_machine() if computer else None)
    cores *= int(resources.get('num_machines') or 1)
    limit = find_memory(options, computer)
    return cores, limit // 1024 if limit else DEFAULT_MEMORY_MB * cores


def job_options(options: dict[str, Any], parser: str, *, after: str = '', retrieved: tuple[str, ...] = ()) -> dict:
    """Return the options with our parser and the launch lock.

    :param after: shell text behind the program.
    :param retrieved: further files to retrieve.
    """
    return {
        **options,
        'parser_name': parser,
        'withmpi': False,
        'prepend_text': joined(options.get('prepend_text'), launch_lock.PREPEND),
        'append_text': joined(launch_lock.APPEND, after, options.get('append_text')),
        'additional_retrieve_list': [
            launch_lock.STATUS_FILE,
            *retrieved,
            *options.get('additional_retrieve_list', []),
        ],
    }


def joined(*texts: str | None) -> str:
    """Return shell texts one below the other."""
    return '\n'.join(text for text in texts if text)


def copy_orbitals(folder: str, name: str, new_name: str, *, otherwise: str) -> str:
    """Return the shell text that copies the orbitals of another job on the same computer.

    :param otherwise: what to do when there are none.
    """
    source = shlex.quote(str(PurePosixPath(folder) / name))
    return f'{HEADER}\n[ -s {source} ] && cp -- {source} {new_name} || {otherwise}'


def with_orbitals_copied(options: dict[str, Any], copy: str) -> dict[str, Any]:
    """Return options whose ``prepend_text`` ends with ``copy`` in place of an earlier one."""
    own = options.get('prepend_text', '').split(HEADER)[0].rstrip('\n')
    return {**options, 'prepend_text': joined(own, copy)}


def validate_with(check: Callable[[dict[str, Any]], None]) -> Callable:
    """Return a validator of ``parameters`` that answers with the sentence of ``check``."""

    def validate(node, _):
        try:
            check(node.get_dict())
        except OscError as exception:
            return str(exception)
        return None

    return validate


def validate_molecule_with(read_basis: Callable[[dict[str, Any]], str | None]) -> Callable:
    """Return a validator of a namespace with ``structure`` and ``parameters``.

    :param read_basis: gives the basis of the parameters.
    """

    def validate(inputs, _):
        if 'structure' not in inputs or 'parameters' not in inputs:
            return None
        parameters = inputs['parameters'].get_dict()
        try:
            numbers = tuple(atomic_numbers[symbol] for symbol in read_structure(inputs['structure'])[0])
            check_electrons(sum(numbers), parameters['charge'], parameters['multiplicity'])
            basis = read_basis(parameters)
            if basis:
                check_basis(basis, numbers)
        except OscError as exception:
            return str(exception)
        return None

    return validate
