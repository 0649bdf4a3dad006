"""A SLURM cluster of the tests' own on this machine: one node of two processors, with accounting, and no systemd.

Wanted are Debian's slurm-wlm, slurmdbd, munge and mariadb-server. Every daemon keeps its files below one folder,
listens on the loopback and ends with the cluster. ``SLURM_CONF`` in the environment is what its commands need.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from servers import free_port

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "srun", "sacctmgr")
WAIT_S = 120
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
"""Daemons lie where a plain user's path does not look."""


@dataclass
class Cluster:
    """``folder`` holds all of it."""

    folder: Path
    _daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """For the environment of what is to use it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": PATH}

    def ask(self, *command: str, check: bool = True) -> str:
        """What a command of SLURM's prints."""
        done = subprocess.run(
            command, env=os.environ | self.variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self) -> dict[str, str]:
        """State of every job that has not ended, by its number."""
        return dict(line.split() for line in self.ask("squeue", "--noheader", "--format=%i %T").splitlines())

    def none_left(self, within_s: float = 60) -> bool:
        """Whether every job has ended by then: SLURM takes seconds to clean up behind one."""
        deadline = time.monotonic() + within_s
        while self.jobs() and time.monotonic() < deadline:
            time.sleep(0.5)
        return not self.jobs()

    def start(self, *command: object) -> None:
        """A daemon, which stays in the foreground of its own session."""
        name = Path(str(command[0])).name
        with (self.folder / f"{name}.out").open("wb") as output:
            words = [str(word) for word in command]
            environment = os.environ | self.variables
            daemon = subprocess.Popen(
                words, env=environment, stdout=output, stderr=output, start_new_session=True, cwd=self.folder
            )
        self._daemons.append(daemon)

    def wait_for(self, what: str, *command: str, says: str = "") -> None:
        """Until a command succeeds and prints this."""
        deadline = time.monotonic() + WAIT_S
        while True:
            done = subprocess.run(command, env=os.environ | self.variables, capture_output=True, text=True, check=False)
            if done.returncode == 0 and says in done.stdout:
                return
            assert time.monotonic() < deadline, f"no {what}: {done.stdout}{done.stderr}\n{self._tails()}"
            time.sleep(0.2)

    def idle(self) -> None:
        """Take back what is left, and wait: a step whose slurmd is gone lives on."""
        self.ask("scancel", f"--user={getpass.getuser()}", check=False)
        self.wait_for("end of the jobs", "sh", "-c", 'test -z "$(squeue --noheader)"')

    def end(self) -> None:
        """The last one that was started first."""
        for daemon in reversed(self._daemons):
            with suppress(ProcessLookupError):
                os.killpg(daemon.pid, signal.SIGTERM)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(daemon.pid, signal.SIGKILL)
                daemon.wait()
        self._daemons.clear()

    def _tails(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-800:]}" for log in self.folder.glob("*.out"))


@contextmanager
def cluster() -> Iterator[Cluster]:
    """One that is up, with both processors idle."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))  # short: sockets lie in it
    folder.chmod(0o755)
    made = Cluster(folder)
    try:
        _configure(folder, ports=[free_port() for _ in range(4)])
        _start(made)
        yield made
        made.idle()
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def _start(made: Cluster) -> None:
    folder, user = made.folder, getpass.getuser()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    of_munge = {"key-file": "munge.key", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
    places = [f"--{option}={folder / name}" for option, name in of_munge.items()]
    made.start("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *places)
    data, plain = folder / "database", ["--no-defaults", f"--user={user}"]
    words = ["mariadb-install-db", *plain, f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run(words, env=os.environ | made.variables, check=True, capture_output=True)
    made.start(
        *("mariadbd", *plain, f"--datadir={data}", f"--socket={folder}/sql", f"--pid-file={folder}/sql.pid"),
        *("--bind-address=127.0.0.1", f"--port={_port(folder, 'StoragePort')}", "--innodb-flush-log-at-trx-commit=0"),
    )
    sql = ("mariadb", "--no-defaults", f"--socket={folder}/sql", "--user=root", "--execute")
    grant = "CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'slurm'; GRANT ALL ON *.* TO slurm@'127.0.0.1'"
    made.wait_for("database", *sql, grant)
    made.start("slurmdbd", "-D")
    made.wait_for("accounting", "sacctmgr", "--immediate", "add", "cluster", "tests")
    made.start("slurmctld", "-D")
    made.wait_for("controller", "scontrol", "ping", says="UP")
    made.start("slurmd", "-D")
    made.wait_for("node", "sinfo", "--noheader", "--format=%T", says="idle")


def _configure(folder: Path, ports: list[int]) -> None:
    user, host = getpass.getuser(), socket.gethostname().split(".")[0]
    auth = f"AuthInfo=socket={folder}/munge.socket,cred_expire=5"  # a job that is queued again waits that long
    (folder / "slurmdbd.conf").write_text(f"""
{auth}
AuthType=auth/munge
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports[0]}
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={ports[1]}
StorageUser=slurm
StoragePass=slurm
PidFile={folder}/slurmdbd.pid
""")
    (folder / "slurmdbd.conf").chmod(0o600)
    (folder / "slurm.conf").write_text(f"""
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[2]}
SlurmdPort={ports[3]}
{auth}
AuthType=auth/munge
SlurmUser={user}
SlurmdUser={user}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePass={folder}/munge.socket
AccountingStoragePort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ReturnToService=2
KillWait=5
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=60 State=UP
""")
    (folder / "state").mkdir()


def _port(folder: Path, key: str) -> str:
    lines = (folder / "slurmdbd.conf").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{key}="))


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """The cluster of all tests; they are skipped where its programs are not."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        packages = "Debian: apt-get install slurm-wlm slurmdbd munge mariadb-server"
        pytest.skip(f"SLURM's programs are not here: {', '.join(missing)} ({packages})")
    with cluster() as made:
        yield made
