"""How the weights are moved."""

from types import SimpleNamespace

import pytest
import torch

from extractors.demo import train
from extractors.demo.masters import Muon


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_muon_moves_weights_as_torchs_own_does(dtype: torch.dtype) -> None:
    """In bfloat16 bit for bit; in float32, which torch does not offer, within bfloat16's
    rounding.
    """
    torch.manual_seed(0)
    theirs = [torch.randn(32, 64, requires_grad=True), torch.randn(48, 16, requires_grad=True)]
    ours = [weight.detach().clone().requires_grad_() for weight in theirs]
    reference = torch.optim.Muon(theirs, lr=0.01, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    muon = Muon(ours, dtype, lr=0.01, weight_decay=0.01)
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


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32], ids=str)
def test_a_cpu_trains_in_the_dtype_that_it_multiplies_faster_in(
    faster: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever that is here."""
    monkeypatch.setattr(train, "product_seconds", lambda dtype: 1.0 if dtype is faster else 70.0)
    assert train.faster_dtype(torch.device("cpu")) is faster


def test_what_is_timed_is_a_product() -> None:
    """Some seconds, more than none, for either dtype."""
    assert all(
        0.0 < train.product_seconds(dtype) < 60.0 for dtype in (torch.bfloat16, torch.float32)
    )


def test_the_fastest_product_counts_and_the_one_that_sets_things_up_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock whose hands are known: 1 second for the first, then 9, 4 and 7."""
    clock = iter([0.0, 1.0, 1.0, 10.0, 10.0, 14.0, 14.0, 21.0])
    monkeypatch.setattr(train, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    assert train.product_seconds(torch.float32) == 4.0
