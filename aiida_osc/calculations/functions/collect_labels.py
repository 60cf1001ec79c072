"""Calcfunction: put the labels of several jobs together."""

from aiida.engine import calcfunction
from aiida.orm import Dict

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.labels import collect_failures, join_geometries, join_labels, labelled
from aiida_osc.qc.scheme import FourPointSettings


@calcfunction
def collect_labels(molecules: MoleculeSetData, parameters: Dict, reasons: Dict | None = None, **parts) -> dict:
    """Collect labels, geometries and failures: parts are called ``known_000``, ``labels_000``, ``geometries_000`` ...

    :param molecules: what was to be computed.
    :param parameters: engine and levels.
    :param reasons: why molecules have no labels, by InChIKey, where no results tell.
    :param parts: labels known from earlier, and labels, geometries and results of the jobs.
    """
    names = ('known', 'labels', 'geometries', 'results')
    kinds = {kind: [parts[name] for name in sorted(parts) if name.startswith(f'{kind}_')] for kind in names}
    asked, settings = molecules.load(), FourPointSettings.from_dict(parameters.get_dict())
    tables = {kind: [node.load() for node in kinds[kind]] for kind in ('known', 'labels', 'geometries')}
    labels = join_labels(asked, tables['known'], tables['labels'], settings.columns.values())
    results = [node.get_dict() for node in kinds['results']]
    told, done = reasons.get_dict() if reasons else {}, labelled(labels, settings.required_columns)
    return {
        'labels': MoleculeSetData(labels),
        'geometries': GeometrySetData(join_geometries(tables['geometries'], done)),
        'failures': Dict(collect_failures(asked, done, results, told)),
    }
