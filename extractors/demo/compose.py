"""Composing: what a slip says and where it says it, in many layouts."""

from dataclasses import replace
from random import Random
from typing import Any

from extractors.demo import words
from extractors.demo.layout import (
    FACES,
    HEIGHT_PT,
    MIN_GLYPH_PX,
    ROW_PT,
    ROWS,
    WIDTH_PT,
    Ink,
    Rule,
    Sheet,
    above,
    below,
    size_for,
    text_width,
)

LABELS = {
    "payee": (
        "Pay to",
        "Payee",
        "Payable to",
        "Paid to",
        "Beneficiary",
        "To the order of",
        "Creditor",
    ),
    "date": ("Date", "Date of issue", "Issued", "Dated", "Issue date"),
    "number": ("No.", "Slip no.", "Number", "Slip number", "Ref.", "Reference", "Slip #"),
    "total": ("Total", "TOTAL", "Amount due", "To pay", "Please pay", "Balance due", "Grand total"),
}
_TITLES = ("PAYMENT SLIP", "Payment slip", "Slip", "Receipt of payment", "Pay slip")
_CLOSING = (
    "Thank you",
    "Please keep this slip",
    "Page 1 of 1",
    "Paid by card",
    "No cash, please",
    "Terms: 30 days net",
)
EDGE_PT = 0.2
MISSING = 0.15  # share of slips that lack something
TWO_PAGES = 0.10


class Setter:
    """Sets pieces of text row by row on the line grid."""

    def __init__(self, r: Random) -> None:
        self.r = r
        self.face = r.choices(list(FACES), weights=(10, 6, 1, 1, 8, 6, 1, 1, 6, 4))[0]
        self.strong = {
            "helv": "hebo",
            "heit": "hebi",
            "tiro": "tibo",
            "tiit": "tibi",
            "cour": "cobo",
        }.get(self.face, self.face)
        self.x_height = r.uniform(
            MIN_GLYPH_PX + 0.05, 7.25 if self.face in ("cour", "cobo") else 7.9
        )
        self.grey = r.choice((0.0, 0.0, 0.0, 0.15, 0.3))
        # printing keeps to the line grid; scanning (damage) does not
        self.shift = r.uniform(-0.8, 0.8)
        self.left = r.uniform(8.0, 24.0)
        self.row = 1 if r.random() < 0.6 else 0
        self.inks: list[Ink] = []
        self.rules: list[Rule] = []

    @property
    def right(self) -> float:
        return WIDTH_PT - self.left * 0.8

    def put(
        self,
        text: str,
        x: float,
        *,
        strong: bool = False,
        field: str | None = None,
        flush: bool = False,
        scale: float = 1.0,
    ) -> float:
        """Set text on the current row; ``flush`` ends it at x. Returns where it ends."""
        face = self.strong if strong else self.face
        size = size_for(face, self.x_height * scale)
        length = text_width(text, face, size)
        start = x - length if flush else x
        baseline = self.row * ROW_PT + 7.7 + self.shift
        self.inks.append(Ink(text, start, baseline, face, size, self.grey, field))
        return start + length

    def down(self, rows: int = 1) -> None:
        self.row += rows

    def line(self) -> None:
        y = self.row * ROW_PT + self.shift + 0.3
        self.rules.append(Rule(self.left, y, self.right, y))

    @property
    def space(self) -> int:
        return ROWS - self.row


def _contents(r: Random) -> dict[str, Any]:
    """A slip's truth, complete."""
    style = words.money_style(r)
    items = [
        {"description": words.goods(r), "amount": words.spelled_money(words.cents(r), style)}
        for _ in range(r.choices((0, 1, 2, 3), (3, 2, 3, 3))[0])
    ]
    return {
        "payee": words.company(r),
        "date": words.spelled_date(r),
        "number": words.spelled_number(r),
        "total": words.spelled_money(words.cents(r), style),
        "currency": r.choice(words.CURRENCIES) if r.random() < 0.7 else None,
        "items": items,
    }


def _drop_some(r: Random, truth: dict[str, Any]) -> None:
    for name in r.sample(("payee", "date", "number", "total"), r.choice((1, 1, 2))):
        truth[name] = None
    if truth["total"] is None:
        truth["currency"] = None


def _label(r: Random, name: str) -> str:
    return r.choice(LABELS[name]) + r.choice(("", ":", ":"))


