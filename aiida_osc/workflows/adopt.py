"""Launch a sub-process once: a work chain that lost its worker finds the process that it had already submitted."""

from aiida.common.links import LinkType
from aiida.engine import ProcessState
from aiida.orm import ProcessNode

LOST = 'lost with its worker before it was submitted'


def find_called(caller: ProcessNode, label: str) -> ProcessNode | None:
    """Return the living or finished process that ``caller`` has called under ``label``, or None.

    A worker killed between the submission and its next checkpoint runs the step again. Without this look the same
    sub-process would be submitted twice. A node without a checkpoint never reached the broker: it is closed as killed,
    so that it neither waits for ever nor hinders an export.

    :param caller: node of the work chain.
    :param label: the call link label, unique among the calls of ``caller``.
    """
    links = caller.base.links.get_outgoing(
        link_type=(LinkType.CALL_CALC, LinkType.CALL_WORK), link_label_filter=label
    ).all()
    found = None
    for node in (link.node for link in links if isinstance(link.node, ProcessNode)):
        if node.process_status == LOST:
            continue
        if node.is_terminated or node.checkpoint:
            found = found or node
        elif not node.is_sealed:
            _close(node)
    return found


def _close(node: ProcessNode) -> None:
    node.set_process_state(ProcessState.KILLED)
    node.set_process_status(LOST)
    node.seal()
