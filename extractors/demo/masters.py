"""How the weights are moved: float32 masters behind a bfloat16 model."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Masters:
    """Float32 weights behind a bfloat16 model: matrices inside by Muon, everything else by AdamW."""

    def __init__(self, modules: Sequence[nn.Module], *, muon_rate: float, adam_rate: float) -> None:
        named = [(name, p) for module in modules for name, p in module.named_parameters()]
        self.live: list[Tensor] = [p for _, p in named]
        self.master = [p.detach().clone().float().requires_grad_() for p in self.live]
        inner = [(p.ndim == 2 and "proj" in name) or (".fc" in name and p.ndim == 2) for name, p in named]
        matrices = [m for m, hidden in zip(self.master, inner, strict=True) if hidden]
        others = [m for m, hidden in zip(self.master, inner, strict=True) if not hidden]
        self.muon = torch.optim.Muon(matrices, lr=muon_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        self.adam = torch.optim.AdamW(others, lr=adam_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.rates = (muon_rate, adam_rate)

    def step(self, share: float) -> None:
        """One step at a share of the full learning rates, then the live weights follow."""
        for master, live in zip(self.master, self.live, strict=True):
            master.grad = None if live.grad is None else live.grad.float()
            live.grad = None
        nn.utils.clip_grad_norm_(self.master, 1.0)
        for optimizer, rate in zip((self.muon, self.adam), self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share
            optimizer.step()
        with torch.no_grad():
            torch._foreach_copy_(self.live, self.master)

    def state(self) -> dict[str, Any]:
        return {"master": self.master, "muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for mine, theirs in zip(self.master, state["master"], strict=True):
                mine.copy_(theirs)
            torch._foreach_copy_(self.live, self.master)
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])

    def take(self, weights: Sequence[Tensor]) -> None:
        """Start from these weights, in the modules' order; what comes after them (the character head) stays as it is."""
        with torch.no_grad():
            for mine, theirs in zip(self.master, weights, strict=False):
                mine.copy_(theirs)
            torch._foreach_copy_(self.live, self.master)
