"""A Mllama checkpoint of real shape and toy size, made from scratch: nothing is downloaded and
nothing was trained.

Real shape: Llama 3's way of splitting text (byte-level pieces, digits in groups of up to three,
delimiters merged), its special tokens and chat template, an image token that lm_head does not know,
four tiles, cross-attention gates that are open.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    MllamaConfig,
    MllamaForConditionalGeneration,
    MllamaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.mllama.configuration_mllama import MllamaTextConfig, MllamaVisionConfig
from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from extractors.reading import prompts
from extractors.types import PageImage

LLAMA_3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIALS = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|python_tag|>",
    "<|finetune_right_pad_id|>",
]
IMAGE_TOKEN = "<|image|>"
CHAT_TEMPLATE = (
    "{{- bos_token }}{%- for message in messages %}{{- '<|start_header_id|>' + message['role'] +"
    " '<|end_header_id|>\\n\\n' }}{%- for content in message['content'] %}{%- if content['type'] =="
    " 'image' %}{{- '<|image|>' }}{%- else %}{{- content['text'] }}{%- endif %}{%- endfor %}{{-"
    " '<|eot_id|>' }}{%- endfor %}{%- if add_generation_prompt %}{{-"
    " '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"
)
TILE_PX = 56
ROWS = [{"description": f"Tea no {n}", "amount": f"{n}.{n}0"} for n in range(1, 40)]
TRUTHS = [
    {
        "payee": f"Anna Berg {n}",
        "date": f"{n:02}.11.2026",
        "number": None,
        "total": f"1,{n}04.50",
        "currency": "€",
        "items": ROWS[: n % 5],
    }
    for n in range(60)
]


def tokenizer() -> PreTrainedTokenizerFast:
    """Trained here on answers, so that it merges their delimiters as Llama's does."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA_3_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    texts = [prompts.json_answer(Slip.spec, truth) for truth in TRUTHS]
    texts += [prompts.instruction(Slip.spec), prompts.instruction(Invoice.spec)]
    raw.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=420,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    raw.add_special_tokens([*SPECIALS, IMAGE_TOKEN])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
        pad_token="<|finetune_right_pad_id|>",
        extra_special_tokens={"image_token": IMAGE_TOKEN},
    )


def model(
    tokens: PreTrainedTokenizerFast,
    *,
    seed: int = 0,
    layers: int = 4,
    cross: Sequence[int] = (1, 3),
) -> MllamaForConditionalGeneration:
    """Random weights, wide enough apart that the model has opinions."""
    torch.manual_seed(seed)
    # the image token is the first that lm_head does not know
    size = tokens.convert_tokens_to_ids(IMAGE_TOKEN)
    text = MllamaTextConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        cross_attention_layers=list(cross),
        initializer_range=0.3,
        max_position_embeddings=4096,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        bos_token_id=tokens.bos_token_id,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
    )
    vision = MllamaVisionConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_global_layers=1,
        attention_heads=2,
        intermediate_size=32,
        vision_output_dim=48,
        intermediate_layers_indices=[0, 1],
        image_size=TILE_PX,
        patch_size=14,
        max_num_tiles=4,
        initializer_range=0.3,
    )
    made = MllamaForConditionalGeneration(
        MllamaConfig(vision_config=vision, text_config=text, image_token_index=size)
    ).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "gate" in name and parameter.numel() == 1:
                # closed by default, which would make every test about images say nothing
                parameter.fill_(0.6)
    ends = tokens.convert_tokens_to_ids(["<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"])
    made.generation_config = GenerationConfig(
        eos_token_id=ends,
        pad_token_id=tokens.pad_token_id,
        do_sample=True,
        temperature=0.6,
        top_p=0.9,
    )
    _let_values_end(made, tokens)
    return made


def _let_values_end(made: MllamaForConditionalGeneration, tokens: PreTrainedTokenizerFast) -> None:
    """Louder rows for quotes, null and the ends of turns: a random model would never close a
    string.
    """
    spelled = tokens.convert_ids_to_tokens(range(made.lm_head.out_features))
    with torch.no_grad():
        for i, name in enumerate(spelled):
            if '"' in name or name in ("null", "<|eot_id|>", "<|end_of_text|>", "]"):
                made.lm_head.weight[i] *= 2.5


def save(folder: Path, **options: object) -> Path:
    """The checkpoint as a user would have it: a folder that from_pretrained reads."""
    tokens = tokenizer()
    made = model(tokens, **options)  # type: ignore[arg-type]
    made.save_pretrained(folder)
    images = MllamaImageProcessorPil(size={"height": TILE_PX, "width": TILE_PX}, max_image_tiles=4)
    MllamaProcessor(images, tokens, chat_template=CHAT_TEMPLATE).save_pretrained(folder)
    return folder


def made_for(folder: Path, *names: str, **more: str) -> None:
    """Say what the checkpoint was trained for."""
    (folder / "surefield.json").write_text(
        json.dumps({"name": "tiny", "document_types": names, **more})
    )


def page(number: int, *, seed: int = 0, width_px: int = 112, height_px: int = 112) -> PageImage:
    """Noise, which no two pages share."""
    noise = np.random.default_rng((seed, number)).integers(
        0, 256, (height_px, width_px, 3), dtype=np.uint8
    )
    png = io.BytesIO()
    Image.fromarray(noise).save(png, "PNG")
    return PageImage(
        number=number,
        width_px=width_px,
        height_px=height_px,
        width_pt=width_px,
        height_pt=height_px,
        png=png.getvalue(),
    )
