"""The engine against the common way: the same weights, pages and numbers of tokens, in one run.

A the article's: ``generate(..., output_scores=True)`` one page at a time, then a softmax over every
stored score B batched ``generate`` with the recorder J json mode with a forced skeleton D fields
mode

The weights are random and of a size that fits a CPU; what ends an answer is taken away, so that
every way writes as many value tokens. D does not compute the same thing as A: its fields do not see
each other, which is what it is trained for.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import MllamaConfig, MllamaForConditionalGeneration
from transformers.models.mllama.configuration_mllama import MllamaTextConfig, MllamaVisionConfig

from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.decode_fields import read_fields
from extractors.backends.mllama.decode_json import read_json
from extractors.backends.mllama.inputs import Continuation, PageInputs
from extractors.backends.mllama.recorder import Recorder, Step
from extractors.backends.mllama.reference import generate_recorded
from extractors.backends.vocabulary import Vocabulary
from tests.benchmarks import engine_demo

FIELDS = 8
SKELETON_TOKENS = (7, 7, 7, 7, 7, 7, 6, 6)  # of a JSON answer: 54, and 96 of values
VALUE_TOKENS = 12
JSON_TOKENS = sum(SKELETON_TOKENS) + FIELDS * VALUE_TOKENS
FIELD_SKELETON = tuple(range(10, 16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A random Mllama."""

    hidden: int = 512
    layers: int = 12
    crossing: tuple[int, ...] = (3, 7, 11)
    heads: int = 8
    kv_heads: int = 2
    intermediate: int = 1536
    vocabulary: int = 32_000
    vision_hidden: int = 256
    vision_layers: int = 6
    vision_globals: int = 2
    vision_heads: int = 4
    vision_taken: tuple[int, ...] = (0, 3)
    tile_px: int = 224


LLAMA_11B = Shape(
    hidden=4096,
    layers=40,
    crossing=(3, 8, 13, 18, 23, 28, 33, 38),
    heads=32,
    kv_heads=8,
    intermediate=14_336,
    vocabulary=128_256,
    vision_hidden=1280,
    vision_layers=32,
    vision_globals=8,
    vision_heads=16,
    vision_taken=(3, 7, 15, 23, 30),
    tile_px=560,
)
NOTED = Shape()
TOY = Shape(
    hidden=64,
    layers=4,
    crossing=(1, 3),
    intermediate=128,
    vocabulary=8_000,
    vision_hidden=32,
    vision_layers=2,
    vision_globals=1,
    vision_taken=(0, 1),
    tile_px=56,
)


class FixedForm:
    """A grammar that knows the form beforehand: so many skeleton tokens, then so many that the
    model chooses.
    """

    def __init__(self) -> None:
        self._field = self._free = 0

    def compute_ff_tokens(self) -> list[int]:
        return (
            list(range(20, 20 + SKELETON_TOKENS[self._field]))
            if self._free == 0 and self._field < FIELDS
            else []
        )

    def consume_tokens(self, _tokens: list[int]) -> bool:
        self._free = VALUE_TOKENS
        return True

    def consume_token(self, _token: int) -> bool:
        self._free -= 1
        self._field += self._free == 0
        return True

    def is_stopped(self) -> bool:
        return self._free == 0 and self._field == FIELDS

    def unsafe_compute_mask_ptr(self, _pointer: int, _size: int) -> None:
        """Everything is allowed: the mask comes filled with ones."""


