"""Slips: real PDFs whose truth is what they print."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pymupdf
import pytest

from extractors.demo import compose
from extractors.demo.damage import LEVELS, damaged
from extractors.demo.layout import (
    FACES,
    HEIGHT_PT,
    MIN_GLYPH_PX,
    PX_PER_PT,
    WIDTH_PT,
    Sheet,
    above,
    below,
    draw,
    glyphs,
)
from extractors.demo.others import NO_SLIP
from extractors.demo.samples import PASSWORD, sample_pdfs
from extractors.demo.slips import printed, raster, slips, write_slips


def _values(truth: object) -> list[str]:
    if isinstance(truth, str):
        return [truth]
    parts = truth.values() if isinstance(truth, dict) else truth if isinstance(truth, list) else ()
    return [text for part in parts for text in _values(part)]


def _sheets(n: int) -> list[Sheet]:
    return [sheet for k in range(n) for sheet in compose.slip_pages(Random(f"look/{k}"))]


def test_the_same_seed_gives_the_same_files_and_another_seed_others() -> None:
    """A slip is a function of split, seed and number."""
    once, again, other = (list(slips(6, seed)) for seed in (7, 7, 8))
    assert once == again
    assert all(a.pdf != b.pdf for a, b in zip(once, other, strict=True))


def test_the_splits_never_give_the_same_slip() -> None:
    """The split's name is part of the seed, so no number makes training and test meet."""
    train, test = (
        list(slips(40, 0, split=split, levels=(0,), no_slip=0.0)) for split in ("train", "test")
    )
    assert not {json.dumps(slip.truth) for slip in train} & {
        json.dumps(slip.truth) for slip in test
    }


def test_every_value_of_the_truth_is_printed_on_its_page() -> None:
    """What the truth says, character for character, stands in the text layer of that page."""
    for slip in slips(60, 3, levels=(0,)):
        document = pymupdf.open(stream=slip.pdf, filetype="pdf")
        assert document.page_count == len(slip.truth)
        for page, truth in zip(document, slip.truth, strict=True):
            text = page.get_text()
            assert all(value in text for value in _values(truth))


def test_damaged_slips_have_no_text_layer() -> None:
    """From level 1 on a page is one image, as a scanner gives it."""
    for slip in slips(8, 1, levels=(1, 2, 3, 4)):
        document = pymupdf.open(stream=slip.pdf, filetype="pdf")
        assert all(
            page.get_text().strip() == "" and len(page.get_images()) == 1 for page in document
        )


def test_no_text_leaves_the_page() -> None:
    """Every piece of a slip lies within its sheet, capitals and descenders whole."""
    for sheet in _sheets(600):
        for ink in sheet.inks:
            assert all(0 < glyph.x < WIDTH_PT for glyph in glyphs(ink)), ink
            assert ink.baseline - above(ink) > 0, ink
            assert ink.baseline + below(ink) < HEIGHT_PT, ink


def test_fields_are_missing_in_about_the_stated_share_of_slips() -> None:
    """About 15 % of slips lack a payee, date, number or total."""
    missing = 0
    for k in range(600):
        merged: dict[str, object] = {}
        for sheet in compose.slip_pages(Random(f"missing/{k}")):
            merged |= {name: value for name, value in sheet.truth.items() if value}
        missing += not {"payee", "date", "number", "total"} <= merged.keys()
    assert 0.10 < missing / 600 < 0.20


def test_slips_use_at_least_eight_faces_and_up_to_three_items() -> None:
    """The variety that the model card promises."""
    sheets = _sheets(300)
    assert len({ink.face for sheet in sheets for ink in sheet.inks}) >= 8
    assert {len(sheet.truth["items"]) for sheet in sheets} == {0, 1, 2, 3}
    assert any(not slip.is_slip for slip in slips(40, 0, levels=(0,)))


def test_the_first_slip_that_anybody_makes_is_a_slip(tmp_path: Path) -> None:
    """The first command of the docs makes one; other papers come only where they are asked for."""
    for seed in range(5):
        rows = write_slips(8, seed, tmp_path / str(seed), level=0).read_text("utf-8").splitlines()
        assert all(json.loads(row)["is_slip"] for row in rows)
    mixed = write_slips(40, 0, tmp_path / "mixed", level=0, no_slip=NO_SLIP)
    assert {json.loads(row)["is_slip"] for row in mixed.read_text("utf-8").splitlines()} == {
        True,
        False,
    }


