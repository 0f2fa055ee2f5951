"""What is wrong with a document type, found when it is declared and before any page is read."""

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from extractors.documents.checksums import checksum_of, known_names
from extractors.documents.types import RESERVED_NAMES, DocumentType, FieldSpec, Kind
from extractors.errors import BrokenDocumentType
from extractors.types import LookKind

MOST_LOOKS = 2  # further looks at one page
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?")


def check(spec: DocumentType) -> None:
    """Hold the type against every rule.

    Raises BrokenDocumentType with the first rule that it breaks, and the fix.
    """
    for rule in _RULES:
        rule(spec)
    for path, field in _fields(spec):
        for field_rule in _FIELD_RULES:
            field_rule(spec, path, field)


def parsed_locale(name: str) -> tuple[str, str | None, str | None] | None:
    """Language, script and territory of ``en_US``, ``zh-Hant-TW`` or ``en_KW``; None when it has
    another form.
    """
    match = _LOCALE.fullmatch(name)
    if match is None:
        return None
    language, script, territory = match.groups()
    return (
        language.lower(),
        script.title() if script else None,
        territory.upper() if territory else None,
    )


def _fields(spec: DocumentType) -> Iterator[tuple[str, FieldSpec]]:
    for field in spec.fields:
        yield f"{spec.name}.{field.name}", field
        for member in field.members:
            yield f"{spec.name}.{field.name}.{member.name}", member


def _name(spec: DocumentType) -> None:
    if not spec.name.isidentifier() or spec.name in RESERVED_NAMES:
        raise BrokenDocumentType(
            f"Document type name {spec.name!r} is not usable. Choose letters, digits and"
            f" underscores; reserved: {', '.join(sorted(RESERVED_NAMES))}."
        )


def _pages(spec: DocumentType) -> None:
    for option, pages in (
        ("max_pages", spec.max_pages),
        ("max_pages_read", spec.max_pages_read),
    ):
        if pages is not None and pages < 1:
            raise BrokenDocumentType(
                f"{spec.name}: {option} is {pages}. Read at least one page, or leave it out."
            )


def _looks(spec: DocumentType) -> None:
    if spec.looks is not None and spec.looks not in range(MOST_LOOKS + 1):
        raise BrokenDocumentType(
            f"{spec.name}: looks is {spec.looks}. Take 0, 1 or 2, or leave it out."
        )
    if spec.look_kind is not None and spec.look_kind not in tuple(LookKind):
        raise BrokenDocumentType(
            f"{spec.name}: look_kind is {spec.look_kind!r}. Take 'free' or 'forced', or leave it"
            " out."
        )
    if spec.look_below is not None and not 0.0 <= spec.look_below <= 1.0:
        raise BrokenDocumentType(
            f"{spec.name}: look_below is {spec.look_below}, and must lie between 0 and 1."
        )


def _locale(spec: DocumentType) -> None:
    """Language and territory are looked up apart: CLDR has no English of Kuwait, papers have."""
    parsed = parsed_locale(spec.locale) if isinstance(spec.locale, str) else None
    known = parsed is not None and _known(*parsed)
    if not known:
        raise BrokenDocumentType(
            f"{spec.name}: {spec.locale!r} is not a locale. Name a language and a territory, such"
            " as 'de_DE' or 'en-KW'."
        )


def _known(language: str, script: str | None, territory: str | None) -> bool:
    if find_spec("babel") is None:  # a machine that only reads pages does not need it
        return True
    from babel import Locale
    from babel.localedata import exists

    names = Locale("en")
    return (
        exists(language)
        and (territory is None or territory in names.territories)
        and (script is None or script in names.scripts)
    )


def _signs(spec: DocumentType) -> None:
    for sign, code in spec.signs:
        if not sign.strip() or not _is_currency(code):
            raise BrokenDocumentType(
                f"{spec.name}: signs has {sign!r}: {code!r}, and {code!r} is not a currency. Name"
                " an ISO 4217 code, such as signs={'$': 'CAD'}."
            )


def _is_currency(code: str) -> bool:
    if find_spec("babel") is None:
        return len(code) == 3
    from babel.numbers import is_currency

    return is_currency(code)


