"""Versions of document types: kept when the first document is read under them, never changed."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.documents.types import DocumentType
from extractors.documents.versions import definition_of, type_of, version_of
from worker.db import Tx
from worker.errors import NotFound
from worker.tables.documents import Document, DocumentTypeVersion


def keep(tx: Tx, spec: DocumentType) -> str:
    """Keep this version of the type, if it is new; returns its sha256."""
    version = version_of(spec)
    tx.session.execute(
        pg_insert(DocumentTypeVersion)
        .values(sha256=version, name=spec.name, definition=definition_of(spec))
        .on_conflict_do_nothing()
    )
    return version


def version(tx: Tx, sha256: str) -> DocumentType:
    """The document type of this version, as it was when it was kept.

    Raises NotFound, or BrokenDocumentType when a later release wrote it.
    """
    definition = tx.session.execute(
        select(DocumentTypeVersion.definition).where(DocumentTypeVersion.sha256 == sha256)
    ).scalar_one_or_none()
    if definition is None:
        raise NotFound(f"There is no version {sha256[:12]} of a document type.")
    return type_of(definition)


def pinned(tx: Tx, document_id: UUID) -> str | None:
    """The version that the document is read under; None while its type is open, and for documents
    of a release without versions.
    """
    return tx.session.execute(
        select(Document.type_version).where(Document.id == document_id)
    ).scalar_one_or_none()
