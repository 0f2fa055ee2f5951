"""Pages that are no slip, and pages that are nothing but characters."""

from dataclasses import replace
from random import Random

from extractors.demo import words
from extractors.demo.compose import NOTHING, Setter, sheet_of
from extractors.demo.layout import (
    FACES,
    MIN_GLYPH_PX,
    ROW_PT,
    ROWS,
    WIDTH_PT,
    Ink,
    Sheet,
    size_for,
    text_width,
)

NO_SLIP = 0.15  # share of documents that are something else


def other_page(r: Random) -> Sheet:
    """A page that is no slip: a letter, a list, a table, a blank sheet, or a sheet of another
    shape.
    """
    kind = r.choices(("letter", "list", "table", "blank", "shape"), (4, 2, 2, 1, 2))[0]
    if kind == "shape":
        return _other_shape(r)
    s = Setter(r)
    rows = 0 if kind == "blank" else r.randint(3, ROWS - s.row)
    for _ in range(rows):
        if kind == "letter" and r.random() < 0.9:
            s.put(_fitting(s, words.sentence(r, r.randint(3, 8))), s.left)
        elif kind == "list":
            s.put(
                r.choice(("- ", "* ", ""))
                + r.choice((words.goods(r), words.person(r), words.surname(r))),
                s.left,
            )
        elif kind == "table":
            for k in range(3):
                s.put(str(r.randint(1, 9999)), s.left + 60 + 75 * k, flush=True)
        s.down()
        if s.row >= ROWS:
            break
    return replace(sheet_of(s, dict(NOTHING)), is_slip=False)


def _fitting(s: Setter, text: str) -> str:
    size = size_for(s.face, s.x_height)
    while text_width(text, s.face, size) > WIDTH_PT - s.left - 4 and " " in text:
        text = text.rsplit(" ", 1)[0]
    return text


def _other_shape(r: Random) -> Sheet:
    """Upright or square sheets with running text, as letters and printouts have."""
    width, height = r.choice(
        (
            (595.0, 842.0),
            (612.0, 792.0),
            (200.0, 200.0),
            (150.0, 300.0),
            (420.0, 298.0),
            (130.0, 260.0),
        )
    )
    face, size = r.choice(list(FACES)), r.uniform(9, 16)
    inks: list[Ink] = []
    y = size * 2
    while y < height - size and len(inks) < 45:
        text = words.sentence(r, r.randint(3, 9)) if r.random() < 0.8 else words.person(r)
        while text_width(text, face, size) > width - 24 and " " in text:
            text = text.rsplit(" ", 1)[0]
        inks.append(Ink(text, 12.0, y, face, size))
        y += size * r.choice((1.3, 1.3, 2.6))
    return Sheet(
        inks=tuple(inks), truth=dict(NOTHING), width_pt=width, height_pt=height, is_slip=False
    )


def dense_page(r: Random) -> Sheet:
    """A page full of characters, for teaching the vision tower to read before it is asked
    anything.
    """
    inks: list[Ink] = []
    shift = r.uniform(-0.8, 0.8) if r.random() < 0.7 else r.uniform(-5, 5)
    makers = (
        words.company,
        words.goods,
        words.spelled_date,
        words.spelled_number,
        words.street,
        words.phone,
        _figures,
        _jumble,
    )
    for row in range(ROWS):
        face = r.choice(list(FACES))
        size = size_for(face, r.uniform(MIN_GLYPH_PX, 7.3 if face.startswith("co") else 7.9))
        x = r.uniform(3, 12)
        while True:
            text = r.choices(makers, (2, 2, 2, 2, 1, 1, 4, 3))[0](r)
            length = text_width(text, face, size)
            if x + length > WIDTH_PT - 3:
                break
            inks.append(
                Ink(text, x, row * ROW_PT + 7.7 + shift, face, size, r.choice((0.0, 0.0, 0.2)))
            )
            x += length + r.uniform(3, 14)
    return Sheet(inks=tuple(inks), is_slip=False)


def _figures(r: Random) -> str:
    return words.spelled_money(words.cents(r), words.money_style(r))


def _jumble(r: Random) -> str:
    return "".join(
        r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-./,:&#$£'%+()")
        for _ in range(r.randint(2, 8))
    )
