"""WorkChain: train a generator, piece by piece."""

from aiida_osc.calculations.functions.train_jtvae import train_jtvae
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.workflows.train_in_pieces import TrainInPiecesWorkChain


class TrainJtvaeWorkChain(TrainInPiecesWorkChain):
    """Train a junction-tree variational autoencoder in pieces."""

    KIND = 'jtvae'
    NAME = 'generator'
    SETTINGS = JtvaeSettings
    TRAIN_PIECE = staticmethod(train_jtvae)
