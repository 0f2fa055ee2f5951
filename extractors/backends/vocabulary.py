"""What each token spells, byte for byte, and which tokens end an answer."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_BYTE_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The tokens that a model can write: only those that its lm_head knows."""

    names: tuple[str, ...]  # as the tokenizer prints them
    spelled: tuple[bytes, ...]  # by id; special tokens spell nothing
    special_ids: frozenset[int]
    eos_ids: tuple[int, ...]  # every one of them ends an answer
    pad_id: int

    def __len__(self) -> int:
        return len(self.spelled)


def vocabulary_of(tokenizer: Any, *, size: int, eos_ids: Iterable[int]) -> Vocabulary:
    """The vocabulary of a fast Hugging Face tokenizer, cut to the ``size`` of the model's lm_head.

    eos_ids: those that the checkpoint's configuration names; the tokenizer's own joins them.
    """
    names = [
        name if name is not None else ""
        for name in tokenizer.convert_ids_to_tokens(list(range(min(size, len(tokenizer)))))
    ]
    names += [""] * (size - len(names))
    added = tokenizer.added_tokens_decoder
    special = frozenset(i for i, token in added.items() if token.special and i < size)
    literal = {i: token.content.encode() for i, token in added.items() if not token.special}
    spell = _byte_fallback if _has(tokenizer, "ByteFallback") else _byte_level
    spelled = tuple(
        b"" if i in special else literal.get(i) or spell(name) for i, name in enumerate(names)
    )
    own = () if tokenizer.eos_token_id is None else (tokenizer.eos_token_id,)
    ends = tuple(sorted({i for i in (*eos_ids, *own) if 0 <= i < size}))
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else ends[0]
    return Vocabulary(
        names=tuple(names), spelled=spelled, special_ids=special, eos_ids=ends, pad_id=pad
    )


def _has(tokenizer: Any, decoder: str) -> bool:
    return f'"{decoder}"' in json.dumps(
        json.loads(tokenizer.backend_tokenizer.to_str()).get("decoder")
    )


def _byte_level(name: str) -> bytes:
    """GPT-2's way: every byte has a printable character of its own."""
    try:
        return bytes(_BYTES_OF[character] for character in name)
    except KeyError:  # a name outside the alphabet stands for itself
        return name.encode()


def _byte_fallback(name: str) -> bytes:
    """SentencePiece's way: a low line for a space, ``<0x0A>`` for a byte."""
    byte = _BYTE_FALLBACK.fullmatch(name)
    return bytes([int(byte[1], 16)]) if byte else name.replace("\u2581", " ").encode()


def _printable_bytes() -> dict[str, int]:
    kept = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    moved = [byte for byte in range(256) if byte not in set(kept)]
    return {chr(byte): byte for byte in kept} | {chr(256 + n): byte for n, byte in enumerate(moved)}


_BYTES_OF = _printable_bytes()
