"""What a reviewer holds and skips is theirs, and nobody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from worker.actor import Actor
from worker.review import actions, leases

LEASE = timedelta(minutes=5)


@pytest.fixture
def item(site):
    """A field that Ada holds."""
    site.read()
    found = site.items()["total"]
    assert held(site, "ada", found) == {found}
    return found


def held(site, who, item):
    with site.house.rt.transaction() as tx:
        return leases.hold_items(tx, who, [item], lease=LEASE)


def holder(site, item):
    return site.house.rows("SELECT leased_by FROM review_items WHERE id = :id", id=item)[0][0]


def test_skipping_what_somebody_else_holds_takes_it_from_nobody(site, item):
    """It is passed over for whoever skips it, and stays with its holder."""
    actions.skip(Actor("bob"), item, site.house.rt)
    assert holder(site, item) == "ada"

    actions.skip(Actor("ada"), item, site.house.rt)
    assert holder(site, item) is None


def test_a_field_whose_lease_ran_out_may_be_held_by_another(site, item):
    """And one whose lease goes on may not."""
    assert (held(site, "bob", item), holder(site, item)) == (set(), "ada")

    with site.house.rt.transaction() as tx:
        tx.session.execute(text("UPDATE review_items SET lease_until = now() - interval '1 s'"
                                " WHERE leased_by = 'ada'"))  # fmt: skip
    assert (held(site, "bob", item), holder(site, item)) == ({item}, "bob")
