"""Quality of a finished conformer model on molecules that were held out, and whether it may make start structures."""

from typing import Any

from aiida_osc.diffusion.molecules.data import TrainingData
from aiida_osc.diffusion.molecules.model import ConformerModel
from aiida_osc.diffusion.molecules.settings import SampleSettings
from aiida_osc.diffusion.quality.assess import PEER, AssessSettings, assess
from aiida_osc.diffusion.quality.references import Reference

#: Molecules that are measured, and how many of them are optimised with GFN2-xTB.
MEASURED, RELAXED = 100, 20
#: Least share of plausible structures; the others are embedded, which is safe but spares nothing.
PLAUSIBLE = 0.8


def measure(model: ConformerModel, data: TrainingData, *, seed: int) -> dict[str, Any]:
    """Return ``quality``, the figures on molecules held out, and ``gate``, whether they are good enough.

    The gate opens when most structures are plausible and GFN2-xTB needs fewer gradient calls from them than from
    ETKDGv3 and MMFF94; where they are not plausible, xTB is not asked. No figure depends on the speed of the machine.
    """
    places = data.validation[:MEASURED]
    references = [Reference(data.smiles[place], data.positions[place]) for place in places]
    structures = model.sample([item.smiles for item in references], SampleSettings(), seed=seed)
    quality = assess(references, structures, AssessSettings(posebusters=False), seed=seed)
    if (quality['plausible'] or 0.0) >= PLAUSIBLE:
        few = AssessSettings(posebusters=False, relaxed=RELAXED)
        quality['xtb'] = assess(references[:RELAXED], structures[:RELAXED], few, seed=seed)['xtb']
    for figures in quality['xtb'].values():
        figures.pop('cpu_seconds')
    return {'quality': quality, 'gate': judge(quality)}


def judge(quality: dict[str, Any]) -> dict[str, Any]:
    """Return ``passed`` and the figures that decided."""
    plausible = quality['plausible'] or 0.0
    ours, peers = (quality['xtb'].get(name, {}).get('gradient_calls') for name in ('structures', PEER))
    saves = ours is not None and peers is not None and ours < peers
    return {
        'passed': bool(plausible >= PLAUSIBLE and saves),
        'plausible': plausible,
        'gradient_calls': ours,
        'gradient_calls_embedded': peers,
    }
