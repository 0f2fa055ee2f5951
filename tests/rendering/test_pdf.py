"""Pages, words and refusals of extractors/rendering/pdf.py, on files made here."""

import io

import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from extractors.errors import (
    EncryptedPdf,
    NoPages,
    SurefieldError,
    TooManyPages,
    TooManyPixels,
    UnreadableFile,
    UnsupportedFile,
)
from extractors.rendering import pdf
from extractors.rendering.canvas import fit
from extractors.types import LLAMA_CANVAS
from tests.rendering.files import CANVAS, a_pdf, decoded, large_image_pdf, locked, raw_pdf

LIMITS = {"max_pages": 10, "max_pixels": 10_000_000}
VIEW = {"dpi": 200, "max_pixels": 12_000_000}


def ink_box(png, page):
    """Where the page is not white, in points."""
    image = decoded(png)
    x0, y0, x1, y1 = ImageChops.difference(image, Image.new("RGB", image.size, "white")).getbbox()
    across, down = page.width_pt / image.width, page.height_pt / image.height
    return x0 * across, y0 * down, x1 * across, y1 * down


def outcome_of(data):
    """The code of the error, or "pages"."""
    try:
        with pdf.open_file(data, **LIMITS) as file:
            for number in range(1, file.page_count + 1):
                file.page(number).words()
    except SurefieldError as error:
        return error.code
    return "pages"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("cropped", [False, True])
def test_a_word_box_covers_the_words_ink(rotation, cropped):
    """Boxes are in points of the page as displayed, whatever its rotation and crop box."""
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_text((60, 150), "HXH", fontsize=30)
    if cropped:
        page.set_cropbox(pymupdf.Rect(20, 30, 260, 370))
    page.set_rotation(rotation)

    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        page = file.page(1)
        (word,) = page.words()
        x0, y0, x1, y1 = ink_box(page.view(**VIEW), page)

    assert word.text == "HXH"
    assert word.box.x0 - 1 <= x0 < x1 <= word.box.x1 + 1
    assert word.box.y0 - 1 <= y0 < y1 <= word.box.y1 + 1
    along, across = sorted((x1 - x0, y1 - y0), reverse=True)
    assert along > 0.9 * max(word.box.x1 - word.box.x0, word.box.y1 - word.box.y0)
    assert across > 0.4 * min(word.box.x1 - word.box.x0, word.box.y1 - word.box.y0)


def test_a_rotated_page_is_measured_as_displayed():
    """Width and height change places with a quarter turn."""
    document = pymupdf.open()
    document.new_page(width=300, height=400).set_rotation(90)
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        page = file.page(1)
    assert (page.width_pt, page.height_pt) == (400, 300)


def test_the_crop_box_hides_what_lies_outside():
    """Neither the picture nor the words show what a viewer does not show."""
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_text((50, 100), "inside")
    page.insert_text((250, 390), "outside")
    page.set_cropbox(pymupdf.Rect(20, 30, 200, 330))
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        page = file.page(1)
        assert (page.width_pt, page.height_pt) == (180, 300)
        assert [word.text for word in page.words()] == ["inside"]


@settings(max_examples=25, deadline=None)
@given(st.floats(3, 14_400), st.floats(3, 14_400))
def test_the_models_rendition_has_exactly_the_size_that_fills_the_canvas(width, height):
    """Not one pixel off, or the processor would resample it."""
    document = pymupdf.open()
    document.new_page(width=width, height=height)
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        page = file.page(1)
        image = page.image(CANVAS)
    assert (image.width_px, image.height_px) == fit(page.width_pt, page.height_pt, CANVAS)
    assert decoded(image.png).size == (image.width_px, image.height_px)
    assert decoded(image.png).mode == "RGB"


