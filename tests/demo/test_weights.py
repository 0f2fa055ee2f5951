"""The weights in the repository read."""

import json

import pytest

from extractors.backends.mllama.backend import MllamaBackend
from extractors.demo import WEIGHTS
from extractors.demo.card import shortfall
from extractors.demo.evaluate import as_json, evaluate
from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from extractors.reading import prompts

FLOOR = 0.93  # of values exactly right on clean slips; the model card says what was measured


@pytest.fixture(scope="module", params=["json", "fields"])
def backend(request: pytest.FixtureRequest) -> MllamaBackend:
    return MllamaBackend(WEIGHTS, decode_mode=request.param, grammar=False, max_new_tokens=300)


def test_the_bundled_weights_read_unseen_slips(backend: MllamaBackend) -> None:
    """Twenty clean slips, free-running, through rendering, backend and spans, in either mode: at
    least the floor is exactly right.
    """
    figures = as_json(evaluate(backend, per_level=20, levels=(0,), seed=1))
    assert figures["levels"]["0"]["value_accuracy"] >= FLOOR
    assert figures["levels"]["0"]["absent_precision"] >= 0.9


def test_the_bundled_model_knows_what_it_was_made_for(backend: MllamaBackend) -> None:
    """In domain for slips, and for nothing else."""
    assert backend.in_domain(Slip.spec)
    assert not backend.in_domain(Invoice.spec)


def test_the_bundled_model_was_trained_on_the_prompts_in_use() -> None:
    """A changed prompt, or a changed slip type, needs a new training."""
    said = json.loads((WEIGHTS / "surefield.json").read_text(encoding="utf-8"))
    assert said["prompt_hash"] == {
        mode: prompts.prompt_hash(Slip.spec, mode) for mode in ("json", "fields")
    }


def test_the_bundled_weights_are_small() -> None:
    """At most 30 MB in all, and 16 MB a file, so that a clone stays quick."""
    sizes = [path.stat().st_size for path in WEIGHTS.iterdir()]
    assert max(sizes) < 16_000_000
    assert sum(sizes) < 30_000_000


def test_the_model_card_tells_the_measured_figures() -> None:
    """Every figure of ``evaluation.json`` that counts stands in the card beside the weights."""
    card = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    figures = json.loads((WEIGHTS / "evaluation.json").read_text(encoding="utf-8"))
    for row in figures["levels"].values():
        assert f"{row['value_accuracy']:.1%}" in card
    assert shortfall(figures) in card


def test_the_bundled_model_reads_by_default_in_the_mode_that_was_measured_to_be_better() -> None:
    """Value by value on the same slips; where both are equal, the faster one."""
    apart = json.loads((WEIGHTS / "evaluation.json").read_text(encoding="utf-8"))[
        "json_against_fields"
    ]
    assert MllamaBackend(WEIGHTS).decode_mode == (
        "json" if apart["only_first"] > apart["only_second"] else "fields"
    )
