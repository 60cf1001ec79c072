"""WorkChain: train a generator, piece by piece."""

from collections.abc import Callable

from aiida_osc.calculations.functions.train_jtvae import train_jtvae
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.workflows.train_in_pieces import TrainInPiecesWorkChain


class TrainJtvaeWorkChain(TrainInPiecesWorkChain):
    """Train a junction-tree variational autoencoder in pieces."""

    KIND = 'jtvae'
    NAME = 'generator'
    SETTINGS = JtvaeSettings

    @staticmethod
    def calcfunction() -> Callable:
        """Return the calcfunction that trains one piece."""
        return train_jtvae
