"""The demo model's processor: bytes as tokens, the fixed strings of prompts and answers as one
token each, Llama 3's chat form.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import MllamaImageProcessorPil, MllamaProcessor, PreTrainedTokenizerFast

from extractors.demo.layout import TILE_PX
from extractors.documents import spec as specs
from extractors.documents.slip import Slip
from extractors.reading import prompts

BEGIN, END, IMAGE, PAD = "<|begin_of_text|>", "<|eot_id|>", "<|image|>", "<|finetune_right_pad_id|>"
_SPECIAL = (
    PAD,
    BEGIN,
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    END,
    "<|python_tag|>",
)
_CHAT_TEMPLATE = (
    "{{- bos_token }}{%- for message in messages %}{{- '<|start_header_id|>' + message['role'] +"
    " '<|end_header_id|>\\n\\n' }}{%- if message['content'] is string %}{{- message['content']"
    " }}{%- else %}{%- for part in message['content'] %}{%- if part['type'] == 'image' %}{{-"
    " '<|image|>' }}{%- elif part['type'] == 'text' %}{{- part['text'] }}{%- endif %}{%- endfor"
    " %}{%- endif %}{{- '<|eot_id|>' }}{%- endfor %}{%- if add_generation_prompt %}{{-"
    " '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"
)


def fixed_strings(spec: specs.DocumentType) -> list[str]:
    """What every prompt and answer of a document type repeats: each becomes one token."""
    found = ["user", "assistant", "\n\n", "null", "[]"]
    found += prompts.instruction(spec).splitlines(keepends=True)
    for field in spec.fields:
        found += [prompts.field_prefix(field.name), f', "{field.name}": ']
        found += [prompts.field_prefix(member.name) for member in field.members]
        found += [f', "{member.name}": ' for member in field.members]
    return list(dict.fromkeys(found))


def build_processor() -> MllamaProcessor:
    """The processor, made from the slip type and the frozen prompts."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*_SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in fixed_strings(Slip.spec)])
    # last: Mllama's image token lies beyond the output vocabulary
    tokenizer.add_special_tokens([IMAGE])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
        chat_template=_CHAT_TEMPLATE,
    )
    images = MllamaImageProcessorPil(
        size={"height": TILE_PX, "width": TILE_PX},
        max_image_tiles=2,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return MllamaProcessor(images, fast, chat_template=_CHAT_TEMPLATE)


def save_processor(processor: MllamaProcessor, out: Path) -> None:
    """Write the processor, naming the image processor that needs no torchvision, in both places
    where readers look.
    """
    out.mkdir(parents=True, exist_ok=True)
    processor.save_pretrained(out)
    config = out / "processor_config.json"
    whole = json.loads(config.read_text(encoding="utf-8"))
    whole["image_processor"]["image_processor_type"] = "MllamaImageProcessorPil"
    config.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    alone = whole["image_processor"] | {"processor_class": "MllamaProcessor"}
    (out / "preprocessor_config.json").write_text(
        json.dumps(alone, indent=2) + "\n", encoding="utf-8"
    )
