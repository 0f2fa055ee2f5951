"""Train the tiny cross-encoder of the tests: ``python -m tests.rerankers.train``, minutes on one
thread; the same weights every time.

XLM-RoBERTa as BAAI/bge-reranker-v2-m3 is, three layers of it, with a tokenizer of its own. It knows
the pages of tests/rerankers/passages.py and nothing else. While it learns it also points at the
words that answer: it then needs a tenth of the steps. The first layer can put words together, the
second compare, so that is where it points from; the head that points is not saved.
"""

import argparse
import json
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import (
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from extractors.rerankers.known_pairs import ANY
from tests.rerankers.passages import Example, examples

FOLDER = Path(__file__).parent / "tiny"
BATCH, STEPS, PEAK = 32, 3_000, 2e-3
UNSEEN = 1_000_000  # seeds from here on are never trained on


def tokenizer() -> PreTrainedTokenizerFast:
    """Unigram as XLM-RoBERTa's; digits stand alone, so that values can be compared."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    made.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    texts = (text for one in islice(examples(0), 6_000) for text in (one.query, one.passage))
    alphabet = list("abcdefghijklmnopqrstuvwxyz0123456789.,;:?!-/()%#&'€$£▁")
    trainer = trainers.UnigramTrainer(
        vocab_size=1_200,
        special_tokens=special,
        unk_token="<unk>",
        initial_alphabet=alphabet,
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    names = {
        "bos": "<s>",
        "cls": "<s>",
        "eos": "</s>",
        "sep": "</s>",
        "pad": "<pad>",
        "unk": "<unk>",
        "mask": "<mask>",
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{k}_token": v for k, v in names.items()},
    )


def model_for(vocabulary: int) -> XLMRobertaForSequenceClassification:
    """0.4 million parameters, and 512 tokens as RoBERTa counts them."""
    config = XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=514,
        type_vocab_size=1,
        num_labels=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return XLMRobertaForSequenceClassification(config)


def train(
    steps: int, *, seed: int = 0
) -> tuple[XLMRobertaForSequenceClassification, PreTrainedTokenizerFast]:
    """Binary cross-entropy on the logit, and on every token of the passage; one warm-up, one long
    way down.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    fast = tokenizer()
    model = model_for(len(fast)).train()
    pointer = torch.nn.Linear(model.config.hidden_size, 1)
    weights = [*model.parameters(), *pointer.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=PEAK, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK, total_steps=steps, pct_start=0.1
    )
    source = examples(seed + 1)
    began, seen = time.monotonic(), torch.zeros(2)
    for step in range(1, steps + 1):
        batch = sorted(islice(source, BATCH), key=lambda one: len(one.passage))
        losses = (
            sum(
                (
                    _losses(model, pointer, fast, half)
                    for half in (batch[: BATCH // 2], batch[BATCH // 2 :])
                ),
                torch.zeros(2),
            )
            / 2
        )
        losses.sum().backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        seen = losses.detach() if step == 1 else 0.98 * seen + 0.02 * losses.detach()
        if step % 100 == 0:
            print(
                f"step {step}/{steps}  pair {seen[0]:.4f}  words {seen[1]:.4f} "
                f" {time.monotonic() - began:.0f} s",
                flush=True,
            )
    return model.eval(), fast


def _losses(model: Any, pointer: Any, fast: Any, batch: list[Example]) -> torch.Tensor:
    """(2,) of the pairs' logits, and of the words'; half of the batch at a time, so that the short
    ones are not padded to the long.
    """
    inputs = _inputs(fast, batch)
    _, _, second, last = model.roberta(
        **inputs, output_hidden_states=True
    ).hidden_states  # (B, T, H) each
    truth = torch.tensor([float(one.relevant) for one in batch])
    of_pairs = binary_cross_entropy_with_logits(model.classifier(last)[:, 0], truth)
    passage, answers = _answering(inputs, batch)
    of_words = binary_cross_entropy_with_logits(pointer(second)[..., 0][passage], answers[passage])
    return torch.stack((of_pairs, of_words))


def _answering(inputs: Any, batch: list[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T) which tokens are the passage's, and which of these answer."""
    passage = torch.tensor(
        [[part == 1 for part in inputs.sequence_ids(row)] for row in range(len(batch))]
    )
    answers = torch.zeros(passage.shape)
    for row, one in enumerate(batch):
        start = one.passage.find(one.answer) if one.answer else -1
        if start >= 0:
            first, last = (
                inputs.char_to_token(row, start, 1),
                inputs.char_to_token(row, start + len(one.answer) - 1, 1),
            )
            if first is not None and last is not None:
                answers[row, first : last + 1] = 1.0
    return passage, answers


def _inputs(fast: Any, batch: list[Example]) -> Any:
    pairs = [one.query for one in batch], [one.passage for one in batch]
    return fast(*pairs, padding=True, truncation=True, max_length=512, return_tensors="pt")


@torch.inference_mode()
def accuracy(model: Any, fast: Any, count: int = 1_000) -> float:
    """Of examples that were never trained on."""
    right = 0
    source = examples(UNSEEN)
    for _ in range(0, count, 50):
        batch = list(islice(source, 50))
        logits = model(**_inputs(fast, batch)).logits[:, 0]
        right += sum(
            (logit > 0) == one.relevant for logit, one in zip(logits.tolist(), batch, strict=True)
        )
    return right / count


@torch.inference_mode()
def save(model: Any, fast: Any, folder: Path) -> None:
    """Where ``from_pretrained`` finds it, with the pairs that it is known by."""
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    pairs = [Example(one.query, one.passage, "") for one in ANY]
    logits = model(**_inputs(fast, pairs)).logits[:, 0].tolist()
    known = [
        {"query": one.query, "passage": one.passage, "logit": round(logit, 6)}
        for one, logit in zip(pairs, logits, strict=True)
    ]
    (folder / "surefield.json").write_text(
        json.dumps({"name": "surefield-tiny-reranker", "known_pairs": known}, indent=1) + "\n",
        "utf-8",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=FOLDER)
    asked = parser.parse_args()
    model, fast = train(asked.steps)
    print(
        f"accuracy on unseen examples {accuracy(model, fast):.4f},"
        f" {sum(p.numel() for p in model.parameters()):,} parameters"
    )
    save(model, fast, asked.out)


if __name__ == "__main__":
    main()
