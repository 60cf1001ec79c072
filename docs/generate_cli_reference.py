"""Write docs/reference/cli.md from the help of the commands; ``make reference`` runs this."""

from pathlib import Path

import click

from aiida_osc.cli import main

TARGET = Path(__file__).parent / 'reference' / 'cli.md'
HEADER = """# Commands

Every command has `--help`. `FILE|NODE` is a file, or the pk, uuid or label of a node. Progress goes to standard error,
results go to standard output and to files. The exit status is 0 when all went well.

This page is made by `make reference` from the help texts.
"""


def commands(command: click.Command, path: tuple[str, ...], parent: click.Context | None = None):
    """Yield ``(path, command, context)`` of a command and of all below it."""
    context = click.Context(command, info_name=path[-1], parent=parent)
    yield path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None, name
            yield from commands(child, (*path, name), context)


def section(path: tuple[str, ...], context: click.Context) -> str:
    """Return the section of one command: its help as it is shown in a terminal."""
    context.terminal_width = context.max_content_width = 100
    return f'## {" ".join(path)}\n\n```text\n{context.get_help()}\n```\n'


def render() -> str:
    """Return the whole page."""
    return '\n'.join([HEADER, *(section(path, context) for path, _, context in commands(main, ('aiida-osc',)))])


if __name__ == '__main__':
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(render())
