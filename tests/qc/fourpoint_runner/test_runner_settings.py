import pytest

from aiida_osc.qc.fourpoint_runner.settings import InputError, RunnerSettings, read_settings


def test_defaults_depend_on_the_engine():
    assert read_settings({}) == RunnerSettings()
    assert read_settings({}, 'pyscf').molecule_timeout == 86400
    assert read_settings({'molecule_timeout': 60}, 'pyscf').molecule_timeout == 60


def test_zero_has_a_meaning_for_some():
    settings = read_settings({'max_wall_seconds': 0, 'threads': 0, 'memory_mb': 0, 'grid_level': 0})
    assert settings.grid_level == 0


@pytest.mark.parametrize(
    ('raw', 'message'),
    [
        ({'optimiser': 'bfgs'}, 'auto, internal, geometric'),
        ({'conformer_ranking': 3}, 'mmff, xtb'),
        ({'device': 'tpu'}, 'auto, cpu, gpu'),
        ({'grid_level': 10}, 'at most 9'),
        ({'grid_level': 2.5}, 'whole number'),
        ({'threads': -1}, 'positive'),
        ({'xtb_program': ''}, 'name or path'),
        ({'xtb_program': '--help'}, 'name or path'),
        ({'xtb_program': 'xtb\n'}, 'name or path'),
        ({'stale_seconds': 0}, 'positive'),
    ],
)
def test_bad_values_are_named(raw, message):
    with pytest.raises(InputError, match=message):
        read_settings(raw)
