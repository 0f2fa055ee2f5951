"""Documents whose senders are asked, on a house of real parts."""

from tests.pipeline.conftest import make_house, renderer  # noqa: F401  fixtures
