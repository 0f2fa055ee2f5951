"""How often does the page itself tell that a row of a list was not read, and how often does it say
so of a list that is whole?

Generated slips with a text layer, read as they are, and read with each row left out in turn. Their
totals are dealt at random, so no sum can help here: only the rows on the page speak.  And the
corpus's e-invoices, whose rows are several lines high, with a row left out, a row doubled, and all
left out: what the page alone says, whatever their sums say too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pymupdf

from extractors.demo.slips import slips
from extractors.documents import BUILT_IN
from extractors.evidence.gather import PageEvidence, gather
from extractors.evidence.grounding import ground
from extractors.evidence.line_items import line_items
from extractors.evidence.witnesses import DENIES, DocumentEvidence
from extractors.normalise import normalise
from extractors.page.text import PageText
from extractors.types import Box, FieldState, Word
from tests.benchmarks.witnesses import Invoice, invoices
from tests.evidence import einvoices

SLIPS = 400
SLIP = BUILT_IN["slip"]
FALSE, FOUND = 0.02, 0.9  # goals
Pages = Mapping[int, Sequence[Word]]


def run() -> list[dict[str, Any]]:
    """The measurements of this benchmark."""
    alarms, found = [], []
    for slip in slips(SLIPS, 7, levels=(0,), no_slip=0.0):
        pages = _pages(slip.pdf)
        places = [
            (page, row)
            for page, truth in enumerate(slip.truth, start=1)
            for row in range(len(truth["items"]))
        ]
        if places:
            alarms.append(_doubted(slip.truth, pages))
        if len(places) > 1:
            found += [_doubted(slip.truth, pages, without=place) for place in places]
    false, right = sum(alarms) / len(alarms), sum(found) / len(found)
    return [
        *_of_slips(false, len(alarms), right, len(found)),
        *_of_einvoices(),
    ]


def _of_slips(false: float, alarms: int, right: float, found: int) -> list[dict[str, Any]]:
    return [
        {
            "metric": f"whole lists doubted, of {alarms}",
            "value": false,
            "unit": "share",
            "goal": FALSE,
            "holds": false <= FALSE,
        },
        {
            "metric": f"lists doubted that lack a row, of {found}",
            "value": right,
            "unit": "share",
            "goal": FOUND,
            "holds": right >= FOUND,
        },
    ]


def _of_einvoices() -> list[dict[str, Any]]:
    """Of real layouts; nothing without the corpus."""
    folder = einvoices.folder()
    if folder is None:
        print("lists: without e-invoices, SUREFIELD_CORPUS is not set")
        return []
    heard: dict[str, list[bool]] = defaultdict(list)
    for invoice in invoices(folder, xml=False):
        rows = {page: answer["lines"] for page, answer in invoice.answers.items()}
        if not any(rows.values()):
            continue
        heard["whole lists doubted"].append(_denied(invoice, rows))
        heard["lists doubted that lack all rows"].append(
            _denied(invoice, {page: [] for page in rows})
        )
        for page, of in rows.items():
            for at in range(len(of)):
                doubled = {**rows, page: [*of[: at + 1], *of[at:]]}
                heard["lists doubted that have a row twice"].append(_denied(invoice, doubled))
                if sum(map(len, rows.values())) > 1:
                    dropped = {**rows, page: [*of[:at], *of[at + 1 :]]}
                    heard["lists doubted that lack a row"].append(_denied(invoice, dropped))
    return [
        _share(f"e-invoices: {name}, of {len(of)}", sum(of) / len(of), name.startswith("whole"))
        for name, of in heard.items()
    ]


def _share(metric: str, value: float, false: bool) -> dict[str, Any]:
    goal = FALSE if false else FOUND
    holds = value <= goal if false else value >= goal
    return {"metric": metric, "value": value, "unit": "share", "goal": goal, "holds": holds}


def _denied(invoice: Invoice, rows: Mapping[int, Sequence[Any]]) -> bool:
    """Whether the page alone says that these are not its rows."""
    answers = {page: {**invoice.answers[page], "lines": of} for page, of in rows.items()}
    return any(one.says is DENIES for one in line_items(invoice.paper.evidence(answers)))


def _pages(pdf: bytes) -> Pages:
    with pymupdf.open(stream=pdf) as document:
        return {
            at + 1: [Word(w[4], Box(*w[:4])) for w in document[at].get_text("words")]
            for at in range(len(document))
        }


def _doubted(
    truth: Sequence[Mapping[str, Any]], pages: Pages, without: tuple[int, int] | None = None
) -> bool:
    """Whether the rows are doubted when the slip is read as it is, but for one row."""
    document = DocumentEvidence(
        type=SLIP,
        candidates=gather(SLIP, _read(truth, pages, without), pages=set(pages)),
        pages={number: PageText(words) for number, words in pages.items()},
    )
    return any(
        one.says is DENIES and one.details.get("problem") == "row_not_read"
        for one in line_items(document)
    )


def _read(
    truth: Sequence[Mapping[str, Any]], pages: Pages, without: tuple[int, int] | None
) -> Iterator[PageEvidence]:
    for page, said in enumerate(truth, start=1):
        text = PageText(pages[page])
        rows = [row for at, row in enumerate(said["items"]) if (page, at) != without]
        printed = [(name, 0, value) for name, value in said.items() if name != "items" and value]
        printed += [
            (f"items.{member}", at, value)
            for at, row in enumerate(rows)
            for member, value in row.items()
        ]
        for name, ordinal, value in printed:
            field = SLIP.field(name)
            yield PageEvidence(
                id=uuid4(),
                page=page,
                name=name,
                ordinal=ordinal,
                state=FieldState.VALUE,
                text=value,
                value=normalise(value, field, SLIP),
                grounding=ground(value, text, field, SLIP),
            )
        if not rows:
            yield PageEvidence(id=uuid4(), page=page, name="items", state=FieldState.ABSENT)