@pytest.mark.parametrize("size", [(36_000, 24_000), (72, 72), (36_000, 3), (3, 36_000)])
def test_posters_and_labels_come_out_right(size):
    """A 36,000-pt poster, a 1-inch label and a ribbon: both renditions have pixels, and people's
    are capped.
    """
    with pdf.open_file(a_pdf(size=size), **LIMITS) as file:
        page = file.page(1)
        image, view = page.image(LLAMA_CANVAS), decoded(page.view(**VIEW))
    assert max(image.width_px, image.height_px) >= 1120
    assert min(image.width_px, image.height_px) >= 1
    assert 1 <= view.width * view.height <= 12_000_000
    assert view.width <= size[0] * 200 / 72 + 1
    assert view.height <= size[1] * 200 / 72 + 1
    if min(size) > 72:
        assert view.width / view.height == pytest.approx(size[0] / size[1], rel=0.01)


def test_an_ordinary_page_is_shown_at_200_dpi():
    """A4 for people."""
    with pdf.open_file(a_pdf(size=(595, 842)), **LIMITS) as file:
        assert decoded(file.page(1).view(**VIEW)).size == (1653, 2339)


def test_form_fields_and_annotations_are_drawn_and_read():
    """A filled form field without its own appearance still shows, and so does a note on the
    page.
    """
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    field = pymupdf.Widget()
    field.field_name, field.field_type = "name", pymupdf.PDF_WIDGET_TYPE_TEXT
    field.rect, field.field_value = pymupdf.Rect(50, 50, 200, 80), "Filled"
    page.add_widget(field)
    document.xref_set_key(next(page.widgets()).xref, "AP", "null")
    page.add_freetext_annot(pymupdf.Rect(50, 150, 200, 180), "Noted")
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        page = file.page(1)
        assert {word.text for word in page.words()} == {"Filled", "Noted"}
        _, top, _, bottom = ink_box(page.view(**VIEW), page)
    assert top < 80
    assert bottom > 150


@pytest.mark.parametrize(
    ("text", "font"), [("請求書", "china-t"), ("請求書番号", "japan"), ("영수증", "korea")]
)
def test_words_in_other_scripts_are_read(text, font):
    """The text layer is Unicode, not an encoding."""
    document = pymupdf.open()
    document.new_page(width=300, height=400).insert_text((50, 100), text, fontname=font)
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        assert "".join(word.text for word in file.page(1).words()) == text


def test_right_to_left_words_are_in_logical_order():
    """Hebrew comes back as it is typed, not as it is painted."""
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_htmlbox(pymupdf.Rect(20, 20, 280, 80), '<p dir="rtl">חשבונית מס</p>')
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        assert sorted(word.text for word in file.page(1).words()) == sorted(["חשבונית", "מס"])


def test_ligatures_are_spelt_out():
    """A printed fi-ligature is compared as two letters."""
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_htmlbox(pymupdf.Rect(20, 20, 280, 80), "<p>o\ufb03ce</p>")
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        assert [word.text for word in file.page(1).words()] == ["office"]


def test_words_hold_nothing_that_a_database_refuses():
    """NUL and lone surrogates are gone, and no word is longer than a line."""
    assert pdf._storable("a\0b\ud800 ") == "ab?"
    assert len(pdf._storable("x" * 10_000)) == pdf.MAX_LETTERS


def test_the_right_password_opens_an_encrypted_pdf():
    """And the page is read like any other."""
    with pdf.open_file(locked("sesam"), password="sesam", **LIMITS) as file:
        assert [word.text for word in file.page(1).words()] == ["Total", "12.50", "page1"]


@pytest.mark.parametrize("password", ["hôtel", "пароль", "暗号"])
def test_a_password_may_be_in_any_script(password):
    """People do not choose ASCII."""
    with pdf.open_file(locked(password), password=password, **LIMITS) as file:
        assert file.page_count == 1


@pytest.mark.parametrize(
    ("password", "said"), [(None, "none was given"), ("wrong", "does not open")]
)
def test_without_the_right_password_the_error_says_which_mistake_it_was(password, said):
    """No password and a wrong one need different answers."""
    with pytest.raises(EncryptedPdf, match=said) as caught:
        pdf.open_file(locked("sesam"), password=password, **LIMITS)
    assert "wrong" not in str(caught.value)


def test_a_pdf_that_only_its_owner_may_change_opens_without_a_password():
    """An owner's password restricts editing, not reading."""
    with pdf.open_file(locked(""), **LIMITS) as file:
        assert file.page_count == 1


