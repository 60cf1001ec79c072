"""CalcJob: the four-point scheme of many molecules in one job."""

import json
from typing import Any

from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob
from aiida.orm import Dict, RemoteData

from aiida_osc.calculations.resources import clean_environment, count_cores, find_memory
from aiida_osc.calculations.validation import first_complaint
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Model
from aiida_osc.qc.fourpoint import formula
from aiida_osc.qc.levels import fourpoint_columns
from aiida_osc.qc.methods import check_basis
from aiida_osc.qc.pyscf_level import pyscf_level
from aiida_osc.qc.runner_archive import RUNNER, write_runner
from aiida_osc.qc.scheme import BATCH_ENGINES, FourPointSettings

INPUT_FILE = 'input.json'
RESULTS_FILE = 'results.jsonl'
PROGRESS_FILE = 'progress.json'
SUMMARY_FILE = 'summary.json'
LOG_FILE = 'runner.log'
OUTPUT_FILE = 'runner.out'
STATUS_FILE = 'runner.status'
RETRIEVED = (RESULTS_FILE, PROGRESS_FILE, SUMMARY_FILE, LOG_FILE, STATUS_FILE)
INPUT_FORMAT = 1
PARAMETER_KEYS = ('engine', 'seed', 'settings', 'energy', 'geometry')
#: Share of the job's memory that PySCF may plan with; the rest is Python, libraries and what it does not count.
MEMORY_SHARE = 0.8
#: Share of the job's wall time after which the runner ends by itself, so that everything is written.
WALLTIME_SHARE = 0.95
#: status, label, message: 2xx bad input, 3xx nothing usable, 4xx partial with the outputs attached.
EXIT_CODES = (
    (
        201,
        'ERROR_INPUT_REFUSED',
        'The runner refused its input: {reason}',
    ),
    (
        301,
        'ERROR_NO_RESULTS',
        'The job wrote nothing that can be read ({reason}); look at its files with "verdi calcjob outputls" and '
        '"verdi calcjob outputcat".',
    ),
    (
        302,
        'ERROR_ENGINE_MISSING',
        'The Python of the code lacks a package ({reason}); install it there, or use another code.',
    ),
    (
        303,
        'ERROR_NO_EXECUTABLE',
        'The executable of the code could not be started ({reason}); correct its path with a new code.',
    ),
    (
        304,
        'ERROR_INTERRUPTED_EARLY',
        'The job ended before it had finished one of its {total} molecules; submit it again, with more time or memory.',
    ),
    (
        401,
        'ERROR_INTERRUPTED',
        'The job was interrupted after {done} of {total} molecules, which are in the outputs; for the rest give its '
        'remote folder as parent_folder to a new job.',
    ),
    (
        402,
        'ERROR_OUT_OF_WALLTIME',
        'The wall time was over after {done} of {total} molecules, which are in the outputs; for the rest give its '
        'remote folder as parent_folder to a new job.',
    ),
    (
        403,
        'ERROR_OUT_OF_MEMORY',
        'The job was killed, most likely for lack of memory, after {done} of {total} molecules, which are in the '
        'outputs; give a new job fewer cores or more memory, and the remote folder of this one as parent_folder.',
    ),
)


def validate_molecules(node: MoleculeSetData, _) -> str | None:
    """Return why the molecules cannot be treated, None when they can."""
    if node.count == 0:
        return 'no molecules: give a set with at least one'
    return None


