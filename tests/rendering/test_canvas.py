"""Pages are rendered to the size at which the model's image processor leaves every pixel alone."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.mllama.image_processing_pil_mllama import (
    MllamaImageProcessorPil,
    get_image_size_fit_to_canvas,
    get_optimal_tiled_canvas,
)

from extractors.errors import ModelNotLoadable
from extractors.rendering.canvas import canvas_of, fit
from extractors.types import LLAMA_CANVAS, Canvas
from tests.backends.mllama.conftest import checkpoint  # noqa: F401  a fixture

points = st.floats(0.5, 36_000)
canvases = st.builds(
    Canvas, tile_px=st.sampled_from([56, 224, 448, 560]), max_tiles=st.integers(1, 6)
)


@settings(max_examples=300)
@given(points, points, canvases)
def test_the_processor_resamples_nothing(width, height, canvas):
    """Its own choice of tiles and size, for any page and any canvas, is the size the page was
    rendered to.
    """
    w, h = fit(width, height, canvas)
    rows, columns = get_optimal_tiled_canvas(h, w, canvas.max_tiles, canvas.tile_px)
    assert get_image_size_fit_to_canvas(h, w, rows, columns, canvas.tile_px) == (h, w)
    assert w == columns or h == rows


@given(points, points, canvases)
def test_no_arrangement_of_tiles_would_show_the_page_larger(width, height, canvas):
    """Every pixel of resolution that the model has is used."""
    w, h = fit(width, height, canvas)
    for columns in range(1, canvas.max_tiles + 1):
        rows = canvas.max_tiles // columns
        scale = min(columns * canvas.tile_px / width, rows * canvas.tile_px / height)
        assert scale * max(width, height) <= max(w, h) + 1


@given(points, points)
def test_the_shape_of_the_page_is_kept(width, height):
    """Within half a pixel, unless a side would vanish."""
    w, h = fit(width, height, LLAMA_CANVAS)
    if min(w, h) > 1:
        assert abs(w * height - h * width) <= 0.51 * max(width, height)


@pytest.mark.parametrize(
    ("page", "size"),
    [
        ((595, 842), (791, 1120)),  # A4
        ((842, 595), (1120, 791)),
        ((72, 72), (1120, 1120)),  # a 1-inch label
        ((36_000, 36_000), (1120, 1120)),  # a poster
        ((36_000, 1_000), (2240, 62)),
        ((10, 36_000), (1, 2240)),
        ((320, 160), (1120, 560)),
    ],
)
def test_known_pages(page, size):
    """Posters and labels come out as large as any page."""
    assert fit(*page, LLAMA_CANVAS) == size


def test_pixels_reach_the_model_untouched():
    """Through the processor itself: the tiles hold the very pixels that were rendered."""
    canvas = Canvas(tile_px=56, max_tiles=4)
    w, h = fit(595, 842, canvas)
    image = np.random.default_rng(0).integers(0, 256, (h, w, 3), dtype=np.uint8)
    processor = MllamaImageProcessorPil(
        size={"height": 56, "width": 56}, image_mean=[0, 0, 0], image_std=[1, 1, 1]
    )
    # (4, 3, 56, 56)
    tiles = processor([[Image.fromarray(image)]], return_tensors="np")["pixel_values"][0, 0]
    whole = tiles.reshape(2, 2, 3, 56, 56).transpose(2, 0, 3, 1, 4).reshape(3, 112, 112)
    assert np.array_equal(
        np.rint(whole[:, :h, :w] * 255).astype(np.uint8), image.transpose(2, 0, 1)
    )


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (float("nan"), 10)])
def test_a_page_without_area_is_refused(size):
    """A size of nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="no area"):
        fit(*size, LLAMA_CANVAS)


def test_a_checkpoint_says_its_canvas(checkpoint):
    """Read from the processor's configuration, with no torch."""
    assert canvas_of(str(checkpoint)) == Canvas(tile_px=56, max_tiles=4)


def test_a_checkpoint_of_the_older_form_says_its_canvas(tmp_path):
    """Before transformers 5 the image processor had a file of its own."""
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"size": {"height": 448, "width": 448}, "max_image_tiles": 2})
    )
    assert canvas_of(str(tmp_path)) == Canvas(tile_px=448, max_tiles=2)


def test_a_name_on_the_hub_has_llamas_canvas():
    """Its folder is not here to be read."""
    assert canvas_of("meta-llama/Llama-3.2-11B-Vision-Instruct") == LLAMA_CANVAS


@pytest.mark.parametrize("content", [None, "{", '{"size": 3}'])
def test_a_folder_that_does_not_say_is_refused(tmp_path, content):
    """Guessing a canvas would blur every page."""
    if content is not None:
        (tmp_path / "preprocessor_config.json").write_text(content)
    with pytest.raises(ModelNotLoadable):
        canvas_of(str(tmp_path))
