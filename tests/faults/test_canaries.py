"""Where secrets and contents come to rest: a whole installation is used, and then searched.

*Secrets* are nowhere but in their own files.  *Contents*, what documents say and what is sent with
them, are in the blobs and in the tables of what was read, and nowhere else.
"""

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import psutil
import psycopg
import pytest
from sqlalchemy import text

from tests.embedded.processes import eventually
from tests.faults.work import quick_settings, upstream, wait_until_resting
from tests.intake.test_reopened import locked
from tests.pipeline.conftest import a_pdf
from worker import bootstrap, sealing
from worker.accounts import store as accounts
from worker.actor import Role
from worker.cli import local
from worker.delivery import webhooks
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.queues import conninfo
from worker.intake import messages
from worker.mailboxes.names import queue_of
from worker.runtime import Runtime
from worker.settings import Settings
from worker.store import installation
from worker.web.dependencies import csrf_of

WORD = "Zanzibarquartz"  # what every document says
METADATA = "ledgerword-4711"
NAME = "filenameword.pdf"
SIGN_IN = "the-sign-in-password-of-ada"
PASSWORD, WRONG = "password-of-the-file-1", "password-of-the-file-2"
CLEAR, IN_NONSENSE = "password-of-the-file-3", "password-of-the-file-4"
# where contents belong: what was sent with a document, and what was read of it
PLACES = {"submissions", "pages", "readings", "fields", "candidates", "witnesses", "results"}


@dataclass(frozen=True, slots=True)
class Used:
    """An installation that was used."""

    settings: Settings
    secrets: Mapping[str, str]  # what each is for -> the secret
    environments: str  # of all its processes, and their command lines
    answers: str  # all that it answered to the outside


