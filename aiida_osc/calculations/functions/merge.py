"""Calcfunction: union of molecule sets."""

import io

from aiida.engine import calcfunction
from aiida.orm import Dict, SinglefileData

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.merge import MergeSettings, merge_tables


@calcfunction
def merge(settings: Dict | None = None, **sets: MoleculeSetData) -> dict:
    """Unite molecule sets by InChIKey; sets come in the order of their names, earlier ones win.

    :param settings: keys of ``MergeSettings``: ``tolerance``, and ``tolerances`` by target.
    :param sets: molecule sets by name.
    """
    options = MergeSettings.from_dict({} if settings is None else settings.get_dict())
    conflicts = io.StringIO(newline='')
    result = merge_tables({name: sets[name].load() for name in sorted(sets)}, options, conflicts=conflicts)
    outputs = {'molecules': MoleculeSetData(result.table), 'report': Dict(result.report.to_dict())}
    if result.report.differing:
        outputs['conflicts'] = SinglefileData.from_string(conflicts.getvalue(), 'conflicts.csv')
    return outputs
