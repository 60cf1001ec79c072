"""What ``aiida-osc compute`` does: molecules in, a submitted :class:`LabelWorkChain`, labels out."""

import json
import time
from pathlib import Path

import click

from aiida_osc.cli.common import is_file, load_osc_node
from aiida_osc.errors import OscError
from aiida_osc.qc.scheme import PROGRAM_ENGINES

POLL_SECONDS = 1.0
#: Time between two looks at least, in units of what one takes.
LOOKING = 50


def read_molecules(identifier: str, *, store: bool):
    """Return the molecule set that a file or node names; what is left out of a file is said on standard error.

    :param store: whether a file is imported into the profile, which keeps where the molecules come from.
    :raises OscError: when there is no such file or node, or no molecule in it.
    """
    from aiida_osc.cli.importing import import_as_node, import_as_table
    from aiida_osc.data.molecule_set import MoleculeSetData

    if not is_file(identifier):
        node = load_osc_node(identifier, MoleculeSetData)
    elif store:
        node = import_as_node(path=identifier)
    else:
        node = MoleculeSetData(import_as_table(identifier, None, {}, None, 0, None))
    if not node.count:
        raise OscError(f'{identifier} holds no molecule that can be computed: nothing to do')
    return node


def make_builder(
    molecules, *, engine, protocol, level, epsilon, code, xtb_code, cores, memory, chunk_size, max_concurrent, walltime,
    reuse, seed,
):  # fmt: skip
    """Return the builder of a :class:`LabelWorkChain`; choices that are None are the protocol's.

    :raises OscError: when there is no such code, level or combination.
    """
    from aiida.orm import Bool, Dict

    from aiida_osc.workflows.label import LabelWorkChain

    sizes = {'chunk_size': chunk_size, 'max_concurrent': max_concurrent}
    overrides = {name: value for name, value in sizes.items() if value is not None}
    overrides['parameters'] = {'seed': seed, **_levels(level, epsilon)}
    options = _options(cores, walltime, memory)
    builder = LabelWorkChain.get_builder_from_protocol(
        find_code(code or engine),
        molecules,
        protocol or ('fast' if engine == 'tblite' else 'balanced'),
        overrides,
        options,
        engine,
        find_code(xtb_code) if engine in PROGRAM_ENGINES else None,
    )
    builder.xtb_options = Dict({**builder.xtb_options.get_dict(), **options})
    builder.reuse = Bool(reuse)
    return builder


def _levels(level: str | None, epsilon: float | None) -> dict:
    """Return the parameters of a level; what is not given stays the protocol's."""
    from aiida_osc.qc.levels import parse_level

    if level is None:
        if epsilon:
            raise OscError('--epsilon needs --level, the level of the energies in the solvent')
        return {}
    energy, geometry = parse_level(level, epsilon or 0.0)
    return {
        'energy': energy.to_dict(),
        'geometry': geometry if isinstance(geometry, str) else geometry.to_dict(),
    }


def find_process(identifier: str):
    """Return the ended :class:`LabelWorkChain` of that pk or uuid, None when it names something else.

    :raises OscError: when the process has not ended.
    """
    from aiida.common.exceptions import MultipleObjectsError, NotExistent
    from aiida.orm import WorkChainNode, load_node

    try:
        node = load_node(identifier)
    except (NotExistent, MultipleObjectsError, ValueError):
        return None
    if not isinstance(node, WorkChainNode) or node.process_type != 'aiida.workflows:osc.label':
        return None
    if not node.is_terminated:
        raise OscError(f'process {node.pk} is still running: see "aiida-osc status {node.pk}"')
    return node


def resume_builder(process, *, cores=None, walltime=None, memory=None, **_):
    """Return a builder of the same labels that keeps what the jobs of the ended ``process`` have finished.

    :param cores: cores per job, as before when None.
    :param walltime: wall time per job in seconds, as before when None.
    :param memory: memory per job in MB, as before when None.
    """
    from aiida.orm import Dict

    builder = process.get_builder_restart()
    builder.options = Dict({**builder.options.get_dict(), **_options(cores, walltime, memory)})
    for link in process.base.links.get_outgoing().all():
        if link.link_label.startswith('chunk_') and not link.node.is_finished_ok:
            folders = [job.outputs.remote_folder for job in link.node.called if 'remote_folder' in job.outputs]
            if folders:
                # Each job of a chunk began with the results of the one before it.
                builder.parents[link.link_label] = max(folders, key=lambda node: node.pk)
    return builder


def _options(cores, walltime, memory):
    options: dict = {}
    if memory:
        options['max_memory_kb'] = memory * 1000
    if cores:
        options['resources'] = {'num_machines': 1, 'num_mpiprocs_per_machine': cores}
    if walltime:
        options['max_wallclock_seconds'] = walltime
    return options


