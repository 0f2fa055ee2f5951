"""Errors as vision models make them, planted one at a time into answers that are right.

Each plant changes one value (or one row) of what a reader says about one document, and names its
kind.  The right answer and the page stay as they are, so whatever accepts the changed value is
wrong.
"""

import copy
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Answer = dict[str, Any]  # field -> text as printed, None, or a list of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One error in one document's answer."""

    kind: str
    field: str  # "total", "lines.amount", "lines"
    row: int | None  # of a list; None: a header field, or the whole list
    answer: Answer  # the right answer with this one error in it


def plants(truth: Answer, group: str | None, *, seed: int) -> Iterator[Plant]:
    """Every error that can be planted into this answer, in a fixed order.

    group: the name of the list in the answer, if it has one
    """
    random_ = random.Random(seed)
    header = {name: text for name, text in truth.items() if isinstance(text, str)}
    for name, text in header.items():
        for kind, change in SLIPS.items():
            changed = change(text, random_)
            if changed is not None and changed != text:
                yield _header(truth, kind, name, changed)
        for kind, others in (("another field's value", _others(header, name)),):
            for other in others:
                yield _header(truth, kind, name, other)
        yield _header(truth, "null for a printed value", name, None)
    absent = [name for name, text in truth.items() if text is None]
    for name in absent:
        if header:
            yield _header(
                truth, "value for an absence", name, random_.choice(sorted(header.values()))
            )
    if group and truth.get(group):
        yield from _rows(truth, group, random_)


def nearest(
    truth: Answer, beside: Mapping[str, str], another: Mapping[str, Sequence[str]]
) -> Iterator[Plant]:
    """Errors of place: what stands beside a value, and other values of its kind on the page.

    beside:  field -> the text that stands nearest to its value
    another: field -> other texts of its kind on the same page
    """
    for name, text in beside.items():
        yield _header(truth, "the nearest value", name, text)
    for name, texts in another.items():
        for text in texts:
            yield _header(truth, "another value of the same page", name, text)


def _header(truth: Answer, kind: str, name: str, text: str | None) -> Plant:
    return Plant(kind=kind, field=name, row=None, answer={**truth, name: text})


def _others(header: Mapping[str, str], name: str) -> list[str]:
    """Values of other fields that this one could be taken for: of the same look."""
    look = _look(header[name])
    return [
        text
        for other, text in header.items()
        if other != name and _look(text) == look and text != header[name]
    ]


def _look(text: str) -> str:
    if re.fullmatch(r"[-\d.,\s\u202f\u00a0'’€$£]+", text):
        return "number"
    return "date or code" if re.search(r"\d", text) else "words"


# ---- slips of the pen: one text becomes another


def _digit_changed(text: str, random_: random.Random) -> str | None:
    at = [i for i, c in enumerate(text) if c.isdigit()]
    if not at:
        return None
    i = random_.choice(at)
    return text[:i] + str((int(text[i]) + random_.randint(1, 9)) % 10) + text[i + 1 :]


def _digits_swapped(text: str, random_: random.Random) -> str | None:
    at = [i for i in range(len(text) - 1) if text[i : i + 2].isdigit() and text[i] != text[i + 1]]
    if not at:
        return None
    i = random_.choice(at)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def _digit_dropped(text: str, random_: random.Random) -> str | None:
    at = [i for i, c in enumerate(text) if c.isdigit()]
    if len(at) < 2:
        return None
    i = random_.choice(at)
    return text[:i] + text[i + 1 :]


def _decimal_moved(text: str, random_: random.Random) -> str | None:
    match = re.fullmatch(r"(.*\d)([.,])(\d{2})", text)
    return f"{match[1][:-1]}{match[2]}{match[1][-1]}{match[3]}" if match else None


def _sign(text: str, random_: random.Random) -> str | None:
    if _look(text) != "number" or not re.search(r"[.,]\d{2}$", text):
        return None
    return text[1:] if text.startswith("-") else f"-{text}"


def _day_and_month(text: str, random_: random.Random) -> str | None:
    match = re.fullmatch(r"(\d\d)([./-])(\d\d)([./-]\d{2,4})", text)
    if not match or match[1] == match[3] or int(match[1]) > 12:
        return None
    return f"{match[3]}{match[2]}{match[1]}{match[4]}"


def _letter_changed(text: str, random_: random.Random) -> str | None:
    at = [i for i, c in enumerate(text) if c.isalpha()]
    if _look(text) != "words" or len(at) < 3:
        return None
    i = random_.choice(at)
    return (
        text[:i]
        + random_.choice([c for c in "abehinorstu" if c != text[i].lower()])
        + text[i + 1 :]
    )


def _cut_at_a_word(text: str, random_: random.Random) -> str | None:
    words = text.split()
    return " ".join(words[:-1]) if len(words) > 1 and _look(text) == "words" else None


def _part_of_a_code(text: str, random_: random.Random) -> str | None:
    return text[2:] if _look(text) == "date or code" and len(text) > 5 else None


def _wrong_currency(text: str, random_: random.Random) -> str | None:
    return {"EUR": "USD", "€": "$", "USD": "EUR", "$": "€"}.get(text)


SLIPS: dict[str, Callable[[str, random.Random], str | None]] = {
    "digit changed": _digit_changed,
    "digits swapped": _digits_swapped,
    "digit dropped": _digit_dropped,
    "decimal sign moved": _decimal_moved,
    "sign of an amount": _sign,
    "day and month swapped": _day_and_month,
    "letter changed": _letter_changed,
    "text cut short at a word": _cut_at_a_word,
    "part of an identifier": _part_of_a_code,
    "wrong currency": _wrong_currency,
}


# ---- rows of a list


def _rows(truth: Answer, group: str, random_: random.Random) -> Iterator[Plant]:
    rows: list[dict[str, str | None]] = truth[group]

    def changed(kind: str, row: int | None, made: list[Any], member: str = "") -> Plant:
        field = f"{group}.{member}" if member else group
        return Plant(kind=kind, field=field, row=row, answer={**truth, group: made})

    yield changed("all rows dropped", None, [])
    for at in range(len(rows)):
        if len(rows) > 1:
            yield changed("row dropped", None, [*rows[:at], *rows[at + 1 :]])
        yield changed("row doubled", None, [*rows[: at + 1], *rows[at:]])
        for member, text in rows[at].items():
            if text is None:
                continue
            for kind in (*SLIPS, None):
                made = copy.deepcopy(rows)
                new = None if kind is None else SLIPS[kind](text, random_)
                if kind is not None and (new is None or new == text):
                    continue
                made[at][member] = new
                yield changed(
                    "row: null for a printed value" if kind is None else f"row: {kind}",
                    at,
                    made,
                    member,
                )
            others = [
                other
                for name, other in rows[at].items()
                if name != member and other and _look(other) == _look(text) and other != text
            ]
            if others:
                made = copy.deepcopy(rows)
                made[at][member] = random_.choice(others)
                yield changed("row: value of another column", at, made, member)
    for at in range(len(rows) - 1):
        if rows[at].get("amount") != rows[at + 1].get("amount"):
            made = copy.deepcopy(rows)
            made[at]["amount"], made[at + 1]["amount"] = made[at + 1]["amount"], made[at]["amount"]
            yield changed("two rows' amounts exchanged", at, made, "amount")
