"""How the weights are moved: float32 masters behind a model that may be in bfloat16."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Muon):
    """torch's own with its defaults and ``match_rms_adamw``, but for the dtype that it
    orthogonalises in: torch takes bfloat16, which is emulated on a CPU that does not have it.

    "Muon is Scalable for LLM Training", Liu et al. 2025: the rate is adjusted to AdamW's root mean
    square.
    """

    def __init__(
        self, params: Sequence[Tensor], dtype: torch.dtype, *, lr: float, weight_decay: float
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure is ever given
        for group in self.param_groups:
            params: list[Tensor] = []
            grads: list[Tensor] = []
            momenta: list[Tensor] = []
            self._init_group(group, params, grads, momenta)
            for param, grad, momentum in zip(params, grads, momenta, strict=True):
                momentum.lerp_(grad, 1.0 - group["momentum"])
                update = orthogonalised(
                    grad.lerp(momentum, group["momentum"]).to(self._dtype),
                    group["ns_coefficients"],
                    group["ns_steps"],
                )
                param.mul_(1.0 - group["lr"] * group["weight_decay"])
                param.add_(update, alpha=-0.2 * group["lr"] * max(param.shape) ** 0.5)


def orthogonalised(matrix: Tensor, coefficients: tuple[float, float, float], steps: int) -> Tensor:
    """The matrix with its singular values near one: Newton-Schulz,
    https://kellerjordan.github.io/posts/muon/
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Masters:
    """Float32 weights behind a model of any dtype: matrices inside by Muon, everything else by
    AdamW.
    """

    def __init__(self, modules: Sequence[nn.Module], *, muon_rate: float, adam_rate: float) -> None:
        named = [(name, p) for module in modules for name, p in module.named_parameters()]
        self.live: list[Tensor] = [p for _, p in named]
        self.master = [p.detach().clone().float().requires_grad_() for p in self.live]
        inner = [
            (p.ndim == 2 and "proj" in name) or (".fc" in name and p.ndim == 2) for name, p in named
        ]
        matrices = [m for m, hidden in zip(self.master, inner, strict=True) if hidden]
        others = [m for m, hidden in zip(self.master, inner, strict=True) if not hidden]
        self.muon = Muon(matrices, self.live[0].dtype, lr=muon_rate, weight_decay=0.01)
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
        return {
            "master": self.master,
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for mine, theirs in zip(self.master, state["master"], strict=True):
                mine.copy_(theirs)
            torch._foreach_copy_(self.live, self.master)
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])

    def take(self, weights: Sequence[Tensor]) -> None:
        """Start from these weights, in the modules' order; what comes after them (the character
        head) stays as it is.
        """
        with torch.no_grad():
            for mine, theirs in zip(self.master, weights, strict=False):
                mine.copy_(theirs)
            torch._foreach_copy_(self.live, self.master)
