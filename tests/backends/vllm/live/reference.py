"""What transformers' own forward pass thinks of an answer's tokens. Run by the server's own Python.

Reads JSON from standard input (folder, image in base64, messages, and the answer as text or as
token ids) and writes JSON: the answer's token ids and their log-probabilities.
"""

import base64
import io
import json
import sys

import torch
from PIL import Image
from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration


def main() -> None:
    asked = json.load(sys.stdin)
    processor = AutoProcessor.from_pretrained(asked["folder"])
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        asked["folder"], dtype=torch.float32
    ).eval()
    image = Image.open(io.BytesIO(base64.b64decode(asked["image"]))).convert("RGB")
    prompt = processor.apply_chat_template(
        asked["messages"], add_generation_prompt=True, tokenize=False
    )
    inputs = processor(text=[prompt], images=[image], return_tensors="pt")
    answer = (
        asked["ids"] or processor.tokenizer(asked["text"], add_special_tokens=False)["input_ids"]
    )
    start = inputs["input_ids"].shape[1]
    for name, filler in (
        ("input_ids", answer),
        ("attention_mask", [1] * len(answer)),
        ("mm_token_type_ids", [0] * len(answer)),
    ):
        if name in inputs:
            inputs[name] = torch.cat(
                [inputs[name], torch.tensor([filler], dtype=inputs[name].dtype)], dim=1
            )
    with torch.inference_mode():
        logits = model(**inputs).logits[0, start - 1 : -1]  # (answer, V)
    logprobs = logits.float().log_softmax(dim=-1).gather(-1, torch.tensor(answer)[:, None])[:, 0]
    json.dump({"ids": answer, "logprobs": logprobs.tolist()}, sys.stdout)


if __name__ == "__main__":
    main()
