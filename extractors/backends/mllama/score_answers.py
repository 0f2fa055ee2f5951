"""What the model believes of answers that are given: one forward, in which nothing is written.

An answer that was read from one picture is held against another one, token by token.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from extractors.backends.mllama import text_model
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.inputs import PageInputs, padded, to_device
from extractors.backends.mllama.prefill import prefill_prompts
from extractors.backends.mllama.recorder import step_of, traces_of
from extractors.types import Generation, TokenTrace

STEPS = 32  # tokens whose logits are held at once: 16 MB at a vocabulary of 128,256


def score_answers(
    loaded: Loaded, inputs: PageInputs, answers: Sequence[Sequence[Generation]]
) -> list[list[Generation]]:
    """The same answers, each token of the model's own with what is believed of it here.

    answers: of each page as many generations; tokens that were fed stay as they are
    """
    fields = len(answers[0])
    assert all(len(said) == fields for said in answers), "every page was asked the same"
    rows = [generation for said in answers for generation in said]
    starts = [len(prompt) for prompt in inputs.prompts for _ in range(fields)]
    hidden, cache = prefill_prompts(loaded, inputs)
    ids, lengths = padded(
        [[token.token_id for token in row.tokens] for row in rows],
        loaded.vocabulary.pad_id,
        loaded.device,
    )
    span = max(start + len(row.tokens) for start, row in zip(starts, rows, strict=True))
    cache = cache.expanded(fields, span + 1)
    where = torch.arange(ids.shape[1], device=loaded.device)[None]
    positions = torch.where(
        where < lengths[:, None],
        to_device(starts, loaded.device)[:, None] + where,
        cache.padding_slot,
    )
    after = text_model.forward(loaded.model.model.language_model, ids, positions, cache, span=span)
    # (R, q, hidden): what each token is foretold from
    before = torch.cat([hidden.repeat_interleave(fields, dim=0)[:, None], after[:, :-1]], dim=1)
    told = _scored(loaded, rows, before, ids)
    scored = [
        replace(row, tokens=tuple(one if one.forced else next(told) for one in row.tokens))
        for row in rows
    ]
    return [scored[at : at + fields] for at in range(0, len(scored), fields)]


def _scored(
    loaded: Loaded, rows: Sequence[Generation], before: Tensor, ids: Tensor
) -> Iterator[TokenTrace]:
    """The rows' own tokens, one row after the other; few logits are held at once."""
    own = [
        (n, at)
        for n, row in enumerate(rows)
        for at, token in enumerate(row.tokens)
        if not token.forced
    ]
    for first in range(0, len(own), STEPS):
        at = to_device(own[first : first + STEPS], loaded.device)  # (n, 2)
        logits = loaded.lm_head(before[at[:, 0], at[:, 1]])  # (n, V)
        step = step_of(logits, ids[at[:, 0], at[:, 1]], roads=loaded.roads)
        for [token] in traces_of([step], loaded.vocabulary):
            yield token