def _pairs(s: Setter, rows: list[tuple[str, str, str | None]]) -> None:
    """Label and value rows, in one of three manners."""
    r = s.r
    manner = r.choices(("column", "inline", "flush"), (5, 3, 2))[0]
    column = (
        s.left
        + max(
            (text_width(label, s.face, size_for(s.face, s.x_height)) for label, _, _ in rows),
            default=0,
        )
        + r.uniform(7, 30)
    )
    for label, value, field in rows:
        length = text_width(value, s.face, size_for(s.face, s.x_height))
        end = s.put(label, s.left)
        # too long for one row: the value stands below its label
        if end + 4 + length > WIDTH_PT - 3:
            s.down()
            s.put(value, s.left, field=field)
        elif manner == "flush":
            s.put(value, max(s.right, end + 4 + length), flush=True, field=field)
        else:
            x = end + 5 if manner == "inline" else column
            s.put(value, max(end + 4, min(x, WIDTH_PT - length - 3)), field=field)
        s.down(2 if s.space > 11 and r.random() < 0.3 else 1)


def _side_by_side(s: Setter, rows: list[tuple[str, str, str | None]]) -> bool:
    """Two short pairs on one row, when they fit."""
    size = size_for(s.face, s.x_height)
    parts = [
        (label, value, field, text_width(label, s.face, size), text_width(value, s.face, size))
        for label, value, field in rows
    ]
    if len(rows) != 2 or sum(p[3] + p[4] + 5 for p in parts) > s.right - s.left - 10:
        return False
    label, value, field, wide, long = parts[0]
    s.put(label, s.left)
    s.put(value, s.left + wide + 5, field=field)
    label, value, field, wide, long = parts[1]
    s.put(value, s.right, flush=True, field=field)
    s.put(label, s.right - long - 5, flush=True)
    s.down()
    return True


def _header(s: Setter, truth: dict[str, Any]) -> None:
    r = s.r
    payee_on_top = truth["payee"] is not None and r.random() < 0.45
    if payee_on_top:
        strong = r.random() < 0.6
        centred = r.random() < 0.25
        length = text_width(truth["payee"], s.strong, size_for(s.strong, s.x_height))
        s.put(
            truth["payee"],
            (WIDTH_PT - length) / 2 if centred else s.left,
            strong=strong,
            field="payee",
        )
        s.down()
        if r.random() < 0.35:
            s.put(words.street(r) if r.random() < 0.6 else f"Tel {words.phone(r)}", s.left)
            s.down()
    elif r.random() < 0.4:
        s.put(r.choice(_TITLES), s.left, strong=True)
        s.down()
    if s.space > 11 and r.random() < 0.5:
        s.down()
    rows = [
        (_label(r, name), truth[name], name)
        for name in ("payee", "date", "number")
        if truth[name] is not None and not (name == "payee" and payee_on_top)
    ]
    r.shuffle(rows)
    extra: list[tuple[str, str, str | None]] = []
    if r.random() < 0.25:
        extra.append(
            (
                r.choice(("Due", "Due date", "Valid until", "Pay by")) + r.choice(("", ":")),
                words.spelled_date(r),
                None,
            )
        )
    if r.random() < 0.15:
        extra.append(
            (r.choice(("Customer", "From", "Paid by")) + r.choice(("", ":")), words.person(r), None)
        )
    if r.random() < 0.12:
        extra.append(
            (
                r.choice(("Customer no.", "Account", "Phone")) + r.choice(("", ":")),
                words.phone(r).replace(" ", ""),
                None,
            )
        )
    room = max(0, 6 - len(rows))
    mixed: list[tuple[str, str, str | None]] = [*rows, *extra[:room]]
    short = [row for row in mixed if row[2] in ("date", "number")]
    if len(short) == 2 and r.random() < 0.35 and _side_by_side(s, short):
        mixed = [row for row in mixed if row not in short]
    _pairs(s, mixed)


