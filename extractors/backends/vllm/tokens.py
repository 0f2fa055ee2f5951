"""A server's log-probabilities -> traces that spell the answer byte for byte.

A server tells of a token only the text that it completes: one that ends inside a character spells
nothing, and the one that completes the character spells for both. With the tokenizer at hand every
token's own bytes are known; without it, tokens that share a character become one trace, whose
log-probability is that of all of them together: never surer than any of its parts.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extractors.backends.vllm.wire import MASKED, Completion, Top
from extractors.errors import ModelNotLoadable
from extractors.types import Alternative, TokenTrace

UNKNOWN_ID = -1  # of an alternative that the server names by its text alone
_ID = re.compile(r"token_id:([0-9]+)")
_LOST = "\ufffd".encode()  # stands in the answer's text for bytes that are no character


@dataclass(frozen=True, slots=True)
class Step:
    """One token of an answer as the server tells it; ``reported`` may be empty, or spell for the
    tokens before it too.
    """

    token_id: int
    reported: bytes
    logprob: float
    top: tuple[Alternative, ...]  # in any order, of any number


def chosen_steps(answer: Completion, spelled: Sequence[bytes] | None) -> list[Step]:
    """The tokens that the server generated, with the log-probabilities that it sent along.

    spelled: bytes of every token, by id, from the tokenizer

    Raises ModelNotLoadable when it sent none, or none that are raw.
    """
    choice = answer.choices[0]
    content = choice.logprobs.content if choice.logprobs else None
    if content is None:
        raise ModelNotLoadable(
            "The server sends no log-probabilities, and nothing is scored without. Use one that"
            " does, such as vLLM."
        )
    ids = (
        choice.token_ids
        if choice.token_ids is not None and len(choice.token_ids) == len(content)
        else None
    )
    steps = []
    for at, token in enumerate(content):
        own = ids[at] if ids else _id_of(token)
        others = [
            other
            for other in token.top_logprobs
            if (other.token, other.logprob) != (token.token, token.logprob)
        ]
        _refuse_unless_raw([token.logprob, *(other.logprob for other in others)])
        chosen = Alternative(own, _text(token, own, spelled), min(token.logprob, 0.0))
        steps.append(
            Step(
                own,
                chosen.text,
                chosen.logprob,
                (chosen, *(_alternative(other, spelled) for other in others)),
            )
        )
    return steps


def prompt_steps(answer: Completion, start: int, spelled: Sequence[bytes] | None) -> list[Step]:
    """The prompt's tokens from ``start`` on, with the raw log-probabilities that the model gave
    them.
    """
    ids, told = answer.prompt_token_ids, answer.prompt_logprobs
    if ids is None or told is None or len(ids) != len(told):
        raise ModelNotLoadable(
            "The server does not tell the log-probabilities of a prompt, without which a grammar's"
            " answers cannot be scored. Use a newer vLLM, or ask greedily and without a grammar."
        )
    steps = []
    for token_id, at in zip(ids[start:], told[start:], strict=True):
        if at is None or token_id not in at:
            raise ModelNotLoadable(
                "The server leaves out what the model thinks of some tokens. Use a newer vLLM."
            )
        _refuse_unless_raw([one.logprob for one in at.values()])
        top = tuple(
            Alternative(
                i,
                (one.decoded_token or "").encode() if spelled is None else _spelling(i, spelled),
                min(one.logprob, 0.0),
            )
            for i, one in at.items()
        )
        chosen = next(one for one in top if one.token_id == token_id)
        steps.append(Step(token_id, chosen.text, chosen.logprob, top))
    return steps


def _refuse_unless_raw(logprobs: Sequence[float]) -> None:
    """A raw distribution adds up to at most 1 and forbids nothing; logits, and what is left after a
    mask, do not look like that.
    """
    masked = any(value <= MASKED for value in logprobs)
    if masked or max(logprobs) > 1e-4 or sum(math.exp(value) for value in logprobs) > 1.001:
        raise ModelNotLoadable(
            "The server's log-probabilities are not the model's own: logits, or what a mask left"
            " over. Start it with --logprobs-mode raw_logprobs."
        )


def _id_of(token: Top) -> int:
    named = _ID.fullmatch(token.token)
    return int(named[1]) if named else UNKNOWN_ID


def _spelling(token_id: int, spelled: Sequence[bytes]) -> bytes:
    """Bytes of a token; models have a few ids beyond their tokenizer's last, which spell
    nothing.
    """
    return spelled[token_id] if token_id < len(spelled) else b""


def _text(token: Top, token_id: int, spelled: Sequence[bytes] | None) -> bytes:
    if spelled is not None and token_id != UNKNOWN_ID:
        return _spelling(token_id, spelled)
    return token.token.encode() if token.bytes_ is None else bytes(token.bytes_)


def _alternative(token: Top, spelled: Sequence[bytes] | None) -> Alternative:
    token_id = _id_of(token)
    return Alternative(token_id, _text(token, token_id, spelled), token.logprob)


def without_ending(steps: Sequence[Step], said: bytes) -> list[Step]:
    """The same steps, of which the last spells nothing if it is the end of turn, which ``said``
    does not hold.
    """
    if not steps or not steps[-1].reported or said.endswith(steps[-1].reported):
        return list(steps)
    return [*steps[:-1], replace(steps[-1], reported=b"")]


def traces(steps: Sequence[Step], said: bytes, *, top: int, exact: bool) -> tuple[TokenTrace, ...]:
    """Traces that together spell ``said``.

    Where the steps do not spell it, their numbers say nothing about it: then there is one trace,
    which counts as forced, so that no value has a confidence.

    exact: every step's bytes are its very own, from the tokenizer
    """
    if exact:
        spelling = b"".join(step.reported for step in steps)
        if spelling.decode("utf-8", "replace") != said.decode("utf-8", "replace"):
            raise ModelNotLoadable(
                "The tokenizer spells another answer than the server. Name the tokenizer of the"
                " model that it serves."
            )
        return tuple(_trace([step], step.reported, top) for step in steps)
    groups = _groups(steps, said)
    if groups is None:
        return (TokenTrace(token_id=UNKNOWN_ID, text=said, logprob=0.0, forced=True),)
    return tuple(_trace(group, text, top) for group, text in groups)


def adds_up(traces: Sequence[TokenTrace]) -> bool:
    """Whether the server's account of its tokens spelled the answer."""
    return not any(one.forced and one.token_id == UNKNOWN_ID for one in traces)


