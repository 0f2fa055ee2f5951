"""What a command needs running: the database alone, or the whole machine."""

import getpass
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import psutil
import typer
from pydantic import SecretStr

from extractors.backends import BACKENDS
from extractors.errors import MissingExtra, SurefieldError
from extractors.registry import missing
from extractors.rerankers import RERANKERS
from worker import bootstrap, db, tasks
from worker.accounts import store as accounts
from worker.actor import Actor
from worker.embedded import unprivileged
from worker.embedded.broker import WORKER_FLAGS
from worker.embedded.data_folder import programs
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.queues import prepare
from worker.embedded.supervisor import Child, Supervisor
from worker.errors import WrongSchema
from worker.migrate import check_schema, migrate
from worker.pipeline.flow import CPU, GPU, QUEUES, WAKE_UPS
from worker.roles.force import put_in_force, rights_are_given
from worker.roles.table import LOGINS, OWNER, WEB, WORKER
from worker.runtime import Runtime
from worker.settings import Settings
from worker.settings.environment import variable
from worker.settings.table import Row, environment_of, rows
from worker.store import security
from worker.tables.security import SecurityKind

T = TypeVar("T")

# what the environment of a command may hold and its workers need not know
_NO_OTHER_LOGIN = {
    variable(name): "" for name in ("worker_database_url", "web_database_url", "reader_url")
}


def the_one(chosen: Mapping[T, bool], options: str) -> T:
    """What was chosen among options that exclude each other.

    Raises BadParameter unless it is exactly one.
    """
    given = [each for each, is_given in chosen.items() if is_given]
    if len(given) != 1:
        raise typer.BadParameter(f"Give exactly one of {options}.")
    return given[0]


class PortTaken(SurefieldError):
    """Something listens already where the web is to."""

    code = "port_taken"


@contextmanager
def database(
    settings: Settings, *, migrates: bool = False, done: list[str] | None = None
) -> Iterator[Settings]:
    """Settings whose database answers and has the newest schema; an embedded one that this command
    started is stopped again.

    migrates: bring the schema up to date; otherwise it is left alone, and WrongSchema is raised
              where it is another one
    done:     gets the statements that gave the roles of the embedded one their rights
    """
    if not settings.embedded:
        ready = _ready(settings, migrates)
        url = bootstrap.database_url(settings)
        if migrates and rights_are_given(url):  # what is new is theirs, too
            put_in_force(url, ours=False)
        yield ready
        return
    done = [] if done is None else done
    postgres = EmbeddedPostgres(settings.state_dir)
    if not migrates and not postgres.data_dir.exists():
        raise WrongSchema(
            f"There is no database in {settings.state_dir} yet. Make one: surefield up, or"
            " surefield submit"
        )
    ran_before = postgres.answers()
    postgres.start()
    try:
        done += put_in_force(postgres.url(), ours=True)  # the roles are there before they enter
        postgres.admit(LOGINS)
        ready = _ready(settings.model_copy(update=_logins(postgres)), migrates)
        if migrates:
            done += put_in_force(postgres.url(), ours=True)
        yield ready
    finally:
        if not ran_before:
            postgres.stop()


def _logins(postgres: EmbeddedPostgres) -> dict[str, SecretStr]:
    """The addresses of the embedded database, for each kind of process its own role's."""
    names = {
        "database_url": OWNER,
        "worker_database_url": WORKER,
        "web_database_url": WEB,
    }
    return {name: SecretStr(postgres.url(role=role)) for name, role in names.items()}


def administrator_url(settings: Settings, there: Settings) -> str:
    """The address with which roles are made and given rights.

    settings: as they were given; there: with the database that answers
    """
    if settings.embedded:
        return EmbeddedPostgres(settings.state_dir).url()
    return bootstrap.database_url(there)


def leave_root(settings: Settings) -> None:
    """What opens strangers' files is not root; raises RunsAsRoot where it cannot be left."""
    unprivileged.leave_root(settings.state_dir, settings.blobs, allowed=settings.allow_root)


@contextmanager
def house(*, migrates: bool = False) -> Iterator[Runtime]:
    """A runtime on the database that the environment names: what most commands need."""
    with database(Settings(), migrates=migrates) as settings, runtime(settings) as rt:
        yield rt


def actor(rt: Runtime, who: str | None) -> Actor:
    """Who acts on this terminal: the person of this name, or of the login's, with their role.

    A name that nobody has acts as a reviewer.
    """
    name = who or getpass.getuser()
    with rt.transaction() as tx:
        found = next(
            (person for person in accounts.people(tx) if person.name == name.lower()), None
        )
    return found.actor if found else Actor(name)


def _ready(settings: Settings, migrates: bool) -> Settings:
    url = bootstrap.database_url(settings)
    if not migrates:
        check_schema(url)
        return settings
    db.with_patience(lambda: migrate(url))
    bootstrap.make_key(settings)
    if bootstrap.broker_url(settings) == url:
        prepare(url, sorted({*QUEUES, *WAKE_UPS.values()}))
    return settings


