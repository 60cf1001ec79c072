"""Calcfunction: one piece of a conformer model's training."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.diffusion.molecules.fit import fit_conformer_piece
from aiida_osc.diffusion.molecules.settings import ConformerSettings


@calcfunction
def train_diffusion(
    molecules: MoleculeSetData,
    geometries: GeometrySetData,
    settings: Dict,
    seed: Int,
    checkpoint: ModelData | None = None,
) -> dict[str, ModelData]:
    """Train a spectral diffusion model of structures for one piece; return the checkpoint, or the finished model.

    :param molecules: names the bonds of each molecule; those of the common test split are left out.
    :param geometries: structures to learn from, by InChIKey.
    :param settings: keys of ``ConformerSettings``.
    :param seed: decides who is held out, initial weights, noise and shuffling.
    :param checkpoint: an unfinished model goes on, a finished one gives the weights to start from.
    """
    options = ConformerSettings.from_dict(settings.get_dict())
    start = None if checkpoint is None else checkpoint.artifact()
    tables = molecules.load(), geometries.load()
    return {'model': ModelData(fit_conformer_piece(*tables, options, seed=seed.value, checkpoint=start))}
