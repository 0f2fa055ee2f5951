"""Documents with doubtful fields, made on the usual way: submitted, rendered, read by a backend
that says how sure it is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pymupdf

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.documents.spec import DocumentType
from extractors.types import Alternative, PageAnswer, PageImage, TokenTrace
from tests.pipeline.conftest import TINY_CANVAS

TRUTH: dict[str, Any] = {
    "payee": "Nordlicht Energie GmbH",
    "date": "14/03/2026",
    "number": "RE-2026-0481",
    "total": "1,284.50",
    "currency": "EUR",
    "items": [
        {"description": "Electricity, March", "amount": "1,100.00"},
        {"description": "Meter rent", "amount": "184.50"},
    ],
}
LOOKS_LIKE = {
    "8": "3",
    "3": "8",
    "5": "6",
    "4": "1",
    "2": "7",
    "0": "8",
    "1": "7",
    "l": "i",
    "E": "F",
    "M": "N",
}


class DoubtfulBackend(ScriptedBackend):
    """A scripted backend whose doubtful tokens have the other tokens beside them that a model would
    nearly have chosen.
    """

    def answer(self, pages: Sequence[PageImage], spec: DocumentType) -> list[PageAnswer]:
        return [_with_others(answer) for answer in super().answer(pages, spec)]


def _with_others(answer: PageAnswer) -> PageAnswer:
    generations = tuple(
        replace(g, tokens=tuple(_with_other(token) for token in g.tokens))
        for g in answer.generations
    )
    return replace(answer, generations=generations)


def _with_other(token: TokenTrace) -> TokenTrace:
    other = LOOKS_LIKE.get(token.text.decode("utf-8", "replace"))
    if token.logprob > math.log(0.95) or other is None:
        return token
    rest = 1 - math.exp(token.logprob)
    mine = Alternative(token.token_id, token.text, token.logprob)
    tops = (
        mine,
        Alternative(ord(other), other.encode(), math.log(rest * 0.7)),
        Alternative(ord("9"), b"9", math.log(rest * 0.2)),
    )
    return replace(token, top=tuple(sorted(tops, key=lambda each: -each.logprob)))


def a_backend(truth: Mapping[str, Any] | None = None, **line: Any) -> DoubtfulBackend:
    """Says the same about every page."""
    said = Line(truth=TRUTH if truth is None else truth, **line)
    return DoubtfulBackend(lambda page, spec: said, canvas=TINY_CANVAS)


def a_slip(truth: Mapping[str, Any] = TRUTH, *, words: bool = True) -> bytes:
    """A payment slip on A5, with a text layer unless it shall be a scan."""
    document = pymupdf.open()
    page = document.new_page(width=420, height=595)
    page.draw_rect(pymupdf.Rect(0, 0, 420, 74), color=None, fill=(0.10, 0.25, 0.42))
    page.insert_text((28, 46), str(truth["payee"]), fontsize=19, fontname="hebo", color=(1, 1, 1))
    rows = [("Payment slip", truth["number"]), ("Date of issue", truth["date"])]
    for at, (label, value) in enumerate(rows):
        page.insert_text((28, 118 + 24 * at), label, fontsize=10.5, color=(0.35, 0.35, 0.35))
        page.insert_text((160, 118 + 24 * at), str(value), fontsize=11.5)
    page.draw_line((28, 190), (392, 190), color=(0.6, 0.6, 0.6))
    for at, item in enumerate(truth["items"]):
        page.insert_text((28, 218 + 24 * at), str(item["description"]), fontsize=11)
        page.insert_text((320, 218 + 24 * at), str(item["amount"]), fontsize=11)
    page.draw_line((28, 300), (392, 300), color=(0.6, 0.6, 0.6))
    page.insert_text((28, 330), "Amount to pay", fontsize=12, fontname="hebo")
    page.insert_text((282, 330), str(truth["currency"]), fontsize=13, fontname="hebo")
    page.insert_text((316, 330), str(truth["total"]), fontsize=13, fontname="hebo")
    page.insert_text(
        (28, 560), "Please pay within 14 days. Thank you.", fontsize=9, color=(0.4, 0.4, 0.4)
    )
    if words:
        return bytes(document.tobytes())
    scan = pymupdf.open()
    scan.new_page(width=420, height=595).insert_image(
        pymupdf.Rect(0, 0, 420, 595), pixmap=page.get_pixmap(dpi=130)
    )
    return bytes(scan.tobytes())
