"""A witness: do amounts that make each other name one currency, and the page no other for its sign?

Amounts belong together where the document type says that some make another (``sums=``); its one
currency field is theirs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from extractors.documents.spec import DocumentType, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.normalise.currencies import alike

CURRENCIES_DIFFER, SIGN_NAMED = "currencies_differ", "currency_named"
_EDGES = ".,;:()[]/*"


@witness("one-currency/1")
def one_currency(document: DocumentEvidence) -> Iterator[Testimony]:
    """The currencies that one sum names differ; or a page names another one for the same sign."""
    named = [
        (code, one)
        for name in _money_of(document.type)
        if (one := document.value(name)) is not None and (code := _code(one)) is not None
    ]
    codes = Counter(code for code, _ in named)
    if len(codes) > 1:
        (most, count), (_, second) = codes.most_common(2)
        for code, one in named:
            if count == second or code != most:
                others = ", ".join(sorted(codes.keys() - {code}))
                yield Testimony(
                    of=one,
                    says=DENIES,
                    because=CURRENCIES_DIFFER,
                    message=f"this says {code}, and what belongs to it says {others}",
                )
    elif codes:
        (code,) = codes
        yield from _of_sign(document, code, [one for _, one in named])
        yield from _of_rows(document, code)


def _of_sign(
    document: DocumentEvidence, code: str, named: Sequence[Candidate]
) -> Iterator[Testimony]:
    """Amounts with a sign that several currencies share, on pages that name another of them."""
    by_sign = [one for one in named if code not in (one.text or "").upper()]
    locale = document.type.locale
    rivals = frozenset(c for one in by_sign for c in alike(one.text or "", locale)) - {code}
    if not rivals:
        return
    words = {word.text.strip(_EDGES) for page in document.pages.values() for word in page.words}
    said = sorted(rivals & words)
    if len(said) != 1 or code in words:
        return
    for one in by_sign:
        yield Testimony(
            of=one,
            says=DENIES,
            because=SIGN_NAMED,
            message=f"taken for {code}, and the page names {said[0]}",
            details={"named": said[0]},
            offers=said[0] if document.type.field(one.name).kind is Kind.CURRENCY else None,
        )


def _of_rows(document: DocumentEvidence, code: str) -> Iterator[Testimony]:
    """Rows in another currency than the sum that they make."""
    for column in dict.fromkeys(c for field in document.type.fields for c in field.columns):
        for row in document.rows(column.partition(".")[0]):
            cell = row.value(column)
            said = _code(cell) if cell is not None else None
            if cell is not None and said not in (None, code):
                yield Testimony(
                    of=cell,
                    says=DENIES,
                    because=CURRENCIES_DIFFER,
                    message=f"this says {said}, and what belongs to it says {code}",
                )


def _money_of(spec: DocumentType) -> tuple[str, ...]:
    """The amounts that belong together, and the currency that is theirs."""
    tied = [name for field in spec.fields if field.terms for name in (*field.terms, field.name)]
    amounts = [field.name for field in spec.fields if field.kind is Kind.AMOUNT]
    tied = tied or (amounts if len(amounts) == 1 else [])
    currencies = [field.name for field in spec.fields if field.kind is Kind.CURRENCY]
    return tuple(dict.fromkeys((*tied, *(currencies if len(currencies) == 1 else ()))))


def _code(one: Candidate) -> str | None:
    if one.value is None or one.value.problem is not None:
        return None
    if one.value.kind is Kind.CURRENCY:
        return one.value.value if isinstance(one.value.value, str) else None
    return one.value.currency
