"""CalcJob: train a model on a computer that needs no AiiDA, only the command ``aiida-osc``."""

import json

from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob
from aiida.orm import Dict, Int, Str

from aiida_osc.calculations import launch_lock
from aiida_osc.calculations.resources import clean_environment
from aiida_osc.calculations.validation import first_complaint
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.errors import OscError
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.training.artifact import CONFIG_FILE, WEIGHTS_FILE
from aiida_osc.training.settings import FitSettings

#: Kinds of models that the command trains, and their settings.
SETTINGS: dict[str, type[FitSettings]] = {
    'surrogate': SurrogateSettings,
    'jtvae': JtvaeSettings,
    'diffusion': ConformerSettings,
}
SETTINGS_FILE = 'settings.json'
OUTPUT_FILE = 'train.out'
MODEL_FOLDER, START_FOLDER = 'model', 'start'
MODEL_FILES = (WEIGHTS_FILE, CONFIG_FILE)
#: status, label, message: 2xx bad input, 3xx nothing usable, 4xx partial with a checkpoint as output.
EXIT_CODES = (
    (
        201,
        'ERROR_INPUT_REFUSED',
        'The command of the code does not know what it was asked ({reason}): install this version of aiida-osc there.',
    ),
    (
        301,
        'ERROR_NO_MODEL',
        'The job left no model that can be read ({reason}); look at its files with "verdi calcjob outputls" and '
        '"verdi calcjob outputcat".',
    ),
    (
        302,
        'ERROR_NO_EXECUTABLE',
        'The executable of the code could not be started ({reason}); correct its path with a new code.',
    ),
    (
        303,
        'ERROR_TRAINING_FAILED',
        'The training ended with an error: {reason}',
    ),
    (
        304,
        'ERROR_INTERRUPTED_EARLY',
        'The job ended before its first checkpoint ({reason}); give it more time or memory, or smaller piece_epochs.',
    ),
    (
        401,
        'ERROR_INTERRUPTED',
        'The job was interrupted after epoch {epoch} of {epochs}; give its output model to a new job as checkpoint.',
    ),
    (
        402,
        'ERROR_OUT_OF_WALLTIME',
        'The wall time was over after epoch {epoch} of {epochs}; give its output model to a new job as checkpoint.',
    ),
    (
        403,
        'ERROR_OUT_OF_MEMORY',
        'The job was killed, most likely for lack of memory, after epoch {epoch} of {epochs}; give its output model to '
        'a new job with more memory as checkpoint.',
    ),
)


def validate_kind(node: Str, _) -> str | None:
    """Return why there is no training of that kind, None when there is."""
    return None if node.value in SETTINGS else f'unknown kind {node.value!r}: use {", ".join(SETTINGS)}'


