"""Real servers from the system's packages, on ports and in folders of their own; as root or not,
never as a system service.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import kombu
import psycopg
import redis

from tests.embedded.processes import eventually, free_port, private_folder
from worker.embedded.orphans import MARK, end
from worker.embedded.queues import conninfo
from worker.embedded.server_account import let_through, run_as

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
POSTGRES = Path("/usr/lib/postgresql/15/bin")
MISSING = {
    "rabbitmq": None
    if RABBITMQ.exists()
    else "There is no RabbitMQ here. Install it: apt-get install rabbitmq-server",
    "redis": None
    if shutil.which("redis-server")
    else "There is no Redis here. Install it: apt-get install redis-server",
    "postgres": None
    if (POSTGRES / "postgres").exists()
    else "There is no Postgres 15 here. Install it: apt-get install postgresql-15",
}


@dataclass
class Server:
    """A running server that can be killed and started again on the same folder and port."""

    url: str
    command: Sequence[str]
    log: Path
    answers: Callable[[], object]  # raises while it does not
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    process: "subprocess.Popen[bytes] | None" = None
    mark: str = field(default_factory=lambda: f"test server {uuid4()}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.env, MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                user=self.user,
                cwd="/",
                start_new_session=True,
            )
        eventually(self._ready, within_s=60, every_s=0.1)

    def kill(self) -> None:
        """kill -9 of it and of all that it started, such as Erlang's port mapper."""
        assert self.process
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        end(self.mark)

    def restart(self) -> None:
        """What a supervisor of servers does after a crash."""
        self.kill()
        self.start()

    def _ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
        try:
            self.answers()
        except (OSError, redis.RedisError, psycopg.Error, kombu.exceptions.KombuError):
            return False
        return True


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def redis_server(fsync: str = "everysec") -> Iterator[Server]:
    """Redis, with every write in its append-only file.

    fsync: when the file is on the disk: always, everysec
    """
    with private_folder() as folder:
        port = free_port()
        url = f"redis://127.0.0.1:{port}/0"
        keep = [
            "--appendonly",
            "yes",
            "--appendfsync",
            fsync,
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        command = [
            shutil.which("redis-server") or "",
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            "--dir",
            str(folder),
            *keep,
        ]
        with _running(
            Server(url, command, folder / "log", lambda: redis.Redis.from_url(url).ping())
        ) as server:
            yield server


@contextmanager
def rabbitmq_server() -> Iterator[Server]:
    """RabbitMQ with a port mapper of its own, so that no other node on this machine is met."""
    with private_folder() as folder:
        port, name = free_port(), f"test{uuid4().hex[:8]}@localhost"
        url = f"amqp://guest:guest@127.0.0.1:{port}//"
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{port}\nlog.file.level = warning\n"
        )
        (folder / "plugins").write_text("[].\n")
        env = {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": name,
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
        }

        def answers() -> None:
            with kombu.Connection(url, connect_timeout=2) as connection:
                connection.connect()

        with _running(Server(url, [str(RABBITMQ)], folder / "log", answers, env)) as server:
            yield server


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Postgres 15 over TCP, with a database whose owner is no superuser: as one would get it from
    an administrator.
    """
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    with private_folder() as folder:
        port, data = free_port(), folder / "data"
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
            let_through(data, account)
        (folder / "password").write_text("all powerful")
        (folder / "password").chmod(0o644)
        run_as(
            account,
            [
                str(POSTGRES / "initdb"),
                "-D",
                str(data),
                "-U",
                "admin",
                "-A",
                "scram-sha-256",
                f"--pwfile={folder / 'password'}",
            ],
        )
        settings = [
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={folder}",
            "-c",
            "fsync=off",
        ]
        admin = f"postgresql+psycopg://admin:all%20powerful@127.0.0.1:{port}/postgres"
        url = f"postgresql+psycopg://tenant:its%20own@127.0.0.1:{port}/jobs"

        def answers() -> None:
            psycopg.connect(conninfo(admin), connect_timeout=2).close()

        command = [str(POSTGRES / "postgres"), "-D", str(data), "-p", str(port), *settings]
        user = account.pw_name if account else None
        with _running(Server(url, command, folder / "log", answers, user=user)) as server:
            with psycopg.connect(conninfo(admin), autocommit=True) as connection:
                connection.execute("create role tenant login password 'its own'")
                connection.execute("create database jobs owner tenant")
            yield server
