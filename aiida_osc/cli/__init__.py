"""The command ``aiida-osc``."""

import click

from aiida_osc import __version__
from aiida_osc.cli.lazy import LazyGroup

_CLI = 'aiida_osc.cli'
COMMANDS = {
    'setup': (f'{_CLI}.setup', 'setup', 'Make or reuse a profile, computer, code and daemon.'),
    'doctor': (f'{_CLI}.doctor', 'doctor', 'Check the installation; print each cure, or apply it with --fix.'),
    'data': (f'{_CLI}.data', 'data', 'Import, show and export data sets.'),
    'train': (f'{_CLI}.train', 'train', 'Train a surrogate or a generator.'),
    'predict': (f'{_CLI}.predict', 'predict', 'Predict properties with calibrated uncertainty.'),
    'evaluate': (f'{_CLI}.evaluate', 'evaluate', 'Compare predictions with labels.'),
    'motifs': (f'{_CLI}.motifs', 'motifs', 'Decompose molecules into motifs and check that they reassemble.'),
    'generate': (f'{_CLI}.generate', 'generate', 'Sample new molecules.'),
    'geometries': (f'{_CLI}.geometries', 'geometries', 'Make 3D structures.'),
    'compute': (f'{_CLI}.compute', 'compute', 'Compute labels by quantum chemistry.'),
    'qc': (f'{_CLI}.qc', 'qc', 'Look at raw outputs of quantum chemistry programs.'),
    'discover': (f'{_CLI}.discover', 'discover', 'Submit a discovery campaign.'),
    'status': (f'{_CLI}.status', 'status', 'Show running campaigns, or one in detail.'),
    'why': (f'{_CLI}.why', 'why', 'Show where a molecule and its numbers come from.'),
    'report': (f'{_CLI}.report', 'report', 'Write the report of a campaign.'),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(__version__, prog_name='aiida-osc')
def main():
    """Discover organic semiconductors: generate, predict, select, compute, retrain."""
