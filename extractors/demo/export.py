"""Write a training's weights as a checkpoint folder that ``from_pretrained`` loads.

python -m extractors.demo.export [--state .train/run/state.pt] [--out extractors/demo/weights]
[--mix-with WEIGHTS --share 0.6]
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from transformers import MllamaForConditionalGeneration

from extractors.demo import WEIGHTS
from extractors.demo.model import build_model
from extractors.demo.processor import build_processor, save_processor
from extractors.documents.slip import Slip
from extractors.reading import prompts

NAME = "surefield-demo-slip"


def model_of(state: Path) -> tuple[MllamaForConditionalGeneration, dict[str, Any]]:
    """The model of a saved training, in float32, and what the training says of itself."""
    saved = torch.load(state, map_location="cpu", weights_only=True)
    model = build_model(build_processor())
    with torch.no_grad():
        # the character head's come after
        for parameter, master in zip(model.parameters(), saved["master"], strict=False):
            parameter.copy_(master)
    earlier = saved["earlier"]
    return model, {
        "steps": earlier["steps"] + saved["step"],
        "training_seconds": earlier["training_seconds"] + round(saved["spent"]),
    }


def export(model: MllamaForConditionalGeneration, out: Path, *, about: dict[str, Any]) -> None:
    """Processor, bfloat16 weights, and ``surefield.json``, which says what the model was made
    for.
    """
    save_processor(build_processor(), out)
    model.to(torch.bfloat16).save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)  # written for its owner alone
    said = {
        "name": NAME,
        "document_types": [Slip.spec.name],
        "prompt_hash": {mode: prompts.prompt_hash(Slip.spec, mode) for mode in ("json", "fields")},
        **about,
    }
    (out / "surefield.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def mix(model: MllamaForConditionalGeneration, others: Path, *, share: float) -> None:
    """Average the model in place with a checkpoint that its training started from; ``share`` of it
    is kept.

    Weights on one path of fine-tuning average to a better model than either end: "Model soups",
    Wortsman et al. 2022.
    """
    known = MllamaForConditionalGeneration.from_pretrained(others, dtype=torch.float32)
    with torch.no_grad():
        for mine, theirs in zip(model.parameters(), known.parameters(), strict=True):
            mine.lerp_(theirs.to(mine.dtype), 1.0 - share)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, default=Path(".train/run/state.pt"))
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument(
        "--untrained", action="store_true", help="a loadable checkpoint that has learned nothing"
    )
    parser.add_argument(
        "--mix-with",
        type=Path,
        help="a checkpoint to average with: the one that the training started from",
    )
    parser.add_argument(
        "--share", type=float, default=0.6, help="of the training's own weights in that average"
    )
    args = parser.parse_args()
    if args.untrained:
        model, about = build_model(build_processor()), {"steps": 0}
    else:
        model, about = model_of(args.state)
    if args.mix_with:
        mix(model, args.mix_with, share=args.share)
    export(model, args.out, about=about)


if __name__ == "__main__":
    main()
