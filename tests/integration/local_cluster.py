"""A cluster on this machine: SLURM with munge of its own, and an sshd that leads to it.

Everything lies below one folder and listens on free ports of the loopback interface; nothing of the system's own
configuration, keys or services is used or changed. Tests and benchmarks share this file.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ('munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scancel', 'sinfo', 'sshd', 'ssh-keygen', 'setpriv')
PACKAGES = 'slurm-wlm munge openssh-server openssh-client util-linux'
HOST = 'osc-cluster'
LOOPBACK = '127.0.0.1'
#: sshd insists on this folder, wherever its configuration lies.
PRIVILEGE_SEPARATION = Path('/run/sshd')
#: Of the cluster, which knows nothing of the environment that the tests run in.
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

SLURM_CONF = """\
ClusterName=osc
SlurmctldHost={node}({loopback})
SlurmctldPort={controller_port}
SlurmdPort={worker_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CryptoType=crypto/munge
CredType=cred/munge
StateSaveLocation={folder}/slurm/state
SlurmdSpoolDir={folder}/slurm/spool
SlurmctldPidFile={folder}/slurm/slurmctld.pid
SlurmdPidFile={folder}/slurm/slurmd.pid
SlurmctldLogFile={folder}/slurm/slurmctld.log
SlurmdLogFile={folder}/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
MpiDefault=none
KillWait=5
NodeName={node} NodeAddr={loopback} CPUs={cores} RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""

SSHD_CONF = """\
ListenAddress {loopback}
Port {ssh_port}
HostKey {folder}/ssh/host_key
PidFile {folder}/ssh/sshd.pid
AuthorizedKeysFile {folder}/ssh/user_key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PrintMotd no
Subsystem sftp internal-sftp
SetEnv SLURM_CONF={folder}/slurm/slurm.conf PATH={path} HOME={folder}/remote_home
"""

SSH_CONFIG = """\
Host {host}
    HostName {loopback}
    Port {ssh_port}
    User root
    IdentityFile {folder}/ssh/user_key
    IdentitiesOnly yes
    UserKnownHostsFile {home}/.ssh/known_hosts
"""


def obstacle() -> str | None:
    """Return why no cluster can be started here, None when it can."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if missing:
        return f'no program {", ".join(missing)}; on Debian or Ubuntu: apt-get install {PACKAGES}'
    if os.geteuid() != 0:
        return 'slurmd and sshd start as root only'
    return None


class LocalCluster:
    """SLURM behind ssh; ``ssh osc-cluster`` leads there for programs whose home is ``home``."""

    def __init__(self, folder: Path, *, cores: int = 2):
        """Write keys and configuration.

        :param folder: all files of the services; made when missing.
        :param cores: processors of the only node, whatever the machine has.
        """
        self.folder, self.home = folder, folder / 'home'
        self.jobs_folder = folder / 'jobs'
        self._services: list[subprocess.Popen] = []
        self._made_separation = False
        for name in ('munge', 'slurm/state', 'slurm/spool', 'ssh', 'remote_home', 'home/.ssh', 'jobs'):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / 'home' / '.ssh').chmod(0o700)
        ports = free_ports(3)
        self.values = {
            'folder': folder,
            'home': self.home,
            'host': HOST,
            'node': socket.gethostname().partition('.')[0],
            'loopback': LOOPBACK,
            'cores': cores,
            'path': PATH,
            **dict(zip(('controller_port', 'worker_port', 'ssh_port'), ports, strict=True)),
        }
        self.environment = {'SLURM_CONF': str(folder / 'slurm' / 'slurm.conf'), 'PATH': PATH}
        self._write_configuration()

    def _write_configuration(self) -> None:
        for name, text in (('slurm/slurm.conf', SLURM_CONF), ('ssh/sshd.conf', SSHD_CONF)):
            (self.folder / name).write_text(text.format(**self.values))
        (self.home / '.ssh' / 'config').write_text(SSH_CONFIG.format(**self.values))
        for key in ('host_key', 'user_key'):
            path = self.folder / 'ssh' / key
            self._run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'throwaway', '-f', str(path))
        kind, public = (self.folder / 'ssh' / 'host_key.pub').read_text().split()[:2]
        names = ','.join(f'[{name}]:{self.values["ssh_port"]}' for name in (LOOPBACK, HOST))
        (self.home / '.ssh' / 'known_hosts').write_text(f'{names} {kind} {public}\n')
        key = self.folder / 'munge' / 'key'
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)

    def __enter__(self) -> 'LocalCluster':
        """Start the services."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        """End the services."""
        self.stop()

    def start(self) -> None:
        """Start munged, slurmctld, slurmd and sshd, and wait until the node is idle."""
        munge = self.folder / 'munge'
        self._start(
            'munged', '--foreground', '--force', f'--key-file={munge}/key', f'--socket={munge}/socket',
            f'--pid-file={munge}/pid', f'--log-file={munge}/log', f'--seed-file={munge}/seed',
        )  # fmt: skip
        self._wait((munge / 'socket').exists, 'the socket of munged')
        configuration = self.environment['SLURM_CONF']
        self._start('slurmctld', '-D', '-f', configuration)
        self._start('slurmd', '-D', '-f', configuration, '-N', self.values['node'])
        self.start_sshd()
        self._wait(lambda: self.run('sinfo', '-h', '-o', '%T').stdout.strip() == 'idle', 'an idle node')

    def start_sshd(self) -> None:
        """Start the sshd, or start it again."""
        if not PRIVILEGE_SEPARATION.exists():
            PRIVILEGE_SEPARATION.mkdir(mode=0o755)
            self._made_separation = True
        self._start(shutil.which('sshd', path=PATH), '-D', '-e', '-f', str(self.folder / 'ssh' / 'sshd.conf'))
        self._wait(self._answers, 'the sshd')

    def stop_sshd(self) -> None:
        """End the sshd and the connections through it, as when a network fails."""
        sshd = self._services.pop()
        children = Path(f'/proc/{sshd.pid}/task/{sshd.pid}/children').read_text().split()
        _end(sshd)
        for child in children:
            try:
                os.kill(int(child), 15)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        """End the jobs, then the services in reverse order, each by its process number."""
        if self._services:
            self.run('scancel', '--user=root')
            self._wait(lambda: not self.run('squeue', '-h').stdout.strip(), 'the end of the jobs', must=False)
        while self._services:
            _end(self._services.pop())
        if self._made_separation:
            PRIVILEGE_SEPARATION.rmdir()
            self._made_separation = False

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of SLURM in the surroundings of the cluster."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
        )

    def logs(self) -> str:
        """Return the last lines that the services wrote."""
        paths = [path for name in ('munge/log', 'slurm/*.log', '*.err') for path in sorted(self.folder.glob(name))]
        return '\n'.join(f'{path.name}:\n' + '\n'.join(path.read_text().splitlines()[-8:]) for path in paths)

    def _start(self, program: str, *arguments: str) -> None:
        """Start a service that ends with this process, also when that is killed."""
        with (self.folder / f'{Path(program).name}.err').open('ab') as errors:
            process = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'TERM', program, *arguments],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        self._services.append(process)

    def _run(self, *command: str) -> None:
        subprocess.run(command, env={**os.environ, 'PATH': PATH}, check=True, capture_output=True, timeout=60)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.values['ssh_port'])) == 0

    def _wait(self, condition, what: str, seconds: float = 60, must: bool = True) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or any(service.poll() is not None for service in self._services):
                if not must:
                    return
                raise RuntimeError(f'waited in vain for {what}:\n{self.logs()}')
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return numbers of ports that are free on the loopback interface now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _end(process: subprocess.Popen) -> None:
    """End a process: politely, then at once."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
