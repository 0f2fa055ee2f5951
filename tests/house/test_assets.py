"""What others wrote and the package holds is what they published."""

from hashlib import sha256
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "worker" / "web" / "static"
# the file, where it comes from, and the sha256 of it there
VENDORED = {
    "htmx.min.js": (
        "npm: htmx.org 2.0.11, package/dist/htmx.min.js",
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    ),
}


@pytest.mark.parametrize("name", VENDORED)
def test_a_file_of_others_is_byte_for_byte_theirs(name: str) -> None:
    """Whoever brings a newer one says from where."""
    origin, digest = VENDORED[name]
    assert sha256((STATIC / name).read_bytes()).hexdigest() == digest, origin


def test_every_minified_file_is_known() -> None:
    """Nobody reads these: only their hash says what they are."""
    assert {one.name for one in STATIC.glob("*.min.*")} == set(VENDORED)
