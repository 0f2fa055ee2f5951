"""Are the true values of real e-invoices found in their text layer, at the right place, and how
long does it take?

The right place is judged by the page's characters that lie inside the boxes, not by the words that
were searched: they must mean the true value.
"""

import time
from dataclasses import dataclass

from extractors.evidence.grounding import ground
from extractors.normalise import normalise
from extractors.page.text import PageText
from tests.evidence.einvoices import TRUTH, EInvoice, einvoices, folder

GOAL = 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one true value of one invoice."""

    file: str
    field: str
    found: bool
    in_place: bool  # every place that was named shows the value
    places: int
    seconds: float  # all pages of the invoice


def outcomes() -> list[Outcome]:
    """One outcome for every true value of the corpus; empty where there is no corpus."""
    where = folder()
    return (
        []
        if where is None
        else [_outcome(invoice, name) for invoice in einvoices(where) for name in TRUTH]
    )


def _outcome(invoice: EInvoice, name: str) -> Outcome:
    field = invoice.spec.field(name)
    truth = normalise(invoice.truth[name], field, invoice.spec)
    pages = [PageText(words) for words in invoice.words]
    started = time.perf_counter()
    groundings = [ground(invoice.truth[name], page, field, invoice.spec) for page in pages]
    seconds = time.perf_counter() - started
    shown = [
        invoice.shows(number, boxes)
        for number, g in enumerate(groundings)
        if g and g.found
        for boxes in g.places
    ]
    in_place = [normalise(text, field, invoice.spec).agrees_with(truth) for text in shown]
    return Outcome(
        file=invoice.path.name,
        field=name,
        found=bool(shown),
        in_place=bool(in_place) and all(in_place),
        places=len(shown),
        seconds=seconds,
    )


def run() -> list[dict[str, object]]:
    """Shares by field and in all; nothing where there is no corpus."""
    seen = outcomes()
    rows: list[dict[str, object]] = []
    for name in (*TRUTH, "all"):
        of_name = [o for o in seen if name in (o.field, "all")]
        if of_name:
            right = sum(o.in_place for o in of_name) / len(of_name)
            goal = GOAL if name == "all" else None
            rows.append(
                {
                    "metric": f"true {name} in place",
                    "value": right,
                    "unit": "share",
                    "goal": goal,
                    "holds": goal is None or right >= goal,
                }
            )
    if seen:
        slowest = max(o.seconds for o in seen)
        rows.append(
            {
                "metric": "slowest value, all pages",
                "value": slowest * 1e3,
                "unit": "ms",
                "goal": None,
                "holds": True,
            }
        )
    return rows
