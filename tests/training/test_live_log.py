"""The live log of a training."""

import logging

import pytest

from aiida_osc.errors import OscError
from aiida_osc.training import live_log as module
from aiida_osc.training.live_log import live_log

RECORDS = [
    {'epoch': 0, 'train_loss': 1.5, 'loss': 2.0, 'mae homo@PBE//x': 0.25},
    {'epoch': 1, 'train_loss': 1.0, 'loss': float('nan')},
]


def test_nothing_asked_nothing_imported():
    with live_log('model', {}) as takers:
        assert takers == []


def test_tensorboard_shows_every_epoch_once(tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for records in (RECORDS, RECORDS[1:]):  # the second training goes on from a checkpoint after the first epoch
        with live_log('model', {'epochs': 2}, tensorboard=str(tmp_path)) as (take,):
            for record in records:
                take(record)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(item.step, item.value) for item in events.Scalars('train_loss')] == [(0, 1.5), (1, 1.0)]
    assert [item.step for item in events.Scalars('loss')] == [0]


def test_mlflow_keeps_settings_figures_and_the_end(tmp_path):
    pytest.importorskip('mlflow')
    pytest.importorskip('sqlalchemy')
    uri = f'sqlite:///{tmp_path}/runs.db'
    with live_log('model', {'epochs': 2, 'device': 'cpu'}, mlflow=uri) as (take,):
        for record in RECORDS:
            take(record)
    with pytest.raises(KeyError), live_log('broken', {}, mlflow=uri):
        raise KeyError
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name('aiida-osc')
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert {name: run.info.status for name, run in runs.items()} == {'model': 'FINISHED', 'broken': 'FAILED'}
    assert runs['model'].data.params == {'epochs': '2', 'device': 'cpu'}
    assert runs['model'].data.metrics == {'train_loss': 1.0, 'loss': 2.0, 'mae homo_PBE__x': 0.25}
    history = client.get_metric_history(runs['model'].info.run_id, 'train_loss')
    assert [(item.step, item.value) for item in history] == [(0, 1.5), (1, 1.0)]


@pytest.mark.parametrize('option', ['tensorboard', 'mlflow'])
def test_what_is_missing_is_named(tmp_path, monkeypatch, option):
    monkeypatch.setattr(module.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(OscError, match=r"pip install 'aiida-osc\[logging\]'"), live_log('m', {}, **{option: 'x'}):
        raise AssertionError('the block must not run')


def test_what_cannot_be_begun_is_refused_before_the_training(tmp_path):
    pytest.importorskip('mlflow')
    pytest.importorskip('tensorboard')
    (tmp_path / 'file').write_text('')
    with pytest.raises(OscError, match='cannot take the log'), live_log('m', {}, tensorboard=str(tmp_path / 'file')):
        raise AssertionError('the block must not run')
    with pytest.raises(OscError, match='cannot begin a run'), live_log('m', {}, mlflow='nonsense://here'):
        raise AssertionError('the block must not run')


def test_a_log_that_breaks_does_not_end_the_training(tmp_path, caplog):
    pytest.importorskip('mlflow')
    pytest.importorskip('sqlalchemy')
    folder = tmp_path / 'runs'
    folder.mkdir()
    with caplog.at_level(logging.WARNING), live_log('m', {}, mlflow=f'sqlite:///{folder}/runs.db') as (take,):
        take(RECORDS[0])
        take({'epoch': 'not a number', 'loss': 1.0})
        take(RECORDS[1])
    assert [record.message for record in caplog.records if 'the training goes on' in record.message] != []
