"""Writes that several areas share, and the reads beside them.

Each module is named for what it writes, and each function takes the transaction: the caller's block
commits.  Import the package and say which module: ``store.pages.claim_pages(tx, ...)``.
"""

from worker.store import (
    candidates,
    classifications,
    codec,
    document_types,
    documents,
    evidence,
    generations,
    order,
    pages,
    pauses,
    rendering,
    results,
    retry,
    sweep,
    transitions,
    types,
)

__all__ = [
    "candidates",
    "classifications",
    "codec",
    "document_types",
    "documents",
    "evidence",
    "generations",
    "order",
    "pages",
    "pauses",
    "rendering",
    "results",
    "retry",
    "sweep",
    "transitions",
    "types",
]
