"""The description of one path, grid or graph as JSON values."""

from dataclasses import dataclass, field

from aiida_osc.diffusion.eigenbasis import Eigenbasis, graph_eigenbasis, grid_eigenbasis
from aiida_osc.errors import OscError
from aiida_osc.settings import Settings

KINDS = ('path', 'grid', 'graph')


@dataclass(frozen=True)
class GraphSettings(Settings):
    """One graph, in words.

    :param kind: ``path`` or ``grid`` (closed form), or ``graph`` (diagonalised).
    :param shape: sides of the grid, the one side of the path.
    :param boundary: of path and grid: ``neumann`` or ``periodic``.
    :param nodes: of a graph, their number.
    :param edges: of a graph, pairs of nodes, each once.
    :param weights: of a graph, one per edge; 1 each when there are none.
    """

    kind: str
    shape: list[int] = field(default_factory=list)
    boundary: str = 'neumann'
    nodes: int = 0
    edges: list[list[int]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check that the values belong to the kind.

        :raises OscError: when one is missing, unknown or of another kind.
        """
        if self.kind not in KINDS:
            raise OscError(f'kind is {self.kind!r}: give one of {", ".join(KINDS)}')
        if self.kind == 'graph' and self.shape:
            raise OscError('a graph has no shape: give nodes and edges, or the kind grid')
        if self.kind != 'graph' and (self.nodes or self.edges or self.weights):
            raise OscError(f'a {self.kind} has no edges of its own: give its shape, or the kind graph')
        if self.kind == 'path' and len(self.shape) != 1:
            raise OscError(f'a path has one side, not {len(self.shape)}: give shape as [nodes], or the kind grid')
        if not all(type(side) is int for side in self.shape):
            raise OscError(f'shape is {self.shape!r}: give whole numbers')
        if not all(len(pair) == 2 and all(type(node) is int for node in pair) for pair in self.edges):
            raise OscError('edges must be pairs of whole numbers')


def described_eigenbasis(settings: GraphSettings) -> Eigenbasis:
    """Return the eigenbasis of the graph.

    :raises OscError: when the graph has no node, is not connected, or an edge or weight is impossible.
    """
    if settings.kind == 'graph':
        return graph_eigenbasis(settings.edges, settings.weights or None, settings.nodes)
    return grid_eigenbasis(*settings.shape, boundary=settings.boundary)
