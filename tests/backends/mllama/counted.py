"""What a piece of work does, counted without doing it: on torch's meta device a tensor has a shape
and no numbers.

So Llama 3.2 Vision's real size fits any machine; and since nothing there can be read, work that
waits for an answer of the device fails. What is counted are torch's own operators. One that a GPU
has a fused kernel for (attention, norms, linear layers) counts as one, and what it needs inside is
not seen; that it takes that kernel is for the card itself to show (make bench-gpu).
"""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from extractors.backends.mllama.checkpoint import Loaded
from tests.benchmarks.engine import LLAMA_11B, random_model


class Counted(TorchDispatchMode):
    """operations: calls that make or change numbers, views aside; peak_bytes: of the tensors that
    were made meanwhile;
    from_host: the calls that brought a tensor over from the host.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.live_bytes = self.peak_bytes = 0
        self.from_host: list[str] = []
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        storages = {tensor.untyped_storage()._cdata for tensor in given}
        made = func(*args, **(kwargs or {}))
        results = [leaf for leaf in tree_leaves(made) if isinstance(leaf, Tensor)]
        name = func.overloadpacket.__name__
        fresh = [tensor for tensor in results if tensor.untyped_storage()._cdata not in storages]
        self.operations += bool(fresh) or name.endswith("_")
        if any(tensor.is_cpu for tensor in given) and any(tensor.is_meta for tensor in results):
            self.from_host.append(name)
        for tensor in fresh:
            if tensor.untyped_storage()._cdata not in self._known:
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