@pytest.fixture(scope="module")
def used() -> Iterator[Used]:
    """Documents that were read, that failed and that were refused, by every door."""
    folder = Path(tempfile.mkdtemp(prefix="surefield-canaries-"))
    settings = quick_settings(
        folder,
        web_port=local.free_port(0),
        key_file=folder / "installation.key",
        ocr="off",
        claim_lease="20s",
    )
    try:
        with (
            local.database(settings, migrates=True) as ready,
            upstream(ready) as rt,
            local.running(ready, web=True, tell=lambda said: None),
        ):
            eventually(lambda: local._is_open(ready.web_port), within_s=60)
            yield _use(ready, rt)
    finally:
        EmbeddedPostgres(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def _use(settings: Settings, rt: Runtime) -> Used:
    url = f"http://127.0.0.1:{settings.web_port}"
    with rt.transaction() as tx:
        key = accounts.make_key(tx, "erp")
        accounts.add_person(tx, "ada", Role.ADMIN, password=SIGN_IN)
        link = accounts.make_link(tx, "ada", lasts=timedelta(days=1))
        _, webhook = webhooks.add(tx, "erp", "https://127.0.0.1:9/hook", by="me")
        public = installation.public_key(tx)
    assert public is not None
    answers, session = _over_http(url, key, link)
    _over_the_queue(settings, public)
    wait_until_resting(rt, 5, within_s=120)
    eventually(lambda: _count(rt, "dead_letters") == 4, within_s=60)
    secrets = {
        "the file's password": PASSWORD,
        "a wrong password": WRONG,
        "the key of an upstream": key,
        "a sign-in link": link,
        "a person's password": SIGN_IN,
        "the secret of a webhook": webhook,
        "a session": session,
        "the installation's key": settings.key_path.read_text("ascii").strip(),
    }
    return Used(settings, secrets, _environments(settings), answers)


def _over_http(url: str, key: str, link: str) -> tuple[str, str]:
    """Good, encrypted, wrongly encrypted, broken, and refused; then somebody signs in.

    Returns what was answered, and the session's secret.
    """
    said = []
    with httpx2.Client(base_url=url, headers={"authorization": f"Bearer {key}"}) as client:
        for name, content, more in (
            ("good", a_pdf(WORD), {}),
            ("locked", locked(f"{WORD} locked"), {"password": PASSWORD}),
            ("wrong", locked(f"{WORD} wrong"), {"password": WRONG}),
            ("broken", b"%PDF-1.7 " + WORD.encode(), {}),
            ("good", a_pdf(f"{WORD} another"), {}),  # the key is used
            ("nonsense", a_pdf(WORD), {"priority": "99", "password": WRONG}),
        ):
            answer = client.post(
                "/v1/documents",
                files={"file": (NAME, content)},
                data={
                    "document_type": "slip",
                    "metadata": json.dumps({"ledger": METADATA}),
                    **more,
                },
                headers={"idempotency-key": name},
            )
            said.append(answer.text)
        said.append(client.get("/v1/events").text)
    with httpx2.Client(base_url=url) as client:
        for where in (f"/sign-in/{link}", "/sign-in/not-a-link"):
            assert client.get(where).status_code < 500
        client.get("/sign-in")
        form = {"name": "ada", "csrf": csrf_of(client.cookies["surefield"]), "next": "/queue"}
        for password in ("wrong wrong wrong", SIGN_IN):
            client.post("/sign-in", data={**form, "password": password})
        assert client.get("/queue").status_code == 200
        return "\n".join(said), client.cookies["surefield"]


def _over_the_queue(settings: Settings, public: bytes) -> None:
    """Sealed, readable, and what cannot be read at all."""
    sealed = base64.b64encode(sealing.seal(public, PASSWORD.encode())).decode()
    content = base64.b64encode(locked(f"{WORD} queued")).decode()
    says = {"type": "slip", "content_base64": content, "metadata": {"ledger": METADATA}}
    queue = queue_of("erp")
    with closing(bootstrap.open_mailbox(settings)) as mailbox:
        mailbox.make(queue)
        for body in (
            messages.plain([], {**says, "key": "sealed", "password_sealed": sealed}),
            messages.plain([], {**says, "key": "clear", "password": CLEAR}),
            messages.plain([], {**says, "key": "colour", "colour": WORD}),
            messages.plain([{"password": IN_NONSENSE, "word": WORD}], {}),
            messages.plain([], {**says, "key": "source", "source": f"/etc/{WORD}"}),
        ):
            mailbox.put(queue, body)


def _count(rt: Runtime, table: str) -> int:
    with rt.sessions() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _environments(settings: Settings) -> str:
    """What another process of this account, and `ps`, would see."""
    mark = str(settings.state_dir)
    found = []
    for one in psutil.process_iter():
        try:
            said = [*one.cmdline(), *(f"{name}={value}" for name, value in one.environ().items())]
        except psutil.Error:
            continue
        if one.pid != os.getpid() and any(mark in each for each in said):
            found.append("\n".join(said))
    assert len(found) >= 7
    return "\n".join(found)


def written(secret: str) -> set[bytes]:
    """A secret as it may be written."""
    plain = secret.encode()
    return {plain, plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")[:-1]}


def _tables(settings: Settings) -> dict[str, str]:
    """All tables as text, those of the queues with them; bytes as what they say."""
    url = EmbeddedPostgres(settings.state_dir).url()
    found = {}
    with psycopg.connect(conninfo(url)) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, name in names:
            table = psycopg.sql.Identifier(schema, name)
            query = psycopg.sql.SQL("SELECT * FROM {}").format(table)
            rows = connection.execute(query).fetchall()
            found[name] = "\n".join(
                one.decode("latin-1") if isinstance(one, bytes) else str(one)
                for row in rows
                for one in row
            )
    return found


def test_it_was_used(used):
    """The search would find nothing in an idle house."""
    tables = _tables(used.settings)
    assert "accepted" in tables["documents"] or "in_review" in tables["documents"]
    assert "encrypted_pdf" in tables["documents"]
    assert "unreadable_file" in tables["documents"]
    for code in ("clear_password", "invalid_submission"):
        assert code in tables["dead_letters"]


def test_no_secret_is_in_a_table(used):
    """Each rests sealed or as a hash, if at all."""
    tables = _tables(used.settings)
    secrets = {**used.secrets, "a refused password": CLEAR, "an unread one": IN_NONSENSE}
    found = {
        (what, table)
        for what, secret in secrets.items()
        for table, said in tables.items()
        if any(one.decode() in said for one in written(secret))
    }
    assert found == set()


def test_contents_are_in_their_places_alone(used):
    """Nothing of a document, its name or its metadata is in events, errors, letters or queues."""
    found = {
        table
        for table, said in _tables(used.settings).items()
        if any(one in said for one in (WORD, METADATA, NAME))
    }
    assert found <= PLACES
    assert "submissions" in found


def test_neither_is_in_a_log_or_an_answer(used):
    """Whoever reads logs learns ids and codes; an answer repeats no secret."""
    logs = {
        path.name: path.read_text("utf-8", "replace")
        for path in (used.settings.state_dir / "logs").iterdir()
    }
    assert any("submission_refused" in said for said in logs.values())
    refused = {"refused": CLEAR, "unread": IN_NONSENSE}
    words = {"word": WORD, "metadata": METADATA, "name": NAME}
    found = {
        (what, name)
        for what, secret in {**used.secrets, **refused, **words}.items()
        for name, said in logs.items()
        if any(one.decode() in said for one in written(secret))
    }
    assert found == set()
    assert [what for what, one in used.secrets.items() if one in used.answers] == []


def test_no_process_has_one_in_its_environment_or_command_line(used):
    """The account's other programs may look there."""
    said = used.environments
    secrets = {**used.secrets, "a refused password": CLEAR}
    assert [what for what, one in secrets.items() if one in said] == []


def test_no_secret_is_in_a_file_of_the_installation(used):
    """Not in the database's files after a clean-up, not in its log of changes, not in a blob.

    What a client itself wrote readable into the queue inside Postgres is the exception: it is in
    the log of changes from that moment on.
    """
    folder = used.settings.state_dir
    with psycopg.connect(conninfo(EmbeddedPostgres(folder).url()), autocommit=True) as connection:
        connection.execute("VACUUM")
        connection.execute("CHECKPOINT")
    found = set()
    for path in folder.rglob("*"):
        if path == used.settings.key_path or not path.is_file():
            continue
        content = path.read_bytes()
        found |= {
            (what, str(path.relative_to(folder)))
            for what, secret in used.secrets.items()
            if any(one in content for one in written(secret))
        }
    assert found == set()


def test_the_search_finds_what_is_there(used):
    """In plain, as hexadecimal digits, and in base64."""
    secret = used.secrets["the secret of a webhook"].encode()
    for said in (secret, secret.hex().encode(), base64.b64encode(secret)):
        assert any(one in b"a " + said + b" z" for one in written(secret.decode()))
