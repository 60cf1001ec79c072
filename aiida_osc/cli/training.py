"""What the commands below ``aiida-osc train`` share: options, data, the loop over pieces on files, submission."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from aiida_osc.cli.common import is_file, profile_option, seed_option
from aiida_osc.errors import OscError

_OPTIONS = (
    click.option('--data', required=True, metavar='FILE|NODE', help='Molecules: CSV, SDF, SMILES, .h5, or a node.'),
    click.option('--out', type=click.Path(file_okay=False), help='Model folder; without it, a WorkChain is submitted.'),
    click.option('--start', metavar='MODEL', help='Earlier model, a folder or a node, whose weights are the start.'),
    click.option('--level', help='Level of theory of columns in FILE that do not say theirs.'),
    click.option('--epochs', type=click.IntRange(1), help='Epochs of the whole training.'),
    click.option('--device', default='auto', show_default=True, help='auto, cpu, cuda or another torch device.'),
    click.option('--amp/--no-amp', default=None, help='bfloat16 arithmetic; by default where the hardware has it.'),
    click.option('--compile/--no-compile', default=False, help='Compile the network with torch.compile.'),
    click.option('--compile-mode', default='default', show_default=True, help='Mode of torch.compile.'),
    seed_option,
    profile_option,
)


def training_options(command: Callable) -> Callable:
    """Add the options that all trainings share."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def loop_settings(
    device: str, amp: bool | None, compile: bool, compile_mode: str, epochs: int | None
) -> dict[str, Any]:
    """Return the options that the training loop reads, as settings; what was not given is left out."""
    precision = {None: 'auto', True: 'on', False: 'off'}[amp]
    values = {'device': device, 'amp': precision, 'compile': compile, 'compile_mode': compile_mode}
    return values if epochs is None else {**values, 'epochs': epochs}


def read_file(path: str, level: str | None = None):
    """Return the molecule table in a file; what became of its rows is said on standard error.

    :raises OscError: when the file cannot be used or no molecule is left.
    """
    from aiida_osc.cli.importing import import_as_table
    from aiida_osc.datasets.molecule_table import MoleculeTable

    if Path(path).suffix in ('.h5', '.hdf5'):
        return MoleculeTable.read(path)
    return import_as_table(path, None, {} if level is None else {'level': level}, None, 0, None)


def train_on_files(fit_piece: Callable, out: str, start: str | None):
    """Train until finished with the model folder ``out`` as checkpoint and result, and return the model.

    An interrupted training goes on from ``out`` when it is started again.

    :param fit_piece: ``checkpoint, report -> ModelArtifact``, one piece of a training.
    :param start: folder of a finished model for a warm start.
    :raises OscError: when ``out`` already holds a finished model.
    """
    from aiida_osc.training.artifact import CONFIG_FILE, ModelArtifact

    artifact = ModelArtifact.load(start) if start else None
    if Path(out, CONFIG_FILE).exists():
        artifact = ModelArtifact.load(out)
        if artifact.config['finished']:
            raise OscError(f'{out} holds a finished model: give another folder, or go on from it with --start {out}')
        click.echo(f'going on from epoch {artifact.config["training"]["progress"]["epoch"]} of {out}', err=True)
    while True:
        artifact = fit_piece(artifact, _say_epoch)
        artifact.save(out)
        if artifact.config['finished']:
            return artifact


def submit_training(
    kind: str,
    data: str,
    settings: dict[str, Any],
    seed: int,
    start: str | None,
    profile: str | None,
    find: Callable[[], dict] = dict,
) -> None:
    """Submit the WorkChain ``osc.train_<kind>`` on a molecule set and say how to follow it.

    :param find: returns inputs besides, called when the profile is loaded.
    :raises OscError: when the data or the start cannot be found or the inputs do not fit.
    """
    from aiida_osc.cli.common import load_osc_profile, require_daemon

    load_osc_profile(profile)
    require_daemon()
    from aiida.engine import submit
    from aiida.orm import Dict, Int
    from aiida.plugins import WorkflowFactory

    from aiida_osc.cli.labelling import read_molecules

    inputs = {'molecules': read_molecules(data, store=True), 'settings': Dict(settings), 'seed': Int(seed), **find()}
    if start:
        inputs['checkpoint'] = find_model(start)
    process_class: Any = WorkflowFactory(f'osc.train_{kind}')
    try:
        node = submit(process_class, **inputs, metadata={'label': f'train {kind}'})
    except ValueError as exception:
        raise OscError(f'the training cannot be submitted: {exception}') from None
    click.echo(f'submitted: pk {node.pk}, uuid {node.uuid}')
    click.echo(f'follow it with: verdi process report {node.pk}', err=True)


def find_model(identifier: str):
    """Return the model node of that pk, uuid or label, or a new one with the content of a folder or shipped model."""
    from aiida_osc.cli.common import load_osc_node
    from aiida_osc.data.model import ModelData
    from aiida_osc.training.shipped import load_model

    if is_model_file(identifier):
        return ModelData(load_model(identifier), label=Path(identifier).name)
    return load_osc_node(identifier, ModelData)


def is_model_file(identifier: str) -> bool:
    """Return whether a model is named by its folder, or comes with the package, rather than by a node."""
    from aiida_osc.training.shipped import is_shipped

    return is_shipped(identifier) or is_file(identifier)


def _say_epoch(record: dict[str, Any]) -> None:
    figures = ', '.join(f'{name} {value:.4f}' for name, value in record.items() if name != 'epoch')
    click.echo(f'epoch {record["epoch"] + 1}: {figures}', err=True)
