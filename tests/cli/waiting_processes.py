"""Processes for the tests of the doctor: a workflow whose calcfunction waits until a file appears.

Run as a program in a profile: ``submit FOLDER`` prints the pk; ``forget FOLDER`` makes the same process as a submission
that never reached the broker; ``run FOLDER`` runs the calcfunction here, without the daemon; ``last`` prints the pk of
the newest calcfunction; ``children PK`` prints the pks of called processes; ``state PK`` prints state and seal;
``end PK`` waits for the seal first.
"""

import os
import sys
import time
from pathlib import Path

from aiida import load_profile
from aiida.engine import WorkChain, calcfunction
from aiida.orm import Int, Str


@calcfunction
def wait_for_file(folder):
    """Write down who runs this, then wait until FOLDER/go exists."""
    place = Path(folder.value)
    (place / 'worker').write_text(str(os.getpid()))
    while not (place / 'go').exists():
        time.sleep(0.1)
    return Int(1)


class WaitingWorkChain(WorkChain):
    """Call the calcfunction once."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.input('folder', valid_type=Str)
        spec.output('one', valid_type=Int)
        spec.outline(cls.wait)

    def wait(self):
        self.out('one', wait_for_file(self.inputs.folder))


def forget(folder: str) -> int:
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager

    runner = get_manager().get_runner()
    process = instantiate_process(runner, importable(), folder=Str(folder))
    runner.persister.save_checkpoint(process)
    process.close()
    return process.pid


def importable():
    from waiting_processes import WaitingWorkChain as WorkChainClass  # not __main__, which a worker cannot import

    return WorkChainClass


def main(action: str, argument: str = '') -> str:
    from aiida.engine import submit
    from aiida.orm import CalcFunctionNode, QueryBuilder, load_node

    load_profile()
    if action == 'submit':
        return str(submit(importable(), folder=Str(argument)).pk)
    if action == 'run':
        return str(wait_for_file.run_get_pk(Str(argument)).pk)
    if action == 'last':
        return str(
            QueryBuilder()
            .append(CalcFunctionNode, project='id')
            .order_by({CalcFunctionNode: {'id': 'desc'}})
            .first(flat=True)
        )
    if action == 'forget':
        return str(forget(argument))
    node = load_node(int(argument))
    if action == 'children':
        return ' '.join(str(child.pk) for child in node.called)
    while action == 'end' and not node.is_sealed:
        time.sleep(0.2)
    return f'{node.process_state.value} {"sealed" if node.is_sealed else "unsealed"}'


if __name__ == '__main__':
    print(main(*sys.argv[1:]))