def find_code(identifier: str):
    """Return the code of that label, pk or uuid.

    :raises OscError: when there is none or more than one.
    """
    from aiida.common.exceptions import MultipleObjectsError, NotExistent
    from aiida.orm import load_code

    try:
        return load_code(identifier)
    except MultipleObjectsError:
        raise OscError(f'several codes are called {identifier!r}: say which, as --code LABEL@COMPUTER') from None
    except (NotExistent, ValueError):
        raise OscError(f'no code {identifier!r}: make it with "aiida-osc setup", or name another with --code') from None


def describe(builder) -> str:
    """Return in a sentence what the builder would compute."""
    from aiida_osc.calculations.resources import count_cores

    computer, engine = builder.code.computer, builder.parameters['engine']
    count, size, most = builder.molecules.count, builder.chunk_size.value, builder.max_concurrent.value
    jobs = -(-count // size)
    cores = count_cores(builder.options['resources'], computer.get_default_mpiprocs_per_machine())
    power = f'{cores} {"core" if cores == 1 else "cores"} each, by {engine} on {computer.label}'
    if engine in PROGRAM_ENGINES:
        return f'{count} molecules, at most {most} calculations at a time with {power}'
    return (
        f'{count} molecules in {jobs} {"job" if jobs == 1 else "jobs"} of up to {size}, '
        f'at most {most} at a time with {power}'
    )


def submit_labels(builder, name: str):
    """Submit the builder and return the node.

    :raises OscError: when the inputs do not fit.
    """
    from aiida.engine import submit

    if not builder.metadata.label:
        builder.metadata.label = f'compute {builder.molecules.count} molecules of {Path(name).name}'
    try:
        return submit(builder)
    except ValueError as exception:
        raise OscError(f'the labels cannot be computed: {exception}') from None


def follow(process) -> None:
    """Show the molecules that are finished on standard error until the process has ended."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task('molecules', total=process.inputs.molecules.count)
        while not process.is_terminated:
            begin = time.monotonic()
            bar.update(task, completed=finished_molecules(process))
            # The cores are there to compute: with many jobs to look at, look less often.
            time.sleep(max(POLL_SECONDS, LOOKING * (time.monotonic() - begin)))
        # Molecules without a job of their own, known before or without a start geometry, are done with as well.
        done = process.inputs.molecules.count if process.is_finished_ok else finished_molecules(process)
        bar.update(task, completed=done)


def finished_molecules(process) -> int:
    """Return how many molecules the jobs below ``process`` have finished, as far as can be seen from here."""
    from aiida.orm import CalcJobNode, WorkChainNode

    if process.inputs.parameters.get('engine', 'tblite') in PROGRAM_ENGINES:
        called = [node for node in process.called if isinstance(node, WorkChainNode)]
        return sum(node.is_terminated for node in called if node.process_type == 'aiida.workflows:osc.fourpoint')
    done: dict[str, int] = {}
    for job in process.called_descendants:
        if isinstance(job, CalcJobNode):
            # The job that goes on from another one counts that one's molecules too: same molecules, larger number.
            key = job.inputs.molecules.uuid
            done[key] = max(done.get(key, 0), _finished(job))
    return sum(done.values())


def _finished(job) -> int:
    from aiida_osc.calculations.fourpoint_batch import PROGRESS_FILE

    if 'results' in job.outputs:
        return job.outputs.results['total']
    folder = job.get_remote_workdir()
    if folder is None or job.computer.transport_type != 'core.local':
        return 0
    try:
        return int(json.loads(Path(folder, PROGRESS_FILE).read_text())['done'])
    except (OSError, ValueError, KeyError):
        return 0


def report_labels(process, out: str | None) -> None:
    """Wait for the process, say what it gave, and write its labels to the file ``out``."""
    follow(process)
    failures = process.outputs.failures.get_dict() if 'failures' in process.outputs else {'molecules': {}}
    for item in failures['molecules'].values():
        click.echo(f'{item["smiles"]}: {item["status"]}, {item["reason"]}', err=True)
    if not process.is_finished_ok:
        click.echo(f'{process.exit_message or process.process_state.value}', err=True)
        click.echo(f'see: verdi process report {process.pk}', err=True)
    if 'labels' not in process.outputs:
        return
    labels = process.outputs.labels
    click.echo(f'labels: {labels.count} molecules, node {labels.pk}, uuid {labels.uuid}')
    if out:
        from aiida_osc.datasets.export import export_table

        export_table(labels.load(), out)
        click.echo(f'written: {out}')
