"""Passages of generated pages and questions about them, with the truth: what the tiny cross-encoder
learns from.

Made apart from the long documents that recall is measured on: other values, other running text,
other wordings beside the common ones.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from extractors.documents import BUILT_IN
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.triage.rerank_pages import query_for

_TEXT = """
a about after again against air all also always amount and any area around as at back bank based be became because been before
board bought but buyer by called came can case cause centre change city clear close cold come common company contract cost could
country course customer date day days deal decide delivered description did different do document door down due during each early
east either end enough even ever every family far figure few find first five follow food for form found four free from full gave
general give go gone good got great ground group grow had half hand have head hear help here high home house how however idea if
important in increase into invoice is it item just keep kind know land large last late law lay leave left less let letter level
life light like line list little live local long look low made main make many market may mean meet member might money month more
most much must name near need net never new next night no north not note nothing now number of off office often old on once one
only open or order other our out over own page paid paper part pass past pay payee people period place plan point policy power
present price problem produce public put quantity quarter question rate reach read real reason receipt record report rest result
right road room rule said sale same say school second section see seem seen seller sell send sent service set several shall she
shop short should show side since slip small so some soon south spent staff stand start state step still stop street study such
sum supplier sure system table take tax tell term than that the their them then there these they thing think this those though
three through time to today told too took top total toward town trade tried true turn two type under unit until up us use usual
value very view voice wait walk want war was water way we week well went were west what when where which while who whole why will
wind with without word work world would write year yet you young
""".split()
_NAMES = (
    "Aalto",
    "Baker",
    "Chen",
    "Dubois",
    "Evans",
    "Fischer",
    "Grant",
    "Hansen",
    "Ito",
    "Jones",
    "Kaya",
    "Lopez",
    "Moreau",
    "Nagy",
    "Okafor",
    "Park",
    "Quinn",
    "Reyes",
    "Sato",
    "Tanaka",
)
_FIRST = (
    "Alice",
    "Bruno",
    "Clara",
    "David",
    "Elena",
    "Felix",
    "Grace",
    "Henry",
    "Irene",
    "Jonas",
    "Kira",
    "Liam",
    "Mona",
    "Nils",
    "Olga",
    "Paul",
    "Rita",
    "Simon",
    "Tara",
    "Victor",
)
_THINGS = (
    "apples",
    "batteries",
    "books",
    "brushes",
    "candles",
    "cement",
    "clock",
    "cups",
    "fabric",
    "fuel",
    "gloves",
    "hammer",
    "ink",
    "keyboard",
    "ladder",
    "mirror",
    "oil",
    "pens",
)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

# What stands before a value, by what it means; fields of several types share a meaning.
WORDINGS: dict[str, tuple[str, ...]] = {
    "payee": ("Payee", "Pay to", "Paid to", "Beneficiary", "Recipient", "Payable to"),
    "date": ("Date", "Date of issue", "Invoice date", "Issued", "Dated", "Issued on", "Slip date"),
    "number": (
        "Number",
        "No.",
        "Slip number",
        "Invoice number",
        "Reference",
        "Invoice no.",
        "Ref.",
    ),
    "total": (
        "Total",
        "Total amount",
        "Amount due",
        "To pay",
        "Total due",
        "Grand total",
        "Amount to pay",
    ),
    "currency": ("Currency", "Currency code", "Curr."),
    "table": ("Items", "Item", "Description", "Line items", "Article", "Position"),
    "seller": ("Seller", "From", "Supplier", "Vendor", "Issuer"),
    "buyer": ("Buyer", "Billed to", "Customer", "Bill to", "Client"),
    "due_date": ("Due date", "Payable by", "To be paid by", "Due", "Pay before"),
    "net": ("Net", "Sum before tax", "Subtotal", "Net amount"),
    "tax": ("Tax", "Sum of taxes", "VAT", "Sales tax", "Tax amount"),
    "iban": ("IBAN", "Account", "Bank account", "Account no."),
    "company": ("Company", "Shop", "Store", "Merchant"),
    "address": ("Address", "Street", "Location"),
}
_MEANS = {"items": "table", "lines": "table"}


def meaning_of(field: FieldSpec) -> str:
    return _MEANS.get(field.name, field.name)


FIELDS: tuple[tuple[DocumentType, FieldSpec], ...] = tuple(
    (spec, field) for spec in BUILT_IN.values() for field in spec.fields
)
# What a line may be asked about: the field's path in words, what it is, and what it means.
_ASKED: tuple[tuple[str, FieldSpec, str], ...] = tuple(
    (f"{field.name} {member.name}".replace("_", " ").strip(), member, meaning_of(field))
    for _, field in FIELDS
    for member in field.members or (replace(field, name=""),)
)
_KINDS = {meaning_of(field): field.kind for _, field in FIELDS}


@dataclass(frozen=True, slots=True)
class Example:
    """One question, and what in the passage answers it; empty when nothing does."""

    query: str
    passage: str
    answer: str

    @property
    def relevant(self) -> bool:
        return bool(self.answer)


def examples(seed: int) -> Iterator[Example]:
    """Without end, the same for the same seed: three of four about a page's passage, the fourth
    about a single line.
    """
    rng = random.Random(seed)
    while True:
        yield from about_a_line(rng) if rng.random() < 0.25 else about_a_passage(rng)


def about_a_passage(rng: random.Random) -> Iterator[Example]:
    """Do these fields stand in this part of a page?

    Two fields are asked about, as a rule one that does and one that does not.
    """
    spec, field = rng.choice(FIELDS)
    own = meaning_of(field)
    others = [name for name in WORDINGS if name != own]
    shown = [own, *rng.sample(others, rng.choice((0, 1, 2, 4)))] if rng.random() < 0.75 else []
    rng.shuffle(shown)
    lines = {
        name: (
            _table(rng)
            if name == "table"
            else _line(rng.choice(WORDINGS[name]), VALUES[_KINDS[name]](rng), rng)
        )
        for name in shown
    }
    passage = " ".join(_passage(list(lines.values()), rng).split())
    for asked in (field, rng.choice([one for one in spec.fields if one is not field])):
        query = asked.name.replace("_", " ") if rng.random() < 0.1 else query_for(asked, spec)
        yield Example(query, passage, " ".join(lines.get(meaning_of(asked), "").split()))


def about_a_line(rng: random.Random) -> Iterator[Example]:
    """Is this line where that value of that field stands?

    As ``extractors.evidence.relevance`` asks it: the line always says the value.
    """
    name, field, own = rng.choice(_ASKED)
    value = VALUES[field.kind](rng)
    query = f"{name}: {value}"
    line = _row(value, rng) if own == "table" else _line(rng.choice(WORDINGS[own]), value, rng)
    yield Example(query, line, line)
    if rng.random() < 0.7:  # the same value beside another field's label
        other = rng.choice([one for one in WORDINGS if one != own])
        yield Example(
            query,
            (
                _row(value, rng)
                if other == "table"
                else _line(rng.choice(WORDINGS[other]), value, rng)
            ),
            "",
        )
        return
    words = rng.choices(_TEXT, k=rng.randint(4, 9))
    words.insert(rng.randrange(len(words)), value)
    yield Example(query, " ".join(words), "")


def _passage(lines: Sequence[str], rng: random.Random) -> str:
    if not lines:
        return rng.choice((_prose, _prose, _figures, _contents))(rng)
    before, after = (_sentences(rng, rng.choice((0, 0, 1, 2))) for _ in range(2))
    return " ".join((before, *lines, after))


def _row(value: str, rng: random.Random) -> str:
    """Of a table, around a value: a thing, numbers and sums, and no label."""
    cells = [rng.choice(_THINGS).capitalize(), str(rng.randint(1, 30)), _amount(rng), _amount(rng)][
        : rng.randint(1, 4)
    ]
    return " ".join((*cells[:1], *cells[2:], value) if rng.random() < 0.5 else (*cells, value))


def _line(label: str, value: str, rng: random.Random) -> str:
    return f"{label}{rng.choice((':', '', ' :'))} {value}"


def _table(rng: random.Random) -> str:
    head = [
        rng.choice(WORDINGS["table"]),
        *rng.sample(("Quantity", "Unit price", "Amount", "Price"), rng.randint(1, 3)),
    ]
    rows = [
        f"{rng.choice(_THINGS).capitalize()} {rng.randint(1, 30)} {_amount(rng)} {_amount(rng)}"
        for _ in range(rng.randint(2, 6))
    ]
    return " ".join((*head, *rows))


def _prose(rng: random.Random) -> str:
    return _sentences(rng, rng.randint(2, 6))


def _sentences(rng: random.Random, count: int) -> str:
    said = []
    for _ in range(count):
        words = rng.choices(_TEXT, k=rng.randint(5, 12))
        if rng.random() < 0.15:
            words.insert(rng.randrange(len(words)), rng.choice((_date, _amount, _code))(rng))
        if rng.random() < 0.1:
            words[-1] += ":"
        said.append(" ".join(words))
    return " ".join(said)


def _figures(rng: random.Random) -> str:
    """Statistics: their total is no document's."""
    rows = [
        f"{rng.choice(_TEXT)} {rng.choice(_TEXT)} {_amount(rng)} {rng.randint(1, 999)}"
        f" {_amount(rng)}"
        for _ in range(rng.randint(3, 9))
    ]
    head = ["Table", *rng.choices(_TEXT, k=3)] if rng.random() < 0.5 else []
    return " ".join((*head, *rows, *((f"Total {_amount(rng)}",) if rng.random() < 0.6 else ())))


