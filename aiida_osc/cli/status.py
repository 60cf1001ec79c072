"""``aiida-osc status``: how far campaigns are, live in a terminal."""

import time
from typing import TYPE_CHECKING

import click

from aiida_osc.cli.common import load_osc_profile, profile_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from aiida_osc.provenance.progress import CampaignProgress, StepProgress

INTERVAL = 2.0
BAR_WIDTH = 24


@click.command()
@click.argument('campaign', metavar='[PK]', required=False)
@click.option('--once', is_flag=True, help='Print the present state and end; the default where there is no terminal.')
@click.option('--follow', 'stay', is_flag=True, help='Stay until it has ended; without a terminal a line per change.')
@click.option('--interval', type=click.FloatRange(min=0.2), default=INTERVAL, show_default=True, help='Seconds.')
@profile_option
def status(campaign: str | None, once: bool, stay: bool, interval: float, profile: str | None):
    """Show all campaigns, or the steps of one (PK, uuid or label) until it ends. Control-C leaves it running."""
    load_osc_profile(profile)
    from rich.console import Console

    from aiida_osc.provenance.find import find_campaign
    from aiida_osc.provenance.progress import list_progress

    console = Console()
    if campaign is None:
        console.print(campaign_list(list_progress()))
        return
    follow(find_campaign(campaign).pk, once=once or not (stay or console.is_terminal), interval=interval)


def follow(pk, *, once: bool = False, interval: float = INTERVAL) -> None:
    """Show the progress of a campaign until it has ended.

    :param pk: the pk of the campaign.
    :param once: print the present state instead of waiting.
    :param interval: seconds between two looks.
    """
    from rich.console import Console
    from rich.live import Live

    from aiida_osc.provenance.progress import campaign_progress

    console = Console()
    progress = campaign_progress(pk)
    if once:
        console.print(campaign_view(progress))
        return
    try:
        if not console.is_terminal:
            _print_changes(pk, interval)
            return
        with Live(campaign_view(progress), console=console, auto_refresh=False) as live:
            while not progress.ended:
                time.sleep(interval)
                progress = campaign_progress(pk)
                live.update(campaign_view(progress), refresh=True)
    except KeyboardInterrupt:
        console.print(f'The campaign goes on; look again with: aiida-osc status {pk}')


def _print_changes(pk, interval: float) -> None:
    """Print a line whenever a step begins, gets on or ends, for logs and pipes; return when the campaign has ended."""
    from aiida_osc.provenance.progress import campaign_progress

    told: dict[int, str] = {}
    while True:
        progress = campaign_progress(pk)
        for number, step in enumerate(progress.steps):
            line = _step_line(step)
            if told.get(number) != line:
                told[number] = line
                click.echo(f'[{duration(progress.seconds):>12}] {line}')
        if progress.ended:
            click.echo(f'[{duration(progress.seconds):>12}] {progress.label}: {progress.message or progress.state}')
            return
        time.sleep(interval)


def _step_line(step: 'StepProgress') -> str:
    where = f'iteration {step.iteration}: ' if step.iteration else ''
    state = 'running' if step.running else ('done' if step.ok else 'failed')
    counts = '' if step.done is None else f', {_of(step.done, step.total)}'
    return f'{where}{step.label}{counts}, {state}'


def campaign_list(campaigns: 'list[CampaignProgress]') -> 'RenderableType':
    """Return the table of all campaigns."""
    from rich.table import Table
    from rich.text import Text

    if not campaigns:
        return Text('No campaign yet: submit one with "aiida-osc discover CAMPAIGN.yaml".')
    table = Table(box=None, header_style='bold')
    for name in ('pk', 'campaign', 'state', 'time', 'iteration', 'molecules'):
        table.add_column(name, justify='right' if name in ('pk', 'time') else 'left')
    for item in campaigns:
        table.add_row(
            str(item.pk),
            Text(item.label),
            Text(item.state, style=_colour(item.state, item.message is None)),
            duration(item.seconds),
            _of(item.iteration, item.iterations),
            _bar(item.computed, item.molecules),
        )
    return table


def campaign_view(progress: 'CampaignProgress') -> 'RenderableType':
    """Return the head line of a campaign and a table of its steps; earlier iterations take one line each."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = Text(progress.label or f'campaign {progress.pk}', style='bold')
    head.append(f'  pk {progress.pk}, ', style='dim')
    head.append(progress.state, style=_colour(progress.state, progress.message is None))
    head.append(f', {duration(progress.seconds)}', style='dim')
    totals = Table.grid(padding=(0, 2))
    totals.add_row('iterations', _bar(progress.iteration, progress.iterations))
    totals.add_row('molecules', _bar(progress.computed, progress.molecules))
    steps = Table(box=None, header_style='bold')
    for name in ('', 'step', 'time', 'progress', ''):
        steps.add_column(name, justify='right' if name == 'time' else 'left')
    for number in dict.fromkeys(item.iteration for item in progress.steps):
        members = [item for item in progress.steps if item.iteration == number]
        if number and number < progress.iteration and not any(item.running for item in members):
            steps.add_row(*_summary_row(number, members))
        else:
            for item in members:
                steps.add_row(*_step_row(item))
    message = [Text(progress.message, style='red')] if progress.message else []
    return Group(head, totals, Text(), steps, *message)


def _step_row(step: 'StepProgress') -> 'tuple[RenderableType, ...]':
    from rich.text import Text

    mark = '…' if step.running else ('✓' if step.ok else '✗')
    style = 'cyan' if step.running else ('green' if step.ok else 'red')
    prefix = f'{step.iteration}. ' if step.iteration else ''
    bar = Text() if step.done is None else _bar(step.done, step.total)
    detail = Text(step.detail, style='dim')
    return Text(mark, style=style), Text(f'{prefix}{step.label}'), duration(step.seconds), bar, detail


def _summary_row(number: int, steps: 'list[StepProgress]') -> 'tuple[RenderableType, ...]':
    from rich.text import Text

    failed = [item.label for item in steps if not item.ok]
    mark = Text('✗', style='red') if failed else Text('✓', style='green')
    began = min(item.began for item in steps)
    seconds = max((item.began - began).total_seconds() + item.seconds for item in steps)
    return mark, Text(f'iteration {number}'), duration(seconds), Text(), Text(', '.join(failed), style='red')


def _bar(done: int, total: int | None) -> 'RenderableType':
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    if not total:
        return str(done)
    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(total=total, completed=min(done, total), width=BAR_WIDTH), _of(done, total))
    return grid


def _of(done: int, total: int | None) -> str:
    return str(done) if total is None else f'{done} of {total}'


def _colour(state: str, well: bool) -> str:
    if state in ('excepted', 'killed') or not well:
        return 'red'
    return 'green' if state == 'finished' else 'cyan'


def duration(seconds: float) -> str:
    """Return a time span in words that a person reads at a glance."""
    whole = round(seconds)
    if whole < 60:
        return f'{whole} s'
    if whole < 3600:
        return f'{whole // 60} min {whole % 60:02d} s'
    return f'{whole // 3600} h {whole % 3600 // 60:02d} min'
