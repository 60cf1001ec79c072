"""Calcfunction: predict the properties of molecules."""

from aiida.engine import calcfunction

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.surrogate.tables import predict_table


@calcfunction
def predict(model: ModelData, molecules: MoleculeSetData) -> dict[str, MoleculeSetData]:
    """Predict mean and calibrated standard deviation of every column of the model, row by row.

    :param model: a finished surrogate.
    :param molecules: what to predict; a ``sa_score`` column is carried over into ``mean``.
    """
    mean, sigma = predict_table(model.load(), molecules.load())
    return {'mean': MoleculeSetData(mean), 'sigma': MoleculeSetData(sigma)}
