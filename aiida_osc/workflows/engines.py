"""The programs that run one calculation per job: which work chain, and what it is given."""

from importlib import import_module

from aiida.orm import AbstractCode, StructureData

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.scheme import PROGRAM_ENGINES


def engine_process(engine: str, code: AbstractCode, structure: StructureData, calculation: Calculation, options: dict):
    """Return the base work chain of an engine and the inputs of one calculation.

    :param options: ``metadata.options`` of the job; threads and memory follow from them.
    :raises OscError: when there is no such engine, its plugin is not installed, or it cannot do the calculation.
    """
    if engine not in PROGRAM_ENGINES:
        raise OscError(f'{engine} runs no single calculations: use one of {", ".join(PROGRAM_ENGINES)}')
    module = import_module(f'aiida_osc.workflows.base.{engine}')
    process = getattr(module, f'{engine.capitalize()}BaseWorkChain')
    make_inputs = getattr(module, f'make_{engine}_inputs')
    return process, {engine: make_inputs(code, structure, calculation, options)}
