"""The bundled Postgres starts from whatever an earlier run, however it ended, has left in its state
folder.
"""

import ctypes
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy as sa

from tests.embedded.processes import ROOT, eventually, free_port, private_folder
from worker.embedded import data_folder, server_account
from worker.embedded.postgres import EmbeddedPostgres, Listen
from worker.embedded.queues import conninfo
from worker.errors import EmbeddedPostgresFailed

NOBODY = 65534
PR_SET_CHILD_SUBREAPER = 36
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A data folder fresh from initdb, which takes longer than most of these tests."""
    with private_folder() as parent:
        folder = parent / "postgres"
        data_folder.make(folder, server_account.account_for(folder), durable=False)
        yield folder


@pytest.fixture
def a_server(tmp_path: Path, pristine: Path) -> "Iterator[Callable[..., EmbeddedPostgres]]":
    """Makes servers that are stopped after the test."""
    made: list[EmbeddedPostgres] = []

    def make(
        state_dir: Path = tmp_path / "state",
        *,
        fresh: bool = False,
        durable: bool = False,
        **options: object,
    ) -> EmbeddedPostgres:
        if not fresh and not state_dir.exists():
            state_dir.mkdir(parents=True)
            subprocess.run(["cp", "-a", str(pristine), str(state_dir / "postgres")], check=True)
        made.append(EmbeddedPostgres(state_dir, durable=durable, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for server in made:
        if process := server._postmaster():
            process.send_signal(signal.SIGCONT)
        server.stop()


def write(url: str, word: str) -> None:
    with psycopg.connect(conninfo(url)) as connection:
        connection.execute("create table if not exists words (word text)")
        connection.execute("insert into words values (%s)", [word])


def words(url: str) -> list[str]:
    with psycopg.connect(conninfo(url)) as connection:
        return [row[0] for row in connection.execute("select word from words").fetchall()]


def test_a_first_start_gives_a_url_that_answers(a_server):
    """SQLAlchemy connects with the URL as it is, to the database it names, in UTF-8."""
    engine = sa.create_engine(a_server(fresh=True).start())
    with engine.connect() as connection:
        found = connection.execute(
            sa.text("select current_database(), current_setting('server_encoding')")
        ).one()
    engine.dispose()
    assert tuple(found) == ("surefield", "UTF8")


def test_a_second_start_attaches_to_the_same_server(a_server):
    """Two handles, one server."""
    first, second = a_server(), a_server()
    assert (first.start(), first.pid) == (second.start(), second.pid)


def test_processes_that_start_at_once_share_one_server(a_server, tmp_path):
    """The state folder's lock lets one of them start it and the others attach."""
    code = (
        "import sys; from pathlib import Path; from worker.embedded.postgres import"
        " EmbeddedPostgres\nserver = EmbeddedPostgres(Path(sys.argv[1]), durable=False);"
        " server.start(); print(server.pid)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state")]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    pids = {process.communicate(timeout=60)[0].strip() for process in running}
    assert pids == {str(a_server().pid)}


def test_stopping_ends_the_server_whoever_started_it(a_server):
    """Another handle may stop it; a second stop does nothing; the data is there after the next
    start.
    """
    write(a_server().start(), "kept")
    a_server().stop()
    assert (a_server().pid, a_server().answers()) == (None, False)
    a_server().stop()
    assert words(a_server().start()) == ["kept"]


def test_a_killed_postmaster_starts_again_with_its_data(a_server):
    """kill -9 leaves postmaster.pid and the socket's lock behind; neither keeps the next start from
    serving what was committed.
    """
    server = a_server(durable=True)
    url = server.start()
    write(url, "committed")
    killed = server.pid
    os.kill(killed, signal.SIGKILL)
    assert words(server.start()) == ["committed"]
    assert server.pid != killed


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
def test_a_killed_postmaster_that_nobody_reaps_is_not_taken_for_alive(a_server):
    """Where process 1 does not collect the dead, the zombie stays for ever and its process id looks
    taken.
    """
    libc = ctypes.CDLL(None)
    # orphans become our children, and we do not collect them
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        server = a_server()
        server.start()
        killed = server.pid
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: psutil.Process(killed).status() == psutil.STATUS_ZOMBIE)
        server.start()
        assert psutil.Process(killed).status() == psutil.STATUS_ZOMBIE
        assert server.answers()
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        os.waitpid(killed, 0)


