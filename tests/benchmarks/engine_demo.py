"""The engine on the bundled model: cost of each way on the same slips, what fields mode does to
accuracy, and where it looked.

Measured on unseen slips of the split "test"; the true place of a value is where the text layer of a
clean page says it, once.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from extractors.backends.mllama.backend import MllamaBackend
from extractors.backends.mllama.reference import inputs_of
from extractors.demo import WEIGHTS
from extractors.demo.evaluate import Measurement, evaluate
from extractors.demo.slips import slips
from extractors.documents.slip import Slip
from extractors.evidence.grounding import ground
from extractors.page.text import PageText
from extractors.read import read_pages
from extractors.rendering.pdf import open_file
from extractors.types import Box, FieldState, PageImage

BUDGET = 260


def rows(measurement: Callable[..., dict[str, Any]], *, small: bool) -> list[dict[str, Any]]:
    """The three ways on the bundled weights, how right two of them are, and where the model
    looked.
    """
    ways = {mode: _backend(decode_mode=mode) for mode in ("json", "fields")}
    looking = _backend(decode_mode="fields", attention=True)
    pages, words = _pages(4 if small else 24, looking)
    cost = _costs(ways, pages, repeats=1 if small else 5)
    extra = _extra(ways["fields"], looking, pages, rounds=1 if small else 15)
    found = {
        mode: evaluate(backend, per_level=4 if small else 60, levels=(0, 1), seed=21)
        for mode, backend in ways.items()
    }
    right = {mode: _accuracy(measured) for mode, measured in found.items()}
    centre, overlap, places = _looked(looking, pages, words)
    return [
        measurement("demo weights, A: CPU time a page", cost["A"] * 1e3, "ms"),
        measurement("demo weights, J against A, CPU time", cost["A"] / cost["json"], "x"),
        measurement("demo weights, D against A, CPU time", cost["A"] / cost["fields"], "x"),
        measurement("demo weights, value accuracy, json mode", right["json"], "share"),
        measurement(
            "demo weights, value accuracy, fields mode",
            right["fields"],
            "share",
            None if small else right["json"],
        ),
        {
            **measurement("extra time for where it looked", extra, "share"),
            "goal": 0.1,
            "holds": small or extra <= 0.1,
        },
        measurement("centre of where it looked lies in the value", centre, "share"),
        measurement("where it looked overlaps the value (IoU >= 0.5)", overlap, "share"),
        measurement("values looked for", places, ""),
    ]


def _backend(**options: Any) -> MllamaBackend:
    return MllamaBackend(WEIGHTS, device="cpu", max_new_tokens=BUDGET, **options)


def _pages(count: int, backend: MllamaBackend) -> tuple[list[PageImage], list[PageText]]:
    images, words = [], []
    for document in slips(count, 21, split="test", levels=(0,), no_slip=0.0):
        with open_file(document.pdf, max_pages=10, max_pixels=50_000_000) as file:
            for number in range(1, file.page_count + 1):
                page = file.page(number)
                images.append(page.image(backend.canvas))
                words.append(PageText(page.words()))
    return images, words


def _costs(
    ways: dict[str, MllamaBackend], pages: Sequence[PageImage], *, repeats: int
) -> dict[str, float]:
    """CPU seconds a page, medians of interleaved runs."""
    runs: dict[str, Callable[[], object]] = {
        "A": lambda: _the_articles(ways["json"], pages),
        "json": lambda: ways["json"].answer(pages, Slip.spec),
        "fields": lambda: ways["fields"].answer(pages, Slip.spec),
    }
    for run in list(runs.values())[1:]:
        run()  # weights, grammar
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            began = time.process_time()
            run()
            taken[name].append((time.process_time() - began) / len(pages))
    return {name: statistics.median(times) for name, times in taken.items()}


def _extra(
    plain: MllamaBackend, looking: MllamaBackend, pages: Sequence[PageImage], *, rounds: int
) -> float:
    """Share of CPU time that looking adds: the median of pairs, each side first in turn, since a
    shared machine's pace drifts.
    """

    def taken(backend: MllamaBackend) -> float:
        began = time.process_time()
        backend.answer(pages, Slip.spec)
        return time.process_time() - began

    looking.answer(pages, Slip.spec)  # weights
    ratios = []
    for number in range(rounds):
        seconds = {
            backend: taken(backend)
            for backend in ((looking, plain) if number % 2 else (plain, looking))
        }
        ratios.append(seconds[looking] / seconds[plain])
    return statistics.median(ratios) - 1.0


def _the_articles(backend: MllamaBackend, pages: Sequence[PageImage]) -> None:
    """One page at a time: free text, scores of all steps stored, softmax over them."""
    loaded = backend.loaded
    for page in pages:
        with torch.inference_mode():
            inputs = inputs_of(loaded, [page], Slip.spec)
            out = loaded.model.generate(
                **inputs,
                max_new_tokens=BUDGET,
                do_sample=False,
                output_scores=True,
                return_dict_in_generate=True,
                eos_token_id=list(loaded.vocabulary.eos_ids),
                pad_token_id=loaded.vocabulary.pad_id,
            )
            chosen = out.sequences[:, inputs["input_ids"].shape[1] :]
            torch.stack(out.scores, dim=1).softmax(-1).gather(-1, chosen[..., None])


def _accuracy(found: Measurement) -> float:
    on_slip = [value.right for value in found.values if value.on_slip]
    return sum(on_slip) / max(1, len(on_slip))


def _looked(
    backend: MllamaBackend, pages: Sequence[PageImage], words: Sequence[PageText]
) -> tuple[float, float, int]:
    """Shares of centres inside and of overlaps of a half, over values that the page's words show
    exactly once.
    """
    inside, overlaps = [], []
    for reading, text in zip(read_pages(pages, Slip.spec, backend), words, strict=True):
        for found in reading.fields:
            if found.state is not FieldState.VALUE or found.text is None or found.attended is None:
                continue
            said = ground(found.text, text, Slip.spec.field(found.name), Slip.spec)
            if said is None or len(said.places) != 1:
                continue
            true = _around(said.places[0])
            x, y = (
                (found.attended.x0 + found.attended.x1) / 2,
                (found.attended.y0 + found.attended.y1) / 2,
            )
            inside.append(true.x0 <= x <= true.x1 and true.y0 <= y <= true.y1)
            overlaps.append(_overlap(true, found.attended) >= 0.5)
    count = max(1, len(inside))
    return sum(inside) / count, sum(overlaps) / count, len(inside)


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(b.x0 for b in boxes),
        min(b.y0 for b in boxes),
        max(b.x1 for b in boxes),
        max(b.y1 for b in boxes),
    )


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    common = _area(Box(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1)))
    union = _area(a) + _area(b) - common
    return common / union if union else 0.0


def _area(box: Box) -> float:
    return max(0.0, box.x1 - box.x0) * max(0.0, box.y1 - box.y0)
