"""Calcfunction: predict the properties of molecules."""

from aiida.engine import calcfunction
from aiida.orm import ArrayData, Data

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import predict_table


@calcfunction
def predict(model: ModelData, molecules: MoleculeSetData, geometries: GeometrySetData | None = None) -> dict[str, Data]:
    """Predict mean and calibrated standard deviation of every column of the model, row by row.

    The third output holds the arrays ``in_domain``, ``similarity`` to the nearest training molecule and ``epistemic``,
    the part of each standard deviation that comes from what the model does not know; for models that read structures
    also ``has_structure``, false where the members that read the graph answered alone.

    :param model: a finished surrogate.
    :param molecules: what to predict; a ``sa_score`` column is carried over into ``mean``.
    :param geometries: structures for models that read them, by InChIKey.
    """
    structures = None if geometries is None else geometries.load()
    surrogate = Surrogate.from_artifact(model.artifact())
    mean, sigma, domain = predict_table(surrogate, molecules.load(), structures)
    return {'mean': MoleculeSetData(mean), 'sigma': MoleculeSetData(sigma), 'domain': ArrayData(domain)}
