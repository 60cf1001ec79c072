"""CalcJob: one molecule at one charge by Psi4."""

import json

from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob
from aiida.orm import Dict, RemoteData, StructureData

from aiida_osc.calculations.launch_lock import APPEND, PREPEND, STATUS_FILE
from aiida_osc.calculations.resources import clean_environment, count_cores, find_memory
from aiida_osc.calculations.structures import read_structure
from aiida_osc.calculations.validation import first_complaint
from aiida_osc.errors import OscError
from aiida_osc.qc.atomic_input import check_atomic_input
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.geometry_checks import check_geometry
from aiida_osc.qc.psi4_input import (
    ORBITALS_FILE,
    PARENT_FILE,
    QCSCHEMA_FILE,
    RESULTS_FILE,
    Psi4Settings,
    check_psi4,
    memory_for,
    render_input,
    render_qcschema_input,
)

INPUT_FILE = 'input.py'
OUTPUT_FILE = 'output.txt'
LOG_FILE = 'psi4.log'
RETRIEVED = (RESULTS_FILE, OUTPUT_FILE, LOG_FILE, STATUS_FILE)
#: Share of the job's wall time after which an optimisation ends by itself, so that everything is written.
WALLTIME_SHARE = 0.95


def validate_parameters(node: Dict, _) -> str | None:
    """Return why the parameters are unusable, None when they are fine."""
    return _complaint(lambda: Calculation.from_dict(node.get_dict()))


def validate_settings(node: Dict, _) -> str | None:
    """Return why the settings are unusable, None when they are fine."""
    return _complaint(lambda: Psi4Settings.from_dict(node.get_dict()))


def validate_structure(node: StructureData, _) -> str | None:
    """Return why the structure is no molecule, None when it is one."""
    return _complaint(lambda: check_geometry(*read_structure(node)))


def validate_qcschema(node: Dict, _) -> str | None:
    """Return why the AtomicInput is unusable, None when it is fine."""
    return _complaint(lambda: check_atomic_input(node.get_dict()))


