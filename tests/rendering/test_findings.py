"""What rendering lost is said: each complaint and each silent loss is a finding with a code."""

import io
import zipfile
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from extractors.errors import UnsupportedFile
from extractors.rendering import pdf
from extractors.rendering.findings import CODES, Finding, Severity, of_warnings
from extractors.rendering.wholeness import is_damaged_jpeg
from extractors.types import Canvas

LIMITS = {"max_pages": 50, "max_pixels": 10**8}
CANVAS = Canvas(tile_px=64, max_tiles=2)


def findings_of(data: bytes) -> set[str]:
    """The codes of all findings about a file and its pages."""
    with pdf.open_file(data, **LIMITS) as file:
        found = list(file.about()[0])
        for number in range(1, file.page_count + 1):
            page = file.page(number)
            page.image(CANVAS)
            page.words()
            found += page.findings()
    return {each.code for each in found}


def a_pdf(*lines: str, compress: bool = False) -> bytes:
    document = pymupdf.open()
    page = document.new_page(width=300, height=200)
    for row, line in enumerate(lines or ("Total 12.50",)):
        page.insert_text((20, 40 + 20 * row), line)
    return document.tobytes(deflate=compress)


def a_jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()


def with_picture(jpeg: bytes) -> bytes:
    document = pymupdf.open()
    page = document.new_page(width=300, height=200)
    page.insert_image(page.rect, stream=jpeg)
    return document.tobytes()


def test_a_sound_file_has_no_finding():
    """Words, pictures, both."""
    assert findings_of(a_pdf()) == set()
    assert findings_of(with_picture(a_jpeg())) == set()
    assert findings_of(a_jpeg()) == set()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("trying to repair broken xref", "file_repaired"),
        ("format error: cannot find startxref", "file_repaired"),
        ("premature end of data in flate filter", "file_cut_short"),
        ("premature end of file in jpeg", "file_cut_short"),
        ("syntax error: no XObject subtype specified", "part_missing"),
        ("cannot load content stream part 3/31", "part_missing"),
        ("syntax error: unknown keyword: 'nosuch'", "content_damaged"),
        ("ignoring zlib error: incorrect data check", "content_damaged"),
        ("something that no release has said before", "not_drawn"),
    ],
)
def test_every_complaint_has_a_class(line, code):
    """One that is not known counts as lost: a picture that is not whole must not pass as whole."""
    assert of_warnings([line, line], page=2) == (Finding(code, 2),)


def test_a_line_that_only_counts_the_one_before_says_nothing():
    """It would otherwise be an unknown complaint."""
    assert of_warnings(["... repeated 27 times..."], page=1) == ()


def test_an_unknown_code_of_a_later_release_counts_as_lost():
    """Rows that a later release wrote are read with caution."""
    assert Finding("from the future").severity is Severity.LOST


def test_every_code_has_a_sentence_for_people():
    """With its full stop."""
    assert all(message.endswith(".") for _, message in CODES.values())


@pytest.mark.parametrize("at", [0.3, 0.5, 0.7])
def test_a_jpeg_that_is_damaged_in_its_middle_is_told(at):
    """The library draws it without a word."""
    jpeg = bytearray(a_jpeg())
    middle = int(len(jpeg) * at)
    jpeg[middle : middle + 40] = b"\x00" * 40
    assert is_damaged_jpeg(bytes(jpeg))
    assert "picture_damaged" in findings_of(with_picture(bytes(jpeg)))
    assert "picture_damaged" in findings_of(bytes(jpeg))


def test_two_files_in_one_are_refused():
    """Only one of them would be read; three are no better."""
    for count in (2, 3):
        with pytest.raises(UnsupportedFile, match="several PDFs"):
            findings_of(b"\n".join(a_pdf(f"Total {n}.00") for n in range(count)))


def test_an_attached_pdf_that_is_stored_as_it_is_makes_no_second_file():
    """Its bytes stand inside a stream; people are told that it was not read."""
    document = pymupdf.open("pdf", a_pdf())
    document.embfile_add("terms.pdf", a_pdf("Terms"), filename="terms.pdf")
    assert findings_of(document.tobytes(expand=True)) == {"attachment"}


def test_a_file_that_was_saved_again_is_one_file(tmp_path):
    """An update is written behind the end of the file; it has no header of its own."""
    path = tmp_path / "a.pdf"
    path.write_bytes(a_pdf())
    document = pymupdf.open(path)
    document[0].insert_text((20, 100), "Paid")
    document.saveIncr()
    assert path.read_bytes().count(b"%%EOF") > 1
    assert findings_of(path.read_bytes()) == set()


def test_containers_are_named():
    """A ZIP whose PDF is stored, and a mail with a PDF in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.pdf", a_pdf())
    with pytest.raises(UnsupportedFile, match="ZIP"):
        findings_of(packed.getvalue())
    with pytest.raises(UnsupportedFile, match="mail"):
        findings_of(b"From: a@example.org\r\nSubject: bill\r\n\r\n" + a_pdf())


def test_an_empty_line_before_the_header_is_no_container():
    """Some programs write one."""
    assert findings_of(b"\r\n" + a_pdf()) <= {"file_repaired"}


def test_a_crop_box_outside_the_page_is_told():
    """The page is drawn empty, where other programs show it."""
    document = pymupdf.open("pdf", a_pdf())
    document.xref_set_key(document[0].xref, "CropBox", "[900 900 950 950]")
    assert "crop_box_unusable" in findings_of(document.tobytes())


def test_a_form_value_that_is_not_drawn_is_told():
    """And one that is drawn is not."""
    document = pymupdf.open("pdf", a_pdf())
    widget = pymupdf.Widget()
    widget.field_name, widget.field_type = "total", pymupdf.PDF_WIDGET_TYPE_TEXT
    widget.rect, widget.field_value = pymupdf.Rect(20, 100, 200, 120), "1,250.00"
    document[0].add_widget(widget)
    assert findings_of(document.tobytes()) == set()
    xref = next(document[0].widgets()).xref
    document.xref_set_key(xref, "V", "(9,250.00)")
    assert findings_of(document.tobytes()) == {"form_value_not_drawn"}


def test_the_projects_own_odd_files_are_told_by_their_kind():
    """Each file that must be doubted has a finding that doubts, each whole one has none."""
    folder = Path(__file__).parent / "odd"
    lost = {"content_cut", "cut_file", "line_ends_changed", "part_object_missing"}
    lost |= {"scan_jpeg_cut", "syntax_errors", "crop_without_area", "form_value_not_drawn"}
    for path in sorted(folder.glob("*.pdf")):
        worst = {CODES[code][0] for code in findings_of(path.read_bytes())}
        assert (Severity.LOST in worst) == (path.stem in lost), (path.name, worst)


@pytest.mark.parametrize("kind", ["Collection", "NeedsRendering"])
def test_covers_are_refused_with_the_way_out(kind):
    """A portfolio's cover and an XFA form's placeholder are no documents."""
    document = pymupdf.open("pdf", a_pdf("Please wait..."))
    catalog = document.pdf_catalog()
    if kind == "Collection":
        document.xref_set_key(catalog, "Collection", "<</View/T>>")
    else:
        document.xref_set_key(catalog, "AcroForm", "<</Fields[]/XFA[(a)(b)]>>")
        document.xref_set_key(catalog, "NeedsRendering", "true")
    with pytest.raises(UnsupportedFile, match=r"portfolio|XFA form"):
        findings_of(document.tobytes())
