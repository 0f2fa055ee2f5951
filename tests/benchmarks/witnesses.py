"""What witnesses catch: errors as vision models make them, planted one at a time into right answers
about real e-invoices, and what right values they doubt for it.

A reader that is sure of every token; truth as the pages print it, found without the product's own
code.  Each planted error counts once: it is caught when its field (or, for lists, any row) is not
accepted.  With and without the e-invoice's XML as a witness.
"""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pymupdf
from stdnum import iban

from extractors.documents import BUILT_IN
from extractors.documents.types import DocumentType
from extractors.page.ocr.engines import Engine, open_recogniser, why_not
from extractors.page.ocr.engines import page_text as ocr_text
from extractors.rendering.einvoice import einvoice_of, is_einvoice
from extractors.types import Box, Word
from tests.benchmarks import ocr
from tests.benchmarks.judging import Paper, Verdict
from tests.benchmarks.labelled_papers import Labelled, plain_invoices, tax_forms
from tests.benchmarks.planted import Answer, Plant, nearest, plants
from tests.evidence.printed import Printed, printed

LOCALES = {"FR": "fr_FR"}
HEADER = (
    "seller",
    "buyer",
    "number",
    "date",
    "due_date",
    "currency",
    "net",
    "tax",
    "total",
    "iban",
)
COUNTRY = (
    ".//{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
    "SellerTradeParty/{urn:un:unece:uncefact:data:standard:"
    "ReusableAggregateBusinessInformationEntity:100}PostalTradeAddress/"
    "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}CountryID"
)
# doubts that commit 5ec389d knew too
OLD_CODES = frozenset(
    {
        "not_on_page",
        "list_incomplete",
        "row_in_doubt",
        "checksum_failed",
        "ambiguous_amount",
        "ambiguous_date",
        "ambiguous_number",
        "day_month_order",
        "required_absent",
        "conflict",
    }
)


@dataclass(frozen=True)
class Invoice:
    """One e-invoice with its right answer, page by page."""

    name: str
    paper: Paper
    answers: dict[int, Answer]
    truth: Answer


def invoices(folder: Path, *, xml: bool, localised: bool = True) -> Iterator[Invoice]:
    """The corpus's e-invoices.  xml: the XML is a witness; localised: the type knows the locale."""
    for path in sorted(folder.glob("*.pdf")):
        with pymupdf.open(path) as pdf:
            names = [name for name in pdf.embfile_names() if is_einvoice(name)]
            if not names:
                continue
            data = pdf.embfile_get(names[0])
            pages = {
                number: [Word(w[4], Box(*w[:4])) for w in page.get_text("words")]
                for number, page in enumerate(pdf, start=1)
            }
        root = ElementTree.fromstring(data)
        spec = BUILT_IN["invoice"]
        if localised:
            locale = LOCALES.get(root.findtext(COUNTRY) or "", "de_DE")
            spec = replace(spec, locale=locale, day_first=True)
        found = printed(root, list(pages.values()))
        answers = _answers(found, pages, spec)
        yield Invoice(
            name=path.stem,
            paper=Paper(spec, pages, einvoice_of(data) if xml else None),
            answers=answers,
            truth=_merged(answers),
        )


def receipts(corpus: Path) -> Iterator[Invoice]:
    """The corpus's receipts: pictures, whose words are RapidOCR's; none where it is missing."""
    recogniser = open_recogniser(Engine.RAPIDOCR) if why_not(Engine.RAPIDOCR) is None else None
    if recogniser is None:
        print("witnesses: receipts are left out, RapidOCR is not installed")
        return
    spec = replace(BUILT_IN["receipt"], locale="en_MY", day_first=True)
    try:
        for receipt in ocr.receipts(corpus):
            size_pt = receipt.page.width_pt, receipt.page.height_pt
            seen = ocr_text(receipt.page.view_png, recogniser, size_pt=size_pt)
            answer: Answer = {field.name: receipt.printed.get(field.name) for field in spec.fields}
            yield Invoice(
                name=f"receipt {receipt.name}",
                paper=Paper(spec, {1: seen.words}, source=seen.source),
                answers={1: answer},
                truth=answer,
            )
    finally:
        recogniser.close()


