import pytest

from aiida_osc.diffusion.path_settings import PathSettings
from aiida_osc.errors import OscError


def test_settings_survive_json():
    settings = PathSettings(kind='ou', warp=0.5, centred=True)
    assert PathSettings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'kind': 've'}, 'kind'),
        ({'prior': 'pink'}, 'prior'),
        ({'gamma': -1.0}, 'not negative'),
        ({'beta_start': 0.0}, 'beta_start'),
        ({'scale': 0.0}, 'scale'),
        ({'warp': float('inf')}, 'finite'),
        ({'horizon': 0.0}, 'horizon'),
    ],
)
def test_impossible_settings_are_refused(values, sentence):
    with pytest.raises(OscError, match=sentence):
        PathSettings(**values)


def test_unknown_key_is_refused():
    with pytest.raises(OscError, match='temperature'):
        PathSettings.from_dict({'temperature': 1.0})