def _body(s: Setter, truth: dict[str, Any]) -> None:
    r = s.r
    items = truth["items"]
    need = len(items) + 3
    if s.space > need and r.random() < 0.6:
        s.down()
    if items and s.space > need and r.random() < 0.35:
        s.put(r.choice(("Description", "Item", "Goods")), s.left, strong=True)
        s.put(r.choice(("Amount", "Price")), s.right, strong=True, flush=True)
        s.down()
    elif r.random() < 0.25:
        s.line()
    for i, item in enumerate(items):
        s.put(item["description"], s.left, field=f"items.{i}.description")
        s.put(item["amount"], s.right, flush=True, field=f"items.{i}.amount")
        s.down()
    if s.space > 3 and items and r.random() < 0.3:
        s.put(r.choice(("Subtotal", "Net", "VAT 19%", "Tax")), s.left)
        s.put(words.spelled_money(words.cents(r), "."), s.right, flush=True)
        s.down()
    if truth["total"] is not None:
        if s.space > 2 and r.random() < 0.4:
            s.line()
        _total(s, truth)
    if s.space > 1 and r.random() < 0.3:
        s.down(r.randint(1, s.space - 1))
        s.put(r.choice(_CLOSING), s.left)


def _total(s: Setter, truth: dict[str, Any]) -> None:
    """The total with its label, and its currency before it, after it or nowhere."""
    r = s.r
    strong = r.random() < 0.5
    face = s.strong if strong else s.face
    gap = size_for(face, s.x_height) * r.choice((0.3, 0.6))
    end = s.put(_label(r, "total"), s.left, strong=strong)
    sign = truth["currency"]
    before = sign in ("$", "£") or r.random() < 0.5
    if sign in ("$", "£") and r.random() < 0.5:
        gap = 0.6
    if r.random() < 0.75:  # at the right margin
        x = s.right
        if sign and not before:
            s.put(sign, x, strong=strong, field="currency", flush=True)
            x -= text_width(sign, face, size_for(face, s.x_height)) + gap
        s.put(truth["total"], x, strong=strong, field="total", flush=True)
        if sign and before:
            s.put(
                sign,
                x - text_width(truth["total"], face, size_for(face, s.x_height)) - gap,
                strong=strong,
                field="currency",
                flush=True,
            )
    else:
        x = end + r.uniform(6, 20)
        if sign and before:
            x = s.put(sign, x, strong=strong, field="currency") + gap
        x = s.put(truth["total"], x, strong=strong, field="total")
        if sign and not before:
            s.put(sign, x + gap, strong=strong, field="currency")
    s.down()


def sheet_of(s: Setter, truth: dict[str, Any]) -> Sheet:
    """The sheet, moved as a whole when its first or last row would reach over the edge, and drawn
    together when both would.
    """
    if not s.inks:
        return Sheet(inks=(), rules=tuple(s.rules), truth=truth)
    high = min(ink.baseline - above(ink) for ink in s.inks)
    low = max(ink.baseline + below(ink) for ink in s.inks)
    first, last = min(ink.baseline for ink in s.inks), max(ink.baseline for ink in s.inks)
    # for what lies between the first and the last baseline
    room = HEIGHT_PT - 2 * EDGE_PT - (low - high) + (last - first)
    pitch = min(1.0, room / (last - first)) if last > first else 1.0
    over = max(0.0, low - (last - first) * (1.0 - pitch) - (HEIGHT_PT - EDGE_PT))
    shift = max(0.0, EDGE_PT - high) or -over

    def moved(y: float) -> float:
        return first + (y - first) * pitch + shift

    inks = tuple(replace(ink, baseline=moved(ink.baseline)) for ink in s.inks)
    rules = tuple(replace(rule, y0=moved(rule.y0), y1=moved(rule.y1)) for rule in s.rules)
    return Sheet(inks=inks, rules=rules, truth=truth)


NOTHING: dict[str, Any] = {
    "payee": None,
    "date": None,
    "number": None,
    "total": None,
    "currency": None,
    "items": [],
}


def slip_pages(r: Random) -> list[Sheet]:
    """One slip: a page, or a header page and a page of items and total."""
    truth = _contents(r)
    if r.random() < MISSING:
        _drop_some(r, truth)
    if r.random() >= TWO_PAGES:
        s = Setter(r)
        _header(s, truth)
        _body(s, truth)
        return [sheet_of(s, truth)]
    first, second = Setter(r), Setter(r)
    head = {**NOTHING, **{name: truth[name] for name in ("payee", "date", "number")}}
    rest = {**NOTHING, **{name: truth[name] for name in ("total", "currency", "items")}}
    _header(first, head)
    if first.space > 1 and r.random() < 0.6:
        first.down()
        first.put(r.choice(("Page 1 of 2", "continued overleaf", "1/2")), first.left)
    if r.random() < 0.5:
        second.put(r.choice(("Page 2 of 2", "continued", "2/2")), second.left)
        second.down()
    _body(second, rest)
    return [sheet_of(first, head), sheet_of(second, rest)]
