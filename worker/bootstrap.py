"""Settings -> the objects that the stages work with.  The one place where they are put together."""

from collections.abc import Callable
from functools import cache
from uuid import UUID

from extractors.backends import BACKENDS, Backend, canvas, made_for
from extractors.decision.policy import RULES
from extractors.documents import AUTO
from extractors.errors import ModelNotLoadable, SurefieldError
from extractors.page.ocr import engines
from extractors.page.ocr.types import Recogniser
from extractors.rerankers import RERANKERS, Reranker
from extractors.types import Canvas
from worker import db, mailboxes, sealing
from worker.blobs import Blobs
from worker.intake import dead_letters
from worker.intake.dead_letters import Letter
from worker.mailboxes.types import Mailbox
from worker.rendering.protocol import RenderLimits
from worker.rendering.renderer import Renderer
from worker.runtime import Runtime, asleep, no_backend, silent
from worker.settings import Sandbox, Settings
from worker.store import installation
from worker.tables.documents import Status


class NoDatabase(SurefieldError):
    """A worker was started without being told where the database is."""

    code = "no_database"


def database_url(settings: Settings) -> str:
    """The Postgres that was named.

    Raises NoDatabase: the command line starts the embedded one and names it to the workers it
    starts.
    """
    if settings.database_url is None:
        raise NoDatabase(
            "SUREFIELD_DATABASE_URL is not set. Set it, or run 'surefield up', which runs a"
            " Postgres and names it to its workers."
        )
    return settings.database_url.get_secret_value()


def broker_url(settings: Settings) -> str:
    """The broker that was named, else the queue inside the database."""
    return settings.broker_url.get_secret_value() if settings.broker_url else database_url(settings)


def open_mailbox(settings: Settings) -> Mailbox:
    """The upstreams' queues at the broker; nothing connects before its first use."""
    return mailboxes.open_mailbox(broker_url(settings))


def canvases(settings: Settings) -> Callable[[str], Canvas]:
    """Document type -> the canvas its pages are rendered to fit.

    While the type is open it is the largest there is: a model with a smaller one scales the page
    down itself.
    """

    @cache
    def of(document_type: str) -> Canvas:
        if document_type == AUTO:
            return max(
                map(canvas, settings.all_readers), key=lambda one: one.tile_px**2 * one.max_tiles
            )
        return canvas(settings.reader_of(document_type))

    return of


def open_backends(settings: Settings) -> Callable[[str], Backend]:
    """Document type -> its backend, opened when it is first asked for; types with equal readers
    share one.
    """
    opened = cache(BACKENDS.open)
    return lambda document_type: opened(settings.reader_of(document_type))


def caution(settings: Settings) -> Callable[[str], str | None]:
    """Document type -> what to know before one is read: that the model was made for others, and
    what to do about it; None where there is nothing to know.
    """

    @cache
    def of(document_type: str) -> str | None:
        try:
            others = made_for(settings.reader_of(document_type))
        except ModelNotLoadable:
            return None  # health says it
        if document_type == AUTO or others is None or document_type in others:
            return None
        return (
            f"The model that reads here was made for {', '.join(sorted(others))} and nothing else:"
            f" every field of type {document_type} will wait for a person. Choose a larger model"
            " first (SUREFIELD_MODEL, or SUREFIELD_BACKEND=vllm); docs/models.md names some."
        )

    return of


