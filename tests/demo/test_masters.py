"""How the weights are moved."""

import pytest
import torch

from extractors.demo.masters import Muon
from extractors.demo.train import faster_dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_muon_moves_weights_as_torchs_own_does(dtype: torch.dtype) -> None:
    """In bfloat16 bit for bit; in float32, which torch does not offer, within bfloat16's rounding."""
    torch.manual_seed(0)
    theirs = [torch.randn(32, 64, requires_grad=True), torch.randn(48, 16, requires_grad=True)]
    ours = [weight.detach().clone().requires_grad_() for weight in theirs]
    options = {"lr": 0.01, "weight_decay": 0.01, "adjust_lr_fn": "match_rms_adamw"}
    reference, muon = torch.optim.Muon(theirs, **options), Muon(ours, dtype, **options)
    started = [weight.detach().clone() for weight in ours]
    for _ in range(3):
        for a, b in zip(theirs, ours, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        reference.step()
        muon.step()
    for a, b, start in zip(theirs, ours, started, strict=True):
        assert (a - start).abs().max() > 1e-3
        assert torch.allclose(a, b, atol=0.0 if dtype is torch.bfloat16 else 1e-3, rtol=0.0)


def test_a_dtype_to_train_in_is_chosen_by_trying() -> None:
    """One of the two that the weights can be in."""
    assert faster_dtype(torch.device("cpu")) in (torch.bfloat16, torch.float32)
