"""Which blobs rows name."""

from collections.abc import Collection

from sqlalchemy import Text, column, select, table, union

from worker.db import Tx
from worker.tables.documents import Document, Submission
from worker.tables.evidence import Page
from worker.tables.questions import Question

LETTERS = table("dead_letters", column("sealed", Text()))  # a table of those above


def named(tx: Tx, names: Collection[str]) -> set[str]:
    """Those of these that a document, a better scan of it, a page or a dead letter names."""
    files = (Document.sha256, Submission.sha256, Question.file_sha256)
    columns = (*files, Page.model_sha256, Page.view_sha256, LETTERS.c.sealed)
    asked = list(names)
    return set(
        tx.session.execute(union(*(select(one).where(one.in_(asked)) for one in columns))).scalars()
    )
