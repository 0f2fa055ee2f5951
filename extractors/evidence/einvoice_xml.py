"""A witness: the XML of an e-invoice in the same file says what the page must show.

Of 585 header values of real e-invoices 583 are printed as their XML says.  Agreement proves, and a
contradiction goes to people with both shown.  Which term of the XML a field is, its document type
says (``einvoice="total"``).
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from extractors.documents.types import FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.grounding import ground
from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness
from extractors.normalise import normalise
from extractors.rendering.einvoice import EInvoice
from extractors.types import FieldState

XML_DIFFERS = "xml_differs"
_NUMBERS = frozenset({Kind.AMOUNT, Kind.NUMBER})


@witness("einvoice-xml/1")
def einvoice_xml(document: DocumentEvidence) -> Iterator[Testimony]:
    """What the XML says of each field that it has a term for, and of each row."""
    told = document.einvoice
    if told is None:
        return
    for field in document.type.fields:
        if field.kind is Kind.GROUP:
            if field.einvoice == "lines" and told.lines:
                yield from _of_list(document, field, told)
        elif field.einvoice and (said := told.header.get(field.einvoice)):
            for one in document.of(field.name):
                yield from _of_value(document, field, one, said)


def _of_value(
    document: DocumentEvidence, field: FieldSpec, one: Candidate, said: str
) -> Iterator[Testimony]:
    if one.state is FieldState.VALUE:
        value = None if one.value is None else one.value.value
        if says_the_same(field, said, text=one.text, value=value):
            yield Testimony(of=one, says=AGREES, message=f"the e-invoice's XML says {said}")
        else:
            yield _differs(one, said)
    elif one.state is FieldState.ABSENT and _may_be_printed(document, field, said):
        yield _differs(one, said)


def _of_list(document: DocumentEvidence, field: FieldSpec, told: EInvoice) -> Iterator[Testimony]:
    """The rows in their order; where their number differs, the list as a whole is denied."""
    rows, lines = document.rows(field.name), told.lines
    if len(rows) != len(lines):
        for one in document.of(field.name):
            if one.state is not FieldState.UNREADABLE:
                yield Testimony(
                    of=one,
                    says=DENIES,
                    because=XML_DIFFERS,
                    message=f"the e-invoice's XML has {len(lines)} lines, {len(rows)} were read",
                )
        return
    for row, line in zip(rows, lines, strict=True):
        for member in field.members:
            said = line.get(member.einvoice or "")
            for one in row.cells.get(f"{field.name}.{member.name}", ()) if said else ():
                yield from _of_value(document, member, one, said or "")


def _differs(one: Candidate, said: str) -> Testimony:
    read = "that there is none" if one.state is FieldState.ABSENT else f"{one.text}"
    return Testimony(
        of=one,
        says=DENIES,
        because=XML_DIFFERS,
        message=f"the e-invoice's XML says {said}, read was {read}"[:500],
        details={"xml": said},
        offers=said,
    )


def says_the_same(
    field: FieldSpec, said: str, *, text: str | None, value: str | bool | None
) -> bool:
    """Whether an answer means what the XML says.

    text:  as read
    value: what it means; None where it means nothing
    """
    if field.kind in _NUMBERS:
        number = _number(said)
        return value is not None and number is not None and _number(str(value)) == number
    if field.kind in (Kind.DATE, Kind.CURRENCY):
        return value == said
    return _letters(text or "") == _letters(said)


def _number(said: str) -> Decimal | None:
    try:
        return Decimal(said)
    except InvalidOperation:
        return None


def _letters(text: str) -> str:
    """Case, spaces and punctuation do not count."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _may_be_printed(document: DocumentEvidence, field: FieldSpec, said: str) -> bool:
    """Whether a page prints the value, or cannot tell since it has no words."""
    spec = replace(document.type, locale="en_US", day_first=False)  # the XML's own spelling
    value = normalise(said, field, spec)
    for page in document.pages.values():
        if not page.words:
            return True
        found = ground(said, page, field, document.type, value=value)
        if found is not None and found.found:
            return True
    return False