def validate_resources(value: dict, _) -> str | None:
    """Return why the resources do not fit one process with threads, None when they do."""
    if value.get('num_machines', 1) != 1:
        return 'Psi4 works on one machine: set num_machines to 1 and give it more cores there'
    return None


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why the inputs do not fit together, None when they do."""
    given = [name for name in ('qcschema', 'parameters', 'structure') if name in inputs]
    if given not in (['qcschema'], ['parameters', 'structure']):
        return f'{" and ".join(given) or "nothing"} given: give either qcschema, or parameters and structure'
    if given == ['qcschema'] and {'settings', 'parent_folder'} & set(inputs):
        return 'settings and parent_folder belong to parameters and structure: leave them out with qcschema'
    if 'code' in inputs and inputs['code'].use_double_quotes:
        return 'the code quotes its command line with double quotes, which bash expands: set use_double_quotes to false'
    if len({inputs[name].computer.uuid for name in ('code', 'parent_folder') if name in inputs}) > 1:
        return 'parent_folder lies on another computer than the code: files are copied on one computer only'
    if given == ['qcschema']:
        return None
    calculation, structure = inputs['parameters'], inputs['structure']
    return _complaint(lambda: check_psi4(Calculation.from_dict(calculation.get_dict()), *read_structure(structure)))


def _complaint(check) -> str | None:
    try:
        check()
    except OscError as exception:
        return str(exception)
    return None


class Psi4Calculation(CalcJob):
    """Compute energy, gradient, minimum or frequencies of one molecule at one charge by Psi4."""

    #: Raise when the same inputs give other numbers: results of older versions are no cache any more.
    CACHE_VERSION = 1

    @classmethod
    def define(cls, spec):
        """Declare ports, options and exit codes."""
        super().define(spec)
        spec.inputs['code'].required = True
        spec.input(
            'parameters',
            valid_type=Dict,
            required=False,
            validator=validate_parameters,
            help='What to compute: driver, model (method, basis, dispersion, ...), charge, multiplicity and so on.',
        )
        spec.input(
            'structure',
            valid_type=StructureData,
            required=False,
            validator=validate_structure,
            help='The molecule, not periodic.',
        )
        spec.input(
            'settings',
            valid_type=Dict,
            required=False,
            validator=validate_settings,
            help='Numbers of Psi4 alone: scf_iterations, density_fitting, radial_points, spherical_points.',
        )
        spec.input(
            'qcschema',
            valid_type=Dict,
            required=False,
            validator=validate_qcschema,
            help='An AtomicInput of QCSchema version 1, instead of parameters and structure.',
        )
        spec.input(
            'parent_folder',
            valid_type=RemoteData,
            required=False,
            help='Folder of an earlier job on the same molecule: its orbitals are the guess, and an optimisation '
            'goes on from its last geometry.',
        )
        cls._define_options(spec)
        cls._define_outputs(spec)
        spec.inputs.validator = first_complaint(spec.inputs.validator, validate_inputs)

    @classmethod
    def _define_options(cls, spec):
        options = spec.inputs['metadata']['options']
        options['parser_name'].default = 'osc.psi4'
        options['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        options['resources'].validator = validate_resources
        options['withmpi'].default = False
        options['environment_variables'].default = clean_environment
        options['input_filename'].default = INPUT_FILE
        options['output_filename'].default = OUTPUT_FILE

    @classmethod
    def _define_outputs(cls, spec):
        spec.output('results', valid_type=Dict, required=False, help='What Psi4 gave, keys as in QCSchema.')
        spec.output('structure', valid_type=StructureData, required=False, help='The last structure when atoms moved.')
        spec.output('qcschema', valid_type=Dict, required=False, help='The AtomicResult, when qcschema was given.')
        spec.default_output_node = 'results'
        for failure in FAILURES.values():
            spec.exit_code(failure.status, failure.label, message=failure.message, invalidates_cache=True)

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the input; list what is copied from the parent and what is retrieved."""
        with folder.open(INPUT_FILE, 'w', encoding='utf-8') as handle:
            handle.write(self._render())
        if 'qcschema' in self.inputs:
            with folder.open(QCSCHEMA_FILE, 'w', encoding='utf-8') as handle:
                json.dump(self.inputs.qcschema.get_dict(), handle, allow_nan=False)
        code_info = CodeInfo()
        code_info.code_uuid = self.inputs.code.uuid
        # Other words for the same would be read as input and output by some versions.
        names = ['-i', INPUT_FILE, '-o', OUTPUT_FILE, '-n', str(self._threads())]
        code_info.cmdline_params = [*names, '--skip-preprocessor']
        code_info.stdout_name = LOG_FILE
        code_info.join_files = True
        code_info.withmpi = False
        calc_info = CalcInfo()
        calc_info.codes_info = [code_info]
        calc_info.prepend_text, calc_info.append_text = PREPEND, APPEND
        calc_info.retrieve_list = list(RETRIEVED)
        calc_info.remote_copy_list = self._copies()
        return calc_info

    def _copies(self) -> list[tuple[str, str, str]]:
        """Return what is copied from the folder of the parent; what is not there is left out by the engine."""
        if 'parent_folder' not in self.inputs:
            return []
        parent = self.inputs.parent_folder
        names = {ORBITALS_FILE: ORBITALS_FILE, RESULTS_FILE: PARENT_FILE}
        path = parent.get_remote_path()
        return [(parent.computer.uuid, f'{path}/{source}', target) for source, target in names.items()]

    def _render(self) -> str:
        options = self.inputs.metadata.options
        threads, memory = self._threads(), memory_for(find_memory(options, self.inputs.code.computer))
        if 'qcschema' in self.inputs:
            return render_qcschema_input(threads=threads, memory_mb=memory)
        wall = options.get('max_wallclock_seconds')
        settings = self.inputs.settings.get_dict() if 'settings' in self.inputs else {}
        return render_input(
            Calculation.from_dict(self.inputs.parameters.get_dict()),
            *read_structure(self.inputs.structure),
            threads=threads,
            memory_mb=memory,
            settings=Psi4Settings.from_dict(settings),
            deadline=WALLTIME_SHARE * wall if wall else None,
        )

    def _threads(self) -> int:
        resources = self.inputs.metadata.options.resources
        return count_cores(resources, self.inputs.code.computer.get_default_mpiprocs_per_machine())