def _groups(steps: Sequence[Step], said: bytes) -> Sequence[tuple[Sequence[Step], bytes]] | None:
    """Steps and the part of ``said`` that they spell together; None when the server's account does
    not add up.
    """
    groups: list[tuple[Sequence[Step], bytes]] = []
    at, first = 0, 0
    for number, step in enumerate(steps):
        if not step.reported:
            continue
        start = at
        while (
            number > first
            and not said.startswith(step.reported, start)
            and said.startswith(_LOST, start)
        ):
            start += len(_LOST)  # an unfinished character before this token; it shares its trace
        if not said.startswith(step.reported, start):
            return None
        end = start + len(step.reported)
        groups.append((steps[first : number + 1], said[at:end]))
        at, first = end, number + 1
    # tokens that spell nothing; and nothing but unfinished characters must be left for them
    rest, left = (steps[first:], said[at:])
    if left.replace(_LOST, b"") or (left and not rest):
        return None if steps else []
    return [*groups, (rest, left)] if rest else groups


def _trace(group: Sequence[Step], text: bytes, top: int) -> TokenTrace:
    if len(group) == 1:
        step = group[0]
        best = tuple(sorted(step.top, key=lambda one: -one.logprob)[:top])
        return TokenTrace(
            token_id=step.token_id,
            text=text,
            logprob=step.logprob,
            top=best,
            entropy=_entropy(step.top),
        )
    return TokenTrace(
        token_id=group[-1].token_id,
        text=text,
        logprob=math.fsum(step.logprob for step in group),
        entropy=math.fsum(_entropy(step.top) for step in group),
    )


def _entropy(top: Sequence[Alternative]) -> float:
    """In nats, of the distribution with all that is not told taken as one token: the true entropy
    is no smaller.
    """
    told = [math.exp(one.logprob) for one in top]
    rest = max(0.0, 1.0 - math.fsum(told))
    return max(0.0, -math.fsum(p * math.log(p) for p in (*told, rest) if p > 0))
