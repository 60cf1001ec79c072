"""The whole loop through the daemon, as a user starts it, with a worker killed on the way."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.daemon, pytest.mark.xtb, pytest.mark.timeout(1200)]

CAMPAIGN = """
label: integration
molecules: start
protocol: fast
seed: 3
cores: 2
overrides:
  budget: {iterations: 2, molecules: 4, generator_every: 0}
  surrogate: {epochs: 4, piece_epochs: 2, members: 2}
  generator: {epochs: 4, piece_epochs: 2}
  generation: {count: 20, max_heavy_atoms: 14}
  selection: {size: 2, control: true}
"""


@pytest.fixture(scope='module')
def shell(tmp_path_factory):
    """Return a function that runs a command in an AiiDA folder of its own; the daemon ends with the module."""
    root = tmp_path_factory.mktemp('loop')
    environment = {
        **os.environ,
        'AIIDA_PATH': str(root / 'aiida'),
        'HOME': str(root),
        'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
    }

    def run(*command, check=True):
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=900)
        assert not check or done.returncode == 0, f'{command}:\n{done.stdout}\n{done.stderr}'
        return done

    run.root = root
    yield run
    run('verdi', 'daemon', 'stop', check=False)


@pytest.fixture(scope='module')
def campaign(shell):
    """Return the pk of a campaign that has ended, during which one worker was killed."""
    shell('aiida-osc', 'setup', '--workers', '2')
    script = shell.root / 'start.py'
    script.write_text(
        'from aiida_osc.datasets.seed_set import load_seed\n'
        'from aiida_osc.data.molecule_set import MoleculeSetData\n'
        'table = load_seed()\n'
        'rows = [row for row, smiles in enumerate(table.smiles) if len(smiles) < 26][:60]\n'
        'MoleculeSetData(table.take(rows), label="start").store()\n'
    )
    shell('verdi', 'run', str(script))
    (shell.root / 'campaign.yaml').write_text(CAMPAIGN)
    submitted = shell('aiida-osc', 'discover', 'campaign.yaml').stdout
    pk = re.search(r'pk (\d+)', submitted).group(1)
    _wait(lambda: 'compute 2 molecules' in _story(shell), 'the first labelling')
    _kill_a_worker(shell.root)
    _wait(lambda: re.search('Finished|Excepted|Killed', _state(shell, pk)), 'the end of the campaign')
    return pk


def _story(shell):
    return shell('verdi', 'process', 'list', '-a', '-r', '-P', 'pk', 'label', 'process_label').stdout


def _state(shell, pk):
    """Return the line of the process in the list."""
    listed = shell('verdi', 'process', 'list', '-a', '-r', '-P', 'pk', 'state').stdout
    return next(line for line in listed.splitlines() if line.split()[:1] == [pk])


def _wait(condition, what, seconds=900):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f'waited {seconds} s for {what}'
        time.sleep(3)


def _kill_a_worker(root):
    """Kill one worker of the daemon that lives below ``root``."""
    for process in Path('/proc').glob('[0-9]*'):
        try:
            command = (process / 'cmdline').read_bytes().replace(b'\0', b' ').decode()
            surroundings = (process / 'environ').read_bytes().decode(errors='replace')
        except OSError:
            continue
        if 'daemon worker' in command and f'AIIDA_PATH={root}' in surroundings:
            os.kill(int(process.name), signal.SIGKILL)
            return
    pytest.fail('no daemon worker found')


def test_campaign_ends_well_although_a_worker_was_killed(shell, campaign):
    assert 'Finished [0]' in _state(shell, campaign)
    report = shell('verdi', 'process', 'report', campaign).stdout
    assert 'iteration 2: selected 2 in the batch and 2 in the control' in report
    assert '4 molecules computed' in report


def test_nothing_is_computed_twice(shell, campaign):
    jobs = [line for line in _story(shell).splitlines() if 'FourPointBatchCalculation' in line]
    assert len(jobs) == 4  # a batch and a control in each of two iterations


def test_processes_read_like_a_story(shell, campaign):
    story = _story(shell)
    for sentence in ('integration', 'iteration 1: propose molecules', 'iteration 2: compute 2 molecules'):
        assert sentence in story


def test_report_is_built_from_provenance_alone(shell, campaign):
    shell('aiida-osc', 'report', campaign, '-o', 'report')
    page = (shell.root / 'report' / 'index.html').read_text()
    assert 'IPEA1-xTB[shift=4.8455]//GFN2-xTB' in page
    assert len(list((shell.root / 'report').glob('*.csv'))) >= 1


def test_why_leads_from_the_raw_output_to_the_model(shell, campaign):
    query = shell.root / 'first.py'
    query.write_text(
        'from aiida.orm import load_node\n'
        f'node = load_node({campaign})\n'
        'table = node.outputs.molecules.load()\n'
        'key = next(key for key, source in zip(table.inchikeys, table.source) if source == "jtvae")\n'
        'print(key, node.outputs.generator.uuid, node.inputs.molecules.uuid)\n'
    )
    key, generator, start = shell('verdi', 'run', str(query)).stdout.split()[-3:]
    chain = shell('aiida-osc', 'why', campaign, key).stdout
    steps = [chain.index(text) for text in ('results.jsonl', generator, start)]
    assert steps[0] < steps[1]
    assert chain.count(start) >= 2  # what the models learnt from, and what the campaign began with


def test_dry_run_prints_what_would_be_submitted(shell, campaign):
    preview = shell('aiida-osc', 'discover', 'campaign.yaml', '--dry-run').stdout
    assert 'molecules: start' in preview