def validate_parameters(node: Dict, _) -> str | None:
    """Return why the parameters are unusable, None when they are fine."""
    values = node.get_dict()
    unknown = sorted(set(values) - set(PARAMETER_KEYS))
    if unknown:
        return f'unknown key {unknown[0]!r}: use {", ".join(PARAMETER_KEYS)}'
    if values.get('engine', BATCH_ENGINES[0]) not in BATCH_ENGINES:
        return f'unknown engine {values["engine"]!r}: use {", ".join(BATCH_ENGINES)}'
    seed = values.get('seed', 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        return f'seed {seed!r}: give a whole number of at least 0'
    if not isinstance(values.get('settings', {}), dict):
        return f'settings {values["settings"]!r}: give a mapping'
    try:
        runner_levels(FourPointSettings.from_dict(values))
    except ValueError as exception:
        return str(exception)
    return None


def validate_resources(value: dict, _) -> str | None:
    """Return why the resources do not fit one process on one machine, None when they do."""
    if value.get('num_machines', 1) != 1:
        return 'the runner works on one machine: set num_machines to 1 and submit more jobs instead'
    return None


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why the inputs do not fit together, None when they do."""
    if 'code' in inputs and inputs['code'].use_double_quotes:
        return 'the code quotes its command line with double quotes, which bash expands: set use_double_quotes to false'
    computers = {inputs[name].computer.uuid for name in ('code', 'parent_folder') if name in inputs}
    if len(computers) > 1:
        return 'parent_folder lies on another computer than the code: files are copied on one computer only'
    return _validate_basis(inputs) if 'molecules' in inputs and 'parameters' in inputs else None


def _validate_basis(inputs: dict) -> str | None:
    """Return which element the basis has no functions for, None when it has them for all."""
    settings = FourPointSettings.from_dict(inputs['parameters'].get_dict())
    models = [model for model in (settings.energy, settings.geometry) if isinstance(model, Model)]
    if not models:
        return None
    numbers = tuple({number for smiles in inputs['molecules'].load().smiles for number in formula(smiles)})
    try:
        for model in models:
            check_basis(model.basis, numbers)
    except OscError as exception:
        return str(exception)
    return None


class FourPointBatchCalculation(CalcJob):
    """Compute the four-point scheme at charge 0, +1 and -1 for many molecules by one Python process."""

    #: Raise when the runner gives other numbers for the same input: results of older versions are no cache any more.
    CACHE_VERSION = 2

    @classmethod
    def define(cls, spec):
        """Declare ports, options and exit codes."""
        super().define(spec)
        spec.inputs['code'].required = True
        spec.input('molecules', valid_type=MoleculeSetData, validator=validate_molecules, help='What to compute.')
        spec.input(
            'parameters',
            valid_type=Dict,
            default=lambda: Dict({}),
            validator=validate_parameters,
            help='``engine`` (tblite or pyscf), ``seed`` and ``settings`` of the runner; for pyscf the levels '
            '``energy`` and ``geometry`` (method, basis, dispersion, epsilon, cartesian), the latter '
            'also the text GFN2-xTB.',
        )
        spec.input(
            'geometries',
            valid_type=GeometrySetData,
            required=False,
            help='Start structures at charge 0, by InChIKey; the others start from ETKDGv3 + MMFF94.',
        )
        spec.input(
            'parent_folder',
            valid_type=RemoteData,
            required=False,
            help='Folder of an interrupted job with the same molecules: what it has finished is kept.',
        )
        cls._define_options(spec)
        cls._define_outputs(spec)
        spec.inputs.validator = first_complaint(spec.inputs.validator, validate_inputs)

    @classmethod
    def _define_options(cls, spec):
        options = spec.inputs['metadata']['options']
        options['parser_name'].default = 'osc.fourpoint_batch'
        options['resources'].default = lambda: {'num_machines': 1}
        options['resources'].validator = validate_resources
        options['withmpi'].default = False
        options['environment_variables'].default = clean_environment
        options['input_filename'].default = INPUT_FILE
        options['output_filename'].default = OUTPUT_FILE

    @classmethod
    def _define_outputs(cls, spec):
        spec.output('labels', valid_type=MoleculeSetData, help='Molecules that passed every check, with their labels.')
        spec.output('geometries', valid_type=GeometrySetData, help='Their optimised structures at charge 0, +1, -1.')
        spec.output('results', valid_type=Dict, help='Counts, costs, versions, and the reason of every failure.')
        spec.default_output_node = 'results'
        for status, label, message in EXIT_CODES:
            spec.exit_code(status, label, message=message, invalidates_cache=True)

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the runner and its input; list what is copied from the parent and what is retrieved."""
        with folder.open(RUNNER, 'wb') as handle:
            write_runner(handle)
        with folder.open(INPUT_FILE, 'w', encoding='utf-8') as handle:
            json.dump(self._runner_input(), handle, allow_nan=False)
        code_info = CodeInfo()
        code_info.code_uuid = self.inputs.code.uuid
        code_info.cmdline_params = [RUNNER]
        code_info.stdout_name = self.inputs.metadata.options.output_filename
        code_info.join_files = True
        code_info.withmpi = False
        calc_info = CalcInfo()
        calc_info.codes_info = [code_info]
        # The scheduler does not tell how the runner ended; 127 or 137 say more than missing files do.
        calc_info.append_text = f'echo $? > {STATUS_FILE}'
        calc_info.retrieve_list = [*RETRIEVED, code_info.stdout_name]
        if 'parent_folder' in self.inputs:
            parent = self.inputs.parent_folder
            source = f'{parent.get_remote_path()}/{RESULTS_FILE}'
            calc_info.remote_copy_list = [(parent.computer.uuid, source, RESULTS_FILE)]
        return calc_info

    def _runner_input(self) -> dict[str, Any]:
        """Return the content of ``input.json``."""
        options = self.inputs.metadata.options
        parameters = self.inputs.parameters.get_dict()
        settings = dict(parameters.get('settings', {}))
        if 'max_wallclock_seconds' in options:
            settings.setdefault('max_wall_seconds', WALLTIME_SHARE * options.max_wallclock_seconds)
        memory = find_memory(options, self.inputs.code.computer)
        if memory:
            settings.setdefault('memory_mb', int(MEMORY_SHARE * memory / 1024))
        geometries = self.inputs.geometries.load() if 'geometries' in self.inputs else None
        return runner_input(
            self.inputs.molecules.load(),
            geometries,
            cores=count_cores(options.resources, self.inputs.code.computer.get_default_mpiprocs_per_machine()),
            engine=parameters.get('engine', BATCH_ENGINES[0]),
            seed=parameters.get('seed', 0),
            settings=settings,
            **runner_levels(FourPointSettings.from_dict(parameters)),
        )


def runner_levels(settings: FourPointSettings) -> dict[str, Any]:
    """Return what ``input.json`` says of levels: what to compute in PySCF's words, and what records call it.

    :raises OscError: when PySCF has no such level.
    """
    energy, geometry = settings.energy, settings.geometry
    columns = fourpoint_columns(energy, geometry)
    named = {
        'levels': {target: column.level for target, column in columns.items()},
        'environment': next(iter(columns.values())).environment,
        'geometry_level': geometry.name if isinstance(geometry, Model) else geometry,
    }
    if energy is None:
        return named
    where = pyscf_level(geometry) if isinstance(geometry, Model) else geometry
    return {**named, 'energy': pyscf_level(energy), 'geometry': where}


def runner_input(molecules: MoleculeTable, geometries: GeometryTable | None, **values: Any) -> dict[str, Any]:
    """Return what the runner reads: ``values``, and the molecules with their start structures.

    :param geometries: structures in Angstrom; molecules without one at charge 0 start from ``None``.
    """
    starts = geometries.select(molecules.inchikeys) if geometries is not None else [None] * len(molecules)
    rows = zip(molecules.inchikeys, molecules.smiles, starts, strict=True)
    listed = [
        {
            'key': key,
            'smiles': smiles,
            'start': None
            if start is None
            else {'numbers': start.numbers.tolist(), 'positions': start.positions.tolist()},
        }
        for key, smiles, start in rows
    ]
    return {'format': INPUT_FORMAT, **values, 'molecules': listed}
