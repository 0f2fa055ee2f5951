"""Each upstream's queue is its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.mailboxes.names import LONGEST, queue_of

UPSTREAMS = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=100)


@pytest.mark.parametrize(
    ("upstream", "queue"),
    [
        ("erp", "surefield.submissions.erp"),
        ("sap_2", "surefield.submissions.sap_2"),
        ("My ERP", "surefield.submissions.my_erp_9fdebd18"),
        ("a.b", "surefield.submissions.a_b_2e7336dc"),
        ("a-b", "surefield.submissions.a_b_d44362d6"),
        ("日本", "surefield.submissions.cf2abf0c"),
    ],
)
def test_a_queue_can_be_told_by_its_upstream(upstream, queue):
    """What a broker cannot hold is left out, and a digest says which it was."""
    assert queue_of(upstream) == queue


def test_nobody_takes_another_ones_queue_by_its_name():
    """An upstream that calls itself as the end of another's queue has one of its own."""
    other = queue_of("a.b").removeprefix("surefield.submissions.")
    assert queue_of(other) not in (queue_of("a.b"), f"surefield.submissions.{other}")


@given(st.sets(UPSTREAMS, min_size=2, max_size=20))
def test_no_two_upstreams_share_one(upstreams):
    """Nor do the tables of pgmq, which knows neither dots nor lines in a name."""
    names = {queue_of(one).replace(".", "_").replace("-", "_") for one in upstreams}
    assert len(names) == len(upstreams)
    assert all(len(one) <= LONGEST and one.isascii() and one == one.lower() for one in names)
