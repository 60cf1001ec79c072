"""A click group that imports a command's module only when that command runs."""

from importlib import import_module

import click


class LazyGroup(click.Group):
    """Group whose commands are named in a table ``name -> (module, attribute, short help)``."""

    def __init__(self, *args, table: dict[str, tuple[str, str, str]] | None = None, **kwargs):
        """Keep the table."""
        super().__init__(*args, **kwargs)
        self.table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return [*self.table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command."""
        if cmd_name in self.table:
            module, attribute, _ = self.table[cmd_name]
            return getattr(import_module(module), attribute)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        rows = [(name, short_help) for name, (_, _, short_help) in self.table.items()]
        rows += [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        with formatter.section('Commands'):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context):
        """Run the command; bad input ends in one sentence, not a traceback."""
        from aiida_osc.errors import OscError

        try:
            return super().invoke(ctx)
        except OscError as exception:
            raise click.ClickException(str(exception)) from exception