def labelled(papers: Iterator[Labelled]) -> Iterator[Invoice]:
    """Papers whose right answer is told by labels."""
    for name, spec, pages, answers in papers:
        yield Invoice(name=name, paper=Paper(spec, pages), answers=answers, truth=_merged(answers))


def _answers(found: Printed, pages: dict[int, list[Word]], spec: DocumentType) -> dict[int, Answer]:
    """Each value on the first page that prints it, each row on the page of its description."""
    texts = {number: " ".join(word.text for word in words) for number, words in pages.items()}
    answers: dict[int, Answer] = {
        number: {field.name: None for field in spec.fields} | {"lines": []} for number in pages
    }
    for name, text in found.values.items():
        page = next((n for n, said in texts.items() if text in said), None)
        if page is not None:
            answers[page][name] = text
    at = dict.fromkeys(pages, 0)
    for row in found.rows:
        description = row["description"] or ""
        page = next((n for n, said in texts.items() if description in said[at[n] :]), None)
        if page is not None:
            at[page] = texts[page].index(description, at[page]) + len(description)
            answers[page]["lines"].append(row)
    return answers


def _merged(answers: dict[int, Answer]) -> Answer:
    whole: Answer = {}
    for answer in answers.values():
        for name, said in answer.items():
            if name == "lines":
                whole.setdefault("lines", []).extend(said)
            elif whole.get(name) is None:
                whole[name] = said
    return whole


@dataclass
class Tally:
    """Counts of one run over all invoices."""

    right: int = 0
    doubted: int = 0
    newly: int = 0
    wrong_on_paper: int = 0  # right as printed, and the paper itself is wrong: an IBAN
    header_right: int = 0
    header_doubted: int = 0
    planted: Counter[str] = None  # type: ignore[assignment]
    caught: Counter[str] = None  # type: ignore[assignment]
    header_planted: int = 0
    header_caught: int = 0
    by_witness: Counter[str] = None  # type: ignore[assignment]
    false_by: Counter[str] = None  # type: ignore[assignment]
    false_code: Counter[str] = None  # type: ignore[assignment]
    missed: dict[str, list[str]] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.planted, self.caught = Counter(), Counter()
        self.by_witness, self.false_by, self.false_code = Counter(), Counter(), Counter()
        self.missed = defaultdict(list)


def measure(found: Iterator[Invoice], *, show: bool = False) -> Tally:
    """Right values doubted, and planted errors caught, by kind and witness."""
    tally = Tally()
    for invoice in found:
        base = invoice.paper.judge(invoice.answers)
        _right(tally, invoice, base, show=show)
        for page, plant in planted_in(invoice):
            if not _was_accepted(base, plant) or _means_the_same(invoice, page, plant):
                continue
            answers = {**invoice.answers, page: plant.answer}
            got = invoice.paper.judge(answers)
            caught, by = _caught(got, plant)
            tally.planted[plant.kind] += 1
            tally.caught[plant.kind] += caught
            if plant.row is None and plant.field in HEADER:
                tally.header_planted += 1
                tally.header_caught += caught
            tally.by_witness.update(by)
            if not caught:
                said = plant.answer.get(plant.field.partition(".")[0])
                tally.missed[plant.kind].append(
                    f"{invoice.name[-30:]} {plant.field}: {str(said)[:60]}"
                )
    return tally


def _right(
    tally: Tally, invoice: Invoice, base: dict[tuple[str, int], Verdict], *, show: bool
) -> None:
    for (name, ordinal), verdict in base.items():
        if verdict.value is None:
            continue  # absences and whole lists are not counted as values
        tally.right += 1
        tally.doubted += not verdict.accepted
        if name in HEADER:
            tally.header_right += 1
            wrong = _is_no_iban(name, invoice.truth[name])
            tally.wrong_on_paper += wrong
            tally.header_doubted += not verdict.accepted and not wrong
        if verdict.accepted:
            continue
        new = not OLD_CODES & set(verdict.doubts)
        tally.newly += new
        tally.false_by.update(verdict.denied_by)
        tally.false_code.update(verdict.doubts)
        if show:
            print(
                "  doubted:", invoice.name[-34:], name, ordinal, verdict.doubts, verdict.denied_by
            )


