"""A witness: a currency or an account that the page prints, against "not on the document".

A page that names exactly one currency contradicts an absent one, and an IBAN whose check digits are
right contradicts an absent account.  Where there are several, nobody can say which is meant.
"""

import re
from collections.abc import Iterator, Sequence
from unicodedata import category

from extractors.documents.checksums import checksum_of
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import (
    DENIES,
    OFFERS,
    DocumentEvidence,
    Testimony,
    witness,
)
from extractors.normalise import normalise
from extractors.normalise.currencies import codes
from extractors.page.folding import tokens
from extractors.page.layout import text_of
from extractors.types import FieldState, Word

CURRENCY_NAMED, IBAN_PRINTED = "currency_named", "iban_printed"
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{0,30}")
_MOST_IBAN = 34
# whose account it is not
_PAYER = ("kaufer", "kunden", "ihr", "your", "customer", "client", "buyer", "payer", "debtor")
_NUMBER = re.compile(r"[^\w\s]?\d[\d.,'’]*[^\w\s]?")
_MONEY = re.compile(r"[^\w\s]?\d[\d.,'’]*[.,]\d{2}[^\w\s]?")
_LABELS = frozenset({"currency", "wahrung", "devise", "monnaie", "valuta", "moneda", "moeda"})


@witness("named-on-page/1")
def named_on_page(document: DocumentEvidence) -> Iterator[Testimony]:
    """What stands on the page although it was read as absent; offered where nothing was read."""
    for candidate in document.candidates:
        if candidate.state is FieldState.VALUE or candidate.group is not None:
            continue
        field = document.type.field(candidate.name)
        if field.kind is Kind.CURRENCY:
            yield from _currency(document, candidate, field)
        elif field.checksum == "iban":
            yield from _iban(document, candidate)


def _said(
    candidate: Candidate, page: int, words: Sequence[Word], code: str, text: str
) -> Testimony:
    absent = candidate.state is FieldState.ABSENT
    return Testimony(
        of=candidate,
        says=DENIES if absent else OFFERS,
        because=code,
        message=f"the page prints {text}",
        page=page,
        boxes=tuple(word.box for word in words),
        offers=text,
    )


# ---- currencies


def _currency(
    document: DocumentEvidence, candidate: Candidate, field: FieldSpec
) -> Iterator[Testimony]:
    """The one currency of the surest kind of place: behind its label, beside money, elsewhere."""
    found: list[dict[str, tuple[int, Word, str]]] = [{}, {}, {}]
    for number, page in document.pages.items():
        for line in page.lines:
            words = [word for cell in line for word in cell]
            for at, word in enumerate(words):
                for rank, sign in _sign(words, at):
                    meant = _meant(sign, field, document.type)
                    found[rank].setdefault(meant, (number, word, sign))
    surest = next((ones for ones in found if ones), {})
    if len(surest) == 1:
        page_number, word, sign = next(iter(surest.values()))
        yield _said(candidate, page_number, [word], CURRENCY_NAMED, sign)


def _sign(words: Sequence[Word], at: int) -> Iterator[tuple[int, str]]:
    """A currency's sign or code at a word, and how surely it is one."""
    bare = words[at].text.strip(".,;:()[]")
    code, number = _parted(bare)
    is_sign = any(category(c) == "Sc" for c in code)
    if not is_sign and not (len(code) == 3 and code.isupper() and code in codes()):
        return
    beside = [words[n].text for n in (at - 1, at + 1) if 0 <= n < len(words)]
    numbers = [number] if number else [text for text in beside if _NUMBER.fullmatch(text)]
    if at > 0 and _LABELS & {*tokens(words[at - 1].text)}:
        yield 0, code
    elif any(map(_MONEY.fullmatch, numbers)):
        yield 1, code
    elif is_sign and (numbers or len(bare) == len(code)):
        yield 2, code


def _parted(bare: str) -> tuple[str, str]:
    """ "€12.00" -> "€", "12.00"; what is no sign or code with a number has no number."""
    match = re.fullmatch(r"([^\W\d_]{0,3}[^\w\s]?)-?(\d[\d.,'’]*)", bare)
    if match and match[1]:
        return match[1], match[2]
    match = re.fullmatch(r"(\d[\d.,'’]*)([^\w\s]?[^\W\d_]{0,3})", bare)
    return (match[2], match[1]) if match and match[2] else (bare, "")


def _meant(sign: str, field: FieldSpec, spec: DocumentType) -> str:
    value = normalise(sign, field, spec).value
    return value if isinstance(value, str) else sign


# ---- accounts


def _iban(document: DocumentEvidence, candidate: Candidate) -> Iterator[Testimony]:
    found: dict[str, tuple[int, tuple[Word, ...]]] = {}
    for number, page in document.pages.items():
        for line in page.lines:
            for at in range(len(line)):
                for code, words in ibans([w for cell in line[at : at + 1] for w in cell]):
                    if not _payers(line, words):
                        found.setdefault(code, (number, words))
    if len(found) == 1:
        page_number, words = next(iter(found.values()))
        yield _said(candidate, page_number, words, IBAN_PRINTED, _text(words))


def ibans(words: Sequence[Word]) -> Iterator[tuple[str, tuple[Word, ...]]]:
    """IBANs with right check digits among words that stand side by side."""
    check = checksum_of("iban")
    for first, word in enumerate(words):
        if not re.match(r"(IBAN:?)?[A-Z]{2}\d{2}", word.text):
            continue
        spelled = ""
        for last in range(first, min(first + 10, len(words))):
            spelled += re.sub(r"[^A-Z0-9]", "", words[last].text.removeprefix("IBAN"))
            if len(spelled) > _MOST_IBAN:
                break
            if len(spelled) >= 15 and _IBAN.fullmatch(spelled) and check and check(spelled):
                yield spelled, tuple(words[first : last + 1])
                break


def _payers(line: Sequence[Sequence[Word]], words: Sequence[Word]) -> bool:
    """The account is the one that is paid from."""
    before = [
        token
        for cell in line
        for word in cell
        if word.box.x1 <= words[0].box.x0 + 1
        for token in tokens(word.text)
    ]
    return any(token.startswith(_PAYER) for token in before)


def _text(words: Sequence[Word]) -> str:
    return text_of(words).strip(" .,;:")
