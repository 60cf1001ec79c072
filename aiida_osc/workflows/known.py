"""Labels that are in the graph already: the same molecules at the same level, from whatever campaign."""

from collections.abc import Sequence

from aiida.orm import CalcFunctionNode, CalcJobNode, QueryBuilder

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.labels import labelled
from aiida_osc.datasets.molecule_table import MoleculeTable

#: Processes whose output ``labels`` comes from calculations of ours that passed every check.
MAKERS = (
    (CalcFunctionNode, 'aiida.calculations:osc.collect_labels'),
    (CalcFunctionNode, 'aiida.calculations:osc.derive_fourpoint'),
    (CalcJobNode, 'aiida.calculations:osc.fourpoint_batch'),
)


def find_known(molecules: MoleculeTable, columns: Sequence[Column]) -> list[MoleculeSetData]:
    """Return sets that together hold all labels that are known for the molecules, the oldest first.

    The structures of a set are with it: see :func:`structures_of`.

    :param molecules: what is asked for.
    :param columns: what a molecule must have to count as known.
    """
    left, found = set(molecules.inchikeys), []
    for node in _candidates(columns[0]):
        if not left:
            break
        new = left & labelled(node.load(), columns)
        if new:
            found.append(node)
            left -= new
    return found


def structures_of(labels: MoleculeSetData) -> GeometrySetData | None:
    """Return the structures that came out of the same process as the labels."""
    if labels.creator is None or 'geometries' not in labels.creator.outputs:
        return None
    return labels.creator.outputs.geometries


def _candidates(column: Column) -> list[MoleculeSetData]:
    """Return the sets with such a column, each made by one of :data:`MAKERS`, the oldest first."""
    nodes: dict[int, MoleculeSetData] = {}
    for kind, process_type in MAKERS:
        query = QueryBuilder()
        query.append(kind, filters={'process_type': process_type}, tag='maker')
        query.append(
            MoleculeSetData,
            with_incoming='maker',
            edge_filters={'label': 'labels'},
            filters={'attributes.columns': {'has_key': str(column)}},
        )
        nodes |= {node.pk: node for (node,) in query.iterall()}
    return [nodes[pk] for pk in sorted(nodes)]
