"""Job nodes with recorded files, ready to be parsed."""

from pathlib import Path

import pytest
from aiida.common.links import LinkType
from aiida.orm import CalcJobNode, FolderData

FIXTURES = Path(__file__).parent / 'fixtures'


@pytest.fixture
def recorded_job(aiida_localhost):
    """Return a factory of a finished job whose retrieved files are those of a folder below ``fixtures``.

    :param folder: path below ``fixtures``.
    :param inputs: input nodes by link label.
    :param options: options set on the node.
    """

    def factory(entry_point, folder, inputs, **options):
        node = CalcJobNode(computer=aiida_localhost, process_type=f'aiida.calculations:{entry_point}')
        for name, value in {'resources': {'num_machines': 1}, **options}.items():
            node.set_option(name, value)
        for label, value in inputs.items():
            node.base.links.add_incoming(value.store(), LinkType.INPUT_CALC, label)
        node.store()
        retrieved = FolderData()
        retrieved.base.repository.put_object_from_tree(str(FIXTURES / folder))
        retrieved.base.links.add_incoming(node, LinkType.CREATE, 'retrieved')
        retrieved.store()
        return node

    return factory
