"""The size a page is rendered to for a model: as large as its tile canvas takes, so that nothing is
resampled afterwards.
"""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from extractors.errors import ModelNotLoadable
from extractors.types import LLAMA_CANVAS, Canvas

# before and since transformers 5
_CONFIG_FILES = ("preprocessor_config.json", "processor_config.json")


def canvas_of(model: str) -> Canvas:
    """The tile canvas of a checkpoint, read from its folder without loading it; Llama's own for a
    name on a hub.

    Raises ModelNotLoadable when a folder's configuration does not say.
    """
    folder = Path(model)
    if not folder.is_dir():
        return LLAMA_CANVAS
    for name in _CONFIG_FILES:
        if (folder / name).is_file():
            return _canvas(folder / name)
    raise ModelNotLoadable(
        f"{folder} has no {' or '.join(_CONFIG_FILES)}. Point the model setting at a folder that"
        " save_pretrained wrote."
    )


def _canvas(path: Path) -> Canvas:
    try:
        config: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        config = config.get("image_processor", config)
        return Canvas(
            tile_px=int(config["size"]["height"]), max_tiles=int(config["max_image_tiles"])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelNotLoadable(
            f"{path} does not give size.height and max_image_tiles ({error!r}). Save the processor"
            " again."
        ) from error


def fit(width_pt: float, height_pt: float, canvas: Canvas) -> tuple[int, int]:
    """Width and height in pixels of the model's rendition of a page.

    One side fills the best arrangement of tiles exactly and the other does not exceed it, which
    makes the scale that Mllama's image processor looks for exactly 1: it takes this arrangement and
    leaves every pixel as it is.
    """
    if not (width_pt > 0 and height_pt > 0):
        raise ValueError(f"a page of {width_pt} x {height_pt} pt has no area")
    width, height = Fraction(width_pt), Fraction(height_pt)
    scale, _, columns, rows = max(_arrangements(width, height, canvas))
    return _pixels(width * scale, columns * canvas.tile_px), _pixels(
        height * scale, rows * canvas.tile_px
    )


def _arrangements(
    width: Fraction, height: Fraction, canvas: Canvas
) -> Iterator[tuple[Fraction, int, int, int]]:
    """Every (scale, -tiles, columns, rows): the largest scale is best, and of equals the one with
    the fewest tiles.
    """
    for columns in range(1, canvas.max_tiles + 1):
        for rows in range(1, canvas.max_tiles // columns + 1):
            scale = min(columns * canvas.tile_px / width, rows * canvas.tile_px / height)
            yield scale, -columns * rows, columns, rows


def _pixels(length: Fraction, most: int) -> int:
    return min(max(round(length), 1), most)
