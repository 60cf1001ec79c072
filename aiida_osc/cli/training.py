"""What the commands below ``aiida-osc train`` share: options, data, the loop over pieces on files, submission."""

import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import yaml
from click.core import ParameterSource

from aiida_osc.cli.common import ModelName, is_file, profile_option, seed_option
from aiida_osc.errors import OscError

_OPTIONS = (
    click.option('--data', required=True, metavar='FILE|NODE', help='Molecules: CSV, SDF, SMILES, .h5, or a node.'),
    click.option('--out', type=click.Path(file_okay=False), help='Model folder; without it, a WorkChain is submitted.'),
    click.option('--start', type=ModelName(), metavar='MODEL', help='Earlier model whose weights are the start.'),
    click.option('--level', help='Level of theory of columns in FILE that do not say theirs.'),
    click.option(
        '--settings',
        'settings_file',
        type=click.Path(dir_okay=False),
        help='JSON file with settings of the training; options that are given besides win.',
    ),
    click.option('--epochs', type=click.IntRange(1), help='Epochs of the whole training.'),
    click.option('--pieces', type=click.IntRange(0), help='Pieces until a checkpoint ends the command or job; 0: all.'),
    click.option('--device', default='auto', show_default=True, help='auto, cpu, cuda or another torch device.'),
    click.option('--amp/--no-amp', default=None, help='bfloat16 arithmetic; by default where the hardware has it.'),
    click.option('--compile/--no-compile', default=False, help='Compile the network with torch.compile.'),
    click.option('--compile-mode', default='default', show_default=True, help='Mode of torch.compile.'),
    click.option('--tensorboard', type=click.Path(file_okay=False), help='Folder for the figures of each epoch.'),
    click.option('--mlflow', metavar='URI', help='Tracking server or database for the figures of each epoch.'),
    click.option('--code', metavar='CODE', help='aiida-osc on the computer that trains, for a WorkChain.'),
    click.option('--option', 'job', multiple=True, metavar='NAME=VALUE', help='metadata.options of its jobs.'),
    seed_option,
    profile_option,
)


