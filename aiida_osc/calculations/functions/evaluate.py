"""Calcfunction: judge a surrogate on labelled molecules."""

from aiida.engine import calcfunction
from aiida.orm import Dict

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.surrogate.evaluate import evaluate as evaluate_prediction
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.surrogate.tables import predict_molecules


@calcfunction
def evaluate(model: ModelData, molecules: MoleculeSetData) -> dict[str, Dict]:
    """Compare the predictions of a model with labels: errors, calibration and coverage of its intervals.

    :param model: a finished surrogate.
    :param molecules: molecules with labels in columns of the model; figures are given for all of them, inside and
        outside the common test split, and inside and outside the domain of the model.
    """
    table = molecules.load()
    prediction = predict_molecules(Surrogate.from_artifact(model.artifact()), table)
    return {'metrics': Dict(evaluate_prediction(prediction, table))}
