"""A tiny Qwen2.5-VL with random weights, saved where a server can load it.

Run by the server's own Python, with a folder.
"""

import sys
from pathlib import Path

import torch
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from tests.backends.vllm import tokenizer

TEMPLATE = """{%- for m in messages -%}<|im_start|>{{ m.role }}
{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}{% if c.type in ('image','image_url') %}\
<|vision_start|><|image_pad|><|vision_end|>{% elif c.type == 'text' %}{{ c.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>
{% endfor -%}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def config(fast: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    """0.66 million parameters, of an architecture that a server takes for the real one."""
    ids = {name: fast.convert_tokens_to_ids(name) for name in tokenizer.SPECIAL}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]}
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(fast),
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "rope_parameters": rope,
            "rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": [4, 6, 6]},
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 2,
            "out_hidden_size": 128,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )


def save(folder: Path) -> None:
    """Weights wide enough that the logits differ, processor and all."""
    fast = tokenizer.trained(chat_template=TEMPLATE, model_max_length=4096)
    images = Qwen2VLImageProcessor(size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 64})
    Qwen2_5_VLProcessor(
        image_processor=images,
        tokenizer=fast,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    made = config(fast)
    model = Qwen2_5_VLForConditionalGeneration(made).to(torch.float32).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.08)
        model.lm_head.weight.normal_(0, 0.35)
    model.generation_config.eos_token_id = made.text_config.eos_token_id
    model.generation_config.pad_token_id = made.text_config.pad_token_id
    model.generation_config.do_sample = False
    model.save_pretrained(folder)


if __name__ == "__main__":
    save(Path(sys.argv[1]))
