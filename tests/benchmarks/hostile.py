"""445 damaged, encrypted and odd PDFs submitted at once: each comes to an end, and no worker
process dies of any.
"""

import os
from pathlib import Path
from typing import Any

from tests.benchmarks import corpus


def run() -> list[dict[str, Any]]:
    """The measurements, or none without the corpus."""
    named = os.environ.get("SUREFIELD_CORPUS")
    if not named:
        print("hostile: skipped, SUREFIELD_CORPUS is not set")
        return []
    return corpus.hostile(Path(named))
