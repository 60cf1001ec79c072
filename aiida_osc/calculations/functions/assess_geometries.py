"""Calcfunction: how good structures are."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.diffusion.quality.assess import AssessSettings, assess
from aiida_osc.diffusion.quality.tables import match_tables


@calcfunction
def assess_geometries(
    molecules: MoleculeSetData, geometries: GeometrySetData, references: GeometrySetData, settings: Dict, seed: Int
) -> Dict:
    """Compare structures with references of the same molecules and return all figures as one node.

    :param molecules: the molecules; those without a reference are left out.
    :param geometries: what is assessed.
    :param references: what counts as right.
    :param settings: keys of ``AssessSettings``.
    :param seed: of the embedding that xTB optimisations are compared with.
    """
    known, own = match_tables(molecules.load(), references.load(), geometries.load())
    return Dict(assess(known, own, AssessSettings.from_dict(settings.get_dict()), seed=seed.value))
