"""The engine on a GPU: a random Mllama of the real 11B size in bfloat16, batch sizes 1 to 64, against the ceilings of that very card.

python -m tests.benchmarks.engine_gpu

Before anything is timed, what fields mode computes on this card is held against transformers' own forward.  A way that fails is a row
that says why, and the others go on.  Without a GPU it runs end to end at toy size on the CPU, and says so; those figures mean nothing.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from extractors.backends.checkpoint import Loaded
from extractors.backends.engine import text
from extractors.backends.engine.fields import read_fields
from extractors.backends.engine.plan import Continuation, PageInputs
from extractors.types import Generation
from tests.benchmarks.engine import (
    FIELD_SKELETON,
    FIELDS,
    JSON_TOKENS,
    LLAMA_11B,
    NOTED,
    TOY,
    VALUE_TOKENS,
    Shape,
    batched_generate,
    fields_mode,
    for_generate,
    json_mode,
    measurement,
    pages_of,
    random_model,
    the_articles,
)

BATCHES = (1, 8, 16, 32, 64)
PROMPT_TOKENS = 300
REPEATS = 5
OUT_OF_MEMORY = "out of memory"


def compiled_fields_mode(loaded: Loaded, inputs: PageInputs) -> None:
    """D with its step compiled; the run that warms up compiles it."""
    fields_mode(loaded, inputs, step=text.compiled())


WAYS: dict[str, Callable[[Loaded, Any], None]] = {
    "B": batched_generate,
    "J": json_mode,
    "D": fields_mode,
    "D compiled": compiled_fields_mode,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What this card can do, measured in this run."""

    flops: float  # a second, of matrix products in the model's dtype
    bytes: float  # a second, read and written


def run(small: bool = False) -> list[dict[str, Any]]:
    """Goals hold only on a GPU; at toy size nothing is judged."""
    on_gpu = torch.cuda.is_available() and not small
    device, dtype, shape = ("cuda", torch.bfloat16, LLAMA_11B) if on_gpu else ("cpu", torch.float32, TOY)
    prompt, batches, repeats = (PROMPT_TOKENS, BATCHES, REPEATS) if on_gpu else (24, (1, 2), 1)
    loaded = random_model(shape, device=device, dtype=dtype)
    ceilings = measured_ceilings(loaded, 8192 if on_gpu else 256)
    rows = [
        measurement(f"hardware: {torch.cuda.get_device_name() if on_gpu else 'CPU, toy size: no figure of it counts'}", 1.0, ""),
        measurement("ceiling of matrix products", ceilings.flops / 1e12, "TFLOP/s"),
        measurement("ceiling of memory", ceilings.bytes / 1e12, "TB/s"),
        path_error(device, dtype),
    ]
    one = pages_of(shape, loaded, 1, prompt)
    article = _pages_per_second(loaded, 1, lambda: the_articles(loaded, one, 0), repeats)
    rows.append(measurement("A pages a second", article, "pages/s"))
    best = dict.fromkeys(WAYS, (0.0, 1))
    for batch in batches:
        for way, work in WAYS.items():
            found = _measured(loaded, shape, work, batch, prompt, repeats)
            if isinstance(found, str):
                rows.append({**measurement(f"{way} batch {batch}: {found}", 0.0, ""), "holds": found == OUT_OF_MEMORY})
                continue
            speed, peak_bytes = found
            best[way] = max(best[way], (speed, batch))
            tokens = FIELDS * VALUE_TOKENS if way.startswith("D") else JSON_TOKENS
            rows += [
                measurement(f"{way} batch {batch}", speed, "pages/s"),
                measurement(f"{way} batch {batch}, tokens", speed * tokens, "tokens/s"),
                measurement(f"{way} batch {batch}, peak memory", peak_bytes / 1e9, "GB"),
            ]
    speed, batch = best["D"]
    share = speed * bound_seconds(shape, batch, prompt, ceilings, loaded.dtype.itemsize) / batch
    goal = dict.fromkeys(("A", "B", "speed", "share"), None) if not on_gpu else {"A": 20.0, "B": 1.5, "speed": 12.0, "share": 0.6}
    rows += [
        measurement("D against A, eager", speed / article, "x", goal["A"]),
        measurement("D against B at B's best batch size", speed / max(best["B"][0], 1e-9), "x", goal["B"]),
        measurement("D at its best batch size", speed, "pages/s", goal["speed"]),
        measurement("D, share of the roofline", share, "share", goal["share"]),
        measurement("D compiled against D", best["D compiled"][0] / speed, "x"),
    ]
    return rows


