"""Slips as real PDFs with their truth, from a seed; the same seed gives the same slips for ever.

What keeps training, calibration and test apart is the name of the split, which is part of every
slip's seed: no number that a user can choose makes two of them meet.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from extractors.demo import compose, others
from extractors.demo.damage import LEVELS, Move, damaged, scan_resolution
from extractors.demo.layout import Sheet, draw

if TYPE_CHECKING:
    import pymupdf

Split = Literal["train", "calibration", "test", "user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One generated document and what it says, as printed, page by page."""

    name: str
    pdf: bytes
    # one for each page; nulls and an empty list on a page that is no slip
    truth: tuple[Mapping[str, Any], ...]
    level: int  # of damage; 0 is a born-digital page with a text layer
    is_slip: bool


@dataclass(frozen=True, slots=True)
class Print:
    """One page as it came out, with where the sheet's points went."""

    page: "pymupdf.Document"
    sheet: Sheet
    move: Move


def slips(
    n: int,
    seed: int,
    *,
    split: Split = "user",
    levels: Sequence[int] = LEVELS,
    no_slip: float = others.NO_SLIP,
) -> Iterator[Slip]:
    """``n`` documents; ``levels`` are taken in turn, and a share ``no_slip`` of the documents is
    something else.
    """
    import pymupdf

    for i in range(n):
        r = Random(f"{split}/{seed}/{i}")
        level = levels[i % len(levels)]
        is_slip = r.random() >= no_slip
        sheets = compose.slip_pages(r) if is_slip else [others.other_page(r)]
        prints = [printed(sheet, level, r) for sheet in sheets]
        document = pymupdf.open()
        for one in prints:
            document.insert_pdf(one.page)
        yield Slip(
            name=f"{'slip' if is_slip else 'other'}-{split}-{seed}-{i:05d}",
            pdf=document.tobytes(garbage=3, deflate=True, no_new_id=True),
            truth=tuple(sheet.truth for sheet in sheets),
            level=level,
            is_slip=is_slip,
        )


def printed(sheet: Sheet, level: int, r: Random) -> Print:
    """A sheet as a PDF page: vector text at level 0, else one damaged image without a text
    layer.
    """
    import pymupdf

    clean = draw(sheet)
    if level == 0:
        return Print(clean, sheet, lambda x, y: (x, y))
    scale = scan_resolution(r, level)
    image, move = damaged(raster(clean, scale), level, r, scale)
    scanned = pymupdf.open()
    page = scanned.new_page(width=sheet.width_pt, height=sheet.height_pt)
    page.insert_image(page.rect, stream=image, keep_proportion=False)
    return Print(scanned, sheet, move)


def raster(document: "pymupdf.Document", px_per_pt: float, page: int = 0) -> Image.Image:
    """A page in grey at so many pixels a point."""
    import pymupdf

    pixmap = document[page].get_pixmap(
        matrix=pymupdf.Matrix(px_per_pt, px_per_pt), colorspace=pymupdf.csGRAY
    )
    return Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)


def write_slips(
    n: int, seed: int, out: Path, *, level: int | None = None, no_slip: float = 0.0
) -> Path:
    """Write ``n`` PDFs and ``truth.jsonl`` beside them; returns the truth's path.

    ``level`` None takes all levels in turn; a share ``no_slip`` of the PDFs is something else.
    """
    out.mkdir(parents=True, exist_ok=True)
    truth = out / "truth.jsonl"
    with truth.open("w", encoding="utf-8") as lines:
        for slip in slips(n, seed, levels=LEVELS if level is None else (level,), no_slip=no_slip):
            (out / f"{slip.name}.pdf").write_bytes(slip.pdf)
            row = {
                "file": f"{slip.name}.pdf",
                "is_slip": slip.is_slip,
                "level": slip.level,
                "pages": list(slip.truth),
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return truth
