"""Calcfunction: new fields of a model."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.field_set import FieldSetData
from aiida_osc.data.model import ModelData
from aiida_osc.diffusion.grids.dataset import FieldArray
from aiida_osc.diffusion.grids.model import GridModel
from aiida_osc.diffusion.grids.settings import GridSampleSettings


@calcfunction
def sample_fields(model: ModelData, count: Int, settings: Dict, seed: Int) -> FieldSetData:
    """Return new fields in the unit of those that the model learnt from.

    :param model: a finished model of fields.
    :param count: how many.
    :param settings: keys of ``GridSampleSettings``; ``shape`` names another grid than that of the training.
    :param seed: of all random numbers.
    """
    fields, options = GridModel.from_artifact(model.artifact()), GridSampleSettings.from_dict(settings.get_dict())
    values = fields.sample(count.value, options, seed=seed.value)
    return FieldSetData(FieldArray(values, options.shape or fields.shape, fields.boundary))
