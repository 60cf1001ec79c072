"""status, report and why on stored campaigns: ``status.py``, ``report.py`` and ``why.py`` share the graph."""

import json

import pytest
from aiida.common.links import LinkType
from aiida.orm import CalcJobNode, WorkChainNode
from click.testing import CliRunner
from provenance.graph_factory import CampaignFactory, local_computer

from aiida_osc.cli import main
from aiida_osc.cli.status import duration, follow
from aiida_osc.provenance.progress import campaign_progress, list_progress, read_remote_progress

pytestmark = pytest.mark.filterwarnings('ignore::sqlalchemy.exc.SAWarning')


@pytest.fixture(scope='module')
def campaign(aiida_profile):
    return CampaignFactory(local_computer(), label='looked at')


@pytest.fixture(scope='module')
def running(aiida_profile):
    return CampaignFactory(local_computer(), label='still running', state='running', iterations=1)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(item) for item in arguments], env={'COLUMNS': '140'})
    assert result.exit_code == code, result.output
    return result.output


def test_report_by_pk_uuid_and_label(campaign, tmp_path):
    outputs = set()
    for place, name in enumerate((campaign.root.pk, campaign.root.uuid, campaign.root.uuid[:8], 'looked at')):
        assert 'index.html' in run('report', name, '-o', tmp_path / str(place))
        outputs.add((tmp_path / str(place) / 'index.html').read_text(encoding='utf-8'))
    assert len(outputs) == 1


def test_an_unknown_campaign_gets_near_matches(campaign, running):
    for command in (('report', 'lookd at', '-o', 'x'), ('status', 'lookd at'), ('why', 'lookd at', 'AAA')):
        output = run(*command, code=1)
        assert f"no campaign 'lookd at'; there is {campaign.root.pk} ('looked at')" in output


def test_why_goes_from_the_raw_output_to_the_data(campaign):
    key = campaign.parts['labels_01'].inchikeys[0]
    output = run('why', campaign.root.pk, key)
    job = next(
        node
        for node in campaign.root.called_descendants
        if isinstance(node, CalcJobNode) and 'labels' in node.outputs and key in node.outputs.labels.load().inchikeys
    )
    assert f'verdi calcjob outputcat {job.pk} results.jsonl' in output
    assert job.uuid in output
    assert job.outputs.retrieved.uuid in output
    assert 'results.jsonl, line 1' in output
    links = campaign.root.base.links.get_outgoing
    steps = {link.link_label: link.node for link in links(link_type=(LinkType.CALL_CALC, LinkType.CALL_WORK)).all()}
    for name in ('generate', 'predict', 'select'):
        assert steps[f'iteration_01_{name}'].uuid in output
    for name in ('train_surrogate', 'train_jtvae'):
        training = steps[f'iteration_00_{name}']
        assert training.uuid in output
        assert training.outputs.model.uuid in output
    assert campaign.initial_node.uuid in output
    assert 'may lie in the windows' in output
    assert output.count('seed') == 5  # job, selection, surrogate, proposal, generator
    assert run('why', 'looked at', key[:10]) == output


def test_why_tells_how_the_generator_came_to_a_molecule(campaign):
    key = campaign.parts['batch_01'].inchikeys[0]
    output = run('why', 'looked at', key)
    lines = [line.split(maxsplit=1) for line in output.splitlines()]
    place = list(campaign.parts['generated_01'].inchikeys).index(key)
    assert ['decoding', str(3 * place)] in lines
    assert ['parent', 'c1ccsc1'] in lines
    assert '     latent vector              near that of its parent' in output
    assert '     led to the windows of      p-type' in output


def test_why_of_other_molecules(campaign):
    table = campaign.parts['batch_01']
    assert 'It has no labels (failed): cannot be embedded' in run('why', 'looked at', table.inchikeys[-1])
    control = campaign.parts['control_01'].inchikeys[0]
    assert 'Drawn at random for the control of iteration 1' in run('why', 'looked at', control)
    assert 'one of the initial data' in run('why', 'looked at', campaign.initial.inchikeys[0])
    chosen = {*table.inchikeys, *campaign.parts['control_01'].inchikeys}
    rest = next(key for key in campaign.parts['mean_01'].inchikeys if key not in chosen)
    assert 'Proposed in iteration 1, not chosen' in run('why', 'looked at', rest)


