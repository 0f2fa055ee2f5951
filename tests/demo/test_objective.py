"""The training's forward pass is the inference's, seen through other eyes."""

import io
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from extractors.demo import compose, others
from extractors.demo.dataset import NAMES, Shard, example, frame, save_shard
from extractors.demo.layout import HEIGHT_PT, WIDTH_PT
from extractors.demo.model import build_model
from extractors.demo.objective import (
    IGNORED,
    Watch,
    attention_loss,
    collate,
    pick_segments,
    prompt_ids,
    training_attention,
)
from extractors.demo.processor import build_processor
from extractors.demo.slips import Print, printed, raster


def _prints() -> list[Print]:
    """A landscape slip, and an upright page that fills one of two tiles."""
    upright = next(
        page
        for k in range(200)
        if (page := others.other_page(Random(k))).width_pt == page.height_pt
    )
    return [printed(compose.slip_pages(Random(3))[0], 0, Random(3)), printed(upright, 0, Random(4))]


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Shard:
    path: Path = tmp_path_factory.mktemp("shards") / "clean-00000.npz"
    save_shard(path, [example(one) for one in _prints()])
    return Shard(path)


def _png(one: Print) -> Image.Image:
    """The page as the product hands it to the processor: an RGB image that fits the canvas."""
    at = frame(one.sheet.width_pt, one.sheet.height_pt)
    out = io.BytesIO()
    raster(one.page, at.px_per_pt).crop((0, 0, at.width_px, at.height_px)).convert("RGB").save(
        out, "PNG"
    )
    return Image.open(out)


@pytest.mark.parametrize("page", [0, 1])
def test_the_packed_training_forward_equals_the_processors_forward(shard: Shard, page: int) -> None:
    """JSON answer and two continuations packed into one row get the logits that each gets alone,
    through AutoProcessor's own inputs.
    """
    processor = build_processor()
    model = build_model(processor, seed=5).eval()
    prompt = prompt_ids(processor)
    which = [0, 2, 6]
    batch = collate(
        [(shard, page, which)], prompt, processor.image_token_id, torch.float32, torch.device("cpu")
    )
    with torch.no_grad(), training_attention(model):
        packed = model(**batch.inputs, use_cache=False).logits[0]
    text = processor.decode(prompt)
    start = len(prompt)
    for segment in which:
        said, _ = shard.segment(page, segment)
        alone = processor(
            images=[[_png(_prints()[page])]],
            text=[text + processor.tokenizer.decode(said[:-1])],
            return_tensors="pt",
        )
        assert alone["input_ids"][0].tolist() == [*prompt, *said[:-1].tolist()]
        with torch.no_grad():
            plain = model(**alone).logits[0]
        mine = packed[start : start + len(said) - 1]
        assert torch.allclose(mine, plain[len(prompt) :], atol=1e-4)
        start += len(said) - 1


def test_the_training_pixels_are_the_processors(shard: Shard) -> None:
    """Tiles, aspect ratio and mask of a training example equal what the image processor makes of
    the rendered page.
    """
    processor = build_processor()
    for page, one in enumerate(_prints()):
        batch = collate(
            [(shard, page, [0])],
            prompt_ids(processor),
            processor.image_token_id,
            torch.float32,
            torch.device("cpu"),
        )
        theirs = processor.image_processor([[_png(one)]], return_tensors="pt")
        assert torch.allclose(batch.inputs["pixel_values"], theirs["pixel_values"], atol=1e-5)
        assert torch.equal(batch.inputs["aspect_ratio_ids"], theirs["aspect_ratio_ids"])
        assert torch.equal(batch.inputs["aspect_ratio_mask"], theirs["aspect_ratio_mask"])


def test_only_the_models_own_words_are_supervised(shard: Shard) -> None:
    """The prompt and a continuation's prefix are given, never learned; the whole answer is learned
    from its first token.
    """
    processor = build_processor()
    prompt = prompt_ids(processor)
    batch = collate(
        [(shard, 0, [0, 1])], prompt, processor.image_token_id, torch.float32, torch.device("cpu")
    )
    assert batch.targets is not None
    whole, single = shard.segment(0, 0)[0], shard.segment(0, 1)[0]
    learned = batch.targets[0][batch.targets[0] != IGNORED].tolist()
    assert learned == [*whole.tolist(), *single[1:].tolist()]


def test_attention_on_the_right_patch_costs_nothing(shard: Shard) -> None:
    """The looking loss is zero when all of the attention lies on the character's patch."""
    places = torch.tensor([[-1, 3, 7]])
    weights = torch.zeros(1, 2, 3, 10)
    weights[0, :, 1, 3] = weights[0, :, 2, 7] = 1.0
    loss, hit = attention_loss({1: weights, 3: weights}, places)
    assert float(loss) == pytest.approx(0.0, abs=1e-5)
    assert float(hit) == 1.0


def test_the_cross_attention_is_seen_during_training(shard: Shard) -> None:
    """The watch catches one row of weights a text token, which sums to one."""
    processor = build_processor()
    model = build_model(processor)
    watch = Watch(model)
    batch = collate(
        [(shard, 0, pick_segments(np.random.default_rng(0), shard.lengths(0)))],
        prompt_ids(processor),
        processor.image_token_id,
        torch.float32,
        torch.device("cpu"),
    )
    with torch.no_grad(), training_attention(model):
        model(**batch.inputs, use_cache=False)
    assert sorted(watch.attention_maps) == [1, 3]
    assert torch.allclose(
        watch.attention_maps[3].sum(-1), torch.ones_like(watch.attention_maps[3][..., 0]), atol=1e-4
    )


def test_a_slip_fills_the_canvas_exactly() -> None:
    """A slip's page shape is that of two tiles side by side, so the processor resamples nothing."""
    at = frame(WIDTH_PT, HEIGHT_PT)
    assert (at.rows, at.columns, at.width_px, at.height_px) == (1, 2, 364, 182)
    assert len(NAMES) == 6
