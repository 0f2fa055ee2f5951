"""Slips of the generator, read as they are: no witness speaks against what a page says.

Their print is narrow, and their lines stand closer than their words are high.
"""

from random import Random

import pytest

from extractors.demo import compose
from extractors.demo.slips import printed
from extractors.documents import BUILT_IN
from extractors.types import Box, Word
from tests.benchmarks.judging import Paper


@pytest.mark.parametrize("seed", range(40))
def test_a_right_reading_of_a_slip_is_denied_by_nobody(seed):
    """Dates, rows and names, on one page or two."""
    dice = Random(f"right/{seed}")
    sheets = compose.slip_pages(dice)
    pages = {
        number: [
            Word(text, Box(*box))
            for *box, text, _, _, _ in printed(sheet, 0, dice).page[0].get_text("words")
        ]
        for number, sheet in enumerate(sheets, 1)
    }
    answers = {number: sheet.truth for number, sheet in enumerate(sheets, 1)}

    judged = Paper(BUILT_IN["slip"], pages).judge(answers)

    assert {key: one.doubts for key, one in judged.items() if one.denied_by} == {}
