"""Any vision model behind a vLLM or other OpenAI-compatible server, with the raw log-probability of
every token.

The numbers that a server sends along with an answer are taken after the grammar's mask, and on some
servers after temperature and penalties: what was forced looks certain.  So an answer that was not
written greedily and freely is sent back as if the model had said it, and the server is asked what
the model thought of each of its tokens.
"""

import base64
import hashlib
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from extractors.backends.vllm.client import Client
from extractors.backends.vllm.tokens import (
    Step,
    adds_up,
    chosen_steps,
    prompt_steps,
    traces,
    without_ending,
)
from extractors.backends.vllm.wire import Completion
from extractors.documents.spec import DocumentType
from extractors.errors import ModelNotLoadable, RequestRefused
from extractors.reading import prompts
from extractors.types import (
    SERVED_CANVAS,
    Canvas,
    Generation,
    PageAnswer,
    PageImage,
    StopReason,
    TokenTrace,
)

log = logging.getLogger(__name__)

CANVAS = SERVED_CANVAS
_STOPS = {"stop": StopReason.END, "length": StopReason.LENGTH}


class VllmBackend:
    """Reads pages through a server's chat completions, several at a time.

    model: the name under which the server serves it
    base_url: such as ``http://localhost:8000/v1``
    grammar: have the server allow only answers of the document type's form; each page then takes a
             second, short request
    temperature, top_p, repetition_penalty, seed: greedy by default, so that a page is read the same
                                                  way twice
    max_tokens: the budget of one page's answer; what needs more is marked as cut short
    top_logprobs: how many of the most likely tokens are kept for each token
    tokenizer: folder or hub name of the model's tokenizer, for the exact bytes of tokens that end
               inside a character
    document_types: names of those that the model was made for; None means any
    revision: say another when the weights change and the server cannot tell: it is part of the
              fingerprint
    """

    decode_mode = "json"

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "http://localhost:8000/v1",
        api_key: str | None = None,
        grammar: bool = True,
        temperature: float = 0.0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        max_tokens: int = 1024,
        top_logprobs: int = 5,
        tokenizer: str | Path | None = None,
        canvas: Canvas = CANVAS,
        batch_pages: int = 8,
        document_types: Sequence[str] | None = None,
        revision: str = "",
        timeout_s: float = 120.0,
        attempts: int = 3,
        pause_s: float = 1.0,
    ) -> None:
        if not 1 <= top_logprobs <= 19:
            raise ModelNotLoadable(
                f"top_logprobs is {top_logprobs}, and must lie between 1 and 19: servers send no"
                " more than 20."
            )
        self.model = model
        self.canvas = canvas
        self.batch_pages = batch_pages
        self.grammar = grammar
        self.max_tokens = max_tokens
        self.top_logprobs = top_logprobs
        self._sampling = {
            "temperature": temperature,
            "top_p": top_p,
            "repetition_penalty": repetition_penalty,
            "seed": seed,
        }
        self._tokenizer = tokenizer
        self._revision = revision
        self._document_types = None if document_types is None else frozenset(document_types)
        self._client = Client(
            base_url, api_key=api_key, timeout_s=timeout_s, attempts=attempts, pause_s=pause_s
        )
        # model and system fingerprint, as the server last named them
        self._served: tuple[str, str | None] | None = None
        self._said_so = False  # that tokens do not spell an answer
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """16 hex digits of what the server says of itself; it is asked when it has not answered
        yet.
        """
        if self._served is None:
            self._complete({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1})
        told = json.dumps(
            ["vllm/1", self._served, self._revision, [self.canvas.tile_px, self.canvas.max_tiles]]
        )
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "backend": "vllm",
            "grammar": self.grammar,
            **self._sampling,
            "max_tokens": self.max_tokens,
            "top_logprobs": self.top_logprobs,
            "logprobs": (
                "of the answer read back" if self._reads_back else "of the answer as it was written"
            ),
        }

    def in_domain(self, spec: DocumentType) -> bool:
        return self._document_types is None or spec.name in self._document_types

    def answer(self, pages: Sequence[PageImage], spec: DocumentType) -> list[PageAnswer]:
        """Every page's answer.  The server makes its own batches of what it is asked at once.

        Raises RequestRefused too, when the server will never answer about one of the pages.
        """
        if not pages:
            return []
        with ThreadPoolExecutor(max_workers=min(len(pages), self.batch_pages)) as pool:
            asked = [pool.submit(self._answer, page, spec) for page in pages]
            try:
                return [one.result() for one in asked]
            finally:
                for one in asked:
                    one.cancel()

    def scored(
        self, pages: Sequence[PageImage], answers: Sequence[PageAnswer], spec: DocumentType
    ) -> list[PageAnswer]:
        """Two short requests a page: what its prompt is made of, and the answer read back."""
        if not pages:
            return []
        with ThreadPoolExecutor(max_workers=min(len(pages), self.batch_pages)) as pool:
            return list(pool.map(lambda page, one: self._scored(page, one, spec), pages, answers))

    def _scored(self, page: PageImage, answer: PageAnswer, spec: DocumentType) -> PageAnswer:
        asked = _messages(page, spec)
        [said] = answer.generations
        alone = self._complete(
            {"messages": asked, "max_tokens": 1, "temperature": 0.0, "return_token_ids": True}
        )
        told = self._told(asked, alone, said.text.decode("utf-8", "replace"), said.stop_reason)
        return replace(answer, page=page.number, generations=(told,))

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _answer(self, page: PageImage, spec: DocumentType) -> PageAnswer:
        asked = _messages(page, spec)
        said = self._complete(self._question(asked, spec))
        generation = self._read_back(asked, said) if self._reads_back else self._as_written(said)
        return PageAnswer(page=page.number, generations=(generation,), decode_mode=self.decode_mode)

    @cached_property
    def _reads_back(self) -> bool:
        """Whether the numbers that come with an answer may be those of a changed distribution."""
        return (
            self.grammar
            or self._sampling["temperature"] != 0.0
            or self._sampling["repetition_penalty"] != 1.0
        )

    def _question(
        self, messages: Sequence[Mapping[str, Any]], spec: DocumentType
    ) -> dict[str, Any]:
        """One more of the most likely is asked for than is kept: the chosen token takes the last
        one's place when it is none of them.
        """
        body: dict[str, Any] = {
            "messages": messages,
            "max_tokens": self.max_tokens,
            "logprobs": True,
            "top_logprobs": self.top_logprobs + 1,
            "return_token_ids": True,
            **{name: value for name, value in self._sampling.items() if value is not None},
        }
        if self._tokenizer is not None:
            body["return_tokens_as_token_ids"] = True
        # the one spelling that servers old and new understand; those they do not know they ignore,
        # with a 200
        if self.grammar:
            schema = {"name": spec.name, "schema": prompts.answer_schema(spec), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _question_back(self, messages: Sequence[Mapping[str, Any]], text: str) -> dict[str, Any]:
        """What the model thinks of each token, had it said ``text``."""
        return {
            "messages": [*messages, {"role": "assistant", "content": text}],
            "add_generation_prompt": False,
            "continue_final_message": True,
            "max_tokens": 1,
            "temperature": 0.0,
            "prompt_logprobs": self.top_logprobs,
            "return_token_ids": True,
        }

    def _as_written(self, said: Completion) -> Generation:
        """The answer with the log-probabilities that came with it: nothing was done to them."""
        text = _text(said).encode()
        steps = without_ending(chosen_steps(said, self._spelled), text)
        return Generation(tokens=self._traces(steps, text), stop_reason=_stop_reason(said))

    def _read_back(self, asked: Sequence[Mapping[str, Any]], said: Completion) -> Generation:
        """The answer with what the model thinks of each of its tokens, no grammar, temperature or
        penalty between.
        """
        return self._told(asked, said, _text(said), _stop_reason(said))

    def _told(
        self,
        asked: Sequence[Mapping[str, Any]],
        prompt: Completion,
        answer: str,
        stop_reason: StopReason,
    ) -> Generation:
        """What the model thinks of each token, had it answered so.

        Its tokens are those that the tokenizer makes of the text, which need not be the ones it was
        written with.

        prompt: any completion of ``asked``, which tells how many tokens that is
        """
        text = answer.strip()  # templates trim a message's ends
        if not text:
            return Generation(tokens=(), stop_reason=stop_reason)
        try:
            told = self._complete(self._question_back(asked, text))
        except RequestRefused:
            if stop_reason is not StopReason.LENGTH:
                raise
            # it filled the context, and leaves no room for a question
            log.warning("cut_answer_not_read_back", extra={"model": self.model})
            # without evidence nothing of it is accepted
            return Generation(tokens=(), stop_reason=StopReason.LENGTH)
        steps = prompt_steps(told, _start_of_answer(prompt, told), self._spelled)
        return Generation(tokens=self._traces(steps, text.encode()), stop_reason=stop_reason)

    def _traces(self, steps: Sequence[Step], text: bytes) -> tuple[TokenTrace, ...]:
        made = traces(steps, text, top=self.top_logprobs, exact=self._spelled is not None)
        if not adds_up(made):
            self._say_once()
        return made

    def _say_once(self) -> None:
        """That the server's account does not add up: no value of such an answer has a confidence,
        and all of them go to people.
        """
        with self._lock:
            said, self._said_so = self._said_so, True
        if not said:
            log.warning("tokens_do_not_spell_the_answer", extra={"model": self.model})

    def _complete(self, body: Mapping[str, Any]) -> Completion:
        answer = self._client.complete({"model": self.model, **body})
        served = (answer.model, answer.system_fingerprint)
        with self._lock:
            if self._served not in (None, served):
                log.warning("server_changed", extra={"model": self.model})
            self._served = served
        return answer

    @cached_property
    def _spelled(self) -> tuple[bytes, ...] | None:
        """Bytes of every token, where a tokenizer was named."""
        return None if self._tokenizer is None else _spelled_by(self._tokenizer)


def _messages(page: PageImage, spec: DocumentType) -> list[dict[str, Any]]:
    """The prompt that every backend gives, with the page where it says so."""
    url = "data:image/png;base64," + base64.b64encode(page.png).decode()
    image = {"type": "image_url", "image_url": {"url": url}}
    return [
        {
            **message,
            "content": [image if part["type"] == "image" else part for part in message["content"]],
        }
        for message in prompts.messages(spec)
    ]


def _text(said: Completion) -> str:
    return said.choices[0].message.content or ""


def _stop_reason(said: Completion) -> StopReason:
    """Whatever is not a plain end counts as cut short: nothing after it is known."""
    return _STOPS.get(said.choices[0].finish_reason or "", StopReason.LENGTH)


def _start_of_answer(said: Completion, told: Completion) -> int:
    """Where in the second prompt the answer begins: after the first prompt, which it must repeat
    token by token.
    """
    before, whole = said.prompt_token_ids, told.prompt_token_ids
    if before is None or whole is None:
        raise ModelNotLoadable(
            "The server does not tell the prompt's token ids, without which an answer cannot be"
            " read back. Use a newer vLLM, or ask greedily and without a grammar."
        )
    if whole[: len(before)] != before:
        raise ModelNotLoadable(
            "The model's chat template does not continue an answer where it began, so it cannot be"
            " read back. Mend the template, or ask greedily and without a grammar."
        )
    return len(before)


def _spelled_by(tokenizer: str | Path) -> tuple[bytes, ...]:
    from transformers import AutoTokenizer

    from extractors.backends.vocabulary import vocabulary_of

    try:
        loaded = AutoTokenizer.from_pretrained(tokenizer)
    except (OSError, ValueError) as error:
        raise ModelNotLoadable(
            f"Tokenizer {tokenizer} cannot be loaded ({error}). Give its folder, or leave the"
            " setting out."
        ) from error
    return vocabulary_of(loaded, size=len(loaded), eos_ids=()).spelled
