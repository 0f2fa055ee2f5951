"""Measures of a page image, on pictures whose quality is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from extractors.rendering.image_quality import ImageQuality, image_quality


def measured(picture: Image.Image) -> ImageQuality:
    """The measures of a picture."""
    return image_quality(*picture.size, picture.tobytes())


def a_page(*, ink: int = 0, paper: int = 255, blur: float = 0.0, text: bool = True) -> Image.Image:
    """A page with lines of print, in these shades of grey."""
    picture = Image.new("RGB", (400, 300), (paper,) * 3)
    if text:
        draw = ImageDraw.Draw(picture)
        for line in range(20, 280, 20):
            draw.text((20, line), "Total 12.50 EUR, payable to Foo Ltd", fill=(ink,) * 3)
    return picture.filter(ImageFilter.GaussianBlur(blur))


def test_clean_print_is_sharp_and_full_of_contrast():
    """Black on white, a few per cent of ink."""
    found = measured(a_page())

    assert found.contrast > 0.95  # the letters' edges are smoothed
    assert found.sharpness > 0.95
    assert 0.01 < found.ink < 0.2


def test_blur_costs_sharpness_and_more_blur_more():
    """One step from paper to print is spread over several pixels."""
    sharp, soft, softer = (measured(a_page(blur=blur)).sharpness for blur in (0.0, 1.0, 2.0))

    assert sharp > soft > softer > 0


def test_faded_print_has_less_contrast_and_stays_sharp():
    """The two are measured apart."""
    found = measured(a_page(ink=180))

    assert found.contrast == pytest.approx(75 / 255, abs=0.01)
    assert found.sharpness > 0.95


def test_a_blank_page_has_no_sharpness():
    """Unknown is None, never 0."""
    found = measured(a_page(text=False))

    assert (found.contrast, found.ink, found.sharpness) == (0.0, 0.0, None)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)])
def test_the_smallest_picture_is_measured_too(size):
    """Nothing is divided by zero."""
    assert measured(Image.new("RGB", size)).sharpness is None


@given(st.binary(min_size=48, max_size=48))
def test_every_measure_lies_between_0_and_1(pixels):
    """Whatever the picture; the database refuses anything else."""
    found = measured(Image.frombytes("RGB", (4, 4), pixels))

    assert 0.0 <= found.contrast <= 1.0
    assert 0.0 <= found.ink <= 1.0
    assert found.sharpness is None or 0.0 <= found.sharpness <= 1.0