def training_options(command: Callable) -> Callable:
    """Add the options that all trainings share."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def loop_settings(
    device: str, amp: bool | None, compile: bool, compile_mode: str, epochs: int | None, **_
) -> dict[str, Any]:
    """Return the options that the training loop reads, as settings; what was not given is left out."""
    precision = {None: 'auto', True: 'on', False: 'off'}[amp]
    values = {'device': device, 'amp': precision, 'compile': compile, 'compile_mode': compile_mode}
    return values if epochs is None else {**values, 'epochs': epochs}


def over_file(values: dict[str, Any], settings_file: str | None, **_) -> dict[str, Any]:
    """Return ``values``; with a file its settings, and in place of its own those of the options that were given.

    :raises OscError: when the file holds no JSON object.
    """
    if settings_file is None:
        return values
    try:
        stored = json.loads(Path(settings_file).read_text(encoding='utf-8'))
    except (OSError, ValueError) as exception:
        raise OscError(f'{settings_file} is no readable JSON file: {exception}') from None
    if not isinstance(stored, dict):
        raise OscError(f'{settings_file} holds no settings: write a JSON object such as {{"epochs": 50}}')
    source = click.get_current_context().get_parameter_source
    given = {name: value for name, value in values.items() if source(name) is ParameterSource.COMMANDLINE}
    return {**stored, **given}


def read_file(path: str, level: str | None = None):
    """Return the molecule table in a file; what became of its rows is said on standard error.

    :raises OscError: when the file cannot be used or no molecule is left.
    """
    from aiida_osc.cli.importing import import_as_table
    from aiida_osc.datasets.molecule_table import MoleculeTable

    if Path(path).suffix in ('.h5', '.hdf5'):
        return MoleculeTable.read(path)
    return import_as_table(path, None, {} if level is None else {'level': level}, None, 0, None)


def train_on_files(
    fit_piece: Callable,
    out: str,
    start: str | None,
    *,
    settings: Any,
    pieces: int | None,
    tensorboard: str | None,
    mlflow: str | None,
    code: str | None = None,
    job: tuple[str, ...] = (),
    **_,
):
    """Train with the model folder ``out`` as checkpoint and result; return the model, None for a mere checkpoint.

    An interrupted training goes on from ``out`` when it is started again.

    :param fit_piece: ``checkpoint, report -> ModelArtifact``, one piece of a training.
    :param start: folder of a finished model for a warm start.
    :param settings: of the training, for its live log.
    :param pieces: end after so many, finished or not.
    :raises OscError: when ``out`` already holds a finished model.
    """
    from aiida_osc.training.artifact import CONFIG_FILE, ModelArtifact
    from aiida_osc.training.live_log import live_log

    if code or job:
        raise OscError('--code and --option are of the jobs of a WorkChain: leave them out, or leave out --out')
    artifact = ModelArtifact.load(start) if start else None
    if Path(out, CONFIG_FILE).exists():
        artifact = ModelArtifact.load(out)
        if artifact.config['finished']:
            raise OscError(f'{out} holds a finished model: give another folder, or go on from it with --start {out}')
        click.echo(f'going on from epoch {artifact.config["training"]["progress"]["epoch"]} of {out}', err=True)
    with live_log(Path(out).name, settings.to_dict(), tensorboard=tensorboard, mlflow=mlflow) as takers:
        for piece in itertools.count(1):
            artifact = fit_piece(artifact, lambda record: [take(record) for take in (_say_epoch, *takers)])
            artifact.save(out)
            if artifact.config['finished']:
                return artifact
            if piece == pieces:
                break
    click.echo(f'checkpoint written: {out}; the same command goes on from it', err=True)
    return None


def submit_training(
    kind: str,
    data: str,
    settings: dict[str, Any],
    seed: int,
    start: str | None,
    profile: str | None,
    find: Callable[[], dict] = dict,
    *,
    pieces: int | None,
    tensorboard: str | None,
    mlflow: str | None,
    code: str | None,
    job: tuple[str, ...],
    **_,
) -> None:
    """Submit the WorkChain ``osc.train_<kind>`` on a molecule set and say how to follow it.

    :param find: returns inputs besides, called when the profile is loaded.
    :param pieces: of one job, when there is a code.
    :param code: label of the code whose computer trains.
    :param job: ``NAME=VALUE`` of its ``metadata.options``.
    :raises OscError: when the data or the start cannot be found or the inputs do not fit.
    """
    from aiida_osc.cli.common import load_osc_profile, require_daemon

    if tensorboard or mlflow:
        raise OscError('--tensorboard and --mlflow follow a training here: give --out, or leave them out')
    if code is None and (job or pieces is not None):
        raise OscError('--option and --pieces are of jobs: give the --code that they run, or --out to train here')
    load_osc_profile(profile)
    require_daemon()
    from aiida.engine import submit
    from aiida.orm import Dict, Int
    from aiida.plugins import WorkflowFactory

    from aiida_osc.cli.labelling import find_code, read_molecules

    inputs = {'molecules': read_molecules(data, store=True), 'settings': Dict(settings), 'seed': Int(seed), **find()}
    if start:
        inputs['checkpoint'] = find_model(start)
    if code is not None:
        inputs |= {'code': find_code(code), 'options': Dict(parse_options(job))}
    if pieces is not None:
        inputs['pieces_per_job'] = Int(pieces)
    process_class: Any = WorkflowFactory(f'osc.train_{kind}')
    try:
        node = submit(process_class, **inputs, metadata={'label': f'train {kind}'})
    except ValueError as exception:
        raise OscError(f'the training cannot be submitted: {exception}') from None
    click.echo(f'submitted: pk {node.pk}, uuid {node.uuid}')
    click.echo(f'follow it with: verdi process report {node.pk}', err=True)


def parse_options(texts: Iterable[str]) -> dict[str, Any]:
    """Return the options written as ``NAME=VALUE``, where a value is YAML.

    :raises OscError: when a text has another form.
    """
    options = {}
    for text in texts:
        name, separator, value = text.partition('=')
        try:
            options[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            separator = ''
        if not (separator and name.strip()):
            raise OscError(f'--option {text!r}: write NAME=VALUE, such as max_wallclock_seconds=3600')
    return options


def find_model(identifier: str):
    """Return the model node of that pk, uuid or label, or a new one with the content of that folder."""
    from aiida_osc.cli.common import load_osc_node
    from aiida_osc.data.model import ModelData
    from aiida_osc.training.artifact import ModelArtifact

    if is_file(identifier):
        return ModelData(ModelArtifact.load(identifier), label=Path(identifier).name)
    return load_osc_node(identifier, ModelData)


def _say_epoch(record: dict[str, Any]) -> None:
    figures = ', '.join(f'{name} {value:.4f}' for name, value in record.items() if name != 'epoch')
    click.echo(f'epoch {record["epoch"] + 1}: {figures}', err=True)