def test_a_pdf_without_pages_is_refused():
    """There is nothing to read."""
    with pytest.raises(NoPages):
        pdf.open_file(
            raw_pdf(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 0 /Kids [] >>"),
            **LIMITS,
        )


def test_too_many_pages_are_refused_before_any_is_drawn():
    """The limit itself is allowed."""
    with pdf.open_file(a_pdf(pages=10), **LIMITS) as file:
        assert file.page_count == 10
    with pytest.raises(TooManyPages, match="11 pages and the limit is 10"):
        pdf.open_file(a_pdf(pages=11), **LIMITS)


def test_a_page_that_the_file_only_claims_to_have_is_an_error():
    """Silently reading fewer pages than the file counts would lose fields."""
    document = raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 2 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
    )
    with pdf.open_file(document, **LIMITS) as file:
        assert file.page_count == 2
        file.page(1)
        with pytest.raises(UnreadableFile, match="Page 2 of 2"):
            file.page(2)


def test_an_image_inside_a_page_is_measured_before_it_is_decoded():
    """A bomb of few bytes is refused by what it declares."""
    with (
        pdf.open_file(large_image_pdf(width=4000, height=4000), **LIMITS) as file,
        pytest.raises(TooManyPixels, match="4000 x 4000"),
    ):
        file.page(1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"hello", "unknown kind"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"<html>", "HTML"),
        (b"RIFF....WEBP", "WebP"),
        (b"GIF89a", "GIF"),
    ],
)
def test_other_kinds_of_files_are_named_in_the_error(data, said):
    """The submitter learns what he sent and what to send."""
    with pytest.raises(UnsupportedFile, match=said) as caught:
        pdf.open_file(data, **LIMITS)
    assert "Send a PDF" in str(caught.value)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6])
def test_a_truncated_pdf_ends_in_pages_or_a_named_error(kept):
    """Whatever can be repaired is; nothing else leaves the module."""
    data = a_pdf(pages=3)
    outcome = outcome_of(data[: int(len(data) * kept)])
    assert outcome in {"pages", "unreadable_file", "no_pages"}


def test_the_text_of_an_error_never_quotes_the_document():
    """The library's own words do; they are kept out of messages."""
    with (
        pytest.raises(UnreadableFile) as caught,
        pdf._library_faults("The page is damaged. Export it again."),
    ):
        raise RuntimeError("code=7: unknown keyword: 'SWORDFISH'")
    assert str(caught.value) == "The page is damaged. Export it again."


@pytest.mark.parametrize(
    "said",
    ["malloc (1048576 bytes) failed", "calloc (3 x 4 bytes) failed", "realloc (9 bytes) failed"],
)
def test_memory_that_ran_out_is_not_taken_for_a_damaged_file(said):
    """Raised or only complained of: a page without the image that found no memory must not pass as
    whole.
    """
    with pytest.raises(MemoryError), pdf._library_faults("Damaged."):
        raise RuntimeError(said)
    with pytest.raises(MemoryError), pdf._library_faults("Damaged."):
        pymupdf.JM_mupdf_warnings_store.append(said)
    pdf.take_warnings()


def test_complaints_of_the_library_are_kept_with_their_page_and_not_printed(capfd):
    """Standard error stays silent; the complaints become findings, each once."""
    broken = a_pdf().replace(b"xref", b"xrxx")
    with pdf.open_file(broken, **LIMITS) as file:
        assert [found.code for found in file.about()[0]] == ["file_repaired"]
        page = file.page(1)
        page.image(CANVAS)
        assert page.findings() == ()
    assert pdf.take_warnings() == ()
    assert capfd.readouterr() == ("", "")


def test_transparency_is_shown_over_white():
    """As paper is."""
    image = Image.new("RGBA", (80, 40), (0, 0, 0, 0))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    document = pymupdf.open()
    document.new_page(width=80, height=40).insert_image(
        pymupdf.Rect(0, 0, 80, 40), stream=buffer.getvalue()
    )
    with pdf.open_file(document.tobytes(), **LIMITS) as file:
        assert decoded(file.page(1).view(**VIEW)).getextrema() == ((255, 255),) * 3
