"""What a document type is: fields, kinds, thresholds.

A document type is a Pydantic model in one file. ``DocumentModel`` collects its fields into a frozen
``DocumentType``, which is all that the rest of the house looks at::

    class Slip(DocumentModel, name="slip", title="payment slip"):
        payee: str | None = field.text("who is paid")
        total: str | None = field.amount("the amount to pay, without its currency sign")
        items: list[Item] = field.group("one entry a line item")

The model gives text *as printed*; ``normalise.py`` makes values of it by kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField

from extractors.documents.checksums import CHECKSUMS
from extractors.errors import BrokenDocumentType

AUTO = "auto"  # in place of a type's name: the words on the pages say which of the types it is
RESERVED_NAMES = frozenset({AUTO})


class Kind(StrEnum):
    """What a field's text means; each kind has a parser in ``normalise.py``."""

    TEXT = "text"
    DATE = "date"
    AMOUNT = "amount"
    CURRENCY = "currency"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    IDENTIFIER = "identifier"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field of a document type."""

    name: str
    kind: Kind
    description: str
    required: bool = False  # an absent required field goes to review
    accept_at: float | None = None  # None: the global threshold
    choices: tuple[str, ...] = ()  # for Kind.CHOICE
    # for Kind.IDENTIFIER: "iban", "luhn", "isbn13", "vat_de", ...; None checks nothing
    checksum: str | None = None
    members: tuple["FieldSpec", ...] = ()  # for Kind.GROUP: one row's fields
    # for Kind.AMOUNT: "lines.amount", when this may be the sum of a list's column
    sums: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """A document type as the house sees it."""

    name: str  # "slip"
    title: str  # "payment slip", for prompts and people
    description: str
    fields: tuple[FieldSpec, ...]
    locale: str = "en_US"  # CLDR, for month names and decimal signs
    day_first: bool = False  # 03/04/2026 is the 3rd of April
    called: tuple[
        str, ...
    ] = ()  # what such papers call themselves, in any language, besides the title
    max_pages: int | None = None  # None: the global limit
    # None: every page; else the model reads so many, chosen by the words on them
    max_pages_read: int | None = None

    def field(self, path: str) -> FieldSpec:
        """The spec at ``total`` or ``items.amount``.

        Raises KeyError when the type has no such field.
        """
        head, _, member = path.partition(".")
        found = next((f for f in self.fields if f.name == head), None)
        if found is not None and member:
            found = next((m for m in found.members if m.name == member), None)
        if found is None:
            raise KeyError(path)
        return found

    def paths(self) -> tuple[str, ...]:
        """Every path that a value can stand at: ``total``, ``items.amount``."""
        return tuple(
            path
            for f in self.fields
            for path in (
                [f"{f.name}.{m.name}" for m in f.members] if f.kind is Kind.GROUP else [f.name]
            )
        )


def _declared(kind: Kind, description: str, default: Any = None, **extra: Any) -> Any:
    meta: dict[str, Any] = {"surefield": {"kind": kind, **extra}}
    if default is list:
        return PydanticField(default_factory=list, description=description, json_schema_extra=meta)
    return PydanticField(default=default, description=description, json_schema_extra=meta)


def text(description: str, **extra: Any) -> Any:
    """Free text. ``extra``: required, accept_at."""
    return _declared(Kind.TEXT, description, **extra)


def date(description: str, **extra: Any) -> Any:
    """A calendar date in any spelling."""
    return _declared(Kind.DATE, description, **extra)


def amount(description: str, **extra: Any) -> Any:
    """A sum of money, with or without its currency; ``sums`` names the column of a list that it may
    be the sum of.
    """
    return _declared(Kind.AMOUNT, description, **extra)


def currency(description: str, **extra: Any) -> Any:
    """A currency sign or code; its value is the ISO 4217 code."""
    return _declared(Kind.CURRENCY, description, **extra)


def number(description: str, **extra: Any) -> Any:
    """A decimal number."""
    return _declared(Kind.NUMBER, description, **extra)


def boolean(description: str, **extra: Any) -> Any:
    """Yes or no, ticked or not."""
    return _declared(Kind.BOOLEAN, description, **extra)


def choice(description: str, choices: tuple[str, ...], **extra: Any) -> Any:
    """One of a closed list."""
    return _declared(Kind.CHOICE, description, choices=choices, **extra)


def identifier(description: str, checksum: str | None = None, **extra: Any) -> Any:
    """A number or code that must be right to the letter; ``checksum`` names its check, if it has
    one.
    """
    return _declared(Kind.IDENTIFIER, description, checksum=checksum, **extra)


def group(description: str, **extra: Any) -> Any:
    """A repeated group: the annotation is ``list[Row]``, Row being a ``RowModel``."""
    return _declared(Kind.GROUP, description, default=list, **extra)


class RowModel(BaseModel):
    """Base of one row of a repeated group."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DocumentModel(BaseModel):
    """Base of every document type; subclassing it with a ``name`` checks the definition at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    spec: ClassVar[DocumentType]

    def __init_subclass__(
        cls, **_: Any
    ) -> None:  # the keywords are for the hook below, once the fields are known
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        # pydantic keeps ``title=`` in its own configuration
        title = cls.model_config.get("title") or kwargs["name"]
        cls.spec = _document_type(cls, title=title, **kwargs)


def _document_type(
    model: type[BaseModel], *, name: str, title: str, **options: Any
) -> DocumentType:
    if not name.isidentifier() or name in RESERVED_NAMES:
        raise BrokenDocumentType(
            f"Document type name {name!r} is not usable. Choose letters, digits and underscores;"
            f" reserved: {sorted(RESERVED_NAMES)}."
        )
    if (options.get("max_pages_read") or 1) < 1:
        raise BrokenDocumentType(
            f"{name}: max_pages_read is {options['max_pages_read']}. Read at least one page, or"
            " leave it out to read all."
        )
    fields = _field_specs(model, where=name)
    description = " ".join((model.__doc__ or "").split())
    made = DocumentType(name=name, title=title, description=description, fields=fields, **options)
    for summing in (field for field in fields if field.sums is not None):
        if (
            summing.sums not in made.paths()
            or "." not in summing.sums
            or made.field(summing.sums).kind is not Kind.AMOUNT
        ):
            raise BrokenDocumentType(
                f"{name}.{summing.name} sums {summing.sums!r}. Name an amount of a list's rows,"
                " such as 'lines.amount'."
            )
    return made


def _field_specs(
    model: type[BaseModel], *, where: str, nested: bool = False
) -> tuple[FieldSpec, ...]:
    specs = tuple(
        _field_spec(key, info, where=where, nested=nested)
        for key, info in model.model_fields.items()
    )
    if not specs:
        raise BrokenDocumentType(
            f"{where} has no fields. Declare at least one, such as: total: str | None ="
            " amount('...')."
        )
    return specs


def _field_spec(key: str, info: Any, *, where: str, nested: bool) -> FieldSpec:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, Mapping) else {}
    declared = extra.get("surefield")
    if not isinstance(declared, Mapping) or not info.description:
        raise BrokenDocumentType(
            f"{where}.{key} has no kind or description. Declare it with text(...), date(...),"
            " amount(...) and so on."
        )
    options = dict(declared)
    kind = Kind(options["kind"])
    accept_at = options.get("accept_at")
    if accept_at is not None and not 0.0 <= accept_at <= 1.0:
        raise BrokenDocumentType(
            f"{where}.{key}: accept_at is {accept_at}, and must lie between 0 and 1."
        )
    if kind is Kind.CHOICE and not options.get("choices"):
        raise BrokenDocumentType(
            f"{where}.{key} is a choice without choices. Name them: choice('...', choices=('a',"
            " 'b'))."
        )
    if options.get("checksum") not in (None, *CHECKSUMS):
        known = ", ".join(sorted(CHECKSUMS))
        raise BrokenDocumentType(
            f"{where}.{key}: no checksum {options['checksum']!r}. Known: {known}. Add yours to"
            " extractors.documents.checksums.CHECKSUMS."
        )
    if kind is Kind.GROUP:
        row = next(iter(get_args(info.annotation)), None)
        if nested or not (isinstance(row, type) and issubclass(row, RowModel)):
            raise BrokenDocumentType(
                f"{where}.{key} must be list[Row] where Row is a RowModel, one level deep."
            )
        options["members"] = _field_specs(row, where=f"{where}.{key}", nested=True)
    try:
        return FieldSpec(name=key, description=info.description, **options)
    except TypeError as error:
        raise BrokenDocumentType(
            f"{where}.{key}: {error}. Look at FieldSpec for the options there are."
        ) from error
