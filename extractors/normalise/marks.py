"""Ticks, crosses and boxes, and which of several words a mark belongs to."""

import re

# What a ticked and an empty box look like in print.  A cross or a circle without a box is in
# neither: beside ticks a cross means no, in Japan a circle means yes.
TICKED = frozenset(
    "x ☒ ☑ ✓ ✔ ✅ 🗹 🗸 🗷 🗵 ⊠ ■ ◼ ⬛ ● ◉ ⦿ ⚫ 1 [x] (x) [✓] [✔] [v] [✗] [✘] [*] (*) [•] (•) [●] (●)"
    " :selected: :checked: <selected> <checked> {x} |x|".split()
)
EMPTY = frozenset(
    "☐ □ ▢ ◻ ⬜ ❑ ❏ ○ ◯ ⚪ 0 [] () [_] (_) {}"
    " :unselected: :unchecked: <unselected> <unchecked>".split()
)
# In East Asia a circle by itself is yes.
CIRCLES = frozenset("○ ◯ 〇".split())
_CROSSES = frozenset("✗ ✘ ❌ ✕ ✖ × ❎".split())
_TICKS = frozenset("✓ ✔ ✅".split())
_MARK = re.compile(
    r"[☒☑✓✔✅🗹🗸🗷🗵⊠■◼⬛●◉⦿⚫☐□▢◻⬜❑❏○◯⚪✗✘❌✕✖❎]"
    r"|[\[({]\s?[xX✓✔v✗✘*•●_]?\s?[\])}]|:(?:un)?(?:selected|checked):"
)
_BETWEEN = " ,;/|-:.\u2013"


def ticked(mark: str) -> bool | None:
    """Whether a mark is a tick (True) or an empty box (False); None where it is neither."""
    bare = mark.replace(" ", "").casefold()
    if bare in TICKED:
        return True
    return False if bare in EMPTY else None


def chosen(text: str) -> str | None:
    """The one word that is ticked among others that are not: "☒ Yes ☐ No"; None where none is.

    The marks stand before the words or behind them, all on the same side.
    """
    marks = list(_MARK.finditer(text))
    if not marks:
        return None
    words = [piece.strip(_BETWEEN) for piece in _MARK.split(text)]
    before, behind = words[0] == "", words[-1] == ""
    labels = words[1:] if before and not behind else words[:-1] if behind and not before else []
    if len(labels) != len(marks) or not all(labels):
        return None
    states = [ticked(mark[0]) for mark in marks]
    if {mark[0] for mark in marks} & _TICKS:  # beside a tick, a cross means no
        states = [
            False if mark[0] in _CROSSES else s for mark, s in zip(marks, states, strict=True)
        ]
    if None in states or states.count(True) != 1:
        return None
    return labels[states.index(True)]
