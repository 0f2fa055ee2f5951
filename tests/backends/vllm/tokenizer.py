"""The tokenizer of the recordings, trained again from the same few lines: every id comes out the
same.
"""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
_TEXT = (
    "Extract the fields from this form as JSON: invoice number, date, total amount, name, address.",
    (
        '{"invoice_number": "INV-2041", "date": "2024-05-17", "total": "1,284.50", "name": "Maria'
        ' Keller"}'
    ),
    (
        "system user assistant You are a helpful assistant. Is the value visible in the document?"
        " yes no null"
    ),
)


def trained(**options: Any) -> PreTrainedTokenizerFast:
    """Byte-level, of 402 tokens; ``options`` are the tokenizer's own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        _TEXT * 20,
        trainers.BpeTrainer(
            vocab_size=420, special_tokens=[], initial_alphabet=alphabet, show_progress=False
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL),
        clean_up_tokenization_spaces=False,
        **options,
    )


def save(folder: Path) -> Path:
    """Write it where ``from_pretrained`` finds it."""
    trained().save_pretrained(folder)
    return folder
