"""Settings objects."""

import pytest

from aiida_osc.errors import OscError
from aiida_osc.training.settings import FitSettings


def test_values_replace_defaults_and_come_back():
    settings = FitSettings.from_dict({'epochs': 3, 'amp': 'on'})
    assert (settings.epochs, settings.amp, settings.batch_size) == (3, 'on', 64)
    assert FitSettings.from_dict(settings.to_dict()) == settings


def test_numbers_keep_their_type_through_stores_that_drop_it():
    settings = FitSettings.from_dict({'epochs': 3.0, 'learning_rate': 1})
    assert type(settings.epochs) is int
    assert type(settings.learning_rate) is float


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'epoks': 3}, 'unknown settings epoks: use amp, batch_size'),
        ({'epochs': 'many'}, "epochs is 'many': give a value of type int"),
        ({'epochs': True}, 'give a value of type int'),
        ({'epochs': 2.5}, 'give a value of type int'),
        ({'compile': 1}, 'give a value of type bool'),
        ({'learning_rate': float('nan')}, 'learning_rate is nan'),
        ({'epochs': -1}, 'epochs is -1: give 0 or more'),
        ({'learning_rate': 0.0}, 'give more than 0'),
        ({'amp': 'yes'}, "amp is 'yes': give one of auto, on, off"),
        ({'compile_mode': 'fast'}, 'compile_mode'),
    ],
)
def test_mistakes_are_named(values, message):
    with pytest.raises(OscError, match=message):
        FitSettings.from_dict(values)
