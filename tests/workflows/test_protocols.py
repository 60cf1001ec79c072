import pytest

from aiida_osc.errors import OscError
from aiida_osc.workflows.protocols import PROTOCOLS, describe_protocols, load_protocol


def test_every_protocol_is_described_and_complete():
    descriptions = describe_protocols('discovery')
    assert tuple(descriptions) == PROTOCOLS
    assert all(len(text) > 20 for text in descriptions.values())
    keys = set(load_protocol('discovery', 'fast'))
    assert all(set(load_protocol('discovery', name)) == keys for name in PROTOCOLS)


def test_protocol_changes_the_common_values_only_where_it_says():
    fast, balanced = load_protocol('discovery', 'fast'), load_protocol('discovery')
    assert fast['budget'] == {'iterations': 2, 'molecules': 24, 'generator_every': 1}
    assert balanced['budget']['molecules'] == 250
    assert fast['selection']['objectives'] == balanced['selection']['objectives']


def test_overrides_reach_leaves_and_leave_the_rest():
    values = load_protocol('discovery', 'fast', {'selection': {'size': 3}})
    assert values['selection']['size'] == 3
    assert values['selection']['control'] is True


def test_open_sections_take_further_keys():
    values = load_protocol('discovery', 'fast', {'surrogate': {'members': 2}, 'label': {'options': {'account': 'x'}}})
    assert values['surrogate']['members'] == 2
    assert values['label']['options']['account'] == 'x'
    assert 'resources' in values['label']['options']


@pytest.mark.parametrize('overrides', [{'budgett': {}}, {'budget': {'molecule': 3}}, {'label': {'chunks': 1}}])
def test_unknown_keys_are_refused_with_the_known_ones(overrides):
    with pytest.raises(OscError, match=r'unknown key .*: use one of'):
        load_protocol('discovery', 'fast', overrides)


def test_unknown_protocol_is_refused():
    with pytest.raises(OscError, match="unknown protocol 'quick': use one of fast, balanced, stringent"):
        load_protocol('discovery', 'quick')


def test_one_load_never_changes_the_next():
    load_protocol('discovery', 'fast')['budget']['molecules'] = -1
    assert load_protocol('discovery', 'fast')['budget']['molecules'] == 24
