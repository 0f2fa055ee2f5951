"""Train the tiny cross-encoder of the tests: ``python -m tests.rerank.train``, minutes on one thread; the same weights every time.

XLM-RoBERTa as BAAI/bge-reranker-v2-m3 is, three layers of it, with a tokenizer of its own.  It knows the pages of
tests/rerank/passages.py and nothing else.
"""

import argparse
import json
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForSequenceClassification

from extractors.backends.rerank.known import ANY
from tests.rerank.passages import Example, examples

FOLDER = Path(__file__).parent / "tiny"
BATCH, STEPS, PEAK = 48, 1_600, 1.5e-3
UNSEEN = 1_000_000  # seeds from here on are never trained on


def tokenizer() -> PreTrainedTokenizerFast:
    """Unigram as XLM-RoBERTa's; digits stand alone, so that values can be compared."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Digits(individual_digits=True)])
    made.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    texts = (text for one in islice(examples(0), 6_000) for text in (one.query, one.passage))
    alphabet = list("abcdefghijklmnopqrstuvwxyz0123456789.,;:?!-/()%#&'€$£▁")
    trainer = trainers.UnigramTrainer(
        vocab_size=1_200, special_tokens=special, unk_token="<unk>", initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
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
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=192,
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


def train(steps: int, *, seed: int = 0) -> tuple[XLMRobertaForSequenceClassification, PreTrainedTokenizerFast]:
    """Binary cross-entropy on the logit, one warm-up, one long way down."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    fast = tokenizer()
    model = model_for(len(fast)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=steps, pct_start=0.1)
    source = examples(seed + 1)
    began, seen = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        batch = sorted(islice(source, BATCH), key=lambda one: len(one.passage))
        loss = _loss(model, fast, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        seen = loss.item() if step == 1 else 0.98 * seen + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step}/{steps}  loss {seen:.4f}  {time.monotonic() - began:.0f} s", flush=True)
    return model.eval(), fast


def _loss(model: Any, fast: Any, batch: list[Example]) -> torch.Tensor:
    """Mean over the batch; both halves are padded to their own longest pair, the short ones first."""
    total = torch.zeros(())
    for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
        logits = model(**_inputs(fast, half)).logits[:, 0]
        truth = torch.tensor([float(one.relevant) for one in half])
        total = total + torch.nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    return total / len(batch)


def _inputs(fast: Any, batch: list[Example]) -> Any:
    return fast(
        [one.query for one in batch], [one.passage for one in batch], padding=True, truncation=True, max_length=512, return_tensors="pt"
    )


@torch.inference_mode()
def accuracy(model: Any, fast: Any, count: int = 1_000) -> float:
    """Of examples that were never trained on."""
    right = 0
    source = examples(UNSEEN)
    for _ in range(0, count, 50):
        batch = list(islice(source, 50))
        logits = model(**_inputs(fast, batch)).logits[:, 0]
        right += sum((logit > 0) == one.relevant for logit, one in zip(logits.tolist(), batch, strict=True))
    return right / count


@torch.inference_mode()
def save(model: Any, fast: Any, folder: Path) -> None:
    """Where ``from_pretrained`` finds it, with the pairs that it is known by."""
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    pairs = [Example(one.query, one.passage, True) for one in ANY]
    logits = model(**_inputs(fast, pairs)).logits[:, 0].tolist()
    known = [{"query": one.query, "passage": one.passage, "logit": round(logit, 6)} for one, logit in zip(pairs, logits, strict=True)]
    (folder / "surefield.json").write_text(json.dumps({"name": "surefield-tiny-reranker", "known_pairs": known}, indent=1) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=FOLDER)
    asked = parser.parse_args()
    model, fast = train(asked.steps)
    print(f"accuracy on unseen examples {accuracy(model, fast):.4f}, {sum(p.numel() for p in model.parameters()):,} parameters")
    save(model, fast, asked.out)


if __name__ == "__main__":
    main()
