"""A training learns, stops, and goes on where it stopped."""

import csv
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoProcessor, MllamaForConditionalGeneration

from extractors.demo import curve, dataset
from extractors.demo.export import export, mix, model_of
from extractors.demo.layout import HEIGHT_PT, TILE_PX, WIDTH_PT
from extractors.demo.objective import training_attention
from extractors.demo.processor import END, build_processor
from extractors.demo.train import COLUMNS, Feed, Plan, Trainer
from extractors.rendering.canvas import canvas_of, fit
from extractors.types import Canvas

DTYPE = torch.float32  # of most tests; a CPU may only emulate bfloat16, seventy times slower


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for kind in ("dense", "clean", "mixed", "worn"):
        dataset.make_shards(kind, 0, 1, folder, size=6)
    return folder


def _plan(shards: Path, out: Path, minutes: float = 1.0, dtype: torch.dtype = DTYPE) -> Plan:
    return Plan(
        minutes=minutes, batch=2, device=torch.device("cpu"), dtype=dtype, out=out, shards=shards
    )


def test_a_stopped_training_goes_on_with_the_same_weights(shards: Path, tmp_path: Path) -> None:
    """Step, time and every float32 weight come back; the weights that work follow them."""
    trainer = Trainer(_plan(shards, tmp_path))
    with training_attention(trainer.model):
        trainer.learn()
        trainer.spent = 30.0  # of sixty seconds: the phase with damaged pages
        assert set(trainer.learn()) >= {"answer", "looking", "chars"}
    trainer.save()

    again = Trainer(_plan(shards, tmp_path))
    again.resume()
    assert (again.step, again.spent, again.phase) == (2, 30.0, "damaged")
    assert all(
        torch.equal(a, b) for a, b in zip(trainer.masters.master, again.masters.master, strict=True)
    )
    assert all(
        torch.equal(a, b.to(DTYPE))
        for a, b in zip(again.masters.live, again.masters.master, strict=True)
    )


def test_weights_in_bfloat16_follow_float32_ones(shards: Path, tmp_path: Path) -> None:
    """As on a GPU: steps too small for bfloat16 are not lost."""
    trainer = Trainer(_plan(shards, tmp_path, minutes=100, dtype=torch.bfloat16))
    with training_attention(trainer.model):
        trainer.learn()
    masters = trainer.masters
    assert {master.dtype for master in masters.master} == {torch.float32}
    assert all(
        torch.equal(live, master.bfloat16())
        for live, master in zip(masters.live, masters.master, strict=True)
    )
    assert any(
        not torch.equal(live.float(), master)
        for live, master in zip(masters.live, masters.master, strict=True)
    )


def test_the_learning_rate_falls_to_zero_when_the_time_is_spent(
    shards: Path, tmp_path: Path
) -> None:
    """Warm at first, then a straight line to zero at the last minute; a longer time raises it
    again.
    """
    trainer = Trainer(_plan(shards, tmp_path))
    trainer.step = 1000
    rates = []
    for spent in (0.0, 6.0, 33.0, 60.0):
        trainer.spent = spent
        rates.append(trainer.rate())
    assert rates == [1.0, 1.0, pytest.approx(0.5), 0.0]


def test_learning_from_the_same_pages_lowers_the_loss(shards: Path, tmp_path: Path) -> None:
    """A dozen steps on six dense pages name more of their characters than none."""
    trainer = Trainer(_plan(shards, tmp_path, minutes=100))
    with training_attention(trainer.model):
        losses = [trainer.learn()["chars"] for _ in range(14)]
    assert losses[-1] < losses[0] * 0.9


