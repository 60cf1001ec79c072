"""WorkChain: train a surrogate, piece by piece."""

from aiida_osc.calculations.functions.train_surrogate import train_surrogate
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.workflows.train_in_pieces import TrainInPiecesWorkChain, checkpoint_validator, settings_validator

validate_settings = settings_validator(SurrogateSettings)
validate_checkpoint = checkpoint_validator('surrogate', 'surrogate')


class TrainSurrogateWorkChain(TrainInPiecesWorkChain):
    """Train an ensemble that predicts properties with calibrated uncertainty, in pieces."""

    KIND = 'surrogate'
    NAME = 'surrogate'
    SETTINGS = SurrogateSettings
    TRAIN_PIECE = staticmethod(train_surrogate)
