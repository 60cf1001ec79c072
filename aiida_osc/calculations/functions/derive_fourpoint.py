"""Calcfunction: labels of one molecule from the calculations of its four-point scheme."""

from aiida.engine import calcfunction
from aiida.orm import Dict

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.qc.fourpoint import geometry_table, labels_table, summary
from aiida_osc.qc.scheme import FourPointSettings, assemble


@calcfunction
def derive_fourpoint(molecule: MoleculeSetData, parameters: Dict, **results) -> dict:
    """Derive IE, EA and reorganisation energies, check them, and make labels of them when they pass.

    :param molecule: a set of one molecule.
    :param parameters: engine and levels.
    :param results: results of the calculations, by the names of their points, such as ``cation_at_neutral``.
    """
    table, settings = molecule.load(), FourPointSettings.from_dict(parameters.get_dict())
    contents = {name: node.get_dict() for name, node in results.items()}
    records = [assemble(table.inchikeys[0], table.smiles[0], contents, settings)]
    return {
        'labels': MoleculeSetData(labels_table(records, table)),
        'geometries': GeometrySetData(geometry_table(records)),
        'results': Dict(summary(records)),
    }
