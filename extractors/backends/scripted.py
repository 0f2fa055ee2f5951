"""A backend that says what a script tells it: for tests, benchmarks and development, with no model
and no torch.

It goes through the same doors as a model: it spells the trained answer token by token (a character
each), every token with its probability, in both decode modes, and can be slow, cut short or fail,
as a model can.
"""

import hashlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from extractors.backends import Backend, BackendOptions
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.reading import prompts
from extractors.registry import Finding
from extractors.types import (
    LLAMA_CANVAS,
    Alternative,
    Canvas,
    Generation,
    PageAnswer,
    PageImage,
    StopReason,
    TokenTrace,
)

_SURE = 0.9999  # of everything that is not a value: keys, punctuation
_UNSAID = 0.001  # of a token that the script would not say
_END_ID = 0x110000  # the id after the last character's


class Options(BackendOptions):
    """What can be set about it."""

    backend: Literal["scripted"] = Field("scripted", description="What reads the pages.")
    script: Path | None = Field(None, description="The answers, by a page's sha256 (JSON).")


def open(options: Options) -> Backend:
    """The backend, its script read."""
    return ScriptedBackend(options.script, batch_pages=options.batch_pages)


def canvas(options: Options) -> Canvas:
    """That of the model it stands in for."""
    return LLAMA_CANVAS


def check(options: Options) -> Finding:
    """The script is there."""
    if options.script is not None and not options.script.is_file():
        return Finding(False, f"there is no file {options.script}; mend SUREFIELD_SCRIPT")
    return Finding(True, "scripted: answers come from a script")


Probability = float | Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the script says about one page."""

    # field -> text as printed, None; a group is a list of rows
    truth: Mapping[str, Any] = field(default_factory=dict)
    # of every token of a value; or by path ("total", "items.amount"), others 0.99
    probability: Probability = 0.99
    # path -> probability of that value's middle token alone
    doubts: Mapping[str, float] = field(default_factory=dict)
    cut_after: int | None = None  # tokens after which every generation of the page is cut short
    raw: bytes | None = None  # said word for word instead, in json mode

    def probability_of(self, path: str) -> float:
        return (
            self.probability
            if isinstance(self.probability, float)
            else self.probability.get(path, 0.99)
        )


Said = Line | Mapping[str, Any]  # a bare mapping is the truth
Script = Mapping[str, Said] | Callable[[PageImage, DocumentType], Said]


class ScriptedBackend:
    """Answers deterministically from ``script``: a page's sha256 (of its PNG) or a function -> what
    to say.

    A page that the script does not know is answered with ``otherwise`` (by default: no field is
    there). ``failures`` maps the number of a call (1-based) to the error it raises.
    """

    def __init__(
        self,
        script: Script | str | Path | None = None,
        *,
        otherwise: Said | None = None,
        decode_mode: str = "json",
        canvas: Canvas = LLAMA_CANVAS,
        batch_pages: int = 8,
        delay_s: float = 0.0,
        failures: Mapping[int, Exception] | None = None,
        document_types: Sequence[str] | None = None,
        model: str = "scripted",
    ) -> None:
        self.model = model
        self.fingerprint = hashlib.sha256(f"scripted/1 {model} {canvas}".encode()).hexdigest()[:16]
        self.decode_mode = decode_mode
        self.canvas = canvas
        self.batch_pages = batch_pages
        self.settings: Mapping[str, object] = {"backend": "scripted"}
        self.calls: list[tuple[int, ...]] = []  # the page numbers of each call, for tests
        self._script = (
            json.loads(Path(script).read_text("utf-8"))
            if isinstance(script, str | Path)
            else (script or {})
        )
        self._otherwise = otherwise if otherwise is not None else Line()
        self._delay_s = delay_s
        self._failures = dict(failures or {})
        self._document_types = None if document_types is None else frozenset(document_types)
        self._lock = threading.Lock()

    def in_domain(self, spec: DocumentType) -> bool:
        return self._document_types is None or spec.name in self._document_types

    def answer(self, pages: Sequence[PageImage], spec: DocumentType) -> list[PageAnswer]:
        self._work(pages)
        return [
            answer_of(page.number, spec, self._said(page, spec), self.decode_mode) for page in pages
        ]

    def scored(
        self, pages: Sequence[PageImage], answers: Sequence[PageAnswer], spec: DocumentType
    ) -> list[PageAnswer]:
        """A token that the script would spell there now is as probable as it says."""
        self._work(pages)
        return [
            _held(answer, answer_of(page.number, spec, self._said(page, spec), self.decode_mode))
            for page, answer in zip(pages, answers, strict=True)
        ]

    def _work(self, pages: Sequence[PageImage]) -> None:
        with self._lock:
            self.calls.append(tuple(page.number for page in pages))
            failure = self._failures.get(len(self.calls))
        if self._delay_s:
            time.sleep(self._delay_s * len(pages))
        if failure is not None:
            raise failure

    def _said(self, page: PageImage, spec: DocumentType) -> Line:
        if callable(self._script):
            said: Said = self._script(page, spec)
        else:
            said = self._script.get(hashlib.sha256(page.png).hexdigest(), self._otherwise)
        return said if isinstance(said, Line) else Line(truth=said)


def answer_of(page: int, spec: DocumentType, line: Line, decode_mode: str = "json") -> PageAnswer:
    """The answer that a page would get, without a backend around it."""
    if decode_mode == "json":
        generations = [_generation(_json_tokens(spec, line), line, end=True)]
    else:
        generations = [_generation(_field_tokens(f, line), line, end=False) for f in spec.fields]
    return PageAnswer(page=page, generations=tuple(generations), decode_mode=decode_mode)


def _held(answer: PageAnswer, believed: PageAnswer) -> PageAnswer:
    """The answer with what the other one's script believes of its tokens."""
    return replace(
        answer,
        generations=tuple(
            replace(
                said,
                tokens=tuple(
                    now
                    if now is not None and now.text == token.text
                    else replace(token, logprob=_log(_UNSAID), top=())
                    for token, now in zip_longest(said.tokens, other.tokens[: len(said.tokens)])
                ),
            )
            for said, other in zip(answer.generations, believed.generations, strict=True)
        ),
    )


