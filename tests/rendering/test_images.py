"""PNG, JPEG and TIFF as documents."""

import struct

import pytest
from PIL import Image

from extractors.errors import TooManyPages, TooManyPixels, UnreadableFile, UnsupportedFile
from extractors.rendering import file_types, pdf
from extractors.types import LLAMA_CANVAS
from tests.rendering.files import GREEN, RED, WHITE, decoded, encoded, near, two_squares

LIMITS = {"max_pages": 5, "max_pixels": 1_000_000}
VIEW = {"dpi": 200, "max_pixels": 12_000_000}


def corners(image):
    """Colours at the four corners: top left, top right, bottom left, bottom right."""
    right, bottom = image.width - 3, image.height - 3
    return [image.getpixel(place) for place in ((2, 2), (right, 2), (2, bottom), (right, bottom))]


@pytest.mark.parametrize(
    ("kind", "how"),
    [("PNG", {}), ("JPEG", {"quality": 95}), ("JPEG", {"quality": 95, "progressive": True})]
    + [
        ("TIFF", {"compression": name})
        for name in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ],
)
def test_an_image_is_one_page_in_its_own_colours(kind, how):
    """Whatever the container and its compression."""
    with pdf.open_file(encoded(two_squares(), kind, **how), **LIMITS) as file:
        assert file.page_count == 1
        seen = corners(decoded(file.page(1).view(**VIEW)))
    assert all(
        near(one, other) for one, other in zip(seen, (RED, GREEN, WHITE, WHITE), strict=True)
    )


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA"])
def test_every_mode_of_png_becomes_rgb(mode):
    """The model takes three channels of 8 bits."""
    with pdf.open_file(encoded(two_squares(mode=mode), "PNG"), **LIMITS) as file:
        image = decoded(file.page(1).image(LLAMA_CANVAS).png)
    assert image.mode == "RGB"
    assert near(corners(image)[2], WHITE)
    assert not near(corners(image)[0], WHITE)


def test_a_cmyk_jpeg_is_not_inverted():
    """Print shops' JPEGs keep their hues: red is red, paper is white."""
    with pdf.open_file(encoded(two_squares(mode="CMYK"), "JPEG", quality=95), **LIMITS) as file:
        (red, _, _), (_, green, _), below, _ = seen = corners(decoded(file.page(1).view(**VIEW)))
    assert red > max(seen[0][1:]) + 80
    assert green == max(seen[1])
    assert near(below, WHITE)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (RED, GREEN, WHITE, WHITE)),
        (2, (GREEN, RED, WHITE, WHITE)),
        (3, (WHITE, WHITE, GREEN, RED)),
        (4, (WHITE, WHITE, RED, GREEN)),
        (5, (RED, WHITE, GREEN, WHITE)),
        (6, (WHITE, RED, WHITE, GREEN)),
        (7, (WHITE, GREEN, WHITE, RED)),
        (8, (GREEN, WHITE, RED, WHITE)),
    ],
)
def test_an_image_is_turned_as_its_header_says(kind, orientation, expected):
    """A photograph held sideways is read upright."""
    if kind == "JPEG":
        exif = Image.Exif()
        exif[file_types.ORIENTATION_TAG] = orientation
        data = encoded(two_squares(), "JPEG", quality=95, exif=exif)
    else:
        data = encoded(two_squares(), "TIFF", tiffinfo={file_types.ORIENTATION_TAG: orientation})
    with pdf.open_file(data, **LIMITS) as file:
        view = decoded(file.page(1).view(**VIEW))
    assert view.size == ((400, 200) if orientation < 5 else (200, 400))
    assert all(near(one, other) for one, other in zip(corners(view), expected, strict=True))


def test_a_tiff_has_as_many_pages_as_it_holds():
    """Fax machines send them so; pages may differ in size."""
    second = two_squares((300, 300))
    with pdf.open_file(
        encoded(two_squares(), "TIFF", save_all=True, append_images=[second]), **LIMITS
    ) as file:
        sizes = [
            decoded(file.page(number).view(**VIEW)).size for number in range(1, file.page_count + 1)
        ]
    assert sizes == [(400, 200), (300, 300)]


@pytest.mark.parametrize("dpi", [1, 72, 600, 2400])
def test_an_image_is_shown_pixel_by_pixel_whatever_resolution_it_claims(dpi):
    """A claim of 2,400 dots an inch must not shrink a receipt to a stamp."""
    with pdf.open_file(encoded(two_squares(), "PNG", dpi=(dpi, dpi)), **LIMITS) as file:
        assert decoded(file.page(1).view(**VIEW)).size == (400, 200)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_an_image_of_too_many_pixels_is_refused_by_its_header(kind):
    """Nothing is decoded before the check."""
    with pytest.raises(TooManyPixels, match="1001 x 1000"):  # noqa: SIM117
        with pdf.open_file(encoded(Image.new("L", (1001, 1000)), kind), **LIMITS) as file:
            file.page(1)


def test_every_page_of_a_tiff_is_checked():
    """The large one may stand last."""
    data = encoded(
        two_squares(), "TIFF", save_all=True, append_images=[Image.new("RGB", (2000, 600))]
    )
    with pytest.raises(TooManyPixels, match="2000 x 600"):
        pdf.open_file(data, **LIMITS)


def test_a_tiff_of_too_many_pages_is_refused():
    """Like a PDF."""
    data = encoded(two_squares(), "TIFF", save_all=True, append_images=[two_squares()] * 5)
    with pytest.raises(TooManyPages):
        pdf.open_file(data, **LIMITS)


def test_a_tiff_whose_pages_run_in_a_circle_ends():
    """The chain of pages is followed only as far as the limit."""
    data = bytearray(encoded(two_squares(), "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * tags, first)
    assert len(list(file_types.tiff_pages(bytes(data), at_most=7))) == 7


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_an_image_that_is_cut_short_is_refused(kind, kept):
    """Its lower half in grey would look like an empty half to the model."""
    noise = Image.effect_noise((300, 300), 80).convert("RGB")
    data = encoded(noise, kind)
    with pytest.raises(UnreadableFile):  # noqa: SIM117
        with pdf.open_file(data[: int(len(data) * kept)], **LIMITS) as file:
            file.page(1).image(LLAMA_CANVAS)


def test_a_bigtiff_is_refused_by_name():
    """The library cannot read it, and the error says so."""
    with pytest.raises(UnsupportedFile, match="BigTIFF"):
        file_types.sniff(b"II+\x00\x08\x00\x00\x00")


def test_our_png_is_the_picture_that_was_drawn():
    """Pixel for pixel, read back by another library."""
    noise = Image.effect_noise((31, 17), 80).convert("RGB")
    again = decoded(file_types.png(31, 17, noise.tobytes()))
    assert (again.size, again.mode, again.tobytes()) == ((31, 17), "RGB", noise.tobytes())


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"\x00junk\n%PDF-1.4", "pdf"), (b"%PDF", "pdf"), (b"junk\nstartxref\n0\n%%EOF", "pdf")],
)
def test_a_pdf_is_known_by_a_late_header_or_its_end(data, kind):
    """Scanners and mail gateways put bytes before the header."""
    assert file_types.sniff(data) == kind
