"""Train the demo model from nothing.

    python -m extractors.demo.train [--minutes M] [--threads T] [--device auto] [--out DIR]
    [--resume | --start-from WEIGHTS]

Parts of the time: reading dense pages with the vision tower alone, then clean slips, then damaged
and dense ones too. The learning rate falls to zero at the end of the minutes; a stopped run goes on
with --resume, with a longer time if one is given, and finished weights are taken further with
--start-from, gently, and on worn pages too. Pages are made by a second process as the training goes
on.
"""

import argparse
import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import MllamaForConditionalGeneration

from extractors.demo import curve
from extractors.demo.dataset import Shard
from extractors.demo.masters import Masters
from extractors.demo.model import build_model
from extractors.demo.objective import (
    Batch,
    CharacterHead,
    Watch,
    answer_loss,
    attention_loss,
    character_loss,
    collate,
    pick_segments,
    prompt_ids,
    training_attention,
)
from extractors.demo.processor import build_processor
from extractors.demo.start import prepare_vision

# until which share of the time
PHASES = (("reading", 0.08), ("clean", 0.45), ("damaged", 0.72), ("finishing", 1.0))
POLISH = (("polishing", 1.0),)  # the parts of a training that starts from finished weights
# what a phase learns from; dense pages teach reading nine times faster than slips, so they come
# back
PAGES = {
    "reading": {"dense": 1.0},
    "clean": {"clean": 1.0},
    "damaged": {"dense": 0.3, "clean": 0.45, "mixed": 0.25},
    "finishing": {"clean": 0.62, "mixed": 0.38},
    # a field read on its own learns from worn pages last
    "polishing": {"clean": 0.3, "mixed": 0.35, "worn": 0.35},
}
COLUMNS = (
    "step",
    "seconds",
    "phase",
    "rate",
    "answer",
    "chars",
    "looking",
    "chars_right",
    "tokens_right",
    "looks_right",
)
DECAY_FROM = 0.1  # of the time; from then on the learning rate falls in a straight line to zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run is told."""

    minutes: float
    batch: int
    pace: float = 1.0  # of the learning rates below
    muon_rate: float = 1.8e-3
    adam_rate: float = 1.4e-3
    device: torch.device
    dtype: torch.dtype  # of the weights that work; their masters are float32
    out: Path
    shards: Path
    # how long to wait for the first pages of a kind, while another process makes them
    patience_s: float = 0.0


class Feed:
    """Random pages from the least used shards of a kind, a few files in memory at a time."""

    def __init__(
        self, folder: Path, seed: int, *, window: int = 12, patience_s: float = 0.0
    ) -> None:
        self.folder, self.window, self.patience_s = folder, window, patience_s
        self.dice = np.random.default_rng(seed)
        self.used: dict[Path, int] = {}
        self.open: dict[str, list[tuple[Shard, np.ndarray]]] = {}

    def _open_one(self, kind: str) -> tuple[Shard, np.ndarray]:
        patient_until = time.monotonic() + self.patience_s
        while (
            not (files := sorted(self.folder.glob(f"{kind}-?????.npz")))
            and time.monotonic() < patient_until
        ):
            time.sleep(1)
        if not files:
            raise FileNotFoundError(
                f"No {kind} pages in {self.folder}. Make some: python -m extractors.demo.dataset"
                f" {kind}"
            )
        fewest = min(self.used.get(file, 0) for file in files)
        fresh = [file for file in files if self.used.get(file, 0) == fewest]
        file = fresh[int(self.dice.integers(len(fresh)))]
        self.used[file] = fewest + 1
        shard = Shard(file)
        return shard, self.dice.permutation(len(shard))

    def pages(self, kind: str, n: int) -> list[tuple[Shard, int]]:
        """``n`` pages, each from one of the open shards."""
        opened = self.open.setdefault(kind, [])
        found: list[tuple[Shard, int]] = []
        while len(found) < n:
            while len(opened) < self.window:
                opened.append(self._open_one(kind))
            k = int(self.dice.integers(len(opened)))
            shard, rest = opened.pop(k)
            found.append((shard, int(rest[-1])))
            if len(rest) > 1:
                opened.append((shard, rest[:-1]))
        return found


