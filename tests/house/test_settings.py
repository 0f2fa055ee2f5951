"""Settings as people write them in an environment."""

from datetime import timedelta

import pytest

from worker.settings import Settings


@pytest.mark.parametrize(
    ("written", "seconds"), [("30", 30), ("0.5", 0.5), ("PT2M", 120), ("00:00:07", 7)]
)
def test_a_duration_may_be_a_plain_number_of_seconds(monkeypatch, written, seconds):
    """Also ISO 8601 and clock form."""
    monkeypatch.setenv("SUREFIELD_CLAIM_LEASE", written)
    assert Settings().claim_lease == timedelta(seconds=seconds)
