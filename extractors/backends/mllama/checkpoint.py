"""A Mllama checkpoint: found, recognised by its fingerprint, loaded whole or refused with the
reason.
"""

import hashlib
import json
import logging
import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from transformers import AutoProcessor, MllamaForConditionalGeneration

from extractors.backends.vocabulary import Vocabulary, vocabulary_of
from extractors.errors import ModelNotLoadable
from extractors.reading.roads import road_of

log = logging.getLogger(__name__)

_IDENTITY = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
)
_SAMPLE_BYTES = 1 << 16
_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class RoadTokens:
    """Token ids, on the model's device."""

    value: torch.Tensor  # (n,) that open a value or a row
    nothing: torch.Tensor  # (m,) that say that there is none


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model ready to answer, with all that belongs to it."""

    model: Any  # MllamaForConditionalGeneration, in evaluation mode
    processor: Any  # MllamaProcessor, its image processor the one without torchvision
    vocabulary: Vocabulary
    device: torch.device
    dtype: torch.dtype

    @property
    def lm_head(self) -> nn.Module:
        head: nn.Module = self.model.lm_head
        return head

    @cached_property
    def roads(self) -> RoadTokens:
        """The tokens that open a value and those that say that there is none."""
        roads = [road_of(spelled) for spelled in self.vocabulary.spelled]
        return RoadTokens(
            *(
                torch.tensor(
                    [i for i, road in enumerate(roads) if road is way], dtype=torch.long
                ).to(self.device)
                for way in (True, False)
            )
        )


def device_of(name: str) -> torch.device:
    """``auto`` is the GPU if there is one."""
    return (
        torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if name == "auto"
        else torch.device(name)
    )


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """``auto`` is bfloat16 on a GPU and float32 on a CPU."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    named = {"bfloat16": torch.bfloat16, "float32": torch.float32, "float16": torch.float16}
    if name not in named:
        raise ModelNotLoadable(
            f"There is no dtype {name!r} here. Choose one of: auto, {', '.join(named)}."
        )
    return named[name]


def folder_of(model: str) -> Path:
    """The folder with the model's files; a hub's name is fetched into the hub's own cache, once.

    Raises ModelNotLoadable when there is no such model, or no way to fetch it.
    """
    if Path(model).is_dir():
        return Path(model)
    if Path(model).is_absolute() or model.startswith("."):
        raise ModelNotLoadable(
            f"There is no folder {model}. Point the model setting at a checkpoint's folder, or name"
            " one on the hub."
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.jinja"]))
    except Exception as error:  # the hub client has a dozen kinds, all of which mean the same here
        raise ModelNotLoadable(
            f"Model {model!r} could not be fetched ({type(error).__name__}). Check its name, the"
            " network, and that you may read it; or download it elsewhere and give its folder."
        ) from error


def fingerprint_of(folder: Path, dtype: torch.dtype) -> str:
    """16 hex digits of weights, configuration (which holds the image size), tokenizer and dtype;
    cheap on any size of model.
    """
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix == ".safetensors" or path.name in _IDENTITY
    ]
    parts = [
        f"{path.name} {_digest(path.resolve(), path.stat().st_size, path.stat().st_mtime_ns)}"
        for path in files
    ]
    return hashlib.sha256("\n".join([*parts, str(dtype)]).encode()).hexdigest()[:16]


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, _changed_ns: int) -> str:
    """Of small files all bytes, of large ones 64 samples; the hub's cache names a file by its hash
    already.
    """
    if len(path.name) == 64 and set(path.name) <= set("0123456789abcdef"):
        return path.name
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for offset in _offsets(size):
            file.seek(offset)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _offsets(size: int) -> Iterable[int]:
    if size <= _SAMPLE_BYTES * _SAMPLES * 8:  # 32 MiB
        return range(0, size, _SAMPLE_BYTES)
    return [(size - _SAMPLE_BYTES) * n // (_SAMPLES - 1) for n in range(_SAMPLES)]


def load(folder: Path, *, device: torch.device, dtype: torch.dtype) -> Loaded:
    """The checkpoint in ``folder``, complete or not at all.

    Raises ModelNotLoadable with the reason and what to do about it.
    """
    check_architecture(folder)
    try:
        model, report = _model(folder, dtype)
        processor = processor_of(folder)
    except torch.OutOfMemoryError:
        raise
    # from_pretrained raises OSError, ValueError, RuntimeError, KeyError, SafetensorError, ...
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelNotLoadable(
            f"The checkpoint in {folder} does not load ({type(error).__name__}: {reason}). Fetch"
            " its files again, and compare their sizes."
        ) from error
    unset = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if unset:
        raise ModelNotLoadable(
            f"The checkpoint in {folder} lacks {len(unset)} weights ({unset[0]}, ...). Fetch its"
            " files again."
        )
    model = model.to(device).eval()
    eos = _ids(model.generation_config.eos_token_id, model.config.text_config.eos_token_id)
    vocabulary = vocabulary_of(processor.tokenizer, size=model.lm_head.out_features, eos_ids=eos)
    if not vocabulary.eos_ids:
        raise ModelNotLoadable(
            f"The checkpoint in {folder} names no token that ends an answer. Set eos_token_id in"
            " generation_config.json."
        )
    log.info(
        "model_loaded", extra={"folder": str(folder), "device": str(device), "dtype": str(dtype)}
    )
    return Loaded(
        model=model, processor=processor, vocabulary=vocabulary, device=device, dtype=dtype
    )


def check_architecture(folder: Path) -> None:
    """transformers loads another architecture's weights with a warning, and random numbers where
    they do not match.
    """
    try:
        kind = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelNotLoadable(
            f"{folder} has no readable config.json ({error}). Give the folder of a whole"
            " checkpoint."
        ) from error
    if kind != "mllama":
        raise ModelNotLoadable(
            f"{folder} holds a {kind!r} model, and this backend reads 'mllama'. Choose another"
            " backend or model."
        )


def _model(folder: Path, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
    loaded: tuple[Any, dict[str, Any]] = MllamaForConditionalGeneration.from_pretrained(
        folder, dtype=dtype, local_files_only=True, output_loading_info=True
    )
    return loaded


def weight_bytes(folder: Path, dtype: torch.dtype) -> int:
    """What the weights in a folder will take once loaded, without loading them."""
    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as weights:
            total += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118  # not a mapping
    return total * dtype.itemsize


def processor_of(folder: Path) -> Any:
    """The image processor is named, since the default depends on whether torchvision happens to be
    installed.
    """
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    processor.image_processor = MllamaImageProcessorPil.from_pretrained(
        folder, local_files_only=True
    )
    processor.tokenizer.padding_side = "left"
    return processor


def _ids(*configured: int | list[int] | None) -> Iterator[int]:
    for ids in configured:
        if ids is not None:
            yield from [ids] if isinstance(ids, int) else ids
