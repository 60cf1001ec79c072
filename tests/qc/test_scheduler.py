"""What schedulers write when they end a job."""

import pytest

from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.scheduler import find_verdict

#: The lines of SLURM 22.05 are those of its own jobs on this kind of machine; the others are as users report them.
LINES = {
    'slurmstepd: error: *** JOB 3 ON vm CANCELLED AT 2024-05-02T10:11:12 DUE TO TIME LIMIT ***': 'out_of_walltime',
    '=>> PBS: job killed: walltime 152 exceeded limit 120': 'out_of_walltime',
    'TERM_RUNLIMIT: job killed after reaching LSF run time limit.': 'out_of_walltime',
    'slurmstepd: error: Detected 1 oom-kill event(s) in StepId=191.batch cgroup. Some of your processes may have been '
    'killed by the cgroup out-of-memory handler.': 'out_of_memory',
    'slurmstepd: error: Detected 2 oom_kill events in StepId=7.0. Some of the step tasks have been OOM Killed.': (
        'out_of_memory'
    ),
    'slurmstepd: error: Exceeded job memory limit': 'out_of_memory',
    'srun: error: n1: task 0: Out Of Memory': 'out_of_memory',
    'slurmstepd: error: Job 9 exceeded memory limit (2097152 > 1048576), being killed': 'out_of_memory',
    '=>> PBS: job killed: mem 5242880kb exceeded limit 4194304kb': 'out_of_memory',
    '=>> PBS: job killed: vmem 5242880kb exceeded limit 4194304kb': 'out_of_memory',
    'TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.': 'out_of_memory',
    'slurmstepd: error: *** JOB 3 ON n1 CANCELLED AT 2024-05-02T10:11:12 DUE TO NODE FAILURE, SEE SLURMCTLD LOG ***': (
        'output_truncated'
    ),
}


@pytest.mark.parametrize('line', LINES)
def test_verdict_is_found_between_other_lines(line):
    assert find_verdict(f'Loading module psi4\n{line}\nbye\n') == (LINES[line], line)
    assert LINES[line] in FAILURES


@pytest.mark.parametrize(
    'text',
    [
        '',
        'slurmstepd: error: *** JOB 3 ON vm CANCELLED AT 2024-05-02T10:11:12 ***',  # by the user
        'Maximum walltime: 3600 s',
        'memory limit 500 MB',
        '\ufffd\ufffd binary',
    ],
)
def test_other_text_is_no_verdict(text):
    assert find_verdict(text) is None