@contextmanager
def runtime(settings: Settings) -> Iterator[Runtime]:
    """A runtime without a model, that wakes the workers when there are any."""
    wake = tasks.waker(tasks.create_celery(settings))
    rt = bootstrap.runtime(settings, announce=tasks.announcer(wake), wake=wake)
    try:
        yield rt
    finally:
        rt.sessions.kw["bind"].dispose()


def children(settings: Settings, *, web: bool = False) -> tuple[Child, ...]:
    """The processes that make one machine enough, each with its own group: one that is killed takes
    nothing of another with it.
    """
    as_worker, as_web = (
        {**_NO_OTHER_LOGIN, **environment_of(one), "PYTHONUNBUFFERED": "1"}
        for one in (settings.as_worker, settings.as_web)
    )
    python = sys.executable

    def solo(app: str, queue: str, name: str) -> Child:
        argv = (python, "-m", "celery", "-A", app, "worker", "--loglevel", "WARNING", *WORKER_FLAGS)
        flags = ("-P", "solo", "-Q", queue, "-n", f"{name}@%h", "--prefetch-multiplier", "1")
        return Child(name=name, argv=(*argv, *flags), env=as_worker)

    workers = (
        *(
            solo("worker.tasks", CPU, f"cpu-worker-{number}")
            for number in range(1, settings.cpu_processes + 1)
        ),
        solo("worker.gpu", GPU, "gpu-worker"),
        Child(name="sweeper", argv=(python, "-m", "worker", "sweeper"), env=as_worker),
        Child(name="inbox", argv=(python, "-m", "worker", "inbox"), env=as_worker),
        Child(name="deliverer", argv=(python, "-m", "worker", "deliverer"), env=as_worker),
    )
    if not web:
        return workers
    port = settings.web_port
    serves = Child(
        name="web",
        argv=(python, "-m", "worker", "web"),
        env=as_web,
        probe=lambda: _is_open(port),
    )
    return (*workers, serves)


def web_server() -> Callable[[Settings], None]:
    """What serves the web.

    Raises MissingExtra where its libraries are not installed.
    """
    if absent := missing("fastapi", "uvicorn", "jinja2", "argon2", "multipart"):
        raise MissingExtra("web", f"The web needs {', '.join(absent)}")
    from worker.web.serve import serve

    return serve


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(wanted: int) -> int:
    """The wanted port of this machine, or another one when it is taken."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require(settings: Settings, *, web: bool) -> None:
    """Raises MissingExtra when this machine lacks a library for all that is to run on it."""
    if settings.embedded:
        programs()
    for reader in settings.all_readers:
        BACKENDS.require(reader)
    if settings.reranker is not None:
        RERANKERS.require(settings.reranker)
    if web:
        web_server()


def check_port(settings: Settings) -> None:
    """Raises PortTaken, with whoever holds it, unless the web can listen where it is to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.web_host, settings.web_port))
        except OSError as error:
            holder = _holder_of(settings.web_port)
            raise PortTaken(
                f"{settings.web_host}:{settings.web_port} cannot be listened on"
                f" ({error.strerror}{holder}). Stop what is there, or set SUREFIELD_WEB_PORT."
            ) from error


def _holder_of(port: int) -> str:
    """Who listens on a port, as far as this account may see."""
    try:
        listening = psutil.net_connections("inet")
    except psutil.Error:
        return ""
    for one in listening:
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
            return f", by process {one.pid}, {psutil.Process(one.pid).name()}"
    return ""


@contextmanager
def running(
    settings: Settings,
    *,
    web: bool = False,
    tell: Callable[[str], None] = lambda said: print(said, file=sys.stderr),
) -> Iterator[Supervisor]:
    """The workers and the sweeper, and the web where it is asked for, kept running while the block
    lasts; the embedded Postgres is watched with them.
    """
    postgres = EmbeddedPostgres(settings.state_dir) if _is_ours(settings) else None
    _note_start(settings)
    with Supervisor(
        settings.state_dir, children(settings, web=web), postgres=postgres, tell=tell
    ) as supervisor:
        yield supervisor


def _note_start(settings: Settings) -> None:
    """With what the installation runs from now on, secrets left out."""
    rt = bootstrap.runtime(settings)
    try:
        with rt.transaction() as tx:
            in_force = {row.variable: row.value for row in rows(settings) if _is_set(row)}
            security.note(tx, SecurityKind.STARTED, **in_force)
    finally:
        rt.sessions.kw["bind"].dispose()


def _is_set(row: Row) -> bool:
    return bool(row.value) and row.value != row.default


def runs(settings: Settings) -> bool:
    """Whether workers run in this state folder already, under another command."""
    return Supervisor.runs(settings.state_dir)


def _is_ours(settings: Settings) -> bool:
    url = settings.database_url
    return url is not None and EmbeddedPostgres(settings.state_dir).serves(url.get_secret_value())