def _measured(
    loaded: Loaded, shape: Shape, work: Callable[[Loaded, Any], None], batch: int, prompt: int, repeats: int
) -> tuple[float, int] | str:
    """Pages a second and the peak of memory; or why there are none."""
    failed = OUT_OF_MEMORY
    try:
        inputs = pages_of(shape, loaded, batch, prompt)
        if loaded.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        speed = _pages_per_second(loaded, batch, lambda: work(loaded, inputs), repeats)
        return speed, torch.cuda.max_memory_allocated() if loaded.device.type == "cuda" else 0
    except torch.OutOfMemoryError:
        pass
    except Exception as error:  # a kernel that this card or this torch does not have must not hide what the others do
        failed = f"failed ({type(error).__name__}: {' '.join(str(error).split())[:120]})"
    if loaded.device.type == "cuda":
        torch.cuda.empty_cache()
    return failed


def path_error(device: str, dtype: torch.dtype) -> dict[str, Any]:
    """How far fields mode's log-probabilities are from float32 ones, against how far transformers' own in the same dtype are.

    In float32 itself, where both would be rounding alone, the largest difference of the two.
    """
    exact = random_model(NOTED, device=device)
    loaded = random_model(NOTED, device=device, dtype=dtype)
    loaded.model.load_state_dict(exact.model.state_dict())
    inputs = pages_of(NOTED, loaded, 2, 40)
    with torch.inference_mode():
        answers = read_fields(loaded, inputs, [Continuation(skeleton=FIELD_SKELETON, budget=VALUE_TOKENS)] * 2)
        ours: list[float] = []
        plain: list[float] = []
        true: list[float] = []
        for page, generations in enumerate(answers):
            for said in generations:
                ours += [token.logprob for token in said.tokens if not token.forced]
                for model, into in ((loaded, plain), (exact, true)):
                    into += _logprobs(model, replace(inputs, pixels=inputs.pixels.to(model.dtype)), page, said)
    if dtype is torch.float32:
        worst = max(abs(a - b) for a, b in zip(ours, plain, strict=True))
        return _at_most("fields mode against transformers' own forward, log-probabilities", worst, "nats", 1e-4)
    path, own = (sum(abs(a - b) for a, b in zip(some, true, strict=True)) for some in (ours, plain))
    return _at_most(f"error of fields mode against that of transformers in {dtype}".replace("torch.", ""), path / own, "x", 1.5)


def _logprobs(loaded: Loaded, inputs: PageInputs, page: int, said: Generation) -> list[float]:
    """Of the tokens that were written, by one plain forward of transformers."""
    written = [token.token_id for token in said.tokens]
    batch = for_generate(replace(inputs, prompts=((*inputs.prompts[page], *written),) * len(inputs.prompts)), slice(page, page + 1))
    first = len(inputs.prompts[page]) + len(FIELD_SKELETON) - 1
    logits = loaded.model(**batch, use_cache=False).logits[0, first:-1].float()
    chosen = torch.tensor(written[len(FIELD_SKELETON) :], device=logits.device)
    found: list[float] = logits.log_softmax(-1).gather(-1, chosen[:, None])[:, 0].tolist()
    return found


def _at_most(metric: str, value: float, unit: str, limit: float) -> dict[str, Any]:
    return {**measurement(metric, value, unit), "value": value, "goal": limit, "holds": value <= limit}