def _is_no_iban(name: str, printed: Any) -> bool:
    """The paper prints an IBAN whose check digits do not fit, as samples do: no needless doubt."""
    return name == "iban" and not iban.is_valid(printed)


def planted_in(invoice: Invoice) -> Iterator[tuple[int, Plant]]:
    """Every error that is tried in this paper, and the page that it is planted on."""
    for page, answer in invoice.answers.items():
        seed = sum(map(ord, invoice.name)) + page
        present = {
            k: v for k, v in answer.items() if v is not None or _absent_everywhere(invoice, k)
        }
        whole = {**dict.fromkeys(answer), **present}
        for plant in plants(present, "lines", seed=seed):
            yield page, replace(plant, answer={**whole, **plant.answer})
        beside, another = _of_place(invoice, page, answer, random.Random(seed))
        for plant in nearest(present, beside, another):
            yield page, replace(plant, answer={**whole, **plant.answer})


def _absent_everywhere(invoice: Invoice, name: str) -> bool:
    return invoice.truth.get(name) is None and min(invoice.answers) == 1


def _of_place(
    invoice: Invoice, page: int, answer: Answer, random_: random.Random
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The word beside each value, and two other values of its kind on the page."""
    words = invoice.paper.pages[page]
    base = invoice.paper
    beside: dict[str, str] = {}
    another: dict[str, list[str]] = {}
    for name, text in answer.items():
        if not isinstance(text, str):
            continue
        field = base.spec.field(name)
        value, grounding = base.read(page, name, field, text)
        others = sorted({w.text for w in words if w.text != text})
        meaning = [
            other
            for other in others
            if any(c.isdigit() for c in other) == any(c.isdigit() for c in text)
            and (read := base.read(page, name, field, other)[0]).problem is None
            and not read.agrees_with(value)
            and len(other) > 2
        ]
        if meaning:
            another[name] = random_.sample(meaning, min(2, len(meaning)))
        if grounding and grounding.places:
            box = grounding.places[0][0]
            near = [
                w
                for w in words
                if w.box.x1 <= box.x0 + 1 and abs(w.box.y0 - box.y0) < 3 and w.text != text
            ]
            if near:
                last = max(near, key=lambda w: w.box.x1)
                beside[name] = last.text.strip(":")
    return beside, another


def _means_the_same(invoice: Invoice, page: int, plant: Plant) -> bool:
    """Whether the planted text has the right value all the same: "9,900" for "9,9000"."""
    name, _, member = plant.field.partition(".")
    right: Any = invoice.answers[page].get(name)
    wrong: Any = plant.answer.get(name)
    if member and plant.row is not None:
        right, wrong = right[plant.row].get(member), wrong[plant.row].get(member)
    if not isinstance(right, str) or not isinstance(wrong, str):
        return False
    field = invoice.paper.spec.field(plant.field)
    read = [invoice.paper.read(page, plant.field, field, text)[0] for text in (right, wrong)]
    return read[1].problem is None and read[0].agrees_with(read[1])


def _was_accepted(base: dict[tuple[str, int], Verdict], plant: Plant) -> bool:
    """Only errors in what was accepted are planted; of a list, one whose every row was accepted."""
    if "." in plant.field or plant.field == "lines":
        rows = [v for (name, _), v in base.items() if name.startswith("lines.")]
        return bool(rows) and all(v.accepted for v in rows)
    verdict = base.get((plant.field, 0))
    return verdict is not None and verdict.accepted


def _caught(got: dict[tuple[str, int], Verdict], plant: Plant) -> tuple[bool, set[str]]:
    if "." in plant.field or plant.field == "lines":
        touched = [v for (name, _), v in got.items() if name.partition(".")[0] == "lines"]
    else:
        touched = [v for key, v in got.items() if key == (plant.field, 0)]
    doubted = [v for v in touched if not v.accepted]
    return bool(doubted), {w for v in doubted for w in v.denied_by}


def run() -> list[dict[str, Any]]:
    """Shares by kind, with and without XML; nothing where there is no corpus."""
    root = os.environ.get("SUREFIELD_CORPUS")
    folder = Path(root) / "einvoices" if root else None
    if folder is None or not folder.is_dir():
        return []
    rows: list[dict[str, Any]] = []
    shop = measure(receipts(Path(root or "")))
    rows += _rows(shop, "receipts by OCR", caught_goal=0.78)
    rows.append(
        _row(
            f"receipts by OCR: right values doubted (n={shop.right})",
            shop.doubted / max(shop.right, 1),
            "of 1",
            0.15,
            most=True,
        )
    )
    for name, papers in (("tax forms", tax_forms), ("plain invoices", plain_invoices)):
        rows += _rows(measure(labelled(papers(Path(root or "")))), name)
    plain = measure(invoices(folder, xml=False))
    rows += _rows(plain, "without XML", caught_goal=0.92, newly_goal=0.03)
    told = measure(invoices(folder, xml=True))
    rows += _rows(told, "with XML")
    rows.append(
        _row(
            "with XML: header errors caught",
            told.header_caught / max(told.header_planted, 1),
            "of 1",
            0.99,
        )
    )
    built_in = measure(invoices(folder, xml=True, localised=False))
    for name, tally in (("locale known", told), ("built-in type", built_in)):
        rows.append(
            _row(
                f"right header values doubted, {name}; {tally.wrong_on_paper} wrong IBANs apart",
                tally.header_doubted / max(tally.header_right, 1),
                "of 1",
                0.02,
                most=True,
            )
        )
    return rows


def _rows(
    tally: Tally, name: str, *, caught_goal: float | None = None, newly_goal: float | None = None
) -> list[dict[str, Any]]:
    total, caught = tally.planted.total(), tally.caught.total()
    rows = [
        _row(
            f"{name}: planted errors caught (n={total})",
            caught / max(total, 1),
            "of 1",
            caught_goal,
        ),
        _row(
            f"{name}: right values newly doubted (n={tally.right})",
            tally.newly / max(tally.right, 1),
            "of 1",
            newly_goal,
            most=True,
        ),
    ]
    rows += [
        _row(
            f"{name}: {kind} (n={tally.planted[kind]})",
            tally.caught[kind] / tally.planted[kind],
            "of 1",
        )
        for kind in sorted(tally.planted)
    ]
    rows += [
        _row(f"{name}: caught with {witness}", n, "errors")
        for witness, n in tally.by_witness.most_common()
    ]
    rows += [
        _row(f"{name}: right values doubted by {witness}", n, "values")
        for witness, n in tally.false_by.most_common()
    ]
    return rows


def _row(
    metric: str, value: float, unit: str, goal: float | None = None, *, most: bool = False
) -> dict[str, Any]:
    holds = goal is None or (value <= goal if most else value >= goal)
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": holds}


if __name__ == "__main__":
    where = Path(os.environ["SUREFIELD_CORPUS"]) / "einvoices"
    for with_xml in (False, True):
        result = measure(invoices(where, xml=with_xml), show=True)
        print(f"xml={with_xml} right {result.right} doubted {result.doubted} newly {result.newly}")
        print(
            "  header",
            result.header_right,
            result.header_doubted,
            result.header_planted,
            result.header_caught,
        )
        print("  caught", result.caught.total(), "of", result.planted.total())
        for kind_ in sorted(result.planted):
            print(f"  {kind_:34} {result.caught[kind_]:4} of {result.planted[kind_]}")
            for line in result.missed[kind_][:6]:
                print("      missed", line)
        print("  by", result.by_witness)
        print("  false", result.false_by, result.false_code)
