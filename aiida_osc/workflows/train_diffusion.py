"""WorkChain: train a diffusion model of structures, piece by piece."""

from aiida_osc.calculations.functions.train_diffusion import train_diffusion
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.workflows.train_in_pieces import TrainInPiecesWorkChain


class TrainDiffusionWorkChain(TrainInPiecesWorkChain):
    """Train a spectral diffusion model that makes 3D structures, in pieces."""

    KIND = 'diffusion'
    NAME = 'model of structures'
    SETTINGS = ConformerSettings
    TRAIN_PIECE = staticmethod(train_diffusion)
    DATA = ('molecules', 'geometries')

    @classmethod
    def define(cls, spec):
        """Add the port of the structures."""
        super().define(spec)
        spec.input('geometries', valid_type=GeometrySetData, help='Structures to learn from, by InChIKey.')
