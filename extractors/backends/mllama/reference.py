"""The reference way to an answer: one JSON object a page, by transformers' own ``generate``, pages
batched.

The engine's faster ways are measured against this one, and models they do not fit fall back to it.
"""

import io
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor, StoppingCriteriaList

from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.grammar import GrammarMask, GrammarSource
from extractors.backends.mllama.recorder import Recorder
from extractors.backends.vocabulary import Vocabulary
from extractors.documents.spec import DocumentType
from extractors.reading import prompts
from extractors.types import Generation, PageImage, StopReason, TokenTrace


def inputs_of(loaded: Loaded, pages: Sequence[PageImage], spec: DocumentType) -> Any:
    """The batch as the model takes it: image first, one prompt for all, padded on the left.

    It is on the host, its pictures in the model's dtype, and for a GPU in pinned memory, from where
    it is moved without waiting.
    """
    prompt = loaded.processor.apply_chat_template(
        prompts.messages(spec), add_generation_prompt=True, tokenize=False
    )
    batch = loaded.processor(
        images=[[image_of(page)] for page in pages],  # nested: one list of images for each prompt
        text=[prompt] * len(pages),
        add_special_tokens=False,  # the template has written them
        padding=True,
        return_tensors="pt",
    )
    batch = batch.to(loaded.dtype)  # floats only
    if loaded.device.type == "cuda":
        batch.update({name: tensor.pin_memory() for name, tensor in batch.items()})
    return batch


def image_of(page: PageImage) -> Image.Image:
    """The page's pixels."""
    with Image.open(io.BytesIO(page.png), formats=("PNG",)) as image:
        return image.convert("RGB")


def generate_json(
    loaded: Loaded,
    pages: Sequence[PageImage],
    spec: DocumentType,
    *,
    max_new_tokens: int,
    grammar: GrammarSource | None = None,
    repetition_penalty: float = 1.0,
    inputs: Any = None,
) -> list[Generation]:
    """One answer for each page, in order.

    inputs: what ``inputs_of`` made of the pages, when it has been made already
    """
    inputs = (inputs_of(loaded, pages, spec) if inputs is None else inputs).to(
        loaded.device, non_blocking=True
    )
    prompt_tokens = inputs["input_ids"].shape[1]
    processors = LogitsProcessorList()
    if repetition_penalty != 1.0:
        processors.append(Penalty(repetition_penalty, loaded.vocabulary))
    if grammar is not None:
        processors.append(
            GrammarMask([grammar.matcher(spec) for _ in pages], loaded.vocabulary, prompt_tokens)
        )
    rows = generate_recorded(loaded, inputs, max_new_tokens=max_new_tokens, processors=processors)
    return [ended(row, loaded.vocabulary) for row in rows]


def generate_recorded(
    loaded: Loaded,
    inputs: Any,
    *,
    max_new_tokens: int,
    processors: LogitsProcessorList | None = None,
) -> list[list[TokenTrace]]:
    """Greedy ``generate`` with the recorder listening; each row's tokens to the batch's last
    step.
    """
    recorder = Recorder(loaded.roads)
    with recorder.attached(loaded.lm_head) as after_step:
        loaded.model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            # the checkpoint may bring sampling settings, which greedy decoding warns about
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,  # likewise
            eos_token_id=list(loaded.vocabulary.eos_ids) or None,
            pad_token_id=loaded.vocabulary.pad_id,
            logits_processor=processors,
            stopping_criteria=StoppingCriteriaList([after_step]),
        )
    return recorder.traces(loaded.vocabulary)


class Penalty(RepetitionPenaltyLogitsProcessor):  # type: ignore[misc]  # transformers is untyped
    """Transformers' repetition penalty, which before 5.18 stumbles over the image token: lm_head
    has no row for it.
    """

    def __init__(self, penalty: float, vocabulary: Vocabulary) -> None:
        super().__init__(penalty)
        self._vocabulary = vocabulary

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        known = torch.where(input_ids < len(self._vocabulary), input_ids, self._vocabulary.pad_id)
        penalised: Tensor = super().__call__(known, scores)
        return penalised


def ended(row: Sequence[TokenTrace], vocabulary: Vocabulary) -> Generation:
    """A row up to its first ending token; what follows is padding."""
    for number, token in enumerate(row):
        if token.token_id in vocabulary.eos_ids:
            willing = bool(token.top) and token.top[0].token_id in vocabulary.eos_ids
            reason = StopReason.END if willing else StopReason.GRAMMAR  # the model wanted to go on
            return Generation(tokens=tuple(row[: number + 1]), stop_reason=reason)
    return Generation(tokens=tuple(row), stop_reason=StopReason.LENGTH)
