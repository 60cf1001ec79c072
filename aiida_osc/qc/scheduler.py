"""What a scheduler writes into a job's own output when it ends the job; accounting, which tells more, may be off."""

import re

#: Kind of failure, and what is written. SLURM 14 to 24, PBS Pro and Torque, LSF.
_VERDICTS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ('out_of_walltime', r'CANCELLED AT \S+ DUE TO TIME LIMIT'),
        ('out_of_walltime', r'job killed: (walltime|cput)\b.*exceeded limit'),
        ('out_of_walltime', r'TERM_RUNLIMIT'),
        ('out_of_memory', r'Detected \d+ oom[-_]kill event'),
        ('out_of_memory', r'srun: error: .*: Out Of Memory'),
        ('out_of_memory', r'error: .*Exceeded (job|step) memory limit'),
        ('out_of_memory', r'error: .*exceeded memory limit'),
        ('out_of_memory', r'job killed: p?v?mem\b.*exceeded limit'),
        ('out_of_memory', r'TERM_MEMLIMIT'),
        ('output_truncated', r'CANCELLED AT \S+ DUE TO (NODE FAILURE|PREEMPTION)'),
    )
)


def find_verdict(text: str) -> tuple[str, str] | None:
    """Return the kind of failure, of :data:`aiida_osc.qc.failures.FAILURES`, and the line that says so.

    :param text: what the job script and the scheduler wrote, other lines of programs among it.
    """
    for line in text.splitlines():
        for kind, pattern in _VERDICTS:
            if pattern.search(line):
                return kind, line.strip()
    return None
