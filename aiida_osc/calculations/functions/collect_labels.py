"""Calcfunction: put the labels of several jobs together."""

from aiida.engine import calcfunction
from aiida.orm import Dict

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.labels import collect_failures, concatenate, concatenate_geometries


@calcfunction
def collect_labels(**parts) -> dict:
    """Collect labels, geometries and failures of jobs: ``molecules_000``, ``labels_000``, ``geometries_000``, ...

    :param parts: outputs of the jobs and the molecules they were given, named after the chunk.
    """
    kinds = {
        kind: [parts[name] for name in sorted(parts) if name.startswith(f'{kind}_')]
        for kind in ('molecules', 'labels', 'geometries', 'results')
    }
    labels = concatenate([node.load() for node in kinds['labels']])
    geometries = concatenate_geometries([node.load() for node in kinds['geometries']])
    asked = [node.load() for node in kinds['molecules']] or [labels]
    failures = collect_failures(asked, labels, [node.get_dict() for node in kinds['results']])
    return {
        'labels': MoleculeSetData(labels),
        'geometries': GeometrySetData(geometries),
        'failures': Dict(failures),
    }