def _accept_at(spec: DocumentType, path: str, field: FieldSpec) -> None:
    if field.accept_at is not None and not 0.0 <= field.accept_at <= 1.0:
        raise BrokenDocumentType(
            f"{path}: accept_at is {field.accept_at}, and must lie between 0 and 1."
        )


def _choices(spec: DocumentType, path: str, field: FieldSpec) -> None:
    if field.kind is Kind.CHOICE and not field.choices:
        raise BrokenDocumentType(
            f"{path} is a choice without choices. Name them: choice('...', choices=('a', 'b'))."
        )


def _checksum(spec: DocumentType, path: str, field: FieldSpec) -> None:
    if field.checksum is not None and checksum_of(field.checksum) is None:
        raise BrokenDocumentType(
            f"{path}: no checksum {field.checksum!r}. Known: {known_names()}. Add yours to"
            " extractors.documents.checksums.CHECKSUMS."
        )


def _decimal(spec: DocumentType) -> None:
    if spec.decimal not in (None, ".", ","):
        raise BrokenDocumentType(
            f"{spec.name}: decimal is {spec.decimal!r}. Choose '.' or ',', or leave it out."
        )


def _sums(spec: DocumentType, path: str, field: FieldSpec) -> None:
    for summed in field.summed:
        known = summed in spec.paths() and spec.field(summed).kind is Kind.AMOUNT
        if not known or field.kind is not Kind.AMOUNT or summed == field.name:
            raise BrokenDocumentType(
                f"{path} sums {summed!r}. Name other amounts, or an amount of a list's rows, such"
                " as sums=('net', 'tax', 'lines.amount')."
            )
    if len(field.terms) == 1:
        raise BrokenDocumentType(
            f"{path} sums {field.terms[0]!r} alone. Name all that make it together, such as"
            " sums=('net', 'tax')."
        )


def _product(spec: DocumentType, path: str, field: FieldSpec) -> None:
    if not field.product:
        return
    row = next((f.members for f in spec.fields if field in f.members), ())
    kinds = {member.name: member.kind for member in row if member is not field}
    numbers = [kinds.get(name) in (Kind.AMOUNT, Kind.NUMBER) for name in field.product]
    if len(field.product) != 2 or not all(numbers):
        raise BrokenDocumentType(
            f"{path} is the product of {', '.join(field.product)}. Name two numbers or amounts of"
            " the same row, such as product=('quantity', 'unit_price')."
        )


def _beside(spec: DocumentType, path: str, field: FieldSpec) -> None:
    """What names other fields of the document names some that there are."""
    for option, names in (
        ("equals", field.equals),
        ("distinct", field.distinct),
        ("after", (field.after,) if field.after is not None else ()),
    ):
        for name in names:
            other = next((f for f in spec.fields if f.name == name and f is not field), None)
            if other is None or field not in spec.fields or not _comparable(option, field, other):
                raise BrokenDocumentType(
                    f"{path}: {option} names {name!r}. Name another field of the document that"
                    " stands once and has a value to compare."
                )


def _comparable(option: str, field: FieldSpec, other: FieldSpec) -> bool:
    if Kind.GROUP in (field.kind, other.kind):
        return False
    if option == "after":
        return field.kind is other.kind is Kind.DATE
    return option == "distinct" or field.kind is other.kind


def _years(spec: DocumentType, path: str, field: FieldSpec) -> None:
    years = field.years
    if years is not None and (field.kind is not Kind.DATE or len(years) != 2 or min(years) < 0):
        raise BrokenDocumentType(
            f"{path}: years is {years}. Give a date how many years it may lie before and after the"
            " day that the document came in, such as years=(50, 2)."
        )


_RULES: tuple[Callable[[DocumentType], None], ...] = (
    _name,
    _pages,
    _looks,
    _locale,
    _decimal,
    _signs,
)
_FIELD_RULES: tuple[Callable[[DocumentType, str, FieldSpec], None], ...] = (
    _accept_at,
    _choices,
    _checksum,
    _sums,
    _product,
    _beside,
    _years,
)
