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


def run(*command: str, keep: bool = False, check: bool = True) -> str:
    """Show the command and run it; ``keep`` returns what it wrote to standard output."""
    print(f'\n$ {shlex.join(command)}', flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE if keep else None, text=True, check=False)
    print(done.stdout or '', end='', flush=True)
    if check and done.returncode:
        sys.exit(f'{command[0]} ended with status {done.returncode}; "aiida-osc doctor" says what is wrong')
    return done.stdout or ''


def main() -> None:
    started = time.monotonic()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    run('aiida-osc', 'setup')
    run('aiida-osc', 'data', 'import', '--source', 'seed', '--label', 'seed')
    submitted = run('aiida-osc', 'discover', str(EXAMPLES / 'campaign.yaml'), keep=True)
    pk = submitted.split('submitted: pk ')[1].split(',')[0]
    run('aiida-osc', 'status', pk, '--follow')
    run('verdi', 'process', 'list', '-a', '-P', 'pk', 'label', 'process_label', 'state')
    run('aiida-osc', 'report', pk, '-o', str(OUTPUT / 'report'))
    run('aiida-osc', 'doctor', check=False)
    minutes = (time.monotonic() - started) / 60
    print(f'\ndone in {minutes:.1f} minutes; open {(OUTPUT / "report" / "index.html").resolve()}')


if __name__ == '__main__':
    main()
