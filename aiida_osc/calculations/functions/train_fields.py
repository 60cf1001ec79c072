"""Calcfunction: one piece of the training of a model of fields."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.field_set import FieldSetData
from aiida_osc.data.files import as_path
from aiida_osc.data.model import ModelData
from aiida_osc.diffusion.grids.dataset import FieldFile
from aiida_osc.diffusion.grids.fit import fit_grid_piece
from aiida_osc.diffusion.grids.settings import GridSettings


@calcfunction
def train_fields(
    fields: FieldSetData, settings: Dict, seed: Int, checkpoint: ModelData | None = None
) -> dict[str, ModelData]:
    """Train a spectral diffusion model of fields for one piece; return the checkpoint, or the finished model.

    :param fields: what to learn from; they are read batch by batch.
    :param settings: keys of ``GridSettings``.
    :param seed: decides which fields are held out, initial weights, noise and shuffling.
    :param checkpoint: an unfinished model goes on, a finished one gives the weights to start from.
    """
    options = GridSettings.from_dict(settings.get_dict())
    start = None if checkpoint is None else checkpoint.artifact()
    with as_path(fields, fields.FILE_NAME) as path:
        return {'model': ModelData(fit_grid_piece(FieldFile(path), options, seed=seed.value, checkpoint=start))}
