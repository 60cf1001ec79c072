"""Calcfunction: one piece of a generator's training."""

from aiida.engine import calcfunction
from aiida.orm import Dict, Int

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.settings import JtvaeSettings


@calcfunction
def train_jtvae(
    molecules: MoleculeSetData, settings: Dict, seed: Int, checkpoint: ModelData | None = None
) -> dict[str, ModelData]:
    """Train a generator for one piece and return the checkpoint, or the finished model.

    :param molecules: molecules to learn from; those of the common test split and those without motifs are left out.
    :param settings: keys of ``JtvaeSettings``.
    :param seed: decides validation part, initial weights, noise and shuffling.
    :param checkpoint: an unfinished model goes on, a finished one is a warm start.
    """
    table, options = molecules.load(), JtvaeSettings.from_dict(settings.get_dict())
    start = None if checkpoint is None else checkpoint.artifact()
    return {'model': ModelData(fit_jtvae_piece(table, options, seed=seed.value, checkpoint=start))}
