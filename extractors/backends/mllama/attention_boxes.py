"""Where the model looked: the patches of the page that cross-attention went to at each step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from extractors.backends.mllama.recorder import TopPatches
from extractors.types import Box, Canvas, PageImage

TOP_PATCHES = 4  # patches kept of each step: letters stand on one or two, and heads differ


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchGrid:
    """How the vision tokens of one page lie on it."""

    tile_columns: int  # tiles side by side
    side: int  # patches along a side of a tile
    patch_px: int
    pt_per_px: float
    width_pt: float
    height_pt: float

    def box(self, token: int) -> Box:
        """The place of a vision token; the part of a patch that lies beyond the page is cut off."""
        tile, within = divmod(token, self.side * self.side + 1)
        # the first token of a tile is its class token, which stands for no patch
        row, column = divmod(within - 1, self.side)
        x = (tile % self.tile_columns * self.side + column) * self.patch_px * self.pt_per_px
        y = (tile // self.tile_columns * self.side + row) * self.patch_px * self.pt_per_px
        size = self.patch_px * self.pt_per_px
        return Box(
            min(x, self.width_pt),
            min(y, self.height_pt),
            min(x + size, self.width_pt),
            min(y + size, self.height_pt),
        )


def grids_of(
    pages: Sequence[PageImage],
    aspect_ids: Sequence[int],
    arrangements: Sequence[Sequence[int]],
    canvas: Canvas,
    patch_px: int,
) -> tuple[PatchGrid, ...]:
    """One for each page.

    aspect_ids:   of the processor, 1-based
    arrangements: the configuration's supported_aspect_ratios: (rows, columns) of tiles by aspect id
    """
    made = []
    for page, aspect_id in zip(pages, aspect_ids, strict=True):
        rows, columns = arrangements[aspect_id - 1]
        # what the processor scales by
        shown = min(
            columns * canvas.tile_px / page.width_px, rows * canvas.tile_px / page.height_px
        )
        made.append(
            PatchGrid(
                tile_columns=columns,
                side=canvas.tile_px // patch_px,
                patch_px=patch_px,
                pt_per_px=page.width_pt / (page.width_px * shown),
                width_pt=page.width_pt,
                height_pt=page.height_pt,
            )
        )
    return tuple(made)


def top_patches(layers: Sequence[Tensor], side: int, last: Tensor | None = None) -> TopPatches:
    """The patches that each row's attention went to most, class tokens aside.

    layers: (R, q, M) for each cross-attention layer, averaged over its heads
    last:   (R,) which of the q tokens is asked about; by default the only one
    """
    heat = torch.stack(list(layers)).float().mean(0)  # (R, q, M)
    heat = (
        heat[:, -1] if last is None else heat[torch.arange(heat.shape[0], device=heat.device), last]
    )
    patches = heat.view(heat.shape[0], -1, side * side + 1).clone()  # (R, tiles, N)
    patches[:, :, 0] = -1.0
    shares, tokens = patches.flatten(1).topk(min(TOP_PATCHES, side * side), dim=-1)
    return TopPatches(tokens, shares)
