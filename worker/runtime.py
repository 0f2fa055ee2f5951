"""What a stage may touch: transactions, blobs, the render child, the model, limits.

Built once by an entry point.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from extractors.backends import Backend
from extractors.decision.policy import CertificateUse, PolicyName
from extractors.documents import AUTO, Ask, DocumentType, find, load
from extractors.errors import SurefieldError
from extractors.page.ocr.types import Recogniser
from extractors.rerankers import Reranker
from extractors.types import Canvas, LookKind
from worker import db, store
from worker.blame import Blame
from worker.blobs import Blobs
from worker.db import Tx
from worker.egress.addresses import Network
from worker.rendering.protocol import RenderLimits
from worker.rendering.renderer import Renderer
from worker.tables.documents import Status


def no_backend(document_type: str) -> Backend:
    """What a worker without a model answers.

    Raises SurefieldError always: only the GPU worker is started with a backend.
    """
    raise SurefieldError(
        "This worker has no model. Start the GPU worker: celery -A worker.gpu worker -P solo -Q"
        " gpu."
    )


def no_reranker() -> Reranker | None:
    """No second look."""
    return None


def no_recogniser() -> Recogniser | None:
    """Nothing reads pictures."""
    return None


def silent(document_id: UUID, status: Status) -> None:
    """Announces nothing: the sweeper finds the document, or the caller runs the next stage
    itself.
    """


def asleep(queue: str) -> None:
    """Wakes nobody."""


def no_caution(document_type: str) -> str | None:
    """Nothing to know beforehand."""
    return None


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Plain values and open doors; no stage builds any of them."""

    sessions: sessionmaker[Session]
    blobs: Blobs
    renderer: Callable[[], Renderer]  # one warm child per process, started when first needed
    canvas: Callable[[str], Canvas]  # of the model that will read this document type
    limits: RenderLimits
    # of a document type; injected where the GPU worker starts
    backend: Callable[[str], Backend] = no_backend
    reranker: Callable[[], Reranker | None] = no_reranker
    # what reads pictures: one warm engine per process, started when first needed
    recogniser: Callable[[], Recogniser | None] = no_recogniser
    # what whoever submits a document of this type should know before it is read
    caution: Callable[[str], str | None] = no_caution
    announce: Callable[[UUID, Status], None] = silent
    # wakes a worker of this queue
    wake: Callable[[str], None] = asleep
    # documents of one upstream that are worked on together, where there are several upstreams
    at_once: int = store.order.EVERYBODY
    document_types_folder: Path | None = None
    # beneath what the sources of an upstream, or of everybody ("*"), may lie
    source_roots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # networks beside the internet in which sources may lie
    source_networks: tuple[Network, ...] = ()
    source_timeout: timedelta = timedelta(seconds=6)  # for one request of a source
    key_file: Path  # opens what is sealed for the installation
    # whether a queue's message may hold a password that is not sealed
    clear_passwords: bool = False
    max_bytes: int
    # documents of one upstream that may wait before HTTP asks it to come later
    max_waiting: int = 10_000
    accept_at: float
    policy: PolicyName = PolicyName.PLAIN
    certificates: CertificateUse = CertificateUse.OPTIONAL
    document_certificates: CertificateUse = CertificateUse.OPTIONAL  # of documents nobody touches
    audit_rate: float = 0.0  # the probability that a person looks at a row, whatever becomes of it
    audit_documents: float = 0.0  # the same of a whole document
    audit_planted: float = 0.0  # the probability that an audit shows a planted error
    looks: int = 0  # further looks at each page
    look_kind: LookKind = LookKind.FREE
    look_below: float = 1.0  # the score of a page's least sure field under which they are taken
    # doubts about which a document's sender is asked, where its type says nothing else
    ask_sender: frozenset[Ask] = frozenset()
    web_url: str = ""  # where senders' links lead to
    question_lasts: timedelta = timedelta(days=14)
    remind_every: timedelta = timedelta(hours=72)
    # a sender's value that stands on no page waits for a reviewer
    confirm_answers: bool = True
    lease: timedelta
    max_attempts: int
    # before the second attempt; doubled for each further one
    backoff: timedelta = timedelta(seconds=2)
    batch_pages: int
    # how long a document is rendered before others come in between
    render_for: timedelta = timedelta(seconds=5)
    # how long a stage pauses first when the installation is wrong
    pause: timedelta = timedelta(seconds=5)
    # how the model fared with pages that it failed on
    blame: Blame = field(default_factory=Blame)
    # one wake-up of the GPU worker reads at most this long
    # of document types that were read from the database; a version never changes
    versions: dict[str, DocumentType] = field(default_factory=dict)
    drain_for: timedelta = timedelta(seconds=60)

    def transaction(self) -> AbstractContextManager[Tx]:
        """One commit at the end, then the messages."""
        return db.transaction(self.sessions, self.announce)

    def document_type(self, name: str) -> DocumentType:
        """The document type of this name.

        Raises UnknownDocumentType, or BrokenDocumentType when the user's folder holds a broken one.
        """
        return find(name, self.document_types_folder)

    def document_types(self) -> dict[str, DocumentType]:
        """All document types by name.

        Raises BrokenDocumentType when the user's folder holds a broken one.
        """
        return load(self.document_types_folder)

    def pinned_type(self, name: str, version: str | None) -> DocumentType:
        """The document type in the version that a row was made under, however it changed since.

        name: of the type; its present definition serves for rows of a release without versions

        Raises UnknownDocumentType or BrokenDocumentType.
        """
        if version is None:
            return self.document_type(name)
        if version not in self.versions:
            with self.transaction() as tx:
                self.versions[version] = store.document_types.version(tx, version)
        return self.versions[version]

    def check_type(self, name: str) -> None:
        """A type that may be asked for: one that exists, or ``auto``.

        Raises UnknownDocumentType or BrokenDocumentType.
        """
        if name != AUTO:
            self.document_type(name)

    def limits_for(self, spec: DocumentType | None) -> RenderLimits:
        """The limits of this document type: its own page limit where it names one; the general ones
        while the type is open.
        """
        return (
            self.limits
            if spec is None or spec.max_pages is None
            else replace(self.limits, max_pages=min(spec.max_pages, self.limits.max_pages))
        )
