"""WorkChain: train a surrogate, piece by piece."""

from aiida_osc.calculations.functions.train_surrogate import train_surrogate
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.errors import OscError
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.workflows.train_in_pieces import TrainInPiecesWorkChain, checkpoint_validator, settings_validator

validate_settings = settings_validator(SurrogateSettings)
validate_checkpoint = checkpoint_validator('surrogate', 'surrogate')


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why structures and settings do not fit together, None when they do."""
    if 'settings' not in inputs:
        return None
    try:
        SurrogateSettings.from_dict(inputs['settings'].get_dict()).check_structures('geometries' in inputs)
    except OscError as exception:
        return str(exception)
    return None


class TrainSurrogateWorkChain(TrainInPiecesWorkChain):
    """Train an ensemble that predicts properties with calibrated uncertainty, in pieces."""

    KIND = 'surrogate'
    NAME = 'surrogate'
    SETTINGS = SurrogateSettings
    TRAIN_PIECE = staticmethod(train_surrogate)
    DATA = ('molecules', 'geometries')

    @classmethod
    def define(cls, spec):
        """Add the port of the structures."""
        super().define(spec)
        spec.input(
            'geometries',
            valid_type=GeometrySetData,
            required=False,
            help='Structures for the spatial members, by InChIKey.',
        )
        spec.inputs.validator = validate_inputs
