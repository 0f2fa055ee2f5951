"""Intake on a real Postgres with real blobs."""

from tests.pipeline.conftest import house, make_house, renderer  # noqa: F401  fixtures
