"""Examples for training: pages as the processor would tile them, the characters in each patch, and
the answers token by token.

python -m extractors.demo.dataset KIND --first K --shards N # KIND: dense, clean, mixed or worn;
written to .train/shards python -m extractors.demo.dataset all # what a whole training needs, in the
order it needs it
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from transformers.models.mllama.image_processing_pil_mllama import (
    get_all_supported_aspect_ratios,
    get_image_size_fit_to_canvas,
    get_optimal_tiled_canvas,
)

from extractors.demo import compose, others
from extractors.demo.layout import TILE_PX, Glyph, Sheet, glyphs
from extractors.demo.model import PATCH_PX
from extractors.demo.processor import END, build_processor
from extractors.demo.slips import Print, printed, raster
from extractors.documents.slip import Slip
from extractors.documents.spec import Kind
from extractors.reading import prompts

SHARD = 512  # pages in one file
SIDE = TILE_PX // PATCH_PX  # patches along a tile's side
SLOTS = 4  # characters told apart within one patch, left to right
CHARS = "".join(chr(c) for c in range(33, 127)) + "£"
CODE = {char: i + 1 for i, char in enumerate(CHARS)}  # 0: nothing there
NAMES = tuple(field.name for field in Slip.spec.fields)
LEVEL_SHARES = {
    "dense": (80, 8, 6, 4, 2),
    "clean": (88, 6, 4, 2, 0),
    "mixed": (46, 16, 16, 13, 9),
    "worn": (0, 15, 35, 35, 15),
}

# Kind, first and number of shards, in the order in which a training wants them: a little of each
# before much of any.
WHOLE = (
    *((kind, 0, 10) for kind in LEVEL_SHARES),
    ("dense", 10, 40),
    ("clean", 10, 70),
    ("mixed", 10, 190),
    ("worn", 10, 30),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One answer's tokens and, for each, the vision token of the patch where its character stands
    (-1: nowhere).
    """

    ids: list[int]
    places: list[int]


@dataclass(frozen=True, slots=True)
class Example:
    """One page, ready to be learned from."""

    tiles: np.ndarray  # (2, TILE_PX, TILE_PX) uint8
    aspect: int  # Mllama's aspect ratio id
    n_tiles: int
    chars: np.ndarray  # (2 * SIDE * SIDE, SLOTS) uint8
    segments: tuple[Segment, ...]  # the JSON answer, then one a field; none for a dense page


