"""Launch a sub-process once: a work chain that lost its worker finds the process that it had already submitted."""

from aiida.common.links import LinkType
from aiida.orm import ProcessNode


def find_called(caller: ProcessNode, label: str) -> ProcessNode | None:
    """Return the living or finished process that ``caller`` has called under ``label``, or None.

    A worker killed between the submission and its next checkpoint runs the step again. Without this look the same
    sub-process would be submitted twice. A node without a checkpoint never reached the broker and does not count.

    :param caller: node of the work chain.
    :param label: the call link label, unique among the calls of ``caller``.
    """
    links = caller.base.links.get_outgoing(
        link_type=(LinkType.CALL_CALC, LinkType.CALL_WORK), link_label_filter=label
    ).all()
    called = [link.node for link in links if isinstance(link.node, ProcessNode)]
    viable = [node for node in called if node.is_terminated or node.checkpoint]
    return viable[0] if viable else None