class Trainer:
    """One training: model, weights, pages, clock."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.processor = build_processor()
        self.prompt = prompt_ids(self.processor)
        self.model = build_model(self.processor).to(plan.device, plan.dtype)
        prepare_vision(self.model.model.vision_model, plan.shards)
        self.head = CharacterHead(self.model.config.vision_config.vision_output_dim).to(
            plan.device, plan.dtype
        )
        self.watch = Watch(self.model)
        self.masters = Masters(
            (self.model, self.head), muon_rate=plan.muon_rate, adam_rate=plan.adam_rate
        )
        self.step, self.spent = 0, 0.0
        self.feed = Feed(plan.shards, seed=0, patience_s=plan.patience_s)
        self.stopping = False
        # what the weights had learned before this training
        self.earlier = {"steps": 0, "training_seconds": 0}
        self.checkpoint = plan.out / "state.pt"

    @property
    def share_of_time(self) -> float:
        return min(1.0, self.spent / (self.plan.minutes * 60))

    @property
    def phases(self) -> tuple[tuple[str, float], ...]:
        return POLISH if self.earlier["steps"] else PHASES

    @property
    def phase(self) -> str:
        return next(name for name, until in self.phases if self.share_of_time <= until)

    def rate(self) -> float:
        left = min(1.0, (1.0 - self.share_of_time) / (1.0 - DECAY_FROM))
        return self.plan.pace * left * min(1.0, (self.step + 1) / 60)

    def batch(self) -> Batch:
        kinds, shares = zip(*PAGES[self.phase].items(), strict=True)
        kind = str(self.feed.dice.choice(kinds, p=shares))
        pages = self.feed.pages(kind, self.plan.batch)
        picks = [
            (
                shard,
                page,
                [] if kind == "dense" else pick_segments(self.feed.dice, shard.lengths(page)),
            )
            for shard, page in pages
        ]
        return collate(
            picks, self.prompt, self.processor.image_token_id, self.plan.dtype, self.plan.device
        )

    def losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to be lowered, and what the log says."""
        if batch.targets is None or batch.places is None:
            self.model.model.vision_model(**batch.inputs)
            chars, named = character_loss(self.head, _there(self.watch.seen), batch.chars)
            return chars, {"chars": chars, "chars_right": named}
        logits = self.model(**batch.inputs, use_cache=False).logits
        chars, named = character_loss(self.head, _there(self.watch.seen), batch.chars)
        answer, said = answer_loss(logits, batch.targets)
        looking, hit = attention_loss(self.watch.attention_maps, batch.places)
        parts = {
            "answer": answer,
            "chars": chars,
            "looking": looking,
            "chars_right": named,
            "tokens_right": said,
            "looks_right": hit,
        }
        if self.phases is POLISH:  # an untrained head would teach the vision tower nonsense
            return answer + 0.3 * looking, parts
        return answer + 0.5 * chars + 0.3 * looking, parts

    def learn(self) -> dict[str, float]:
        loss, parts = self.losses(self.batch())
        loss.backward()  # type: ignore[no-untyped-call]
        self.masters.step(self.rate())
        self.step += 1
        return {name: float(value.detach()) for name, value in parts.items()}

    def save(self) -> None:
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "step": self.step,
                "spent": self.spent,
                "earlier": self.earlier,
                **self.masters.state(),
            },
            part,
        )
        part.replace(self.checkpoint)

    def resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.plan.device, weights_only=True)
        self.step, self.spent = state["step"], state["spent"]
        self.earlier = state["earlier"]
        self.feed = Feed(self.plan.shards, seed=self.step, patience_s=self.plan.patience_s)
        self.masters.load(state)

    def start_from(self, weights: Path) -> None:
        """Take a checkpoint's weights further; the head that names characters is not among them,
        and teaches nothing.
        """
        known = MllamaForConditionalGeneration.from_pretrained(weights, dtype=torch.float32)
        self.masters.take(list(known.parameters()))
        about = json.loads((weights / "surefield.json").read_text(encoding="utf-8"))
        self.earlier = {key: about[key] for key in self.earlier}


