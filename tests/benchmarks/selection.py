"""Is the page that a field stands on among the tenth that is kept of a long document, and how long
does choosing take?

The documents are made here from lists of words: reports, conditions of business and tables of
figures, in which every word that a label may hold is used in running text too, and one to three
pages that hold a document type's fields under labels of several wordings, some of which share no
word with the type's own. Such a page holds three fields or more, as forms do; what becomes of
fields that stand quite alone on a page is measured beside it, without a goal: a lone "Total: 12.50"
in a report full of totals is not to be found by anybody who knows no more.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from extractors.documents import BUILT_IN
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.triage.select_pages import select
from extractors.types import Box, Word
from tests.benchmarks.real_pages import real_hits

GOAL = 0.99
SHARE = 0.1  # of a document's pages that are kept
DOCUMENTS = 200

_FILLER = """
agreement article basis board business case change clause committee company condition consider contract control country
customer date decision delivery department development document duty effect estimate evidence example figure form general
goods group growth holder industry information interest invoice issue item labour law level limit line loss manager market
matter measure member method month network notice number object obligation offer office operation order paper part party
payment period person place plan point policy price principle procedure process product programme project property provision
quality quantity quarter question rate reason record relation report request research resource result review right risk rule
sale schedule section seller service sheet shop slip source staff standard statement stock structure study sum supply support
survey system tax term test total trade training transfer treatment turnover type unit use value view volume work year after
also between both during under within according against all may shall should would can could has have been is are was were
not only than then these those through until upon
""".split()
_FIRST = (
    "Ada",
    "Bela",
    "Carlo",
    "Dora",
    "Emil",
    "Frida",
    "Gustav",
    "Hanna",
    "Ivo",
    "Jana",
    "Karl",
    "Lena",
    "Moritz",
    "Nora",
    "Otto",
    "Petra",
    "Rosa",
    "Stefan",
    "Tilda",
    "Ulf",
)
_LAST = (
    "Abel",
    "Brandt",
    "Costa",
    "Dahl",
    "Ferrari",
    "Garcia",
    "Haas",
    "Jensen",
    "Keller",
    "Lang",
    "Meyer",
    "Novak",
    "Olsen",
    "Petrov",
    "Rossi",
    "Silva",
    "Weber",
)
_GOODS = (
    "bolts",
    "cable",
    "chairs",
    "coffee",
    "desk",
    "filter",
    "glass",
    "hinges",
    "lamp",
    "motor",
    "nails",
    "paint",
    "paper",
    "pump",
    "screws",
    "shelf",
    "valve",
    "wheel",
)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

# Wordings of a field's label, by its name; the last of each shares no word with the type's own,
# where the name allows that.
LABELS: dict[str, tuple[str, ...]] = {
    "payee": ("Payee", "Pay to", "Paid to", "Beneficiary"),
    "date": ("Date", "Date of issue", "Invoice date", "Issued"),
    "number": ("Number", "No.", "Slip number", "Reference"),
    "total": ("Total", "Total amount", "Amount due", "To pay"),
    "currency": ("Currency",),
    "items": ("Items", "Item", "Description"),
    "seller": ("Seller", "From", "Supplier"),
    "buyer": ("Buyer", "Billed to", "Customer"),
    "due_date": ("Due date", "Payable by", "To be paid by"),
    "net": ("Net", "Sum before tax", "Subtotal"),
    "tax": ("Tax", "Sum of taxes", "VAT"),
    "iban": ("IBAN", "Account"),
    "lines": ("Line items", "Description"),
    "company": ("Company", "Shop"),
    "address": ("Address", "Street"),
}


@dataclass(frozen=True, slots=True)
class LongDocument:
    """Pages of words, and on which of them each field stands (1-based)."""

    spec: DocumentType
    pages: tuple[tuple[Word, ...], ...]
    truth: dict[str, tuple[int, ...]]


def run(documents: int = DOCUMENTS) -> list[dict[str, object]]:
    """Recall over all fields and all their pages, by document type and in all; and the time a page
    takes.
    """
    found: dict[str, list[bool]] = {}
    seconds, pages = 0.0, 0
    for seed in range(documents):
        one = document(seed)
        started = time.perf_counter()
        hits = _hits(one)
        seconds += time.perf_counter() - started
        pages += len(one.pages)
        found.setdefault(one.spec.name, []).extend(hits)
    alone = [hit for seed in range(documents) for hit in _hits(document(seed, fewest=1))]
    rows = [
        _row(f"recall at {SHARE:.0%} of pages, {name}", hits, None)
        for name, hits in sorted(found.items())
    ]
    rows.append(
        _row(
            f"recall at {SHARE:.0%} of pages",
            [hit for hits in found.values() for hit in hits],
            GOAL,
        )
    )
    rows.append(_row(f"recall at {SHARE:.0%} of pages, fields that may stand alone", alone, None))
    real = real_hits()
    if real:
        rows.append(
            _row(f"recall at {SHARE:.0%} of pages, real e-invoices among real forms", real, GOAL)
        )
    rows.append(
        {
            "metric": "choosing, a page",
            "value": seconds / pages * 1e3,
            "unit": "ms",
            "goal": None,
            "holds": True,
        }
    )
    rows.append(
        {
            "metric": "documents",
            "value": float(documents),
            "unit": "documents",
            "goal": None,
            "holds": True,
        }
    )
    return rows


def _hits(one: LongDocument) -> list[bool]:
    """For every field and every page that it stands on: whether the page is kept."""
    kept = set(select(one.pages, one.spec, kept_of(one)).kept)
    return [page in kept for pages in one.truth.values() for page in pages]


def kept_of(one: LongDocument) -> int:
    """A tenth of the pages."""
    return math.ceil(SHARE * len(one.pages))


def _row(metric: str, hits: Sequence[bool], goal: float | None) -> dict[str, object]:
    value = sum(hits) / len(hits)
    return {
        "metric": metric,
        "value": value,
        "unit": "share",
        "goal": goal,
        "holds": goal is None or value >= goal,
    }


def document(seed: int, *, fewest: int = 3) -> LongDocument:
    """A long document: the same for the same seed.

    fewest: fields that a page with fields holds at the least
    """
    rng = random.Random(seed)
    spec = rng.choice(list(BUILT_IN.values()))
    count = rng.randint(30, 120)
    homes = rng.sample(range(1, count + 1), rng.randint(1, min(3, len(spec.fields) // fewest)))
    truth = _homes(spec, homes, rng)
    pages = [_page(number, truth, spec, rng) for number in range(1, count + 1)]
    return LongDocument(spec, tuple(tuple(words) for words in pages), truth)


def _homes(
    spec: DocumentType, homes: Sequence[int], rng: random.Random
) -> dict[str, tuple[int, ...]]:
    """Fields dealt out to their pages; a group runs over all of them."""
    dealt = [homes[at % len(homes)] for at in range(len(spec.fields))]
    rng.shuffle(dealt)
    return {
        field.name: tuple(sorted(homes)) if field.kind is Kind.GROUP else (home,)
        for field, home in zip(spec.fields, dealt, strict=True)
    }


def _page(
    number: int, truth: dict[str, tuple[int, ...]], spec: DocumentType, rng: random.Random
) -> list[Word]:
    here = [spec.field(name) for name, pages in truth.items() if number in pages]
    kinds: tuple[Callable[[random.Random], Iterator[str]], ...] = (
        _prose,
        _prose,
        _figures,
        _contents,
    )
    lines = list(rng.choice(kinds)(rng)) if not here else list(_form(here, rng))
    return list(_laid_out(lines))


def _prose(rng: random.Random) -> Iterator[str]:
    """Running text, now and then with a heading, a date or an amount in it."""
    for _ in range(rng.randint(15, 40)):
        words = rng.choices(_FILLER, k=rng.randint(6, 12))
        if rng.random() < 0.08:
            words.insert(rng.randrange(len(words)), rng.choice((_date, _amount, _code))(rng))
        if rng.random() < 0.05:
            words[-1] += ":"
        yield " ".join(words)


def _figures(rng: random.Random) -> Iterator[str]:
    """A table of statistics: numbers and amounts under general headings, and a total."""
    yield "Table  " + "  ".join(rng.choices(_FILLER, k=3))
    for _ in range(rng.randint(10, 30)):
        yield (
            f"{rng.choice(_FILLER)} {rng.choice(_FILLER)}  {_amount(rng)}  {rng.randint(1, 999)} "
            f" {_amount(rng)}"
        )
    yield f"Total  {_amount(rng)}"


def _contents(rng: random.Random) -> Iterator[str]:
    """A list of headings with page numbers: it names what is elsewhere."""
    yield "Contents"
    for _ in range(rng.randint(10, 30)):
        yield (
            " ".join(rng.choices(_FILLER, k=rng.randint(1, 4))).capitalize()
            + f"  {rng.randint(1, 120)}"
        )


def _form(fields: Sequence[FieldSpec], rng: random.Random) -> Iterator[str]:
    """A page with fields: some running text around labels beside or above their values."""
    yield from list(_prose(rng))[: rng.randint(0, 10)]
    beside = rng.random() < 0.7
    for field in fields:
        if field.kind is Kind.GROUP:
            yield from _rows(field, rng)
            continue
        label = rng.choice(LABELS[field.name])
        if beside:
            yield f"{label}{rng.choice((':', '', ':  '))} {_value(field, rng)}"
        else:
            yield label
            yield _value(field, rng)
    yield from list(_prose(rng))[: rng.randint(0, 10)]


def _rows(field: FieldSpec, rng: random.Random) -> Iterator[str]:
    yield (
        rng.choice(LABELS[field.name])
        + "  "
        + "  ".join(member.name.replace("_", " ").capitalize() for member in field.members[1:])
    )
    for _ in range(rng.randint(3, 15)):
        yield "  ".join(_value(member, rng) for member in field.members)


def _value(field: FieldSpec, rng: random.Random) -> str:
    return _VALUES[field.kind](rng)


def _name(rng: random.Random) -> str:
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def _date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2015, 2026)
    return rng.choice(
        (
            f"{day:02}.{month:02}.{year}",
            f"{year}-{month:02}-{day:02}",
            f"{day} {_MONTHS[month - 1]} {year}",
        )
    )


def _amount(rng: random.Random) -> str:
    return f"{rng.randint(1, 99_999):,}.{rng.randint(0, 99):02}"


def _code(rng: random.Random) -> str:
    return f"{rng.choice('ABRX')}{rng.choice('/-')}{rng.randint(100, 99_999)}"


_VALUES: dict[Kind, Callable[[random.Random], str]] = {
    Kind.TEXT: lambda rng: rng.choice((_name(rng), rng.choice(_GOODS).capitalize())),
    Kind.DATE: _date,
    Kind.AMOUNT: _amount,
    Kind.CURRENCY: lambda rng: rng.choice(("EUR", "USD", "€", "CHF")),
    Kind.NUMBER: lambda rng: str(rng.randint(1, 40)),
    Kind.IDENTIFIER: _code,
}


def _laid_out(lines: Sequence[str]) -> Iterator[Word]:
    """Words with their boxes; two spaces in a line make a column's gap."""
    for row, line in enumerate(lines):
        x, y = 50.0, 50.0 + 14.0 * row
        for text in line.split(" "):
            if text:
                yield Word(text, Box(x, y, x + 5.0 * len(text), y + 10.0))
            x += 5.0 * len(text) + (3.0 if text else 40.0)
