"""Calcfunction: one piece of a surrogate's training."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings


@calcfunction
def train_surrogate(
    molecules: MoleculeSetData,
    settings: Dict,
    seed: Int,
    checkpoint: ModelData | None = None,
    geometries: GeometrySetData | None = None,
) -> dict[str, ModelData]:
    """Train a surrogate for one piece and return the checkpoint, or the finished model.

    :param molecules: labelled molecules; those of the common test split only give the quoted metrics.
    :param settings: keys of ``SurrogateSettings``.
    :param seed: decides split, initial weights, bootstrap and shuffling.
    :param checkpoint: an unfinished model goes on, a finished one is a warm start.
    :param geometries: structures for the spatial members, by InChIKey.
    """
    table, options = molecules.load(), SurrogateSettings.from_dict(settings.get_dict())
    start = None if checkpoint is None else checkpoint.artifact()
    structures = None if geometries is None else geometries.load()
    model = fit_surrogate_piece(table, options, seed=seed.value, checkpoint=start, structures=structures)
    return {'model': ModelData(model)}