def validate_pieces(node: Int | None, _) -> str | None:
    """Return why the number is unusable, None when it is fine."""
    return None if node is None or node.value >= 0 else f'{node.value} pieces: give 0 or more'


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why the inputs do not fit together, None when they do."""
    if 'code' in inputs and inputs['code'].use_double_quotes:
        return 'the code quotes its command line with double quotes, which bash expands: set use_double_quotes to false'
    if 'kind' not in inputs:
        return None
    kind = inputs['kind'].value
    if kind == 'diffusion' and 'geometries' not in inputs:
        return 'a model of structures learns from structures: give geometries'
    if kind == 'jtvae' and 'geometries' in inputs:
        return 'a generator does not learn from structures: leave out geometries'
    if 'checkpoint' in inputs and inputs['checkpoint'].base.attributes.get('kind') != kind:
        return f'the checkpoint is a model of kind {inputs["checkpoint"].base.attributes.get("kind")!r}: give a {kind}'
    try:
        settings = SETTINGS[kind].from_dict(inputs['settings'].get_dict() if 'settings' in inputs else {})
        if isinstance(settings, SurrogateSettings):
            settings.check_structures('geometries' in inputs)
    except OscError as exception:
        return str(exception)
    return None


class TrainCalculation(CalcJob):
    """Train a surrogate, a generator or a model of structures by the command ``aiida-osc train``, in pieces."""

    @classmethod
    def define(cls, spec):
        """Declare ports, options and exit codes."""
        super().define(spec)
        spec.inputs['code'].required = True
        spec.input('kind', valid_type=Str, validator=validate_kind, help=f'What to train: {", ".join(SETTINGS)}.')
        spec.input('molecules', valid_type=MoleculeSetData, help='Molecules to learn from, with their labels.')
        spec.input(
            'geometries',
            valid_type=GeometrySetData,
            required=False,
            help='Structures to learn from, by InChIKey: for diffusion, and for surrogates with spatial members.',
        )
        spec.input(
            'settings',
            valid_type=Dict,
            default=lambda: Dict({}),
            help='Settings of that kind of training; ``piece_epochs`` says how often a checkpoint is written.',
        )
        spec.input('seed', valid_type=Int, default=lambda: Int(0), help='Seed of all random numbers.')
        spec.input(
            'checkpoint',
            valid_type=ModelData,
            required=False,
            help='An unfinished model to go on with, or a finished one for a warm start.',
        )
        spec.input(
            'pieces',
            valid_type=Int,
            default=lambda: Int(0),
            validator=validate_pieces,
            help='Pieces after which the job ends with a checkpoint; 0 to go on until the model is finished.',
        )
        cls._define_options(spec)
        spec.output('model', valid_type=ModelData, help='The finished model, or the last checkpoint.')
        spec.output('log', valid_type=Dict, help='``epochs``: the figures of every epoch up to there.')
        for status, label, message in EXIT_CODES:
            spec.exit_code(status, label, message=message, invalidates_cache=True)
        spec.inputs.validator = first_complaint(spec.inputs.validator, validate_inputs)

    @classmethod
    def _define_options(cls, spec):
        options = spec.inputs['metadata']['options']
        options['parser_name'].default = 'osc.train'
        options['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        options['withmpi'].default = False
        options['environment_variables'].default = clean_environment
        options['output_filename'].default = OUTPUT_FILE

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the settings, list what is copied from the repository and what is retrieved."""
        with folder.open(SETTINGS_FILE, 'w', encoding='utf-8') as handle:
            json.dump(self.inputs.settings.get_dict(), handle, allow_nan=False)
        code_info = CodeInfo()
        code_info.code_uuid = self.inputs.code.uuid
        code_info.cmdline_params = self._command()
        code_info.stdout_name = self.inputs.metadata.options.output_filename
        code_info.join_files = True
        code_info.withmpi = False
        calc_info = CalcInfo()
        calc_info.codes_info = [code_info]
        calc_info.prepend_text, calc_info.append_text = launch_lock.PREPEND, launch_lock.APPEND
        calc_info.local_copy_list = self._copies()
        models = [(f'{MODEL_FOLDER}/{name}', '.', 2) for name in MODEL_FILES]
        calc_info.retrieve_list = [*models, code_info.stdout_name, launch_lock.STATUS_FILE]
        return calc_info

    def _command(self) -> list[str]:
        """Return the arguments of ``aiida-osc``."""
        kind, pieces = self.inputs.kind.value, self.inputs.pieces.value
        molecules, structures = MoleculeSetData.FILE_NAME, GeometrySetData.FILE_NAME
        words = ['train', kind, '--data', molecules]
        if kind == 'diffusion':
            words = ['train', kind, '--data', structures, '--molecules', molecules]
        elif 'geometries' in self.inputs:
            words += ['--geometries', structures]
        words += ['--settings', SETTINGS_FILE]
        words += [f'--seed={self.inputs.seed.value}', '--out', MODEL_FOLDER]
        if 'checkpoint' in self.inputs and self.inputs.checkpoint.finished:
            words += ['--start', START_FOLDER]
        return [*words, '--pieces', str(pieces)] if pieces else words

    def _copies(self) -> list[tuple[str, str, str]]:
        """Return which files of the repository go where."""
        copies = [(self.inputs.molecules.uuid, MoleculeSetData.FILE_NAME, MoleculeSetData.FILE_NAME)]
        if 'geometries' in self.inputs:
            copies.append((self.inputs.geometries.uuid, GeometrySetData.FILE_NAME, GeometrySetData.FILE_NAME))
        if 'checkpoint' in self.inputs:
            node = self.inputs.checkpoint
            target = START_FOLDER if node.finished else MODEL_FOLDER
            copies += [(node.uuid, name, f'{target}/{name}') for name in MODEL_FILES]
        return copies