def _generation(tokens: Iterator[TokenTrace], line: Line, *, end: bool) -> Generation:
    spelled = list(tokens) + ([_trace("", _SURE)] if end else [])  # the end of turn spells nothing
    if line.cut_after is not None and line.cut_after < len(spelled):
        return Generation(tokens=tuple(spelled[: line.cut_after]), stop_reason=StopReason.LENGTH)
    return Generation(tokens=tuple(spelled), stop_reason=StopReason.END)


def _json_tokens(spec: DocumentType, line: Line) -> Iterator[TokenTrace]:
    if line.raw is not None:
        yield from (
            _trace(character, _SURE) for character in line.raw.decode("utf-8", "surrogateescape")
        )
        return
    yield from _object(spec.fields, line.truth, "", line)


def _field_tokens(spec: FieldSpec, line: Line) -> Iterator[TokenTrace]:
    yield from (
        _trace(character, _SURE, forced=True) for character in prompts.field_prefix(spec.name)
    )
    yield from _value(spec, line.truth.get(spec.name), spec.name, line)


def _object(
    fields: Sequence[FieldSpec], truth: Mapping[str, Any], prefix: str, line: Line
) -> Iterator[TokenTrace]:
    for number, spec in enumerate(fields):
        key = ("{" if number == 0 else ", ") + json.dumps(spec.name, ensure_ascii=False) + ": "
        yield from (_trace(character, _SURE) for character in key)
        yield from _value(spec, truth.get(spec.name), prefix + spec.name, line)
    yield _trace("}", _SURE)


def _value(spec: FieldSpec, value: Any, path: str, line: Line) -> Iterator[TokenTrace]:
    probability = line.probability_of(path)
    if spec.kind is Kind.GROUP and value:
        for number, row in enumerate(value):
            yield from (_trace(character, _SURE) for character in ("[" if number == 0 else ", "))
            yield from _object(spec.members, row, path + ".", line)
        yield _trace("]", _SURE)
        return
    printed = "[]" if spec.kind is Kind.GROUP else json.dumps(value, ensure_ascii=False)
    for number, character in enumerate(printed):
        doubted = path in line.doubts and number == len(printed) // 2
        yield _trace(character, line.doubts[path] if doubted else probability)


def _trace(character: str, probability: float, *, forced: bool = False) -> TokenTrace:
    """One character as a token; what probability is left goes to one other token."""
    rest = 1.0 - probability
    chosen = Alternative(
        ord(character) if character else _END_ID, _bytes(character), _log(probability)
    )
    other = Alternative(0xFFFD, b"\xef\xbf\xbd", _log(rest))
    top = (chosen, other) if probability >= rest else (other, chosen)
    entropy = -sum(p * math.log(p) for p in (probability, rest) if p > 0)
    return TokenTrace(
        token_id=chosen.token_id,
        text=chosen.text,
        logprob=chosen.logprob,
        top=top,
        entropy=entropy,
        forced=forced,
    )


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -100.0
