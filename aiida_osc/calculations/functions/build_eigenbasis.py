"""Calcfunction: the eigenbasis of molecules, a path, a grid or a graph."""

from aiida.engine import ExitCode, calcfunction
from aiida.orm import Bool, Dict

from aiida_osc.data.eigenbasis import EigenbasisData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.diffusion.eigenbasis import molecular_eigenbasis
from aiida_osc.diffusion.graph_settings import GraphSettings, described_eigenbasis
from aiida_osc.errors import OscError


@calcfunction
def build_eigenbasis(graph: MoleculeSetData | Dict, hydrogens: Bool | None = None) -> EigenbasisData | ExitCode:
    """Return the eigenbasis of the Laplacian; with caching the same graph is built once.

    :param graph: molecules, whose bond graphs are taken, or keys of ``GraphSettings``, such as
        ``{'kind': 'grid', 'shape': [30, 30], 'boundary': 'neumann'}``.
    :param hydrogens: let the hydrogens of molecules be nodes too.
    """
    try:
        if isinstance(graph, Dict):
            return EigenbasisData(described_eigenbasis(GraphSettings.from_dict(graph.get_dict())))
        return EigenbasisData(molecular_eigenbasis(graph.load().smiles, hydrogens=bool(hydrogens)))
    except OscError as exception:
        return ExitCode(210, f'there is no eigenbasis: {exception}')
