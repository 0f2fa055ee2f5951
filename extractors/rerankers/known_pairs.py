"""Pairs of texts whose order, or whose very score, is known: engines disagree on activations,
truncation and what a head is.

A wrong order means another kind of model, or one whose head was never trained. A wrong score of a
model that is documented means other weights, or scores that are not what they are taken for.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from extractors.backends import MANIFEST
from extractors.errors import ModelNotLoadable, UnexpectedScores
from extractors.rerankers import Pair, Relevance

# of a logit: bfloat16 and other kernels move a large model's by a tenth; an activation moves them
# by whole units
TOLERANCE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPair:
    """A pair, and what it is known to get."""

    query: str
    passage: str
    logit: float | None = None  # None: only its place in the order is known


# Any reranker's order, the most relevant first.
ANY = (
    KnownPair(query="number: the invoice number", passage="Invoice number: A-1007"),
    KnownPair(query="number: the invoice number", passage="The meeting was moved to another room."),
)
_PANDA = (
    "The giant panda (Ailuropoda melanoleuca), sometimes called a panda bear or simply panda, is a"
    " bear species endemic to China."
)
# As the model's card gives them, https://huggingface.co/BAAI/bge-reranker-v2-m3, float16.
KNOWN: dict[str, tuple[KnownPair, ...]] = {
    "BAAI/bge-reranker-v2-m3": (
        KnownPair(query="what is panda?", passage=_PANDA, logit=5.26171875),
        KnownPair(query="what is panda?", passage="hi", logit=-8.1875),
    ),
}


def known_pairs(model: str) -> tuple[KnownPair, ...]:
    """What is known of a model: by its name, by what lies beside its weights, else what holds for
    any.
    """
    if model in KNOWN:
        return KNOWN[model]
    path = Path(model) / MANIFEST
    if not path.is_file():
        return ANY
    try:
        told = json.loads(path.read_text("utf-8")).get("known_pairs", ())
        return tuple(KnownPair(**one) for one in told) or ANY
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelNotLoadable(
            f"known_pairs in {path} cannot be read ({error}). Mend the file, or remove that entry."
        ) from error


def check(
    model: str, pairs: Sequence[KnownPair], judge: Callable[[Sequence[Pair]], Sequence[Relevance]]
) -> None:
    """Raises UnexpectedScores when the pairs, the most relevant first, are not judged as they are
    known to be.
    """
    logits = [one.logit for one in judge([(pair.query, pair.passage) for pair in pairs])]
    for pair, logit in zip(pairs, logits, strict=True):
        if pair.logit is not None and not abs(logit - pair.logit) <= TOLERANCE:
            raise UnexpectedScores(
                f"{model} gives a known pair the logit {logit:.4f} instead of {pair.logit:.4f}."
                " Check that these are the model's own weights, and that its server sends raw"
                " scores; or name the model that it really is."
            )
    if not all(a > b for a, b in pairwise(logits)):
        raise UnexpectedScores(
            f"{model} finds an unrelated text no less relevant than the answer (logits"
            f" {', '.join(f'{one:.4f}' for one in logits)}). It is no reranker, or its head was"
            " never trained. Choose a reranker, such as BAAI/bge-reranker-v2-m3."
        )
