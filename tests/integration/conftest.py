"""A cluster on this machine, and an installation of aiida-osc that knows it."""

import sys

import pytest
from local_cluster import HOST, LocalCluster, obstacle
from own_profile import OwnProfile


@pytest.fixture(scope='session')
def cluster(tmp_path_factory):
    """SLURM behind ssh; skips where it cannot be started."""
    reason = obstacle()
    if reason:
        pytest.skip(f'no SLURM: {reason}')
    with LocalCluster(tmp_path_factory.mktemp('cluster')) as running:
        yield running


@pytest.fixture(scope='session')
def installation(cluster, tmp_path_factory):
    """An installation of its own with a daemon, whose home knows the way to the cluster."""
    profile = OwnProfile(tmp_path_factory.mktemp('installation'), cluster.home)
    profile.setup()
    yield profile
    profile.stop()


@pytest.fixture(scope='session')
def computer(cluster, installation):
    """The cluster as ``aiida-osc setup computer`` has made it; gives what that printed."""
    done = installation.run(
        'aiida-osc', 'setup', 'computer', HOST, '--workdir', f'{cluster.jobs_folder}/{{username}}', '--cores', '2',
        '--memory', '2', '--poll', '0.5', '--connect', '0', '--python', sys.executable,
    )  # fmt: skip
    return done.stdout