@pytest.mark.parametrize("whose", ["no postgres", "another postgres", "nobody's", "nonsense"])
def test_a_left_over_pid_file_does_not_stop_a_start(a_server, postgres, whose):
    """After a reboot the process id in postmaster.pid may belong to anything, also to another
    folder's server.
    """
    ours = a_server()
    ours.start()
    pid_file = ours.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    ours.stop()
    pids = {
        "no postgres": os.getpid(),
        "another postgres": postgres.pid,
        "nobody's": 2**22 - 3,
        "nonsense": "?",
    }
    pid_file.write_text("\n".join([str(pids[whose]), *lines[1:]]) + "\n")
    ours.start()
    assert ours.answers()
    assert postgres.answers()


def test_a_server_that_hangs_is_replaced(a_server):
    """A stopped postmaster accepts connections and never answers: alive means that it answers."""
    server = a_server(patience_s=1.0)
    server.start()
    hung = server.pid
    os.kill(hung, signal.SIGSTOP)
    server.start()
    assert server.pid != hung


def test_an_initdb_that_was_killed_half_way_is_begun_anew(a_server):
    """The data folder gets its name only when it is whole."""
    server = a_server(fresh=True)
    unfinished = server.state_dir / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server.start()
    assert server.answers()
    assert not unfinished.exists()


def test_a_folder_that_surefield_did_not_make_is_refused_and_left_alone(a_server):
    """Somebody's own files under that name must not be lost."""
    server = a_server(fresh=True)
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "mine").write_text("precious")
    with pytest.raises(EmbeddedPostgresFailed, match="did not make"):
        server.start()
    assert (server.data_dir / "mine").read_text() == "precious"


