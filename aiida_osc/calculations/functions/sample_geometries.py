"""Calcfunction: a structure for every molecule."""

from aiida.engine import calcfunction
from aiida.orm import Data, Dict, Int

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.diffusion.geometries import GeometrySettings, make_geometries, open_model


@calcfunction
def sample_geometries(
    molecules: MoleculeSetData, settings: Dict, seed: Int, model: ModelData | None = None
) -> dict[str, Data]:
    """Return one structure per molecule, and the report of which came from the model and which from embedding.

    :param molecules: what to make structures of.
    :param settings: keys of ``GeometrySettings``; those of the sampler under ``sampling``.
    :param seed: of all random numbers.
    :param model: a conformer model; without one, and where its structure is not plausible, molecules are embedded.
    """
    table, options = molecules.load(), GeometrySettings.from_dict(settings.get_dict())
    conformers = None if model is None else open_model(model.artifact())
    found = make_geometries(table.smiles, table.inchikeys, conformers, options, seed=seed.value)
    return {'geometries': GeometrySetData(found.table), 'report': Dict(found.report())}