@dataclass(frozen=True, slots=True)
class Frame:
    """How a page lies on the canvas, as Mllama's processor lays it."""

    rows: int  # of tiles
    columns: int
    width_px: int
    height_px: int
    px_per_pt: float

    @property
    def aspect(self) -> int:
        return 1 + int(get_all_supported_aspect_ratios(2).index((self.rows, self.columns)))

    def place(self, x_px: float, y_px: float) -> tuple[int, int] | None:
        """Tile and patch of a pixel, or None when it is off the page."""
        if not (0 <= x_px < self.width_px and 0 <= y_px < self.height_px):
            return None
        column, row = int(x_px // PATCH_PX), int(y_px // PATCH_PX)
        tile = (row // SIDE) * self.columns + column // SIDE
        return tile, (row % SIDE) * SIDE + column % SIDE


def frame(width_pt: float, height_pt: float) -> Frame:
    """The canvas for a page of this shape."""
    height, width = max(1, round(height_pt * 20)), max(1, round(width_pt * 20))
    canvas_height, canvas_width = get_optimal_tiled_canvas(height, width, 2, TILE_PX)
    height_px, width_px = get_image_size_fit_to_canvas(
        height, width, canvas_height, canvas_width, TILE_PX
    )
    return Frame(
        int(canvas_height) // TILE_PX,
        int(canvas_width) // TILE_PX,
        int(width_px),
        int(height_px),
        min(width_px / width_pt, height_px / height_pt),
    )


def tiled(one: Print, at: Frame) -> np.ndarray:
    """The page's pixels, tiled; padding is black, as the processor pads."""
    image = raster(one.page, at.px_per_pt)
    canvas = np.zeros((at.rows * TILE_PX, at.columns * TILE_PX), np.uint8)
    pixels = np.asarray(image)[: at.height_px, : at.width_px]
    canvas[: pixels.shape[0], : pixels.shape[1]] = pixels
    tiles = (
        canvas.reshape(at.rows, TILE_PX, at.columns, TILE_PX)
        .swapaxes(1, 2)
        .reshape(-1, TILE_PX, TILE_PX)
    )
    out = np.zeros((2, TILE_PX, TILE_PX), np.uint8)
    out[: len(tiles)] = tiles
    return out


def example(one: Print) -> Example:
    """What is to be learned from one printed page."""
    sheet = one.sheet
    at = frame(sheet.width_pt, sheet.height_pt)
    chars = np.zeros((2 * SIDE * SIDE, SLOTS), np.uint8)
    # running text of other shapes is far below what the canvas resolves
    legible = sheet.width_pt == 260.0
    fields: dict[str, list[int]] = {}
    standing: dict[tuple[int, int], list[tuple[float, str]]] = {}
    for ink in sheet.inks if legible else ():
        places = []
        for glyph in glyphs(ink):
            x, y = _on_canvas(glyph, one, at)
            spot = at.place(x, y)
            places.append(-1 if spot is None else spot[0] * (SIDE * SIDE + 1) + 1 + spot[1])
            if spot is not None and glyph.char in CODE:
                standing.setdefault(spot, []).append((x, glyph.char))
        if ink.field:
            fields[ink.field] = places
    for (tile, patch), found in standing.items():
        for slot, (_, char) in enumerate(sorted(found)[:SLOTS]):
            chars[tile * SIDE * SIDE + patch, slot] = CODE[char]
    segments = _segments(sheet, fields) if sheet.truth else ()
    return Example(tiled(one, at), at.aspect, at.rows * at.columns, chars, segments)


def _on_canvas(glyph: Glyph, one: Print, at: Frame) -> tuple[float, float]:
    x, y = one.move(glyph.x, glyph.y)
    return x * at.px_per_pt, y * at.px_per_pt


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    return build_processor().tokenizer


@lru_cache(maxsize=65536)
def tokens_of(text: str) -> tuple[int, ...]:
    """Token ids of a piece of an answer."""
    return tuple(_tokenizer()(text, add_special_tokens=False).input_ids)


def _segments(sheet: Sheet, fields: dict[str, list[int]]) -> tuple[Segment, ...]:
    values = {name: _value(sheet.truth, name, fields) for name in NAMES}
    whole = Segment([], [])
    for i, name in enumerate(NAMES):
        _add(whole, tokens_of(prompts.field_prefix(name) if i == 0 else f', "{name}": '))
        whole.ids.extend(values[name].ids)
        whole.places.extend(values[name].places)
    _add(whole, (*tokens_of("}"), _tokenizer().convert_tokens_to_ids(END)))
    singles = []
    for name in NAMES:
        single = Segment([], [])
        _add(single, tokens_of(prompts.field_prefix(name)))
        singles.append(Segment(single.ids + values[name].ids, single.places + values[name].places))
    return (whole, *singles)


def _add(segment: Segment, ids: tuple[int, ...]) -> None:
    segment.ids.extend(ids)
    segment.places.extend([-1] * len(ids))


def _value(truth: Any, name: str, fields: dict[str, list[int]]) -> Segment:
    segment = Segment([], [])
    field = Slip.spec.field(name)
    if field.kind is not Kind.GROUP:
        _add_text(segment, truth[name], fields.get(name))
    elif not truth[name]:
        _add(segment, tokens_of("[]"))
    else:
        _add(segment, tokens_of("["))
        for i, row in enumerate(truth[name]):
            if i:
                _add(segment, tokens_of(", "))
            for k, member in enumerate(field.members):
                _add(
                    segment,
                    tokens_of(
                        prompts.field_prefix(member.name) if k == 0 else f', "{member.name}": '
                    ),
                )
                _add_text(segment, row[member.name], fields.get(f"{name}.{i}.{member.name}"))
            _add(segment, tokens_of("}"))
        _add(segment, tokens_of("]"))
    return segment


def _add_text(segment: Segment, text: str | None, places: list[int] | None) -> None:
    if text is None:
        _add(segment, tokens_of("null"))
        return
    _add(segment, tokens_of('"'))
    for i, char in enumerate(text):
        ids = tokens_of(json.dumps(char, ensure_ascii=False)[1:-1])
        segment.ids.extend(ids)
        segment.places.extend([places[i] if places else -1] * len(ids))
    _add(segment, tokens_of('"'))


def pages(kind: str, key: str) -> Iterator[Example]:
    """An endless stream of training examples; the split's name is in the seed."""
    i = 0
    while True:
        r = Random(f"train/{kind}/{key}/{i}")
        i += 1
        if kind == "dense":
            sheets = [others.dense_page(r)]
        else:
            sheets = (
                compose.slip_pages(r) if r.random() >= others.NO_SLIP else [others.other_page(r)]
            )
        level = r.choices(range(5), LEVEL_SHARES[kind])[0]
        for sheet in sheets:
            yield example(printed(sheet, level, r))


def save_shard(path: Path, examples: list[Example]) -> None:
    """Write one file, whole or not at all."""
    segments = [segment for one in examples for segment in one.segments]
    arrays = {
        "tiles": np.stack([one.tiles for one in examples]),
        "aspect": np.array([one.aspect for one in examples], np.uint8),
        "n_tiles": np.array([one.n_tiles for one in examples], np.uint8),
        "chars": np.stack([one.chars for one in examples]),
        "lengths": np.array([len(segment.ids) for segment in segments], np.int32),
        "ids": np.array([i for segment in segments for i in segment.ids], np.int16),
        "places": np.array([p for segment in segments for p in segment.places], np.int16),
    }
    part = path.with_suffix(".part.npz")
    np.savez(part, allow_pickle=False, **arrays)
    os.replace(part, path)


class Shard:
    """One file of examples, read lazily."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as data:
            self.tiles, self.aspect, self.n_tiles, self.chars = (
                data["tiles"],
                data["aspect"],
                data["n_tiles"],
                data["chars"],
            )
            self._ids, self._places = data["ids"], data["places"]
            self._ends = np.concatenate([[0], np.cumsum(data["lengths"])])

    def __len__(self) -> int:
        return len(self.tiles)

    def lengths(self, page: int) -> list[int]:
        """How many tokens the JSON answer and each field's continuation have."""
        k = page * (1 + len(NAMES))
        return [int(self._ends[k + i + 1] - self._ends[k + i]) for i in range(1 + len(NAMES))]

    def segment(self, page: int, which: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids and places of the JSON answer (0) or of a field's continuation (1...)."""
        k = page * (1 + len(NAMES)) + which
        a, b = self._ends[k], self._ends[k + 1]
        return self._ids[a:b], self._places[a:b]


def make_shards(kind: str, first: int, how_many: int, out: Path, size: int = SHARD) -> None:
    """Write the shards of one kind that are not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    for k in range(first, first + how_many):
        path = out / f"{kind}-{k:05d}.npz"
        if not path.exists():
            stream = pages(kind, str(k))
            save_shard(path, [next(stream) for _ in range(size)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=[*LEVEL_SHARES, "all"])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path(".train/shards"))
    args = parser.parse_args()
    for kind, first, how_many in (
        WHOLE if args.kind == "all" else ((args.kind, args.first, args.shards),)
    ):
        make_shards(kind, first, how_many, args.out)


if __name__ == "__main__":
    main()
