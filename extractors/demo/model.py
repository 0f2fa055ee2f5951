"""The demo model: the same class as Llama 3.2 Vision, a thousandth of its size."""

import math

import torch
from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaProcessor
from transformers.models.mllama.configuration_mllama import MllamaTextConfig, MllamaVisionConfig

from extractors.demo.layout import TILE_PX
from extractors.demo.processor import END

PATCH_PX = 14
WIDTH = 256
CROSS_LAYERS = (1, 3)


def build_model(processor: MllamaProcessor, seed: int = 0) -> MllamaForConditionalGeneration:
    """An untrained model whose gates are open: with Hugging Face's closed ones the image would
    change nothing at all.
    """
    torch.manual_seed(seed)
    tokenizer = processor.tokenizer
    vision = MllamaVisionConfig(
        hidden_size=WIDTH,
        hidden_act="relu",
        num_hidden_layers=3,
        num_global_layers=1,
        attention_heads=4,
        intermediate_size=4 * WIDTH,
        vision_output_dim=2 * WIDTH,
        image_size=TILE_PX,
        patch_size=PATCH_PX,
        max_num_tiles=2,
        intermediate_layers_indices=[2],
        supported_aspect_ratios=[[1, 1], [1, 2], [2, 1]],
    )
    text = MllamaTextConfig(
        vocab_size=processor.image_token_id,
        hidden_size=WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=3 * WIDTH,
        cross_attention_layers=list(CROSS_LAYERS),
        max_position_embeddings=4096,
        rope_parameters={"rope_theta": 10000.0, "rope_type": "default"},
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
    )
    model = MllamaForConditionalGeneration(
        MllamaConfig(
            vision_config=vision, text_config=text, image_token_index=processor.image_token_id
        )
    )
    _open_gates(model)
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids(END)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


@torch.no_grad()
def _open_gates(model: MllamaForConditionalGeneration) -> None:
    for name, parameter in model.named_parameters():
        if name.endswith(("cross_attn_attn_gate", "cross_attn_mlp_gate")):
            parameter.fill_(0.8)
        elif name.endswith(("gate_attn", "gate_ffn")):
            parameter.fill_(math.pi / 4)
        elif name.endswith("gated_positional_embedding.gate"):
            parameter.fill_(0.5)
