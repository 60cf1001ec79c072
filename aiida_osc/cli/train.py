"""The command group ``aiida-osc train``."""

import click

from aiida_osc.cli.lazy import LazyGroup

_CLI = 'aiida_osc.cli'
COMMANDS = {
    'surrogate': (f'{_CLI}.train_surrogate', 'surrogate', 'Train an ensemble that predicts properties.'),
    'diffusion': (f'{_CLI}.train_diffusion', 'diffusion', 'Train a diffusion model that makes 3D structures.'),
    'jtvae': (f'{_CLI}.train_jtvae', 'jtvae', 'Train a junction-tree variational autoencoder.'),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={'help_option_names': ['-h', '--help']})
def train():
    """Train a surrogate, a generator or a model of structures."""
