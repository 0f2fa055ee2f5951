"""A witness: do two fields have the same value that never have, or another one that always have?

The document type says which (``distinct=``, ``equals=``): a seller is not the buyer, and the date
is not the invoice's number. Of tax forms every eighth pair of numbers is equal by right, so nothing
is said where nothing is declared.
"""

from collections.abc import Iterator
from decimal import Decimal

from extractors.documents.spec import FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness

SAME_VALUE, NOT_EQUAL = "same_value", "not_equal"
_NUMBERS = (Kind.AMOUNT, Kind.NUMBER)


@witness("same-values/1")
def same_values(document: DocumentEvidence) -> Iterator[Testimony]:
    """Both fields of a declared pair are denied where the pair breaks its rule."""
    fields = {field.name: field for field in document.type.fields}
    for field in document.type.fields:
        one = document.value(field.name)
        for name in field.distinct if one is not None else ():
            other = document.value(name)
            if one is not None and other is not None and _same(field, one, fields[name], other):
                yield _denied(one, SAME_VALUE, f"the same as {_named(name)}")
                yield _denied(other, SAME_VALUE, f"the same as {_named(field.name)}")
        for name in field.equals if one is not None else ():
            other = document.value(name)
            if one is None or other is None or one.value is None or other.value is None:
                continue
            if one.value.agrees_with(other.value):
                yield Testimony(of=one, says=AGREES, because="equal")
                yield Testimony(of=other, says=AGREES, because="equal")
            elif one.value.problem is None and other.value.problem is None:
                yield _denied(one, NOT_EQUAL, f"{_named(name)} says {other.text}")
                yield _denied(other, NOT_EQUAL, f"{_named(field.name)} says {one.text}")


def _named(name: str) -> str:
    return name.replace("_", " ")


def _denied(one: Candidate, because: str, message: str) -> Testimony:
    return Testimony(of=one, says=DENIES, because=because, message=message[:500])


def _same(field: FieldSpec, one: Candidate, beside: FieldSpec, other: Candidate) -> bool:
    """The same number, which is not 0; or the same letters and digits."""
    if field.kind in _NUMBERS and beside.kind in _NUMBERS:
        return one.amount is not None and one.amount == other.amount != Decimal(0)
    letters = _letters(one.text or "")
    return bool(letters) and letters == _letters(other.text or "")


def _letters(text: str) -> str:
    """Case, spaces and punctuation do not count."""
    return "".join(c for c in text.casefold() if c.isalnum())