def faster_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU that has it; on a CPU the one that it multiplies faster in, which without
    instructions for bfloat16 is float32.
    """
    if device.type == "cuda":
        return (
            torch.bfloat16
            if torch.cuda.is_bf16_supported(including_emulation=False)
            else torch.float32
        )
    return min((torch.bfloat16, torch.float32), key=product_seconds)


def product_seconds(dtype: torch.dtype) -> float:
    """Of a small matrix product on the CPU: the fastest of three, after one that sets things up."""
    a = torch.ones(256, 256, dtype=dtype)
    taken = []
    for _ in range(4):
        began = time.perf_counter()
        a @ a
        taken.append(time.perf_counter() - began)
    return min(taken[1:])


def _there(seen: Tensor | None) -> Tensor:
    assert seen is not None  # the hook has run
    return seen


def run(trainer: Trainer) -> Iterator[dict[str, Any]]:
    """Learn until the time is spent; yields a row of running means every 25 steps."""
    means: dict[str, float] = {}
    with training_attention(trainer.model):
        before, saved = time.monotonic(), trainer.spent
        while trainer.share_of_time < 1.0 and not trainer.stopping:
            phase, rate = trainer.phase, trainer.rate()
            for name, value in trainer.learn().items():
                if not np.isnan(value):  # a batch of blank pages says nothing about reading
                    means[name] = 0.96 * means.get(name, value) + 0.04 * value
            now = time.monotonic()
            trainer.spent, before = trainer.spent + now - before, now
            if trainer.step % 25 == 0:
                yield {
                    "step": trainer.step,
                    "seconds": round(trainer.spent),
                    "phase": phase,
                    "rate": round(rate, 4),
                    **{k: round(v, 4) for k, v in means.items()},
                }
            if trainer.spent - saved > 240 or trainer.share_of_time >= 1.0 or trainer.stopping:
                trainer.save()
                saved = trainer.spent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=105.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path(".train/run"))
    parser.add_argument("--shards", type=Path, default=Path(".train/shards"))
    parser.add_argument(
        "--batch", type=int, default=0, help="pages a step; 0: 16 on a CPU, 128 on a GPU"
    )
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start-from", type=Path, help="finished weights to take further")
    parser.add_argument(
        "--pace",
        type=float,
        default=1.0,
        help="of the learning rates; finished weights want less, say 0.4",
    )
    parser.add_argument(
        "--pages-as-they-are", action="store_true", help="make no pages; use those in --shards"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    device = torch.device(
        "cuda"
        if args.device == "auto" and torch.cuda.is_available()
        else "cpu"
        if args.device == "auto"
        else args.device
    )
    args.out.mkdir(parents=True, exist_ok=True)
    batch = args.batch or (128 if device.type == "cuda" else 16)
    with nullcontext() if args.pages_as_they_are else pages_being_made(args.shards):
        patience_s = 0.0 if args.pages_as_they_are else 900.0
        trainer = Trainer(
            Plan(
                minutes=args.minutes,
                batch=batch,
                pace=args.pace,
                device=device,
                dtype=faster_dtype(device),
                out=args.out,
                shards=args.shards,
                patience_s=patience_s,
            )
        )
        if args.resume:
            trainer.resume()
        elif args.start_from:
            trainer.start_from(args.start_from)
        _train(trainer, fresh=not args.resume)


@contextmanager
def pages_being_made(shards: Path) -> Iterator[None]:
    """A process beside this one makes what pages are missing; returns once the first are there."""
    command = [sys.executable, "-m", "extractors.demo.dataset", "all", "--out", str(shards)]
    maker = subprocess.Popen(command, start_new_session=True)
    try:
        while not any(shards.glob("dense-?????.npz")) and maker.poll() is None:
            time.sleep(1)
        yield
    finally:
        maker.terminate()
        maker.wait()


def _train(trainer: Trainer, *, fresh: bool) -> None:
    signal.signal(signal.SIGTERM, lambda *_: setattr(trainer, "stopping", True))  # saves, then ends
    log = trainer.plan.out / "log.csv"
    fresh = fresh or not log.exists()
    with log.open("w" if fresh else "a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if fresh:
            writer.writeheader()
        for row in run(trainer):
            writer.writerow(row)
            file.flush()
            print(" ".join(f"{key}={value}" for key, value in row.items()), flush=True)
    curve.draw(log, log.with_name("curve.png"))


if __name__ == "__main__":
    main()
