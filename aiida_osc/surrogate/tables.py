"""Predictions as molecule tables."""

from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.surrogate.data import COMPUTED
from aiida_osc.surrogate.ensemble import Prediction, Surrogate


def predict_table(surrogate: Surrogate, table: MoleculeTable) -> tuple[MoleculeTable, MoleculeTable]:
    """Return two tables with the rows of ``table``: the means and the standard deviations.

    :return: ``(mean, sigma)``, both with the columns of the surrogate; ``mean`` keeps the columns of ``table`` that are
        computed from the graph alone, such as ``sa_score``.
    """
    prediction = surrogate.predict(table.smiles)
    computed = {key: values for key, values in table.columns.items() if key.target in COMPUTED}
    bare = MoleculeTable(table.smiles, table.inchikeys, table.source, computed)
    return bare.with_columns(_columns(prediction, 'mean')), _empty(table).with_columns(_columns(prediction, 'sigma'))


def _columns(prediction: Prediction, name: str) -> dict:
    return dict(zip(prediction.columns, getattr(prediction, name).T, strict=True))


def _empty(table: MoleculeTable) -> MoleculeTable:
    return MoleculeTable(table.smiles, table.inchikeys, table.source)
