"""Proposals of a campaign: the generator led by the windows and the surrogate of the campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiida_osc.active_learning.ascent import LatentAscent
from aiida_osc.active_learning.scoring import OptimisticCost
from aiida_osc.active_learning.settings import SelectionSettings, Windows
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.guidance import Demand, make_demands
from aiida_osc.generator.latents import find_anchors
from aiida_osc.generator.sample_settings import ASCENT, SampleSettings
from aiida_osc.generator.sampling import SampleResult
from aiida_osc.surrogate.surrogate import Surrogate


def propose_molecules(
    model: Generator,
    settings: SampleSettings,
    *,
    seed: int,
    exclude: Sequence[str] = (),
    surrogate: Surrogate | None = None,
    selection: SelectionSettings | None = None,
    rules: Mapping[str, Windows] | None = None,
) -> SampleResult:
    """Return new molecules.

    :param surrogate: scores the molecules of an ascent, by the objectives of ``selection``.
    :param rules: windows of each family, for settings that have none; those without a property head are passed over.
    :raises OscError: when an ascent has no surrogate, and as :meth:`Generator.sample` does.
    """
    demands = None if rules is None or settings.demands() else _demands(model, rules)
    if settings.strategy != ASCENT or surrogate is None:
        return model.sample(settings, seed=seed, exclude=exclude, demands=demands)
    anchors = find_anchors(model, settings.around or model.memory)
    score = OptimisticCost(surrogate, selection or SelectionSettings(), anchors.smiles)
    source = LatentAscent(model, anchors, score, settings)
    result = model.sample(settings, seed=seed, exclude=exclude, demands=demands, source=source)
    return replace(result, report={**result.report, 'scored': score.scored})


def _demands(model: Generator, rules: Mapping[str, Windows]) -> list[Demand]:
    families = {
        name: {str(column): bounds for column, bounds in windows.bounds.items()} for name, windows in rules.items()
    }
    return make_demands(model.columns, families, lenient=True)