def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker that the settings name, if any; nothing is loaded or asked before its first
    pairs.
    """
    return None if settings.reranker is None else RERANKERS.open(settings.reranker)


def ocr_engine(settings: Settings) -> engines.Engine:
    """The OCR engine that is named, else the best that is installed."""
    return engines.chosen(settings.ocr)


def open_recogniser(settings: Settings) -> Recogniser | None:
    """What reads pictures, if anything does; nothing is started before its first page."""
    return engines.open_recogniser(
        ocr_engine(settings),
        languages=settings.ocr_languages,
        timeout_s=settings.page_timeout.total_seconds(),
        memory_mb=settings.ocr_memory_mb,
        walls_required=settings.sandbox is Sandbox.REQUIRED,
    )


def open_renderer(settings: Settings) -> Renderer:
    """What opens files; its child is started before the first one."""
    return Renderer(walls_required=settings.sandbox is Sandbox.REQUIRED)


def limits(settings: Settings) -> RenderLimits:
    """What one file may cost."""
    return RenderLimits(
        max_pages=settings.max_pages,
        max_pixels=int(settings.max_megapixels * 1e6),
        page_seconds=settings.page_timeout.total_seconds(),
        document_seconds=settings.document_timeout.total_seconds(),
        max_words=settings.max_words,
        max_stored_bytes=settings.max_stored_mb * 1_000_000,
        memory_mb=settings.render_memory_mb,
        view_dpi=settings.view_dpi,
    )


def runtime(
    settings: Settings,
    *,
    announce: Callable[[UUID, Status], None] = silent,
    wake: Callable[[str], None] = asleep,
    backend: Callable[[str], Backend] = no_backend,
) -> Runtime:
    """Everything a stage may touch, opened lazily: nothing here connects or starts a process."""
    sessions = db.open_sessions(db.open_engine(database_url(settings)))
    return Runtime(
        sessions=sessions,
        blobs=Blobs(settings.blobs),
        renderer=cache(lambda: open_renderer(settings)),
        canvas=canvases(settings),
        limits=limits(settings),
        backend=backend,
        reranker=cache(lambda: open_reranker(settings)),
        recogniser=cache(lambda: open_recogniser(settings)),
        caution=caution(settings),
        announce=announce,
        wake=wake,
        at_once=max(1, settings.cpu_processes - 1),
        document_types_folder=settings.document_types,
        source_roots=settings.source_roots,
        source_networks=settings.source_networks,
        source_timeout=settings.source_timeout,
        key_file=settings.key_path,
        clear_passwords=settings.clear_passwords,
        max_bytes=settings.max_bytes,
        max_waiting=settings.max_waiting,
        accept_at=settings.accept_at,
        policy=settings.policy,
        certificates=settings.certificates,
        document_certificates=settings.document_certificates,
        audit_rate=settings.audit_rate,
        audit_documents=settings.audit_documents,
        audit_planted=settings.audit_planted,
        looks=RULES[settings.policy].looks if settings.looks is None else settings.looks,
        look_kind=settings.look_kind,
        look_below=settings.look_below,
        ask_sender=settings.ask_sender,
        web_url=settings.web_url,
        question_lasts=settings.question_lasts,
        remind_every=settings.remind_every,
        confirm_answers=settings.confirm_answers,
        lease=settings.claim_lease,
        max_attempts=settings.max_attempts,
        batch_pages=settings.reader.batch_pages,
    )


def dead_letter_keeper(settings: Settings) -> Callable[[Letter, bytes], None]:
    """What writes a dead letter over a connection of its own: the consumer is not the process that
    works, and must share nothing with the ones that are forked from it.
    """

    blobs = Blobs(settings.blobs)

    def keep(letter: Letter, content: bytes) -> None:
        engine = db.open_engine(database_url(settings), pool_size=1)
        try:
            sessions = db.open_sessions(engine)
            dead_letters.put_aside(lambda: db.transaction(sessions, silent), blobs, letter, content)
        finally:
            engine.dispose()

    return keep


def make_key(settings: Settings) -> None:
    """Whoever brings the schema up to date makes the installation's key, where there is none: what
    is sealed for it, this machine's key file opens.

    Raises KeyUnusable.
    """
    engine = db.open_engine(database_url(settings), pool_size=1)
    try:
        with db.transaction(db.open_sessions(engine), silent) as tx:
            if installation.public_key(tx) is None:
                installation.keep_public_key(tx, sealing.make_key(settings.key_path))
    finally:
        engine.dispose()


def close(rt: Runtime) -> None:
    """End what the runtime started."""
    rt.renderer().close()
    if (recogniser := rt.recogniser()) is not None:
        recogniser.close()
    rt.sessions.kw["bind"].dispose()
