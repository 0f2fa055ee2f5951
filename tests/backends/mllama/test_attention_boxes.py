"""Where the model looked: patches on the page, per token, and the place of a value."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from extractors.backends.mllama import text_model
from extractors.backends.mllama.attention_boxes import grids_of, top_patches
from extractors.backends.mllama.backend import MllamaBackend
from extractors.documents.slip import Slip
from extractors.read import read_pages
from extractors.reading.answer_parser import attended
from extractors.rendering.canvas import fit
from extractors.types import Box, Canvas, PageImage
from tests.backends.mllama import tiny

CANVAS = Canvas(tile_px=56, max_tiles=4)
ARRANGEMENTS = [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (3, 1), (4, 1)]


def rendered(width_pt: float, height_pt: float) -> PageImage:
    width, height = fit(width_pt, height_pt, CANVAS)
    return PageImage(
        number=1, width_px=width, height_px=height, width_pt=width_pt, height_pt=height_pt, png=b""
    )


def test_a_patch_lies_where_its_pixels_come_from():
    """Tiles in reading order, patches in reading order within them, the class token of each tile
    before its patches.
    """
    # 2 x 2 tiles of 4 x 4 patches: 25 pt a patch
    [grid] = grids_of([rendered(200, 200)], [6], ARRANGEMENTS, CANVAS, 14)
    assert grid.box(1) == Box(0, 0, 25, 25)
    assert grid.box(4) == Box(75, 0, 100, 25)
    assert grid.box(17 + 1) == Box(100, 0, 125, 25)
    assert grid.box(2 * 17 + 5) == Box(0, 125, 25, 150)
    assert grid.box(3 * 17 + 16) == Box(175, 175, 200, 200)


@given(st.floats(20, 5000), st.floats(20, 5000), st.integers(0, 3), st.integers(1, 16))
def test_no_patch_lies_beyond_its_page(width, height, tile, within):
    """The canvas may be larger than the page; boxes are not."""
    page = rendered(width, height)
    for arrangement in (5, 6, 2):
        [grid] = grids_of([page], [arrangement], ARRANGEMENTS, CANVAS, 14)
        box = grid.box(tile * 17 + within)
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height


def test_the_peak_is_the_mean_over_layers_without_class_tokens():
    """A class token gathers attention that is about nothing."""
    first, second = torch.zeros(2, 3, 34), torch.zeros(2, 3, 34)
    first[0, 2, 5], second[0, 2, 5], first[0, 2, 20], first[0, 2, 0] = 0.5, 0.5, 0.7, 9.0
    second[1, 1, 33], first[1, 2, 3] = 0.4, 0.9
    assert top_patches([first, second], 4).tokens[:, 0].tolist() == [5, 3]
    found = top_patches([first, second], 4, torch.tensor([2, 1]))
    assert found.tokens[:, 0].tolist() == [5, 33]
    assert found.tokens[0, 1] == 20
    assert found.shares[0, :2].tolist() == pytest.approx([0.5, 0.35])


@pytest.mark.parametrize("mode", ["json", "fields"])
def test_values_come_with_the_place_they_were_read_from(checkpoint, loaded, mode):
    """On demand, in both modes; the answer and its evidence are the same with and without."""
    pages = [tiny.page(1), tiny.page(2, width_px=56), tiny.page(3, width_px=168, height_px=56)]
    readings = {}
    for looked in (False, True):
        backend = MllamaBackend(
            checkpoint,
            device="cpu",
            decode_mode=mode,
            attention=looked,
            max_new_tokens=60,
            field_tokens=20,
        )
        backend.__dict__["loaded"] = loaded
        readings[looked] = read_pages(pages, Slip.spec, backend)
    for plain, placed in zip(readings[False], readings[True], strict=True):
        assert [(f.name, f.text) for f in plain.fields] == [(f.name, f.text) for f in placed.fields]
        for a, b in zip(plain.fields, placed.fields, strict=True):
            assert [t.logprob for t in a.tokens] == pytest.approx(
                [t.logprob for t in b.tokens], abs=1e-4
            )
            assert all(t.attended is None for t in a.tokens)
            assert all(t.attended is not None for t in b.tokens)
            assert (b.attended is None) is (not b.text)


def test_the_weights_are_those_of_the_attention(loaded):
    """They sum to one over what a page has, and are what transformers' eager attention gives."""
    from extractors.backends.mllama.reference import inputs_of

    pages = [tiny.page(1), tiny.page(2, width_px=56)]
    inputs = inputs_of(loaded, pages, Slip.spec)
    ids, tiles = inputs["input_ids"], inputs["aspect_ratio_mask"][:, 0].sum(1).tolist()
    model = loaded.model
    with torch.inference_mode():
        from extractors.backends.mllama.vision_tower import encode

        states = encode(model, inputs["pixel_values"], inputs["aspect_ratio_ids"], tiles)
        image_at = (ids == loaded.processor.image_token_id).int().argmax(1)
        lengths = torch.tensor([ids.shape[1]] * 2)
        _, cache = text_model.prefill(
            model.model.language_model, ids, lengths, image_at, states, tiles, 4
        )
        cache = cache.trimmed(tiles, 17).expanded(1, ids.shape[1] + 3)
        layers: list[torch.Tensor] = []
        at = torch.full((2, 1), ids.shape[1])
        text_model.forward(
            model.model.language_model,
            torch.tensor([[40], [41]]),
            at,
            cache,
            span=ids.shape[1] + 1,
            attention_maps=layers,
        )

        inputs["input_ids"] = torch.cat([ids, torch.tensor([[40], [41]])], dim=1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        seen = inputs["cross_attention_mask"]
        inputs["cross_attention_mask"] = torch.cat([seen, seen[:, -1:]], dim=1)
        model.set_attn_implementation("eager")
        try:
            expected = [
                a
                for a in model(**inputs, output_attentions=True, use_cache=False).attentions
                if a.shape[-1] == 68
            ]
        finally:
            model.set_attn_implementation("sdpa")
    assert len(layers) == len(expected) == 2
    for ours, theirs in zip(layers, expected, strict=True):
        assert ours.sum(-1).tolist() == [pytest.approx([1.0])] * 2
        assert torch.allclose(ours[:, -1], theirs[:, :, -1].mean(1), atol=1e-5)


def test_a_value_lies_where_most_of_its_letters_do():
    """One stray glance to the other end of the page does not stretch the box."""
    line = [Box(10 * n, 100, 10 * n + 10, 110) for n in range(4)]
    assert attended([*line, None, Box(300, 700, 310, 710)]) == Box(0, 100, 40, 110)


def test_a_value_of_two_lines_is_one_place():
    """Addresses go on below."""
    assert attended([Box(0, 0, 10, 10), Box(10, 0, 20, 10), Box(0, 12, 10, 22)]) == Box(
        0, 0, 20, 22
    )


def test_without_patches_there_is_no_place():
    """It was not asked."""
    assert attended([None, None]) is None
