"""A stored campaign is read back completely, with the origin of every number."""

import pytest
from aiida.orm import QueryBuilder, load_node

from aiida_osc.active_learning.settings import default_column
from aiida_osc.provenance.campaign import read_campaign
from aiida_osc.report.records import BATCH, COMPUTED, CONTROL, PREDICTED


def test_everything_of_a_finished_campaign(campaign):
    record = read_campaign(campaign.root)
    assert (record.label, record.state, record.seed) == ('demo campaign', 'finished', 7)
    assert record.initial_node.uuid == campaign.initial_node.uuid
    assert [(item.iteration, item.role) for item in record.molecules] == [
        *[(1, BATCH)] * 4,
        *[(1, CONTROL)] * 4,
        *[(2, BATCH)] * 4,
        *[(2, CONTROL)] * 4,
    ]
    assert [item.status for item in record.molecules[:4]] == ['computed'] * 3 + ['failed']
    assert record.molecules[3].reason == 'cannot be embedded'
    assert record.history == campaign.root.outputs.history.get_dict()
    assert record.history['totals']['computed'] == 6
    assert record.history_node.uuid == campaign.root.outputs.history.uuid
    assert [item.value for item in record.costs if item.name == 'cpu_seconds'] == [60.0] * 4
    assert record.versions == {'aiida-osc': '0.1', 'tblite': '0.8.0', 'torch': '2.13.0'}
    assert [(item.kind, item.iteration) for item in record.models] == [
        ('surrogate (gp)', 0),
        ('jtvae', 0),
        ('surrogate (gp)', 1),
        ('surrogate (gp)', 2),
    ]
    assert record.models[0].molecules == 12


def test_every_number_can_be_found_in_the_node_it_names(campaign):
    record = read_campaign(campaign.root)
    checked = 0
    for molecule in record.molecules:
        for number in molecule.numbers:
            table = load_node(number.node.uuid).load()
            row = table.index()[molecule.inchikey]
            assert table.values(number.column)[row] == number.value
            checked += 1
        if molecule.status == 'computed':
            job = load_node(molecule.nodes['job'].uuid)
            assert molecule.inchikey in job.outputs.labels.load().inchikeys
            assert molecule.nodes['labels'].uuid == job.outputs.labels.uuid
    # five predictions and the synthetic accessibility of 16 molecules, five labels of the 12 computed
    assert checked == 16 * 6 + 12 * 5


def test_predictions_name_the_model_that_made_them(campaign):
    record = read_campaign(campaign.root)
    first, second = record.molecules[0], record.molecules[8]
    number = first.find(default_column('ie_adiabatic'), PREDICTED)
    assert number.sigma == pytest.approx(0.1)
    assert number.process.uuid == record.models[0].node.uuid == first.nodes['surrogate'].uuid
    assert second.find(default_column('ie_adiabatic'), PREDICTED).process.uuid == record.models[2].node.uuid
    assert first.nodes['generator'].uuid == record.models[1].node.uuid
    assert first.find(default_column('ie_adiabatic'), COMPUTED).process.uuid == first.nodes['job'].uuid


def test_hits_are_those_of_the_history(campaign):
    record = read_campaign(campaign.root)
    for entry in record.history['iterations']:
        batch = {item.inchikey for item in record.promoted if item.iteration == entry['iteration']}
        assert batch == set(entry['hit_molecules'])


def test_a_running_campaign_has_a_history_too(running_campaign):
    record = read_campaign(running_campaign.root)
    assert record.state == 'running'
    assert record.history_node is None
    assert len(record.history['iterations']) == 1
    assert record.history['totals']['computed'] == 3
    assert len(record.molecules) == 8


def test_the_number_of_queries_does_not_grow_with_the_campaign(campaign, running_campaign, monkeypatch):
    calls = []
    original = QueryBuilder.all

    def count(self, *args, **kwargs):
        calls.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(QueryBuilder, 'all', count)
    read_campaign(campaign.root)
    many = len(calls)
    calls.clear()
    read_campaign(running_campaign.root)
    assert many == len(calls) <= 10