def test_why_of_an_unknown_molecule_names_near_ones(campaign):
    key = campaign.initial.inchikeys[0]
    output = run('why', 'looked at', f'{key[:-1]}X', code=1)
    assert 'has no molecule' in output
    assert key in output.split('did you mean ')[1].split(' or ')[0]


def test_status_lists_campaigns(campaign, running):
    output = run('status')
    lines = {line.split()[0]: line for line in output.splitlines()[1:]}
    assert 'looked at' in lines[str(campaign.root.pk)]
    assert '2 of 2' in lines[str(campaign.root.pk)]
    assert '6 of 8' in lines[str(campaign.root.pk)]
    assert 'running' in lines[str(running.root.pk)]


def test_status_of_one(campaign):
    output = run('status', 'looked at', '--once')
    assert '2. compute 4 molecules' in output
    assert '4 of 4' in output
    assert '1 failed' in output
    assert 'epoch 8, piece 2' in output
    assert 'iteration 1 ' in output
    assert '1. compute' not in output


def test_list_and_single_view_agree(campaign, running):
    listed = {item.pk: item for item in list_progress()}
    for pk in (campaign.root.pk, running.root.pk):
        single = campaign_progress(pk)
        for name in ('label', 'state', 'iteration', 'iterations', 'computed', 'molecules'):
            assert getattr(single, name) == getattr(listed[pk], name)


def test_a_running_job_is_asked_where_it_runs(running, tmp_path):
    job = CalcJobNode(computer=local_computer(), process_type='aiida.calculations:osc.fourpoint_batch')
    job.set_remote_workdir(str(tmp_path))
    assert read_remote_progress(job) is None
    (tmp_path / 'progress.json').write_text('{"total": 9, "do')
    assert read_remote_progress(job) is None
    (tmp_path / 'progress.json').write_text(json.dumps({'total': 9, 'done': 5, 'ok': 4, 'flagged': 1, 'failed': 0}))
    assert read_remote_progress(job) == {'done': 5, 'ok': 4, 'flagged': 1, 'failed': 0}


def test_the_bar_of_a_running_job(running, tmp_path):
    batch = next(
        link.node for link in running.root.base.links.get_outgoing().all() if link.link_label == 'iteration_01_label'
    ).inputs.molecules
    chain = running.process(
        WorkChainNode,
        'osc.label',
        'iteration_02_label',
        'iteration 2: compute',
        {'molecules': batch},
        {},
        None,
        'waiting',
    )
    job = running.process(
        CalcJobNode, 'osc.fourpoint_batch', 'iteration_01', 'job', {'molecules': batch}, {}, chain, 'waiting'
    )
    job.set_remote_workdir(str(tmp_path))
    (tmp_path / 'progress.json').write_text(json.dumps({'done': 3, 'ok': 2, 'flagged': 1, 'failed': 0}))
    step = campaign_progress(running.root.pk).steps[-1]
    assert (step.running, step.done, step.total) == (True, 3, 4)
    assert step.detail == '1 flagged, 1 of 1 job running'
    assert '3 of 4' in run('status', 'still running')


def test_without_a_terminal_every_step_is_told_in_a_line(campaign, capsys):
    follow(campaign.root.pk, interval=0.01)
    *steps, last = capsys.readouterr().out.splitlines()
    told = campaign_progress(campaign.root.pk)
    assert len(steps) == len(told.steps)
    assert all(line.endswith(('done', 'failed')) for line in steps)
    assert last.endswith(f'{told.label}: finished')


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(0.2, '0 s'), (59.4, '59 s'), (61, '1 min 01 s'), (3599.6, '1 h 00 min')],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
