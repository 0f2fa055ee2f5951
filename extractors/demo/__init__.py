"""The small Mllama that ships with the project: a generator of slips, the training that made it,
its weights, its measurement.

It is a demonstration and a measuring instrument, not a product model.
"""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"  # a folder that ``from_pretrained`` loads
