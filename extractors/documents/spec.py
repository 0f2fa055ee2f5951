"""What a document type is: fields, kinds, thresholds.

A document type is a Pydantic model in one file.  ``DocumentModel`` collects its fields into a
frozen ``DocumentType``, which is all that the rest of the house looks at::

    class Slip(DocumentModel, name="slip", title="payment slip"):
        payee: str | None = field.text("who is paid")
        total: str | None = field.amount("the amount to pay, without its currency sign")
        items: list[Item] = field.group("one entry a line item")

The model gives text *as printed*; ``normalise.py`` makes values of it by kind.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField

from extractors.documents.checks import check
from extractors.documents.types import AUTO, Ask, DocumentType, FieldSpec, Kind
from extractors.errors import BrokenDocumentType

__all__ = [
    "AUTO",
    "Ask",
    "DocumentModel",
    "DocumentType",
    "FieldSpec",
    "Kind",
    "RowModel",
    "amount",
    "boolean",
    "choice",
    "currency",
    "date",
    "group",
    "identifier",
    "number",
    "text",
]


def _declared(kind: Kind, description: str, default: Any = None, **extra: Any) -> Any:
    meta: dict[str, Any] = {"surefield": {"kind": kind, **extra}}
    if default is list:
        return PydanticField(default_factory=list, description=description, json_schema_extra=meta)
    return PydanticField(default=default, description=description, json_schema_extra=meta)


def text(description: str, **extra: Any) -> Any:
    """Free text. ``extra``: required, accept_at, ask_sender; ``distinct`` names fields that never
    have the same value, ``equals`` those that always have.
    """
    return _declared(Kind.TEXT, description, **extra)


def date(description: str, **extra: Any) -> Any:
    """A calendar date in any spelling; ``after`` names a field with an earlier one, ``years`` says
    how long before and after the document's arrival it may lie.
    """
    return _declared(Kind.DATE, description, **extra)


def amount(description: str, **extra: Any) -> Any:
    """A sum of money, with or without its currency; ``sums`` names the amounts that make it
    together, and the column of a list that it may be the sum of; ``product`` of a row's amount the
    two members that make it.
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

    # the keywords are for the hook below, once the fields are known
    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        # pydantic keeps ``title=`` in its own configuration
        title = cls.model_config.get("title") or kwargs["name"]
        cls.spec = _document_type(cls, title=title, **kwargs)


def _document_type(
    model: type[BaseModel], *, name: str, title: str, **options: Any
) -> DocumentType:
    fields = _field_specs(model, where=name)
    description = " ".join((model.__doc__ or "").split())
    unknown = options.keys() - DocumentType.__dataclass_fields__.keys()
    if unknown:
        raise BrokenDocumentType(
            f"{name}: there is no option {', '.join(sorted(unknown))}. {_near(unknown, _OPTIONS)}"
        )
    if isinstance(options.get("signs"), Mapping):
        options["signs"] = tuple(sorted(options["signs"].items()))
    if options.get("ask_sender") is not None:
        options["ask_sender"] = _asks(name, options["ask_sender"])
    made = DocumentType(name=name, title=title, description=description, fields=fields, **options)
    check(made)
    return made


def _asks(name: str, doubts: Collection[str]) -> tuple[Ask, ...]:
    unknown = [doubt for doubt in doubts if doubt not in list(Ask)]
    if unknown or isinstance(doubts, str):
        raise BrokenDocumentType(
            f"{name}: ask_sender is {doubts!r}. Take some of {', '.join(Ask)}, such as"
            " ('missing',); or () for none."
        )
    return tuple(Ask(doubt) for doubt in doubts)


_OPTIONS = tuple(name for name in DocumentType.__dataclass_fields__ if name != "fields")


def _near(unknown: Collection[str], known: Collection[str]) -> str:
    """ "Did you mean", where a known name is near; else all of them."""
    near = get_close_matches(min(unknown), known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known))}."


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
    if kind is Kind.GROUP:
        row = next(iter(get_args(info.annotation)), None)
        if nested or not (isinstance(row, type) and issubclass(row, RowModel)):
            raise BrokenDocumentType(
                f"{where}.{key} must be list[Row] where Row is a RowModel, one level deep."
            )
        options["members"] = _field_specs(row, where=f"{where}.{key}", nested=True)
    unknown = options.keys() - FieldSpec.__dataclass_fields__.keys()
    if unknown:
        raise BrokenDocumentType(
            f"{where}.{key}: there is no option {', '.join(sorted(unknown))}."
            f" {_near(unknown, FieldSpec.__dataclass_fields__)}"
        )
    return FieldSpec(name=key, description=info.description, **options)
