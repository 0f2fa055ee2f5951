"""Tax forms and invoices of the corpus, each with its right answer as the page prints it.

The labels say the values in a form of their own ("2014-05-07", "34.73").  What the page prints is
found here without the product's own code: the words of the page, glued together, against every way
in which such a value is written.  A value that is not printed is left out.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pymupdf

from extractors.documents import BUILT_IN
from extractors.documents.types import DocumentType, FieldSpec, Kind
from extractors.types import Box, Word

# field of the invoice type -> label of the corpus
INVOICE = {
    "seller": "issuer",
    "number": "invoice_number",
    "date": "date",
    "due_date": "date_due",
    "currency": "currency",
    "net": "amount_untaxed",
    "tax": "amount_tax",
    "total": "amount",
    "iban": "iban",
}
SIGNS = {"EUR": ("EUR", "€"), "USD": ("USD", "$"), "INR": ("INR", "Rs.", "Rs", "₹")}
MONTHS = (
    "January February March April May June July August September October November December",
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
)
LONGEST = 25  # words of one value
# fields of the tax forms whose text is more than free text
FORM_KINDS = (
    (Kind.DATE, re.compile(r"^Date")),
    (
        Kind.AMOUNT,
        re.compile(
            r"^(Rents|Royalties|OtherIncome|FederalIncomeTaxWithheld|FishingBoatProceeds"
            r"|MedicalHealthCarePayments|CropInsuranceProceeds|GrossProceedsAttorney"
            r"|409ADeferrals|ExcessGoldenParachutePayments|NonqualifiedDeferredCompensation"
            r"|StateTaxWithheld|StateIncome|FishResale)$"
        ),
    ),
    (
        Kind.IDENTIFIER,
        re.compile(r"TIN$|^SSN|^EIN$|Number|^ExemptPayeeCode$|^FATCA_Code$|^ArticleParagraph$"),
    ),
)
TICKS = frozenset({"selected", "unselected"})

Answer = dict[str, Any]
Labelled = tuple[str, DocumentType, dict[int, list[Word]], dict[int, Answer]]


def tax_forms(corpus: Path) -> Iterator[Labelled]:
    """Name, type, pages and right answer by page of each filled PDF form.

    Each family (W-8, W-9, 1099) has a type of its own, whose fields are the family's labels.
    """
    labels = [
        label
        for label in _labels(corpus)
        if label["doc_type"] == "tax_form" and label["file"].endswith(".pdf")
    ]
    families: dict[str, list[str]] = {}
    for label in labels:
        known = families.setdefault(_family(label["file"]), [])
        known += [n for n, said in label["truth"].items() if said not in TICKS and n not in known]
    for label in labels:
        family = _family(label["file"])
        spec = DocumentType(
            name=family,
            title=f"{family} form",
            description="A filled tax form.",
            fields=tuple(_form_field(name) for name in families[family]),
        )
        pages = _pages(corpus / label["file"])
        printed = {
            name: found
            for name in families[family]
            if (found := _shown(pages, [str(label["truth"].get(name) or "")])) is not None
        }
        yield Path(label["file"]).stem, spec, pages, _by_page(spec, pages, printed)


def plain_invoices(corpus: Path) -> Iterator[Labelled]:
    """Name, type, pages and right answer by page of each invoice that is a PDF with words."""
    for label in _labels(corpus):
        path = corpus / label["file"]
        if path.parent.name != "invoices" or path.suffix != ".pdf":
            continue
        pages = _pages(path)
        spec = BUILT_IN["invoice"]
        printed = {}
        for name, at in INVOICE.items():
            said = label["truth"].get(at)
            ways = [] if said is None else _ways(spec.field(name), said)
            if (found := _shown(pages, ways)) is not None:
                printed[name] = found
        # lists are not labelled: none is declared, so that none is missed
        spec = replace(spec, fields=tuple(f for f in spec.fields if f.kind is not Kind.GROUP))
        spec = replace(spec, fields=tuple(_without_lists(field) for field in spec.fields))
        yield path.stem, spec, pages, _by_page(spec, pages, printed)


def _without_lists(field: FieldSpec) -> FieldSpec:
    return replace(field, sums=tuple(path for path in field.summed if "." not in path) or None)


def _labels(corpus: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, (corpus / "truth.jsonl").open(encoding="utf-8"))


def _family(file: str) -> str:
    return Path(file).parent.name.partition("-")[0]


def _form_field(name: str) -> FieldSpec:
    kind = next((kind for kind, named in FORM_KINDS if named.search(name)), Kind.TEXT)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()
    return FieldSpec(name=name, kind=kind, description=words)


def _pages(path: Path) -> dict[int, list[Word]]:
    with pymupdf.open(path) as pdf:
        return {
            number: [Word(w[4], Box(*w[:4])) for w in page.get_text("words")]
            for number, page in enumerate(pdf, start=1)
        }


def _shown(pages: Mapping[int, Sequence[Word]], ways: Iterable[str]) -> tuple[int, str] | None:
    """Page and text as printed of the first of these ways that stands on a page."""
    for way in ways:
        glued = "".join(way.split()).casefold()
        for number, words in pages.items() if glued else ():
            if (text := _stretch(words, glued)) is not None:
                return number, text
    return None


def _stretch(words: Sequence[Word], glued: str) -> str | None:
    for first in range(len(words)):
        said = ""
        for last in range(first, min(first + LONGEST, len(words))):
            said += "".join(words[last].text.split()).casefold()
            if said == glued:
                return " ".join(word.text for word in words[first : last + 1])
            if not glued.startswith(said):
                break
    return None


def _ways(field: FieldSpec, said: Any) -> list[str]:
    if field.kind is Kind.DATE:
        return _dates(date.fromisoformat(str(said)))
    if field.kind is Kind.AMOUNT:
        return _amounts(float(said))
    if field.kind is Kind.CURRENCY:
        return list(SIGNS.get(str(said), (str(said),)))
    return [str(said)]


def _dates(day: date) -> list[str]:
    d, m, y = day.day, day.month, day.year
    numbers = [
        form
        for sign in "/-."
        for form in (
            f"{d:02}{sign}{m:02}{sign}{y}",
            f"{m:02}{sign}{d:02}{sign}{y}",
            f"{y}{sign}{m:02}{sign}{d:02}",
            f"{d}{sign}{m}{sign}{y}",
            f"{d:02}{sign}{m:02}{sign}{y % 100:02}",
        )
    ]
    named = [
        form
        for months in MONTHS
        for month in (months.split()[m - 1],)
        for form in (
            f"{month} {d}, {y}",
            f"{month} {d} , {y}",
            f"{d} {month} {y}",
            f"{d:02} {month} {y}",
            f"{d}. {month} {y}",
            f"{d:02}-{month}-{y}",
        )
    ]
    return numbers + named


def _amounts(amount: float) -> list[str]:
    american = f"{amount:,.2f}"
    european = american.translate(str.maketrans(",.", ".,"))
    plain = f"{amount:.2f}"
    bare = [american, european, plain, plain.replace(".", ",")]
    if amount == int(amount):
        bare.append(str(int(amount)))
    return [f"{sign}{text}{after}" for text in bare for sign, after in _MONEY]


_MONEY = (
    ("", ""),
    ("€", ""),
    ("$", ""),
    ("Rs.", ""),
    ("₹", ""),
    ("", "€"),
    ("EUR", ""),
    ("", "EUR"),
)


def _by_page(
    spec: DocumentType,
    pages: Mapping[int, Sequence[Word]],
    printed: Mapping[str, tuple[int, str]],
) -> dict[int, Answer]:
    answers: dict[int, Answer] = {
        number: {field.name: None for field in spec.fields} for number in pages
    }
    for name, (page, text) in printed.items():
        answers[page][name] = text
    return answers
