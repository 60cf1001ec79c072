"""Settings of the surrogate."""

import pytest

from aiida_osc.errors import OscError
from aiida_osc.surrogate.settings import BATCH_BOUNDS, EPOCHS_BOUNDS, SurrogateSettings


@pytest.mark.parametrize('molecules', [4, 50, 300, 3000, 130_000])
def test_sizes_follow_the_number_of_molecules(molecules):
    settings = SurrogateSettings().resolved(molecules)
    assert EPOCHS_BOUNDS[0] <= settings.epochs <= EPOCHS_BOUNDS[1]
    assert BATCH_BOUNDS[0] <= settings.batch_size <= BATCH_BOUNDS[1]
    assert settings.piece_epochs >= 1


def test_given_sizes_are_kept_and_warm_starts_are_shorter():
    settings = SurrogateSettings(epochs=10, batch_size=7, piece_epochs=3)
    assert settings.resolved(1000) == settings
    assert settings.resolved(1000, warm=True).epochs == 4


def test_settings_survive_json():
    settings = SurrogateSettings.from_dict({'columns': ['homo@x'], 'members': 3.0})
    assert settings.columns == ('homo@x',)
    assert SurrogateSettings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'spatial_members': -1}, 'spatial_members is -1'),
        ({'spatial_members': 65}, 'members of the spatial members is 65'),
        ({'spatial_members': 1, 'cutoff': 0.5}, 'cutoff of the spatial members is 0.5'),
        ({'spatial_members': 1, 'family': 'gp'}, 'the family gp has no spatial members'),
    ],
)
def test_impossible_spatial_members_are_refused(values, reason):
    with pytest.raises(OscError, match=reason):
        SurrogateSettings.from_dict(values)


def test_device_and_pieces_do_not_change_the_training():
    assert SurrogateSettings(device='cpu', piece_epochs=3).essence() == SurrogateSettings().essence()
    assert SurrogateSettings(depth=3).essence() != SurrogateSettings().essence()


@pytest.mark.parametrize('values', [{'warm_up': 2.0}, {'beta': -1.0}, {'members': 0}, {'epochs': -3}, {'memebrs': 3}])
def test_mistakes_are_refused(values):
    with pytest.raises(OscError):
        SurrogateSettings.from_dict(values)
