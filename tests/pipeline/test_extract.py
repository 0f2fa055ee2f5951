"""Pages are claimed in batches, and their leases are kept while the model reads."""

import time
from datetime import timedelta

from sqlalchemy import text

from extractors.backends.scripted import Line, ScriptedBackend
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, a_pdf

LEASES = "SELECT number, lease_until FROM pages WHERE lease_until IS NOT NULL ORDER BY number"


def reading(look):
    """A backend that looks at the house while it reads its first page."""
    looked = []

    def script(page, spec):
        if not looked:
            looked.append(look())
        return Line(truth=TRUTH)

    return ScriptedBackend(script, canvas=TINY_CANVAS), looked


def test_two_batches_are_claimed_at_once(make_house):
    """So that a backend can prepare the second while it reads the first; no more than these."""
    backend, looked = reading(lambda: len(house.rows(LEASES)))
    house = make_house(backend=backend, batch_pages=3)
    house.submit(a_pdf(pages=7))
    house.work()

    assert looked == [6]


def test_a_page_that_was_taken_over_leaves_the_leases_of_its_batch_alone(make_house):
    """Whoever reads on holds on to the other pages for as long as it takes."""

    def leases_of_the_second():
        with house.rt.transaction() as tx:
            tx.session.execute(text("UPDATE pages SET claim_no = claim_no + 1 WHERE number = 1"))
        seen, until = set(), time.monotonic() + 10
        while len(seen) < 4 and time.monotonic() < until:
            seen |= {row.lease_until for row in house.rows(LEASES) if row.number == 2}
            time.sleep(0.05)
        return len(seen)

    backend, looked = reading(leases_of_the_second)
    house = make_house(backend=backend, batch_pages=2, lease=timedelta(seconds=1.5))
    house.submit(a_pdf(pages=2))
    house.work()

    assert looked == [4]