def _pages_per_second(loaded: Loaded, pages: int, work: Callable[[], object], repeats: int) -> float:
    """Median after one run that warms up."""
    times = []
    with torch.inference_mode():
        for _ in range(repeats + 1):
            _wait(loaded)
            began = time.perf_counter()
            work()
            _wait(loaded)
            times.append(time.perf_counter() - began)
    return pages / sorted(times[1:])[repeats // 2]


def _wait(loaded: Loaded) -> None:
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()


def measured_ceilings(loaded: Loaded, side: int) -> Ceilings:
    """A large matrix product, and a large copy."""
    a = torch.randn(side, side, device=loaded.device, dtype=loaded.dtype)
    products = _pages_per_second(loaded, 1, lambda: [a @ a for _ in range(10)], 5) * 10
    copies = _pages_per_second(loaded, 1, lambda: [a.clone() for _ in range(10)], 5) * 10
    return Ceilings(flops=products * 2 * side**3, bytes=copies * 2 * a.nbytes)


def bound_seconds(shape: Shape, batch: int, prompt: int, ceilings: Ceilings, item_bytes: int) -> float:
    """The least time that a batch can take in fields mode: encoding and prefill at the ceiling of products, steps at that of memory."""
    compute = batch * (vision_flops(shape) + prefill_flops(shape, prompt)) / ceilings.flops
    rows = batch * FIELDS
    step_bytes = item_bytes * (weights_read(shape) + batch * seen_numbers(shape) + rows * own_numbers(shape, prompt))
    step_flops = 2 * rows * weights_read(shape)
    return compute + VALUE_TOKENS * max(step_bytes / ceilings.bytes, step_flops / ceilings.flops)


def vision_tokens(shape: Shape) -> int:
    return 4 * ((shape.tile_px // 14) ** 2 + 1)


def vision_flops(shape: Shape) -> float:
    """Of one page: the tower's products and attention, the projector, the keys and values of cross-attention."""
    tokens, hidden = vision_tokens(shape), shape.vision_hidden
    layers = shape.vision_layers + shape.vision_globals
    tower = layers * (2 * 12 * hidden**2 * tokens + 4 * tokens**2 * hidden)
    projector = 2 * tokens * hidden * (1 + len(shape.vision_taken)) * shape.hidden
    return tower + projector + len(shape.crossing) * 2 * tokens * shape.hidden * 2 * _kv_width(shape)


def prefill_flops(shape: Shape, prompt: int) -> float:
    """Of one page's prompt and skeletons."""
    tokens = prompt + FIELDS * len(FIELD_SKELETON)
    return 2 * tokens * weights_read(shape) + len(shape.crossing) * 4 * tokens * vision_tokens(shape) * shape.hidden


def weights_read(shape: Shape) -> int:
    """Numbers of the language model's weights that a step needs."""
    mlp = 3 * shape.hidden * shape.intermediate
    crossing = len(shape.crossing) * (2 * shape.hidden**2 + mlp)
    selves = (shape.layers - len(shape.crossing)) * (2 * shape.hidden**2 + 2 * shape.hidden * _kv_width(shape) + mlp)
    return crossing + selves + shape.hidden * shape.vocabulary


def seen_numbers(shape: Shape) -> int:
    """Keys and values of one page's vision tokens, in all cross-attention layers."""
    return len(shape.crossing) * 2 * vision_tokens(shape) * _kv_width(shape)


def own_numbers(shape: Shape, prompt: int) -> int:
    """Keys and values of one row's text, in all self-attention layers."""
    return (shape.layers - len(shape.crossing)) * 2 * (prompt + len(FIELD_SKELETON) + VALUE_TOKENS) * _kv_width(shape)


def _kv_width(shape: Shape) -> int:
    return shape.hidden * shape.kv_heads // shape.heads


if __name__ == "__main__":
    rows = run()
    Path(".bench").mkdir(exist_ok=True)
    Path(".bench/engine_gpu.json").write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        goal = "" if row["goal"] is None else f"   goal {row['goal']:g}: {'holds' if row['holds'] else 'missed'}"
        print(f"{row['metric']:60} {row['value']:>12,.4g} {row['unit']}{goal}")
