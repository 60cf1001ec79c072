"""Calcfunction: predict the properties of molecules."""

from aiida.engine import calcfunction
from aiida.orm import ArrayData, Data

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import predict_table


@calcfunction
def predict(model: ModelData, molecules: MoleculeSetData) -> dict[str, Data]:
    """Predict mean and calibrated standard deviation of every column of the model, row by row.

    The third output holds the arrays ``in_domain``, ``similarity`` to the nearest training molecule and ``epistemic``,
    the part of each standard deviation that comes from what the model does not know.

    :param model: a finished surrogate.
    :param molecules: what to predict; a ``sa_score`` column is carried over into ``mean``.
    """
    mean, sigma, domain = predict_table(Surrogate.from_artifact(model.artifact()), molecules.load())
    return {'mean': MoleculeSetData(mean), 'sigma': MoleculeSetData(sigma), 'domain': ArrayData(domain)}