@pytest.mark.parametrize("face", sorted(FACES))
def test_the_smallest_letters_are_seven_pixels_high_on_the_canvas(face: str) -> None:
    """The lowest size of a face at which slips are set shows an x of at least seven pixels,
    measured in the rendered page.
    """
    sizes = [ink.size for sheet in _sheets(400) for ink in sheet.inks if ink.face == face]
    document = pymupdf.open()
    page = document.new_page(width=60, height=40)
    page.insert_text((20, 28), "x", fontname=face, fontsize=min(sizes))
    big = 8
    rows = np.flatnonzero(np.asarray(raster(document, PX_PER_PT * big)).min(axis=1) < 128)
    assert (rows[-1] - rows[0] + 1) / big >= MIN_GLYPH_PX - 0.1


@pytest.mark.parametrize("level", [level for level in LEVELS if level])
def test_glyphs_are_where_the_damage_moved_them(level: int) -> None:
    """The centre of a black square on a damaged page is where ``move`` says, within two pixels."""
    clean = np.full((260, 520), 255, np.uint8)
    clean[60:80, 400:420] = 0
    from PIL import Image

    r = Random(f"move/{level}")
    jpeg, move = damaged(Image.fromarray(clean), level, r, 2.0)
    import io

    pixels = np.asarray(Image.open(io.BytesIO(jpeg)), dtype=float)
    x, y = (2.0 * part for part in move(205.0, 35.0))
    window = 255 - pixels[int(y) - 20 : int(y) + 20, int(x) - 20 : int(x) + 20]
    dark = np.where(window > window.max() * 0.6, window, 0.0)
    rows, columns = np.mgrid[0 : window.shape[0], 0 : window.shape[1]]
    assert abs((rows * dark).sum() / dark.sum() - (y - int(y) + 20)) < 2.5
    assert abs((columns * dark).sum() / dark.sum() - (x - int(x) + 20)) < 2.5


def test_more_damage_leaves_less_of_the_page() -> None:
    """Averaged over pages, each level is further from the clean page than the one before it."""
    distance = []
    for level in LEVELS:
        total = 0.0
        for k in range(6):
            sheet = compose.slip_pages(Random(f"worse/{k}"))[0]
            clean = np.asarray(raster(draw(sheet), 1.4), float)
            total += float(
                np.abs(
                    np.asarray(raster(printed(sheet, level, Random(k)).page, 1.4), float) - clean
                ).mean()
            )
        distance.append(total)
    assert distance == sorted(distance)


def test_written_slips_come_with_their_truth(tmp_path: Path) -> None:
    """``truth.jsonl`` names every PDF beside it, with one truth a page."""
    truth = write_slips(5, 2, tmp_path, level=0)
    rows = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
    assert sorted(row["file"] for row in rows) == sorted(
        path.name for path in tmp_path.glob("*.pdf")
    )
    for row in rows:
        assert len(row["pages"]) == pymupdf.open(tmp_path / row["file"]).page_count


def test_the_samples_are_what_the_demo_promises() -> None:
    """At least twelve PDFs: clean, scanned, several pages, line items, one that cannot be opened,
    one encrypted; the same every time.
    """
    files = sample_pdfs()
    assert len(files) >= 12
    opened = {
        name: pymupdf.open(stream=data, filetype="pdf")
        for name, data in files.items()
        if name != "damaged.pdf"
    }
    assert [name for name, document in opened.items() if document.needs_pass] == ["encrypted.pdf"]
    assert opened["encrypted.pdf"].authenticate(PASSWORD)
    assert any(document.page_count > 1 for document in opened.values())
    with pytest.raises(pymupdf.FileDataError):
        pymupdf.open(stream=files["damaged.pdf"], filetype="pdf").load_page(0)
    again = sample_pdfs()
    assert {name: data for name, data in again.items() if name != "encrypted.pdf"} == {
        name: data for name, data in files.items() if name != "encrypted.pdf"
    }
