"""The main job from nothing to a report: what ``make demo`` runs, and what a newcomer would type.

Each line printed with ``$`` is a command that can be repeated by hand in the same environment.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent
OUTPUT = Path(os.environ.get('OSC_DEMO_OUTPUT', 'osc-demo'))


def run(*command: str, check: bool = True) -> str:
    """Show the command, run it with its output shown, and return what it wrote to standard output."""
    print(f'\n$ {shlex.join(command)}', flush=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout:
            print(line, end='', flush=True)
            lines.append(line)
    if check and process.returncode:
        sys.exit(f'{command[0]} ended with status {process.returncode}; "aiida-osc doctor" says what is wrong')
    return ''.join(lines)


def main() -> None:
    started = time.monotonic()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    run('aiida-osc', 'setup')
    run('aiida-osc', 'data', 'import', '--source', 'seed', '--label', 'seed')
    submitted = run('aiida-osc', 'discover', str(EXAMPLES / 'campaign.yaml'), '--wait')
    pk = submitted.split('submitted: pk ')[1].split(',')[0]
    run('verdi', 'process', 'list', '-a', '-P', 'pk', 'label', 'process_label', 'state')
    run('aiida-osc', 'report', pk, '-o', str(OUTPUT / 'report'))
    run('aiida-osc', 'doctor', check=False)
    minutes = (time.monotonic() - started) / 60
    print(f'\ndone in {minutes:.1f} minutes; open {(OUTPUT / "report" / "index.html").resolve()}')


if __name__ == '__main__':
    main()
