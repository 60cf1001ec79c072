"""Measure what ``osc.label`` costs besides the engine, on this machine and on a SLURM that is reached over ssh.

It prints

(a) the share of wall time inside the engine for 50 molecules with xTB on the local computer:
    engine seconds / (cores * wall seconds from the submission of ``osc.label`` to its end);
(b) the seconds from a finished job to the start of the next one for the jobs of a batch, read from the clock of the
    machine that ran them, beside what SLURM itself needs from one queued job to the next;
(c) the same for one CalcJob per molecule.

A profile, a daemon, SLURM and an sshd of its own live below a temporary folder and end with the benchmark. The cluster
part needs root and the programs that ``tests/integration/local_cluster.py`` names. Run it on a quiet machine.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

# ``verdi run`` gives its script no whole path but in the arguments.
HERE = Path(sys.argv[0]).resolve()
sys.path.insert(0, str(HERE.parents[1] / 'tests' / 'integration'))

from local_cluster import HOST, LocalCluster, obstacle  # noqa: E402
from own_profile import OwnProfile, wait_until  # noqa: E402

CORES = 2
#: Written by the job script as the first thing it does, and by the job of the engine as its last.
STARTED, ENDED = 'started', 'runner.status'
#: Each of these queued jobs ends at once and uses the whole node.
PLAIN_JOBS = 6
GOAL_SHARE, GOAL_SECONDS = 0.9, 2.0


# --- inside AiiDA: verdi run label_overhead.py submit|describe ...


def submit_label(code: str, count: str, chunk_size: str, max_concurrent: str, seed: str, largest: str) -> dict:
    """Submit ``osc.label`` for molecules of the seed set, the largest first, and return its pk."""
    from aiida.engine import submit
    from aiida.orm import Bool, load_code
    from rdkit import Chem

    from aiida_osc.data.molecule_set import MoleculeSetData
    from aiida_osc.datasets.seed_set import load_seed
    from aiida_osc.workflows.label import LabelWorkChain

    table = load_seed(labelled=False)
    sizes = [Chem.AddHs(Chem.MolFromSmiles(smiles)).GetNumAtoms() for smiles in table.smiles]
    rows = sorted((row for row, size in enumerate(sizes) if size <= int(largest)), key=lambda row: -sizes[row])
    builder = LabelWorkChain.get_builder_from_protocol(
        load_code(code),
        MoleculeSetData(table.take(rows[: int(count)])),
        protocol='fast',
        # A seed of its own keeps each measurement from the cache.
        overrides={
            'chunk_size': int(chunk_size),
            'max_concurrent': int(max_concurrent),
            'parameters': {'seed': int(seed)},
        },
        options={'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': CORES}},
    )
    builder.reuse = Bool(False)
    return {'pk': submit(builder).pk, 'atoms': [sizes[row] for row in rows[: int(count)]]}


def describe(pk: str) -> dict:
    """Return the state of ``osc.label``, its seconds from submission to end, and what its jobs say."""
    from aiida.orm import CalcJobNode, load_node

    node = load_node(int(pk))
    jobs = sorted((job for job in node.called_descendants if isinstance(job, CalcJobNode)), key=lambda job: job.pk)
    done = [job for job in jobs if 'results' in job.outputs]
    return {
        'state': node.process_state.value,
        'exit_status': node.exit_status,
        'wall': (node.mtime - node.ctime).total_seconds(),
        'labels': node.outputs.labels.count if 'labels' in node.outputs else 0,
        'engine': sum(job.outputs.results['job']['engine_seconds'] for job in done),
        'running': sum(job.outputs.results['job']['wall_seconds'] for job in done),
        'treating': sum(job.outputs.results['wall_seconds'] for job in done),
        'folders': [job.get_remote_workdir() for job in jobs],
    }


# --- outside


def measure(
    profile: OwnProfile, code: str, *, count: int, chunk: int, concurrent: int, seed: int, largest: int
) -> dict:
    """Run ``osc.label`` to its end and return what :func:`describe` says of it."""
    submitted = profile.ask(str(HERE), 'submit_label', code, count, chunk, concurrent, seed, largest)
    known: dict = {}

    def is_done() -> bool:
        known.update(profile.ask(str(HERE), 'describe', submitted['pk']))
        return known['state'] in ('finished', 'excepted', 'killed')

    # Each look costs CPU seconds that the engine could use: few of them.
    wait_until(is_done, f'process {submitted["pk"]}', seconds=3600, pause=15)
    if known['exit_status'] != 0:
        raise SystemExit(profile.run('verdi', 'process', 'report', str(submitted['pk'])).stdout)
    return {**known, 'atoms': submitted['atoms']}


def gaps(folders: list[str]) -> list[float]:
    """Return the seconds from the end of each job to the start of the next one."""
    times = sorted(((Path(f) / STARTED).stat().st_mtime, (Path(f) / ENDED).stat().st_mtime) for f in folders)
    return [after[0] - before[1] for before, after in pairwise(times)]


def plain_gaps(cluster: LocalCluster) -> list[float]:
    """Return the seconds that SLURM needs from one queued job to the next."""
    folder = cluster.folder / 'plain'
    folder.mkdir()
    for number in range(PLAIN_JOBS):
        script = f'date +%s.%N > {number}.begin; sleep 1; date +%s.%N > {number}.end'
        cluster.run('sbatch', '-n', str(CORES), '--mem=100', '-o', '/dev/null', f'--wrap={script}', cwd=folder)
    wait_until(lambda: not cluster.run('squeue', '-h').stdout, 'the plain jobs', pause=2)
    times = [[float((folder / f'{n}.{name}').read_text()) for name in ('begin', 'end')] for n in range(PLAIN_JOBS)]
    return [after[0] - before[1] for before, after in pairwise(times)]


def local_part(folder: Path, count: int) -> None:
    """Print the share of the engine on the local computer."""
    home = folder / 'home'
    home.mkdir()
    profile = OwnProfile(folder / 'local', home)
    try:
        profile.setup()
        outcome = measure(profile, 'tblite@localhost', count=count, chunk=count, concurrent=1, seed=0, largest=48)
    finally:
        profile.stop()
    atoms, wall, running = outcome['atoms'], outcome['wall'], outcome['running']
    treating, engine = outcome['treating'] / CORES, outcome['engine'] / CORES
    print(f'(a) osc.label, {count} molecules of {min(atoms)} to {max(atoms)} atoms, one job on {CORES} cores, no ssh')
    print(f'    {outcome["labels"]} labels in {wall:.1f} s')
    print(f'    inside the engine: {engine / wall:.1%} of the wall time (goal: over {GOAL_SHARE:.0%}); the rest is')
    parts = {
        'AiiDA before and after the job': wall - running,
        'start of the runner, and cores without a molecule at its end': running - treating,
        'embedding, optimiser and the like': treating - engine,
    }
    for name, seconds in parts.items():
        print(f'        {name}: {seconds / wall:.1%}')


def cluster_part(folder: Path, chunks: int, chunk: int) -> None:
    """Print the seconds between jobs on a SLURM over ssh, for a batch and for one job per molecule."""
    reason = obstacle()
    if reason:
        print(f'(b), (c) left out: {reason}')
        return
    with LocalCluster(folder / 'cluster', cores=CORES) as cluster:
        own = plain_gaps(cluster)
        print(f'SLURM itself, {PLAIN_JOBS} queued jobs: {summary(own)}')
        profile = OwnProfile(folder / 'remote', cluster.home)
        prepend = folder / 'prepend.sh'
        prepend.write_text(f'touch {STARTED}\n')
        try:
            profile.setup()
            profile.run(
                'aiida-osc', 'setup', 'computer', HOST, '--workdir', str(cluster.jobs_folder), '--cores', str(CORES),
                '--memory', '2', '--poll', '1', '--connect', '0', '--prepend', str(prepend), '--python', sys.executable,
            )  # fmt: skip
            rows = (
                ('(b) a batch, one job at a time', chunk, 1),
                ('(b) a batch, one running and one queued', chunk, 2),
                ('(c) one job per molecule, one running and one queued', 1, 2),
            )
            for seed, (title, size, concurrent) in enumerate(rows, start=1):
                outcome = measure(
                    profile,
                    f'tblite@{HOST}',
                    count=chunks * chunk,
                    chunk=size,
                    concurrent=concurrent,
                    seed=seed,
                    largest=30,
                )
                report(title, outcome, gaps(outcome['folders']), statistics.median(own))
        finally:
            profile.stop()


def report(title: str, outcome: dict, found: list[float], own: float) -> None:
    jobs, molecules = len(outcome['folders']), len(outcome['atoms'])
    share = outcome['engine'] / (CORES * outcome['wall'])
    print(f'{title}: {molecules} molecules in {jobs} jobs')
    print(f'    from a finished job to the start of the next: {summary(found)}')
    above = max(statistics.median(found) - own, 0.0)
    print(f'    of its median more than SLURM itself: {above:.1f} s (goal: below {GOAL_SECONDS:.0f})')
    print(f'    {outcome["wall"]:.1f} s in all, {outcome["wall"] / molecules:.2f} s per molecule; engine {share:.1%}')


def summary(seconds: list[float]) -> str:
    mean = statistics.mean(seconds)
    return f'median {statistics.median(seconds):.2f} s, mean {mean:.2f} s, {min(seconds):.2f} to {max(seconds):.2f} s'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--molecules', type=int, default=50, help='of the local part')
    parser.add_argument('--chunks', type=int, default=5, help='jobs of the batch on the cluster')
    parser.add_argument('--chunk-size', type=int, default=10, help='molecules per job of that batch')
    parser.add_argument('--part', choices=('local', 'cluster', 'both'), default='both')
    given = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='label-overhead-') as name:
        if given.part != 'cluster':
            local_part(Path(name), given.molecules)
        if given.part != 'local':
            cluster_part(Path(name), given.chunks, given.chunk_size)
    print(f'{time.monotonic() - begin:.0f} s for the benchmark')


if __name__ == '__main__':
    inside = {'submit_label': submit_label, 'describe': describe}
    if sys.argv[1:2] and sys.argv[1] in inside:
        print(json.dumps(inside[sys.argv[1]](*sys.argv[2:])))
    else:
        main()
