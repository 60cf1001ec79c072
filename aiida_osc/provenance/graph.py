"""The calls below a process with their inputs and outputs, read by a few queries however many nodes there are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiida.common.links import LinkType
from aiida.orm import Data, ProcessNode, QueryBuilder

from aiida_osc.report.records import NodeRef

CALLS = [LinkType.CALL_CALC.value, LinkType.CALL_WORK.value]
INPUTS = [LinkType.INPUT_CALC.value, LinkType.INPUT_WORK.value]
OUTPUTS = [LinkType.CREATE.value, LinkType.RETURN.value]
FINISHED, ENDED = 'finished', ('finished', 'excepted', 'killed')
PROJECTIONS = [
    'id',
    'uuid',
    'label',
    'process_type',
    'ctime',
    'mtime',
    'attributes.process_label',
    'attributes.process_state',
    'attributes.exit_status',
    'attributes.exit_message',
]


@dataclass
class Process:
    """A process node with its links; ``call`` is the label of the link from its caller."""

    pk: int
    uuid: str
    label: str
    process_type: str | None
    created: datetime
    modified: datetime
    name: str | None
    state: str | None
    exit_status: int | None
    exit_message: str | None
    call: str = ''
    caller: int | None = None
    inputs: dict[str, NodeRef] = field(default_factory=dict)
    outputs: dict[str, NodeRef] = field(default_factory=dict)

    @property
    def entry_point(self) -> str:
        """Return the name of the entry point, such as ``osc.predict``, or the process label without one."""
        return (self.process_type or '').partition(':')[2] or self.name or ''

    @property
    def ended(self) -> bool:
        """Return whether nothing more will come."""
        return self.state in ENDED

    @property
    def ok(self) -> bool:
        """Return whether it finished with exit status 0."""
        return self.state == FINISHED and self.exit_status == 0

    def ref(self, what: str | None = None) -> NodeRef:
        """Return a reference to the node."""
        return NodeRef(self.uuid, self.pk, what or self.label or self.name or self.entry_point)


@dataclass(frozen=True)
class CallTree:
    """A process and all it called, directly and indirectly."""

    root: Process
    processes: dict[int, Process]

    def children(self, pk: int | None = None) -> list[Process]:
        """Return what ``pk`` (the root by default) called, oldest first."""
        caller = self.root.pk if pk is None else pk
        return sorted((item for item in self.processes.values() if item.caller == caller), key=lambda item: item.pk)

    def below(self, pk: int) -> list[Process]:
        """Return what ``pk`` called, directly and indirectly."""
        found = self.children(pk)
        return found + [item for child in found for item in self.below(child.pk)]

    def step(self, call: str) -> Process | None:
        """Return the direct call of that link label: the one that succeeded, else the newest.

        A work chain that lost its worker may have called a step twice.
        """
        calls = [item for item in self.children() if item.call == call]
        return next((item for item in calls if item.ok), calls[-1] if calls else None)


def call_tree(pk: int) -> CallTree:
    """Return the process ``pk`` and everything it called: one query per depth and two for all links."""
    (values,) = QueryBuilder().append(ProcessNode, filters={'id': pk}, project=PROJECTIONS).all()
    processes = {pk: Process(*values)}
    level = [pk]
    while level:
        found = _called(level)
        processes |= {item.pk: item for item in found}
        level = [item.pk for item in found]
    _add_links(processes)
    return CallTree(processes[pk], processes)


def _called(callers: list[int]) -> list[Process]:
    """Return what the callers called directly."""
    query = QueryBuilder()
    query.append(ProcessNode, filters={'id': {'in': callers}}, project=['id'], tag='caller')
    query.append(
        ProcessNode,
        with_incoming='caller',
        project=PROJECTIONS,
        edge_filters={'type': {'in': CALLS}},
        edge_project=['label'],
    )
    found = []
    for caller, *values, call in query.all():
        process = Process(*values)
        process.caller, process.call = caller, call
        found.append(process)
    return found


def _add_links(processes: dict[int, Process]) -> None:
    """Fill in inputs and outputs; an output of a work chain and of its calcfunction is one node."""
    for types, slot in ((INPUTS, 'inputs'), (OUTPUTS, 'outputs')):
        joining: dict[str, Any] = {'with_outgoing' if slot == 'inputs' else 'with_incoming': 'process'}
        query = QueryBuilder()
        query.append(ProcessNode, filters={'id': {'in': list(processes)}}, project=['id'], tag='process')
        query.append(
            Data, project=['id', 'uuid'], edge_filters={'type': {'in': types}}, edge_project=['label'], **joining
        )
        for process, pk, uuid, label in query.all():
            getattr(processes[process], slot)[label] = NodeRef(uuid, pk, label)


def load_data(pks: Iterable[int]) -> dict[int, Data]:
    """Return the data nodes with those pks by one query."""
    wanted = sorted(set(pks))
    if not wanted:
        return {}
    return {node.pk: node for node in QueryBuilder().append(Data, filters={'id': {'in': wanted}}).all(flat=True)}