def _contents(rng: random.Random) -> str:
    return " ".join(
        f"{' '.join(rng.choices(_TEXT, k=rng.randint(1, 4))).capitalize()} {rng.randint(1, 120)}"
        for _ in range(rng.randint(6, 16))
    )


def _name(rng: random.Random) -> str:
    return rng.choice(
        (
            f"{rng.choice(_FIRST)} {rng.choice(_NAMES)}",
            rng.choice(_THINGS).capitalize(),
            f"{rng.choice(_NAMES)} Ltd",
        )
    )


def _date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2010, 2029)
    return rng.choice(
        (
            f"{day:02}.{month:02}.{year}",
            f"{year}-{month:02}-{day:02}",
            f"{day} {_MONTHS[month - 1]} {year}",
        )
    )


def _amount(rng: random.Random) -> str:
    return f"{rng.randint(1, rng.choice((99, 9_999, 99_999))):,}.{rng.randint(0, 99):02}"


def _code(rng: random.Random) -> str:
    return f"{rng.choice('ABCDRSX')}{rng.choice('/-')}{rng.randint(10, 99_999)}"


VALUES: dict[Kind, Callable[[random.Random], str]] = {
    Kind.TEXT: _name,
    Kind.DATE: _date,
    Kind.AMOUNT: _amount,
    Kind.CURRENCY: lambda rng: rng.choice(("EUR", "USD", "€", "CHF", "$", "GBP", "£")),
    Kind.NUMBER: lambda rng: str(rng.randint(1, 99)),
    Kind.IDENTIFIER: _code,
}
