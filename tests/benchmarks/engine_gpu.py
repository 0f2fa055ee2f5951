"""The engine on a GPU: a random Mllama of the real 11B size in bfloat16, batch sizes 1 to 64,
against the ceilings of that very card.

python -m tests.benchmarks.engine_gpu

Before anything is timed, what fields mode computes on this card is held against transformers' own
forward. Every row is printed and written as it comes; a way that fails is a row that says why, and
the others go on. Without a GPU it runs end to end at toy size on the CPU, and says so; those
figures mean nothing.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from extractors.backends.mllama import text_model
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.prefill import prefill_prompts
from tests.benchmarks import engine_exact
from tests.benchmarks.engine import (
    FIELDS,
    JSON_TOKENS,
    LLAMA_11B,
    TOY,
    VALUE_TOKENS,
    Shape,
    batched_generate,
    fields_mode,
    json_mode,
    measurement,
    pages_of,
    per_second,
    random_model,
    the_articles,
)
from tests.benchmarks.roofline import bound_seconds, measured_ceilings

BATCHES = (1, 8, 16, 32, 64)
PROMPT_TOKENS = 300
REPEATS = 5
OUT = Path(".bench/engine_gpu.json")

Row = dict[str, Any]

WAYS: dict[str, Callable[[Loaded, Any], None]] = {
    "B": batched_generate,
    "J": json_mode,
    "D": fields_mode,
    # the run that warms up compiles it
    "D compiled": lambda loaded, inputs: fields_mode(loaded, inputs, step=text_model.compiled()),
}


def rows(small: bool = False) -> Iterator[Row]:
    """Goals hold only on a GPU; at toy size nothing is judged."""
    on_gpu = torch.cuda.is_available() and not small
    device, dtype, shape = (
        ("cuda", torch.bfloat16, LLAMA_11B) if on_gpu else ("cpu", torch.float32, TOY)
    )
    prompt, batches, repeats = (PROMPT_TOKENS, BATCHES, REPEATS) if on_gpu else (24, (1, 2), 1)
    yield measurement(
        "hardware:"
        f" {torch.cuda.get_device_name() if on_gpu else 'CPU, toy size: no figure of it counts'}",
        1.0,
        "",
    )
    yield from _tried("what is computed", lambda: engine_exact.rows(device, dtype))
    loaded = random_model(shape, device=device, dtype=dtype)
    yield from _tried("kernels that a step launches", lambda: [_launched(loaded, shape, prompt)])
    ceilings = measured_ceilings(loaded, 8192 if on_gpu else 256)
    yield measurement("ceiling of matrix products", ceilings.flops / 1e12, "TFLOP/s")
    yield measurement("ceiling of memory", ceilings.bytes / 1e12, "TB/s")
    best: dict[str, tuple[float, int]] = {}
    yield from _way(
        loaded,
        shape,
        "A",
        lambda loaded, inputs: the_articles(loaded, inputs, 0),
        1,
        prompt,
        repeats,
        best,
    )
    for batch in batches:
        for way, work in WAYS.items():
            yield from _way(loaded, shape, way, work, batch, prompt, repeats, best)
    goal = (
        dict.fromkeys(("A", "B", "speed", "share"), None)
        if not on_gpu
        else {"A": 20.0, "B": 1.5, "speed": 12.0, "share": 0.6}
    )
    for metric, of, against, aim in (
        ("D against A, eager", "D", "A", goal["A"]),
        ("D against B at B's best batch size", "D", "B", goal["B"]),
        ("D compiled against D", "D compiled", "D", None),
    ):
        if of in best and against in best:
            yield measurement(metric, best[of][0] / best[against][0], "x", aim)
    if "D" in best:
        speed, batch = best["D"]
        yield measurement("D at its best batch size", speed, "pages/s", goal["speed"])
        bound = bound_seconds(shape, batch, prompt, ceilings, loaded.dtype.itemsize)
        yield measurement("D, share of the roofline", speed * bound / batch, "share", goal["share"])


def _way(
    loaded: Loaded,
    shape: Shape,
    way: str,
    work: Callable[[Loaded, Any], object],
    batch: int,
    prompt: int,
    repeats: int,
    best: dict[str, tuple[float, int]],
) -> Iterator[Row]:
    """One way at one batch size; ``best`` learns of it."""

    def measured() -> list[Row]:
        inputs = pages_of(shape, loaded, batch, prompt)
        on_gpu = loaded.device.type == "cuda"
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        speed = batch * per_second(loaded, lambda: work(loaded, inputs), repeats)
        best[way] = max(best.get(way, (0.0, 0)), (speed, batch))
        tokens = FIELDS * VALUE_TOKENS if way.startswith("D") else JSON_TOKENS
        return [
            measurement(f"{way} batch {batch}", speed, "pages/s"),
            measurement(f"{way} batch {batch}, tokens", speed * tokens, "tokens/s"),
            measurement(
                f"{way} batch {batch}, peak memory",
                (torch.cuda.max_memory_allocated() if on_gpu else 0) / 1e9,
                "GB",
            ),
        ]

    yield from _tried(f"{way} batch {batch}", measured)


def _tried(what: str, work: Callable[[], list[Row]]) -> list[Row]:
    """Its rows; or one that says why there are none.

    A batch that is too large for the card is no failure.
    """
    failed = "out of memory"
    try:
        return work()
    except torch.OutOfMemoryError:
        pass
    # a kernel that this card or this torch does not have must not hide what the others do
    except Exception as error:
        failed = f"failed ({type(error).__name__}: {' '.join(str(error).split())[:120]})"
    # Outside the except block, so that the error's traceback no longer holds the tensors.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return [{**measurement(f"{what}: {failed}", 0.0, ""), "holds": failed == "out of memory"}]


def _launched(loaded: Loaded, shape: Shape, prompt: int) -> Row:
    """Kernels of one step on a GPU; on a CPU the innermost operators."""
    language = loaded.model.model.language_model
    on_gpu = loaded.device.type == "cuda"
    with torch.inference_mode():
        _, cache = prefill_prompts(loaded, pages_of(shape, loaded, 1, prompt))
        cache = cache.expanded(FIELDS, prompt + 20)
        at = torch.full((FIELDS, 1), prompt, device=loaded.device)
        text_model.forward(language, at, at, cache, span=prompt + 1)
        with profile(
            activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]
        ) as seen:
            text_model.forward(language, at, at, cache, span=prompt + 1)
            if on_gpu:
                torch.cuda.synchronize()
    events = seen.events() or []
    count = sum(
        event.device_type.name == "CUDA" if on_gpu else not event.cpu_children for event in events
    )
    return measurement("kernels that a step launches", count, "")


def main() -> None:
    OUT.parent.mkdir(exist_ok=True)
    known: list[Row] = []
    for row in rows():
        known.append(row)
        OUT.write_text(json.dumps(known, indent=1) + "\n")
        goal = (
            ""
            if row["goal"] is None
            else f"   goal {row['goal']:g}: {'holds' if row['holds'] else 'missed'}"
        )
        print(f"{row['metric']:88} {row['value']:>12,.4g} {row['unit']}{goal}", flush=True)


if __name__ == "__main__":
    main()
