"""Page selection on pages that nobody here made: each of the corpus's e-invoices, laid between
pages of its forms and odd files.
"""

import math
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pymupdf

from extractors.evidence.grounding import ground
from extractors.page.text import PageText
from extractors.triage.select_pages import select
from extractors.types import Box, Word
from tests.evidence.einvoices import TRUTH, EInvoice, einvoices, folder

AROUND = 60  # pages laid around an invoice
FEWEST_WORDS = 60  # of such a page
MOST_PAGES = 6  # taken of one file
LARGEST = 3_000_000  # bytes


def real_hits() -> list[bool]:
    """For every true value: whether a page that shows it is among a tenth of the pages; empty where
    there is no corpus.
    """
    where = folder()
    if where is None:
        return []
    others = _other_pages(where.parent)
    return [
        hit
        for seed, invoice in enumerate(einvoices(where))
        for hit in _hits(invoice, others, random.Random(seed))
    ]


def _hits(invoice: EInvoice, others: Sequence[tuple[Word, ...]], rng: random.Random) -> list[bool]:
    pages = rng.sample(others, min(AROUND, len(others)))
    at = rng.randrange(len(pages) + 1)
    pages[at:at] = invoice.words
    kept = set(select(pages, invoice.spec, math.ceil(len(pages) / 10)).kept)
    shown = [_showing(invoice, name) for name in TRUTH]
    return [any(at + number in kept for number in numbers) for numbers in shown if numbers]


def _showing(invoice: EInvoice, name: str) -> list[int]:
    """The invoice's pages, 1-based, on which the true value is found."""
    field = invoice.spec.field(name)
    found = (
        ground(invoice.truth[name], PageText(words), field, invoice.spec) for words in invoice.words
    )
    return [
        number for number, grounding in enumerate(found, start=1) if grounding and grounding.found
    ]


def _other_pages(corpus: Path) -> list[tuple[Word, ...]]:
    """Pages of running text and of forms; files that do not open are passed over, for they are
    there to be broken.
    """
    pymupdf.TOOLS.mupdf_display_errors(False)
    pages = []
    for path in sorted((*corpus.glob("forms/**/*.pdf"), *corpus.glob("hostile/**/*.pdf"))):
        if os.path.getsize(path) <= LARGEST:
            pages += _pages_of(path)
    return pages


def _pages_of(path: Path) -> list[tuple[Word, ...]]:
    try:
        with pymupdf.open(path) as pdf:
            texts = [pdf[number].get_text("words") for number in range(min(len(pdf), MOST_PAGES))]
    except Exception:  # whatever the library makes of a broken file
        return []
    return [
        tuple(Word(w[4], Box(*w[:4])) for w in words)
        for words in texts
        if len(words) >= FEWEST_WORDS
    ]
