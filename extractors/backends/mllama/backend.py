"""Llama 3.2 Vision and every other Mllama checkpoint, through transformers; one class for the
bundled model and for 11B on a GPU.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from extractors.backends import MANIFEST, Manifest, read_manifest
from extractors.backends.mllama import text_model
from extractors.backends.mllama.attention_boxes import grids_of
from extractors.backends.mllama.checkpoint import (
    Loaded,
    check_architecture,
    device_of,
    dtype_of,
    fingerprint_of,
    folder_of,
    load,
    processor_of,
    weight_bytes,
)
from extractors.backends.mllama.decode_fields import read_fields
from extractors.backends.mllama.decode_json import read_json
from extractors.backends.mllama.grammar import GrammarSource
from extractors.backends.mllama.inputs import Continuation, PageInputs, continuations, page_inputs
from extractors.backends.mllama.memory_plan import MemoryPlan, plan
from extractors.backends.mllama.reference import generate_json, inputs_of
from extractors.backends.mllama.score_answers import score_answers
from extractors.documents.spec import DocumentType, Kind
from extractors.errors import BackendFailed, ModelNotLoadable, OutOfMemory
from extractors.reading import prompts
from extractors.rendering.canvas import canvas_of
from extractors.types import Canvas, Generation, PageAnswer, PageImage

log = logging.getLogger(__name__)

AUTO = "auto"
_CHAT_TOKENS = 16  # of the chat template around the instruction, at most
_SKELETON_TOKENS = 16  # of a field's opening, at most
# as CUDA, the CPU's allocator, cuBLAS and cuDNN say it
_NO_MEMORY = ("out of memory", "can't allocate memory", "ALLOC_FAILED")


class MllamaBackend:
    """Reads pages with the model in a folder or under a hub's name; weights are loaded at the first
    answer.

    decode_mode: ``json``, one object a page; ``fields``, all fields of a page at once; ``auto``,
                 what the checkpoint says it reads better in, and json when it does not say
    engine: in json mode, feed what the grammar leaves no choice about; otherwise transformers' own
            generate writes every token
    grammar: allow only answers of the document type's form (fields mode: only the openings of a
             value)
    attention: ask for the patch of the page that each token was read from (engine only)
    max_new_tokens: the budget of one page's answer, or of a list in fields mode; what needs more is
                    marked as cut short
    field_tokens: the budget of one field in fields mode
    compile_steps: compile the step of fields mode at the first page: minutes, and again for some
                   batch sizes (see ``text.compiled``)
    """

    def __init__(
        self,
        model: str | Path,
        *,
        decode_mode: str = AUTO,
        device: str = "auto",
        dtype: str = "auto",
        batch_pages: int = 8,
        grammar: bool = True,
        engine: bool = True,
        attention: bool = False,
        max_new_tokens: int = 1024,
        field_tokens: int = 96,
        repetition_penalty: float = 1.0,
        compile_steps: bool = False,
    ) -> None:
        self.model = str(model)
        if decode_mode not in (AUTO, *_DECODERS):
            raise ModelNotLoadable(
                f"There is no decode mode {decode_mode!r}. Choose one of: {AUTO},"
                f" {', '.join(_DECODERS)}."
            )
        self._asked_mode = decode_mode  # what it means is read beside the weights
        self.batch_pages = batch_pages
        self.grammar = grammar
        self.engine = engine
        self.attention = attention
        self.max_new_tokens = max_new_tokens
        self.field_tokens = field_tokens
        self.repetition_penalty = repetition_penalty  # json mode only
        self.compile_steps = compile_steps
        self.device = device_of(device)
        self.dtype = dtype_of(dtype, self.device)
        self.fits_pages = batch_pages  # shrinks when memory runs out
        self._planned: dict[object, tuple[Continuation, ...]] = {}
        self._lock = threading.Lock()  # one GPU, one answer at a time

    @cached_property
    def decode_mode(self) -> str:
        if self._asked_mode != AUTO:
            return self._asked_mode
        better = self._manifest.decode_mode or "json"
        if better not in _DECODERS:
            raise ModelNotLoadable(
                f"{self.model} says that it reads better in {better!r}, which is no decode mode."
                f" Set SUREFIELD_DECODE_MODE or mend {MANIFEST}."
            )
        return better

    @cached_property
    def canvas(self) -> Canvas:
        return canvas_of(str(self._folder) if self._is_local else self.model)

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self._folder, self.dtype)

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "backend": "mllama",
            "dtype": str(self.dtype).removeprefix("torch."),
            "grammar": self.grammar,
            "engine": self._reads_by_engine,
            "max_new_tokens": self.max_new_tokens,
            **(
                {"field_tokens": self.field_tokens, "compiled": self.compile_steps}
                if self.decode_mode == "fields"
                else {"repetition_penalty": self.repetition_penalty}
            ),
        }

    def in_domain(self, spec: DocumentType) -> bool:
        made_for = self._manifest.document_types
        return made_for is None or spec.name in made_for

    def answer(self, pages: Sequence[PageImage], spec: DocumentType) -> list[PageAnswer]:
        decode = _DECODERS[self.decode_mode]  # before anything is loaded
        return self._in_batches(
            pages, spec, lambda batch, taken: decode(self, [pages[n] for n in batch], spec, taken)
        )

    def scored(
        self, pages: Sequence[PageImage], answers: Sequence[PageAnswer], spec: DocumentType
    ) -> list[PageAnswer]:
        def score(batch: Sequence[int], taken: Any) -> list[list[Generation]]:
            inputs = page_inputs(taken, self.loaded.processor.image_token_id, self.device)
            return score_answers(self.loaded, inputs, [answers[n].generations for n in batch])

        return self._in_batches(pages, spec, score)

    def _in_batches(
        self, pages: Sequence[PageImage], spec: DocumentType, read: "_Read"
    ) -> list[PageAnswer]:
        """Every page's answer; batches that do not fit into memory are halved until they do.

        The next batch's pictures are decoded and resized while the model works on this one.
        """
        if not pages:
            return []
        with (
            self._lock,
            torch.inference_mode(),
            ThreadPoolExecutor(1, thread_name_prefix="pages") as hands,
        ):
            # pages of as many tiles together: less padding
            order = sorted(range(len(pages)), key=lambda n: self._tiles(pages[n]))
            ahead: dict[tuple[int, ...], Future[Any]] = {}
            done: list[tuple[int, PageAnswer]] = []

            loaded = self.loaded  # by this thread, before a second one asks for it

            def prepare(batch: Sequence[int]) -> Any:
                return inputs_of(loaded, [pages[n] for n in batch], spec)

            while len(done) < len(pages):
                size = self._fitting(spec)
                batch, after = (
                    order[len(done) : len(done) + size],
                    order[len(done) + size : len(done) + 2 * size],
                )
                ready = ahead.pop(tuple(batch), None)
                ahead = {tuple(after): hands.submit(prepare, after)} if after else {}
                taken = ready.result if ready else partial(prepare, batch)
                said = self._read_or_shrink(batch, read, taken)
                done += [
                    (n, self._answer(pages[n], one)) for n, one in zip(batch, said, strict=False)
                ]
            return [answer for _, answer in sorted(done, key=lambda one: one[0])]

    def _answer(self, page: PageImage, said: Sequence[Generation]) -> PageAnswer:
        return PageAnswer(page=page.number, generations=tuple(said), decode_mode=self.decode_mode)

    def memory_plan(self, spec: DocumentType) -> MemoryPlan | None:
        """What a batch of this type will take on the GPU, with the weights loaded; None on a
        CPU.
        """
        if self.device.type != "cuda":
            return None
        return self._plan(
            spec,
            self.loaded.model.config,
            self.loaded.processor.tokenizer,
            _free_bytes(self.device),
        )

    def forecast(self, spec: DocumentType) -> MemoryPlan:
        """The same before anything is loaded, from the checkpoint's files; on a CPU of the
        machine's memory.

        Raises ModelNotLoadable when there is no such checkpoint.
        """
        check_architecture(self._folder)
        config = AutoConfig.from_pretrained(self._folder, local_files_only=True)
        free_bytes = _free_bytes(self.device) - weight_bytes(self._folder, self.dtype)
        return self._plan(spec, config, processor_of(self._folder).tokenizer, max(0, free_bytes))

    def _plan(self, spec: DocumentType, config: Any, tokenizer: Any, free_bytes: int) -> MemoryPlan:
        written = [
            self.max_new_tokens if field.kind is Kind.GROUP else self.field_tokens
            for field in spec.fields
        ]
        return plan(
            config,
            free_bytes=free_bytes,
            item_bytes=self.dtype.itemsize,
            prompt_tokens=len(tokenizer.encode(prompts.instruction(spec))) + _CHAT_TOKENS,
            budgets=(
                [_SKELETON_TOKENS + budget for budget in written]
                if self.decode_mode == "fields"
                else [self.max_new_tokens]
            ),
            whole_tower=not self._reads_by_engine,
        )

    @property
    def _reads_by_engine(self) -> bool:
        """Otherwise transformers' own ``generate`` does."""
        return self.decode_mode == "fields" or (
            self.engine and self.grammar and self.repetition_penalty == 1.0
        )

    def _fitting(self, spec: DocumentType) -> int:
        """Pages to try at once: what was asked for, what the plan allows, and what has fitted
        before.
        """
        planned = self.memory_plan(spec)
        return max(1, self.fits_pages if planned is None else min(self.fits_pages, planned.pages))

    def _tiles(self, page: PageImage) -> int:
        side = self.canvas.tile_px
        return -(-page.width_px // side) * -(-page.height_px // side)

    def _read_or_shrink(
        self, batch: Sequence[int], read: "_Read", prepared: Callable[[], Any]
    ) -> list[list[Generation]]:
        """What is said of each page of the batch; none when memory ran out and the next try must be
        smaller.
        """
        try:
            return read(batch, prepared())
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise BackendFailed(
                    f"The model failed on {len(batch)} pages ({error}). If it repeats, restart the"
                    " GPU worker."
                ) from error
        # Outside the except block, so that the error's traceback no longer holds the tensors.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(batch) == 1:
            raise OutOfMemory(
                "One page does not fit into memory. Use a larger GPU, a smaller model, or a smaller"
                " token budget."
            )
        self.fits_pages = len(batch) // 2
        log.warning("batch_halved", extra={"fits_pages": self.fits_pages})
        return []

    @cached_property
    def loaded(self) -> Loaded:
        """The model itself, loaded when it is first asked for."""
        try:
            return load(self._folder, device=self.device, dtype=self.dtype)
        except torch.OutOfMemoryError as error:
            raise ModelNotLoadable(
                f"{self.model} does not fit into the memory of {self.device}. Use a larger GPU or a"
                " smaller model."
            ) from error

    @cached_property
    def grammars(self) -> GrammarSource:
        return GrammarSource(self.loaded.vocabulary, self.loaded.processor.tokenizer)

    @cached_property
    def _folder(self) -> Path:
        return folder_of(self.model)

    @property
    def _is_local(self) -> bool:
        return Path(self.model).is_dir()

    @cached_property
    def _manifest(self) -> Manifest:
        return read_manifest(str(self._folder))

    def _json(
        self, batch: Sequence[PageImage], spec: DocumentType, taken: Any
    ) -> list[list[Generation]]:
        if self._reads_by_engine:
            inputs = self._inputs(batch, taken)
            matchers = [self.grammars.matcher(spec) for _ in batch]
            return [
                [said]
                for said in read_json(
                    self.loaded, inputs, matchers, max_new_tokens=self.max_new_tokens
                )
            ]
        generations = generate_json(
            self.loaded,
            batch,
            spec,
            max_new_tokens=self.max_new_tokens,
            grammar=self.grammars if self.grammar else None,
            repetition_penalty=self.repetition_penalty,
            inputs=taken,
        )
        return [[said] for said in generations]

    def _fields(
        self, batch: Sequence[PageImage], spec: DocumentType, taken: Any
    ) -> list[list[Generation]]:
        step = text_model.compiled() if self.compile_steps else None
        return read_fields(
            self.loaded, self._inputs(batch, taken), self._continuations(spec), step=step
        )

    def _inputs(self, batch: Sequence[PageImage], taken: Any) -> PageInputs:
        inputs = page_inputs(taken, self.loaded.processor.image_token_id, self.device)
        if not self.attention:
            return inputs
        vision = self.loaded.model.config.vision_config
        ids: list[int] = taken["aspect_ratio_ids"][:, 0].tolist()
        return replace(
            inputs,
            grids=grids_of(
                batch, ids, vision.supported_aspect_ratios, self.canvas, vision.patch_size
            ),
        )

    def _continuations(self, spec: DocumentType) -> tuple[Continuation, ...]:
        key = (spec, self.field_tokens, self.max_new_tokens, self.grammar)
        if key not in self._planned:
            self._planned[key] = continuations(
                spec,
                self.loaded,
                field_tokens=self.field_tokens,
                group_tokens=self.max_new_tokens,
                grammar=self.grammar,
            )
        return self._planned[key]


# places of pages, and their inputs -> what is said of each
_Read = Callable[[Sequence[int], Any], list[list[Generation]]]
_Decoder = Callable[[MllamaBackend, Sequence[PageImage], DocumentType, Any], list[list[Generation]]]
_DECODERS: dict[str, _Decoder] = {"json": MllamaBackend._json, "fields": MllamaBackend._fields}


def _free_bytes(device: torch.device) -> int:
    """Memory that this process may still take; what its allocator holds unused counts as free."""
    if device.type != "cuda":
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return int(
        free_bytes + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    )


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in str(error) for words in _NO_MEMORY
    )
