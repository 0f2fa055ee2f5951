"""What a piece of work does, counted without doing it: on torch's meta device a tensor has a shape and no numbers.

So Llama 3.2 Vision's real size fits any machine; and since nothing there can be read, work that waits for an answer of the device fails.
"""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from extractors.backends.checkpoint import Loaded
from tests.benchmarks.engine import LLAMA_11B, random_model

VIEWS = frozenset(
    ("view", "reshape", "_unsafe_view", "transpose", "t", "slice", "select", "expand", "unsqueeze", "permute", "alias", "detach", "squeeze")
)


class Counted(TorchDispatchMode):
    """operations: those that launch a kernel on a GPU; peak_bytes: of what was allocated meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.live_bytes = self.peak_bytes = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        made = func(*args, **(kwargs or {}))
        self.operations += func.overloadpacket.__name__ not in VIEWS
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor) and tensor.untyped_storage()._cdata not in given | self._known:
                self._hold(tensor.untyped_storage())
        return made

    def _hold(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        self._known.add(key)
        self.live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live_bytes -= size


def llama_11b() -> Loaded:
    """The real shape in bfloat16, without numbers."""
    return random_model(LLAMA_11B, device="meta", dtype=torch.bfloat16)


def counts_of(work: Callable[[], object]) -> Counted:
    """What ``work`` does; its result is dropped."""
    with torch.inference_mode(), Counted() as counts:
        work()
    return counts
