"""The values that describe a document type: fields, kinds, options."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from extractors.types import LookKind

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


class Ask(StrEnum):
    """A doubt that a document's sender can end."""

    ENCRYPTED = "encrypted"  # the file needs a password
    ILLEGIBLE = "illegible"  # nothing could be read: a better scan is wanted
    TYPE = "type"  # its words do not say what it is
    MISSING = "missing"  # a required field is on no page
    CONFLICT = "conflict"  # two pages say different values


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
    # the term of an e-invoice's XML that this is: "total", "due_date", ...; of a group: "lines"
    einvoice: str | None = None
    # for Kind.AMOUNT: "lines.amount", when this may be the sum of a list's column; ("net", "tax"),
    # when it is the sum of these fields; or both: ("net", "tax", "lines.amount")
    sums: str | tuple[str, ...] | None = None
    # for an amount of a row: the members that make it, such as ("quantity", "unit_price")
    product: tuple[str, ...] = ()
    # fields that print the same value again, such as a total on the slip at the page's foot
    equals: tuple[str, ...] = ()
    # fields that never have the same value: a seller is not the buyer
    distinct: tuple[str, ...] = ()
    # for Kind.DATE: the field that names an earlier day, or the same one
    after: str | None = None
    # for Kind.DATE: at most so many years before and after the day that the document came in
    years: tuple[int, int] | None = None
    # the sender is asked for it where it is missing or in conflict; None: as the type says
    ask_sender: bool | None = None

    @property
    def summed(self) -> tuple[str, ...]:
        """All that ``sums`` names."""
        return (self.sums,) if isinstance(self.sums, str) else self.sums or ()

    @property
    def terms(self) -> tuple[str, ...]:
        """The fields that make this amount together."""
        return tuple(path for path in self.summed if "." not in path)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of lists that this may be the sum of."""
        return tuple(path for path in self.summed if "." in path)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """A document type as the house sees it."""

    name: str  # "slip"
    title: str  # "payment slip", for prompts and people
    description: str
    fields: tuple[FieldSpec, ...]
    locale: str = "en_US"  # CLDR, for month names and decimal signs
    day_first: bool = False  # 03/04/2026 is the 3rd of April
    # "." or ",", for papers that do not write numbers as the locale does; None: as the locale
    decimal: str | None = None
    # what such papers call themselves, in any language, besides the title
    called: tuple[str, ...] = ()
    # what a currency sign means here: (("$", "USD"),); without it, signs of several currencies are
    # a question for a person
    signs: tuple[tuple[str, str], ...] = ()
    # what a text layer alone proves is accepted only after a look at the picture
    look_required: bool = False
    max_pages: int | None = None  # None: the global limit
    # further looks at each page, moved a little (0 to 2), and the score of its least sure field
    # under which they are taken; None: the global settings
    looks: int | None = None
    look_below: float | None = None
    look_kind: LookKind | None = None  # free or forced
    # doubts about which its sender is asked, and no reviewer; None: the global setting
    ask_sender: tuple[Ask, ...] | None = None
    # None: every page; else the model reads so many, chosen by the words on them
    max_pages_read: int | None = None

    def asks(self, doubt: Ask, usual: Collection[Ask], path: str | None = None) -> bool:
        """Whether the sender is asked about this doubt.

        usual: the global setting
        path: of the field that is in doubt; None: the document is
        """
        own = None if path is None else self.field(path).ask_sender
        if own is not None:
            return own
        return doubt in (usual if self.ask_sender is None else self.ask_sender)

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
