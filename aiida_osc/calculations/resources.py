"""What a job is given: cores and memory by its options, or by its computer where they do not say; variables."""

from typing import Any

from aiida.orm import Computer


def count_cores(resources: dict[str, Any], default: int | None = None) -> int:
    """Return how many processes or threads a program may use on its machine.

    :param resources: ``metadata.options.resources``.
    :param default: processes per machine where the resources do not say, from the computer.
    """
    if 'num_cores_per_machine' in resources:
        return int(resources['num_cores_per_machine'])
    processes = resources.get('num_mpiprocs_per_machine') or resources.get('tot_num_mpiprocs') or default or 1
    return int(processes * (resources.get('num_cores_per_mpiproc') or 1))


def find_memory(options: dict[str, Any], computer: Computer | None) -> int | None:
    """Return the memory in kB that the scheduler gives a job on one machine, None when nothing limits it.

    :param options: ``metadata.options``.
    """
    limit = options.get('max_memory_kb')
    return limit or (computer.get_default_memory_per_machine() if computer is not None else None)


def clean_environment() -> dict[str, str]:
    """Return ``metadata.options.environment_variables`` for programs with a Python of their own.

    AiiDA's daemon runs with a PYTHONPATH of its own environment. Psi4, or another interpreter of a code, would import
    packages from there that are not made for it. What a code's prepend text sets afterwards stays.
    """
    return {'PYTHONPATH': ''}