def test_a_damaged_data_folder_is_an_error_that_says_what_to_do(a_server):
    """The message holds the server's own words and the ways out."""
    server = a_server()
    server.start()
    server.stop()
    (server.data_dir / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(EmbeddedPostgresFailed) as failed:
        server.start()
    assert "pg_control" in str(failed.value)
    assert f"remove {server.data_dir}" in str(failed.value)


def test_a_state_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path):
    """Here a file stands in its way."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresFailed, match="Choose another state folder"):
        EmbeddedPostgres(tmp_path / "file" / "state").start()


def test_a_path_too_long_for_a_socket_still_serves(a_server, tmp_path):
    """The socket then lies in a private temporary folder."""
    server = a_server(tmp_path / ("long" * 30))
    write(server.start(), "far away")
    assert server.socket_dir != server.data_dir
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700


def test_a_socket_folder_that_somebody_else_prepared_is_refused(a_server, tmp_path):
    """In a shared temporary folder anybody can lay out a trap under the expected name."""
    server = a_server(tmp_path / ("trap" * 30), fresh=True)
    server.socket_dir.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedPostgresFailed, match="belongs to somebody else"):
            server.start()
    finally:
        server.socket_dir.unlink()


@pytest.mark.parametrize("name", ['it\'s a "place" + $HOME', "one, two"])
def test_a_path_with_odd_signs_serves(a_server, tmp_path, name):
    """Folders have the names that people give them."""
    server = a_server(tmp_path / 'it\'s a "place", + more')
    write(server.start(), "said")
    assert words(server.url()) == ["said"]


def test_nobody_else_can_reach_the_socket(a_server):
    """Its folder is closed to others."""
    server = a_server()
    server.start()
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def with_a_role(server: EmbeddedPostgres, name: str = "clerk") -> str:
    """The server started, with a role that may enter; its address."""
    with psycopg.connect(conninfo(server.start()), autocommit=True) as connection:
        connection.execute(f"create role {name} login")
        connection.execute(f"grant all on schema public to {name}")
    server.admit([name])
    return server.url(role=name)


def test_a_role_enters_with_the_password_in_its_file_alone(a_server):
    """Through the socket, too, nobody is let in for their name; the file is its user's."""
    server = a_server()
    write(with_a_role(server), "known")

    url = sa.make_url(server.url(role="clerk"))
    for wrong in (None, "", "guess", "clerk"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(conninfo(url._replace(password=wrong).render_as_string(False)))
    file = server.state_dir / "passwords" / "clerk"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (
        0o600,
        0o700,
    )
    assert file.owner() == server.data_dir.owner()


@pytest.mark.parametrize("lost", ["the file", "the server's"])
def test_a_password_that_was_lost_is_given_anew(a_server, lost):
    """A restored database, or a restored folder, keeps nobody out; what fits is left as it is."""
    server = a_server()
    before = with_a_role(server)
    server.admit(["clerk"])
    assert server.url(role="clerk") == before

    if lost == "the file":
        (server.state_dir / "passwords" / "clerk").unlink()
    else:
        with psycopg.connect(conninfo(server.url())) as connection:
            connection.execute("alter role clerk password 'restored'")
    server.admit(["clerk"])

    assert (server.url(role="clerk") == before) is (lost != "the file")
    write(server.url(role="clerk"), "again")


def test_a_role_without_a_file_is_an_error_that_says_whose_it_is(a_server):
    """It is not tried without a password."""
    server = a_server()
    server.start()
    with pytest.raises(EmbeddedPostgresFailed, match="password of stranger"):
        server.url(role="stranger")


@as_root
def test_the_superuser_is_only_who_owns_the_server(a_server):
    """Another account, even where it reaches the socket, is asked who it is by the system."""
    server = a_server()
    url = conninfo(server.start())
    server.data_dir.chmod(0o711)
    next(server.data_dir.glob(".s.PGSQL.*[0-9]")).chmod(0o777)
    for folder in server.data_dir.parents:
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            psycopg.connect(url)
            os._exit(1)
        except psycopg.OperationalError as error:
            os._exit(0 if "Peer authentication failed" in str(error) else 2)
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_folder_that_trusted_everybody_trusts_nobody_after_its_next_start(a_server):
    """One of an earlier Surefield keeps its data."""
    server = a_server()
    write(with_a_role(server), "kept")
    server.stop()
    (server.data_dir / "pg_hba.conf").write_text("local all all trust\n")
    (server.data_dir / "pg_ident.conf").unlink()

    assert words(server.start()) == ["kept"]
    nameless = sa.make_url(server.url(role="clerk"))._replace(password=None).render_as_string(False)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(conninfo(nameless))


def test_tcp_asks_for_the_generated_password_and_shuts_the_superuser_out(a_server):
    """A server with a listen address serves other machines, but only those that know the
    password.
    """
    port = free_port()
    server = a_server(listen=Listen(port))
    with_a_role(server)
    write(server.tcp_url("clerk"), "from afar")
    assert words(server.url()) == ["from afar"]
    for user, said in (("clerk", "password"), ("postgres", "pg_hba.conf rejects")):
        with pytest.raises(psycopg.OperationalError, match=said):
            psycopg.connect(
                host="127.0.0.1", port=port, user=user, password="guess", dbname="surefield"
            )


def test_a_handle_finds_the_socket_of_a_server_that_was_started_otherwise(
    a_server, monkeypatch, tmp_path
):
    """The port and the temporary folder are those of the process that started it: the server itself
    says where its socket is.
    """
    state_dir = tmp_path / ("odd" * 40)
    started = a_server(state_dir, listen=Listen(free_port()))
    started.start()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    other = a_server(state_dir)
    assert (other.start(), other.pid) == (started.url(), started.pid)


def test_a_server_started_for_tests_is_not_taken_for_real_work(a_server):
    """Without fsync a power cut loses data: who asks for a durable server does not get that one."""
    a_server(durable=False).start()
    with pytest.raises(EmbeddedPostgresFailed, match="without fsync"):
        a_server(durable=True).start()


@as_root
def test_it_starts_as_any_user_after_root_has_used_it_elsewhere(postgres, tmp_path):
    """No lock or folder is shared between users."""
    assert postgres.answers()
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    for folder in home.parents:
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    child = os.fork()  # not a new interpreter: this one may lie in root's home
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        theirs = EmbeddedPostgres(home / "state", durable=False)
        try:
            theirs.start()
            os._exit(0 if theirs.answers() else 1)
        finally:
            theirs.stop()
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@as_root
def test_the_folder_of_another_user_is_refused(a_server, monkeypatch):
    """A run as root leaves a folder that an ordinary user cannot serve; the message says so."""
    server = a_server()
    server.start()
    server.stop()
    monkeypatch.setattr(server_account.os, "geteuid", lambda: NOBODY)
    with pytest.raises(EmbeddedPostgresFailed, match="belongs to another user"):
        server.start()