def random_model(
    shape: Shape, *, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Loaded:
    """Random weights, gates open, and a vocabulary in which nothing ends an answer."""
    torch.manual_seed(0)
    text = MllamaTextConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        cross_attention_layers=list(shape.crossing),
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.intermediate,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    vision = MllamaVisionConfig(
        hidden_size=shape.vision_hidden,
        num_hidden_layers=shape.vision_layers,
        num_global_layers=shape.vision_globals,
        attention_heads=shape.vision_heads,
        intermediate_size=4 * shape.vision_hidden,
        vision_output_dim=shape.vision_hidden * (1 + len(shape.vision_taken)),
        intermediate_layers_indices=list(shape.vision_taken),
        image_size=shape.tile_px,
        patch_size=14,
        max_num_tiles=4,
    )
    torch.set_default_dtype(dtype)  # 11B in float32 would need twice the memory before it is halved
    try:
        with torch.device(device):
            model = MllamaForConditionalGeneration(
                MllamaConfig(
                    vision_config=vision, text_config=text, image_token_index=shape.vocabulary
                )
            )
    finally:
        torch.set_default_dtype(torch.float32)
    model = model.eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "gate" in name and parameter.numel() == 1:
                parameter.fill_(0.6)
    model.generation_config.eos_token_id = None
    spelled = (b"x",) * shape.vocabulary
    words = Vocabulary(
        names=("x",) * shape.vocabulary,
        spelled=spelled,
        special_ids=frozenset(),
        eos_ids=(),
        pad_id=0,
    )
    return Loaded(
        model=model, processor=None, vocabulary=words, device=torch.device(device), dtype=dtype
    )


def pages_of(shape: Shape, loaded: Loaded, pages: int, prompt_tokens: int) -> PageInputs:
    """Noise on four tiles, and a prompt of the given length that begins with the image."""
    draw = torch.Generator().manual_seed(1)
    words = torch.randint(3, shape.vocabulary, (prompt_tokens - 2,), generator=draw).tolist()
    return PageInputs(
        prompts=((1, shape.vocabulary, *words),) * pages,
        pixels=torch.randn(pages, 1, 4, 3, shape.tile_px, shape.tile_px, generator=draw).to(
            loaded.device, loaded.dtype
        ),
        aspect_ids=torch.full((pages, 1), 6, device=loaded.device),  # 2 x 2
        tiles=(4,) * pages,
        image_token=shape.vocabulary,
    )


def for_generate(inputs: PageInputs, some: slice) -> dict[str, Any]:
    """The same pages as transformers' ``generate`` takes them."""
    ids = torch.tensor(inputs.prompts[some], device=inputs.pixels.device)
    real = torch.tensor(
        [[n < count for n in range(4)] for count in inputs.tiles[some]], device=ids.device
    ).long()  # (B, T)
    tiles = real[:, None, None].repeat(1, ids.shape[1], 1, 1)
    tiles[:, 0] = 0  # before the image
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": inputs.pixels[some],
        "aspect_ratio_ids": inputs.aspect_ids[some],
        "aspect_ratio_mask": real[:, None],
        "cross_attention_mask": tiles,
    }


def the_articles(loaded: Loaded, inputs: PageInputs, page: int) -> int:
    """A: scores stored for every step, softmax over all of them.

    Returns the bytes of the scores.
    """
    batch = for_generate(inputs, slice(page, page + 1))
    out = loaded.model.generate(
        **batch,
        max_new_tokens=JSON_TOKENS,
        do_sample=False,
        output_scores=True,
        return_dict_in_generate=True,
        pad_token_id=0,
    )
    scores = torch.stack(out.scores, dim=1)  # (1, T, V)
    chosen = out.sequences[:, batch["input_ids"].shape[1] :]
    probabilities = scores.softmax(-1).gather(-1, chosen[..., None])
    assert probabilities.shape[1] == JSON_TOKENS
    return sum(score.numel() * score.element_size() for score in out.scores)


def batched_generate(loaded: Loaded, inputs: PageInputs) -> None:
    """B"""
    rows = generate_recorded(loaded, for_generate(inputs, slice(None)), max_new_tokens=JSON_TOKENS)
    assert {len(row) for row in rows} == {JSON_TOKENS}


def json_mode(loaded: Loaded, inputs: PageInputs) -> None:
    """J"""
    answers = read_json(
        loaded, inputs, [FixedForm() for _ in inputs.prompts], max_new_tokens=2 * JSON_TOKENS
    )
    assert {len(answer.tokens) for answer in answers} == {JSON_TOKENS}


def fields_mode(
    loaded: Loaded, inputs: PageInputs, step: Callable[..., Tensor] | None = None
) -> None:
    """D"""
    plans = [Continuation(skeleton=FIELD_SKELETON, budget=VALUE_TOKENS)] * FIELDS
    answers = read_fields(loaded, inputs, plans, step=step)
    assert {len(a.tokens) for page in answers for a in page} == {len(FIELD_SKELETON) + VALUE_TOKENS}


@dataclass(frozen=True, slots=True)
class Spent:
    """One run, for each of its pages."""

    cpu_s: float
    wall_s: float
    forwards: float  # of the language model


def spent(loaded: Loaded, pages: int, work: Callable[[], object]) -> Spent:
    with torch.inference_mode(), counting(loaded) as calls:
        _wait(loaded)
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        _wait(loaded)
        return Spent(
            (time.process_time() - cpu) / pages,
            (time.perf_counter() - wall) / pages,
            len(calls) / pages,
        )


def per_second(loaded: Loaded, work: Callable[[], object], repeats: int) -> float:
    """How often the work is done in a second of wall time: the median, after one run that warms
    up.
    """
    times = []
    with torch.inference_mode():
        for _ in range(repeats + 1):
            _wait(loaded)
            began = time.perf_counter()
            work()
            _wait(loaded)
            times.append(time.perf_counter() - began)
    return 1.0 / statistics.median(times[1:])


