"""``aiida-osc qc``: raw outputs of quantum chemistry programs."""

import json

import click


@click.group('qc')
def qc():
    """Look at raw outputs of quantum chemistry programs."""


@qc.command('parse')
@click.argument('outputs', nargs=-1, required=True, metavar='OUTPUT...')
@click.option('--units', is_flag=True, help='Add the unit of every number under the key "units".')
def parse(outputs: tuple[str, ...], units: bool):
    """Show raw outputs of ORCA, Psi4, Gaussian or xtb as JSON.

    The keys are those of every engine, in atomic units. Of several outputs a list is shown. The exit status is 1 when a
    file cannot be read or one of the runs has failed; the reasons stand on standard error and under the key "error".
    """
    from aiida_osc.errors import OscError
    from aiida_osc.qc.recognise import parse_file
    from aiida_osc.qc.result import UNITS, QcResult

    shown, is_fine = [], True
    for path in outputs:
        try:
            result = parse_file(path)
        except OscError as exception:
            result = QcResult('unknown').failed('output_missing', str(exception))
        content = {'file': path, **result.to_dict()} if len(outputs) > 1 else result.to_dict()
        shown.append({**content, 'units': UNITS} if units else content)
        if not result.success:
            is_fine = False
            click.echo(f'{path}: {result.failure}: {result.reason}', err=True)
    click.echo(json.dumps(shown if len(outputs) > 1 else shown[0], indent=1))
    raise SystemExit(0 if is_fine else 1)
