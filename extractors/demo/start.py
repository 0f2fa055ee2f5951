"""Where the vision tower starts: patches whitened and positions as waves, which saves the first
minutes of a training.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from extractors.demo.dataset import Shard


@torch.no_grad()
def prepare_vision(vision: Any, shards: Path) -> None:
    """Set the first layers of an untrained ``MllamaVisionModel``: patches whitened, positions as
    waves.
    """
    weight = vision.patch_embedding.weight
    width, _, side, _ = weight.shape
    file = next(iter(sorted(shards.glob("dense-*.npz"))), None)
    if file is not None:
        weight.copy_(_whitened(Shard(file), int(width), int(side)))
    grid = vision.image_size // side
    place = vision.gated_positional_embedding
    place.embedding[1:] = _waves(grid, 0, 0, int(width))
    table = place.tile_embedding.weight.view(-1, 2, grid * grid + 1, int(width))
    for aspect, (rows, columns) in enumerate(((1, 1), (1, 1), (1, 2), (2, 1))):
        for tile in range(2):
            table[aspect, tile, 1:] = _waves(
                grid, tile // columns * (rows > 1) * grid, tile % columns * grid, int(width)
            )


def _whitened(shard: Shard, width: int, side: int) -> Tensor:
    """Principal parts of ink patches, each of the same strength, mixed at random: (width, 3, side,
    side).
    """
    tiles = torch.from_numpy(shard.tiles[:64].astype(np.float32)) / 127.5 - 1.0
    patches = tiles.unfold(2, side, side).unfold(3, side, side).reshape(-1, side * side)
    values, vectors = torch.linalg.eigh(torch.cov(patches.T))
    strength = (values.clamp(min=0) + 0.02 * values.mean()).rsqrt()
    mixed = torch.linalg.qr(
        torch.randn(width, side * side, generator=torch.Generator().manual_seed(1))
    )[0]  # (width, 196)
    basis: Tensor = mixed @ (vectors * strength).T
    return torch.as_tensor(basis.view(width, 1, side, side).expand(-1, 3, -1, -1) / 3.0 * 2.0)


def _waves(grid: int, row0: int, column0: int, width: int) -> Tensor:
    """Sines and cosines of row and column: (grid * grid, width)."""
    frequencies = torch.exp(torch.linspace(np.log(0.1), np.log(3.0), width // 4))
    rows = (torch.arange(grid) + row0)[:, None] * frequencies
    columns = (torch.arange(grid) + column0)[:, None] * frequencies
    down = torch.cat([rows.sin(), rows.cos()], -1)[:, None].expand(-1, grid, -1)
    across = torch.cat([columns.sin(), columns.cos()], -1)[None].expand(grid, -1, -1)
    return 0.5 * torch.cat([down, across], -1).reshape(grid * grid, width)
