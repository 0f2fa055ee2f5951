"""A page moved by a few pixels: the same print on other patches of the vision model.

A model that reads repeats a right value when the page is moved, and seldom a wrong one.
"""

from dataclasses import replace

from extractors.types import PageImage

# pixels to the right and down, by the number of the look
SHIFTS = ((4, 1), (-3, 2))


def moved(page: PageImage, look: int) -> PageImage:
    """The page for its ``look``-th further reading, from 1; what moves in at the edge is white.

    Raises IndexError for a look that there is no shift for.
    """
    import pymupdf  # here: a worker that takes no further looks does not load it

    right, down = SHIFTS[look - 1]
    print_ = pymupdf.Pixmap(page.png)
    paper = pymupdf.Pixmap(print_.colorspace, print_.irect, False)
    paper.clear_with(255)
    print_.set_origin(right, down)
    paper.copy(print_, pymupdf.IRect(print_.irect) & pymupdf.IRect(paper.irect))
    return replace(page, png=paper.tobytes("png"))