def _wait(loaded: Loaded) -> None:
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def counting(loaded: Loaded) -> Iterator[list[int]]:
    """Every forward of the language model: each embeds its tokens once."""
    calls: list[int] = []
    handle = loaded.model.model.language_model.embed_tokens.register_forward_hook(
        lambda *_: calls.append(1)
    )
    try:
        yield calls
    finally:
        handle.remove()


def compare(
    loaded: Loaded,
    shape: Shape,
    *,
    prompt_tokens: int,
    pages: int,
    pages_a: int,
    repeats: int,
    ways: str = "ABJD",
) -> dict[str, Spent]:
    """Medians of interleaved runs, so that a busy moment of the machine falls on all ways alike."""
    inputs = pages_of(shape, loaded, pages, prompt_tokens)
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "A": (pages_a, lambda: [the_articles(loaded, inputs, page) for page in range(pages_a)]),
        "B": (pages, lambda: batched_generate(loaded, inputs)),
        "J": (pages, lambda: json_mode(loaded, inputs)),
        "D": (pages, lambda: fields_mode(loaded, inputs)),
    }
    taken: dict[str, list[Spent]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way in ways:
            taken[way].append(spent(loaded, *runs[way]))
    return {
        way: Spent(
            *(statistics.median(getattr(s, name) for s in all_of) for name in Spent.__slots__)
        )
        for way, all_of in taken.items()
    }


def evidence_bytes(shape: Shape) -> tuple[int, int]:
    """Bytes that A stores of one page's scores, and that the recorder stores of the same steps."""
    recorder = Recorder()
    recorder.add(torch.zeros(1, shape.vocabulary), torch.zeros(1, dtype=torch.long))
    step = recorder.steps[0]
    kept = sum(
        value.nbytes for name in Step.__slots__ if (value := getattr(step, name)) is not None
    )
    return JSON_TOKENS * shape.vocabulary * 4, JSON_TOKENS * kept


def run(small: bool = False) -> list[dict[str, Any]]:
    """The CPU comparison: one thread, CPU time decides, since the machine is shared."""
    torch.set_num_threads(1)
    shape = TOY if small else NOTED
    long, short = (24, 10) if small else (300, 40)
    pages, repeats = (2, 1) if small else (8, 5)
    loaded = random_model(shape)
    full = compare(
        loaded, shape, prompt_tokens=long, pages=pages, pages_a=min(2, pages), repeats=repeats
    )
    brief = compare(
        loaded,
        shape,
        prompt_tokens=short,
        pages=pages,
        pages_a=min(2, pages),
        repeats=repeats,
        ways="AD",
    )
    named = {
        "A": "the article's generate",
        "B": "batched generate, recorder",
        "J": "json mode",
        "D": "fields mode",
    }
    rows = []
    for way, cost in full.items():
        rows += [
            measurement(
                f"{way} {named[way]}: CPU time a page, prompt {long}", cost.cpu_s * 1e3, "ms"
            ),
            measurement(f"{way} wall time a page", cost.wall_s * 1e3, "ms"),
            measurement(f"{way} forwards a page", cost.forwards, ""),
        ]
    rows += [
        measurement(
            f"{way} against A, CPU time, prompt {long}", full["A"].cpu_s / full[way].cpu_s, "x"
        )
        for way in "BJ"
    ]
    goals = (None, None) if small else (4.5, 6.0)
    rows.append(
        measurement(
            f"D against A, CPU time, prompt {long}",
            full["A"].cpu_s / full["D"].cpu_s,
            "x",
            goals[0],
        )
    )
    rows.append(
        measurement(
            f"D against A, CPU time, prompt {short}",
            brief["A"].cpu_s / brief["D"].cpu_s,
            "x",
            goals[1],
        )
    )
    scores, evidence = evidence_bytes(shape)
    rows.append(measurement("A stores of a page's scores", scores / 1e6, "MB"))
    rows.append(
        measurement(
            "scores against the recorder's evidence",
            scores / evidence,
            "x",
            None if small else 1000.0,
        )
    )
    return rows + engine_demo.rows(measurement, small=small)


def measurement(metric: str, value: float, unit: str, goal: float | None = None) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": round(value, 4),
        "unit": unit,
        "goal": goal,
        "holds": goal is None or value >= goal,
    }


if __name__ == "__main__":
    for row in run(small="--small" in sys.argv):
        print(row)