def test_an_exported_training_loads_like_any_checkpoint(shards: Path, tmp_path: Path) -> None:
    """AutoProcessor and from_pretrained load the folder; the canvas and the weights are the trained
    ones, in bfloat16.
    """
    trainer = Trainer(_plan(shards, tmp_path))
    trainer.save()
    model, about = model_of(trainer.checkpoint)
    export(model, tmp_path / "weights", about=about)

    processor = AutoProcessor.from_pretrained(tmp_path / "weights")
    loaded = MllamaForConditionalGeneration.from_pretrained(tmp_path / "weights")
    assert type(processor.image_processor).__name__ == "MllamaImageProcessorPil"
    assert loaded.dtype == torch.bfloat16
    assert torch.equal(loaded.lm_head.weight, trainer.model.lm_head.weight.to(torch.bfloat16))
    assert canvas_of(str(tmp_path / "weights")) == Canvas(tile_px=TILE_PX, max_tiles=2)
    assert fit(WIDTH_PT, HEIGHT_PT, Canvas(tile_px=TILE_PX, max_tiles=2)) == (2 * TILE_PX, TILE_PX)
    assert sum(path.stat().st_size for path in (tmp_path / "weights").iterdir()) < 30_000_000


def test_a_training_goes_on_from_a_checkpoint_when_no_saved_state_is_left(
    shards: Path, tmp_path: Path
) -> None:
    """The exported weights are taken over, the last part's pages polish them, and their age counts
    on.
    """
    first = Trainer(_plan(shards, tmp_path))
    with training_attention(first.model):
        first.learn()
    first.save()
    model, about = model_of(first.checkpoint)
    export(model, tmp_path / "weights", about=about)

    second = Trainer(_plan(shards, tmp_path / "second"))
    second.start_from(tmp_path / "weights")
    (tmp_path / "second").mkdir()
    second.step, second.spent = 3, 12.0
    second.save()
    again = Trainer(_plan(shards, tmp_path / "second"))
    again.resume()
    assert again.phase == "polishing"
    assert model_of(again.checkpoint)[1] == {"steps": 4, "training_seconds": 12}
    assert torch.equal(
        second.model.lm_head.weight, first.model.lm_head.weight.to(torch.bfloat16).to(DTYPE)
    )


def test_a_training_is_averaged_with_the_weights_it_started_from(
    shards: Path, tmp_path: Path
) -> None:
    """Parameter by parameter, in the share that was asked for."""
    trainer = Trainer(_plan(shards, tmp_path))
    trainer.save()
    start, about = model_of(trainer.checkpoint)
    export(start, tmp_path / "start", about=about)
    model, _ = model_of(trainer.checkpoint)
    with torch.no_grad():
        model.lm_head.weight.add_(1.0)
    before = model.lm_head.weight.clone()

    mix(model, tmp_path / "start", share=0.75)

    # the start is kept in bfloat16
    assert torch.allclose(model.lm_head.weight, before - 0.25, atol=1e-2)


def test_missing_pages_are_named_with_the_command_that_makes_them(tmp_path: Path) -> None:
    """A training without pages, and nobody making them, says what to do."""
    with pytest.raises(FileNotFoundError, match=r"python -m extractors\.demo\.dataset clean"):
        Feed(tmp_path, seed=0).pages("clean", 1)


def test_training_pages_repeat_from_their_key_and_spell_the_frozen_answers() -> None:
    """A shard's name decides its pages; answers end with the end-of-turn token."""
    first, again = (list(islice(dataset.pages("clean", "7"), 5)) for _ in range(2))
    assert [one.segments for one in first] == [one.segments for one in again]
    end = build_processor().tokenizer.convert_tokens_to_ids(END)
    assert all(one.segments[0].ids[-1] == end and len(one.segments) == 7 for one in first)


def test_the_curve_is_drawn_from_the_log(tmp_path: Path) -> None:
    """The CSV log becomes a picture; rows without an answer's figures are fine."""
    with (tmp_path / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow({"step": 25, "seconds": 20, "phase": "reading", "chars_right": 0.1})
        writer.writerow(
            {
                "step": 50,
                "seconds": 40,
                "phase": "clean",
                "chars_right": 0.2,
                "tokens_right": 0.1,
                "looks_right": 0.1,
            }
        )
    curve.draw(tmp_path / "log.csv", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5_000


def test_training_needs_no_pdf_library_where_the_pages_were_made_before() -> None:
    """A GPU machine without PyMuPDF can train on shards that another machine made."""
    code = "import sys; sys.modules['pymupdf'] = None; import extractors.demo.train"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
