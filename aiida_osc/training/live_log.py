"""Figures of a training as it runs, for TensorBoard and MLflow; both come with the extra ``logging``."""

import importlib.util
import logging
import math
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.training.loop import Progress

LOGGER = logging.getLogger(__name__)
EXPERIMENT = 'aiida-osc'
#: What MLflow takes in the name of a figure; other characters become underscores.
_NAME = re.compile(r'[^\w\-. ]')


@contextmanager
def live_log(
    name: str, settings: dict[str, Any], *, tensorboard: str | None = None, mlflow: str | None = None
) -> Iterator[list[Progress]]:
    """Yield what takes the record of each epoch; runs are closed at the end of the block.

    :param name: name of the run.
    :param settings: of the training, kept beside its figures.
    :param tensorboard: folder of the event files.
    :param mlflow: tracking URI: a server, a folder or a database.
    :raises OscError: when a package is missing or the run cannot be begun.
    """
    with ExitStack() as stack:
        takers: list[Progress] = []
        if tensorboard:
            takers.append(stack.enter_context(_tensorboard(tensorboard, settings)))
        if mlflow:
            takers.append(stack.enter_context(_mlflow(mlflow, name, settings)))
        yield takers


def _require(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise OscError(f"{package} is not installed: pip install 'aiida-osc[logging]'")


def figures(record: dict[str, Any]) -> dict[str, float]:
    """Return the finite figures of an epoch by name."""
    numbers = {name: float(value) for name, value in record.items() if name != 'epoch'}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _lenient(take: Progress, where: str) -> Progress:
    """Return ``take`` in a form that no failure of the log ends a training: it is said once, and the log ends."""
    broken = False

    def try_to_take(record: dict[str, Any]) -> None:
        nonlocal broken
        if broken:
            return
        try:
            take(record)
        except Exception as exception:
            broken = True
            LOGGER.warning('%s takes no more figures, the training goes on without: %s', where, exception)

    return try_to_take


@contextmanager
def _tensorboard(folder: str, settings: dict[str, Any]) -> Iterator[Progress]:
    _require('tensorboard')
    from torch.utils.tensorboard import SummaryWriter

    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as exception:
        raise OscError(f'{folder} cannot take the log of TensorBoard: {exception}') from None
    writers: list[SummaryWriter] = []

    def take(record: dict[str, Any]) -> None:
        if not writers:
            # A training that goes on repeats the epochs since its last checkpoint: what was shown of them goes.
            writers.append(SummaryWriter(folder, purge_step=record['epoch']))
            writers[0].add_text('settings', '\n'.join(f'    {key}: {value}' for key, value in settings.items()))
        for name, value in figures(record).items():
            writers[0].add_scalar(name, value, record['epoch'])
        writers[0].flush()

    try:
        yield _lenient(take, folder)
    finally:
        for writer in writers:
            writer.close()


@contextmanager
def _mlflow(uri: str, name: str, settings: dict[str, Any]) -> Iterator[Progress]:
    _require('mlflow')
    # MLflow tells its makers how it is used unless it is asked not to, and waits long for a server that is gone.
    os.environ.setdefault('MLFLOW_DISABLE_TELEMETRY', 'true')
    os.environ.setdefault('MLFLOW_HTTP_REQUEST_MAX_RETRIES', '2')
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        number = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
        run = client.create_run(number, run_name=name).info.run_id
        client.log_batch(run, params=[Param(key, str(value)[:500]) for key, value in settings.items()])
    except (MlflowException, OSError, ImportError) as exception:
        raise OscError(f'MLflow cannot begin a run at {uri}: {exception}') from None

    def take(record: dict[str, Any]) -> None:
        now = int(1000 * time.time())
        named = {_NAME.sub('_', key): value for key, value in figures(record).items()}
        client.log_batch(run, metrics=[Metric(key, value, now, record['epoch']) for key, value in named.items()])

    status = 'FAILED'
    try:
        yield _lenient(take, uri)
        status = 'FINISHED'
    finally:
        try:
            client.set_terminated(run, status)
        except MlflowException as exception:
            LOGGER.warning('the run at %s could not be closed: %s', uri, exception)
