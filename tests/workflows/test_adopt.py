"""Tests of finding sub-processes that were submitted before a worker was lost."""

import pytest
from aiida.common.links import LinkType
from aiida.engine import ProcessState
from aiida.orm import CalcJobNode, WorkChainNode

from aiida_osc.workflows.adopt import find_called


@pytest.fixture
def caller(aiida_profile):
    return WorkChainNode().store()


def called(caller, label, node_class=WorkChainNode, **changes):
    node = node_class(**changes)
    link = LinkType.CALL_CALC if node_class is CalcJobNode else LinkType.CALL_WORK
    node.base.links.add_incoming(caller, link, label)
    return node.store()


def test_nothing_called(caller):
    assert find_called(caller, 'chunk_000') is None


@pytest.mark.parametrize('node_class', [WorkChainNode, CalcJobNode])
def test_submitted_process_is_found(caller, node_class, aiida_localhost):
    changes = {'computer': aiida_localhost} if node_class is CalcJobNode else {}
    node = called(caller, 'chunk_000', node_class, **changes)
    node.set_checkpoint('state')
    called(caller, 'chunk_001', node_class, **changes)

    assert find_called(caller, 'chunk_000').pk == node.pk
    assert not node.is_sealed


def test_finished_process_is_found(caller):
    node = called(caller, 'chunk_000')
    node.set_process_state(ProcessState.FINISHED)
    node.seal()
    assert find_called(caller, 'chunk_000').pk == node.pk


def test_relic_is_closed_and_the_living_one_found(caller):
    relic = called(caller, 'chunk_000')
    living = called(caller, 'chunk_000')
    living.set_checkpoint('state')

    assert find_called(caller, 'chunk_000').pk == living.pk
    assert relic.is_sealed
    assert relic.is_killed
    assert 'lost with its worker' in relic.process_status
    assert find_called(caller, 'chunk_000').pk == living.pk, 'also when looked for again'
