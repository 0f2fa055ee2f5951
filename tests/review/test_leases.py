"""What a reviewer holds and skips is theirs, and nobody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from worker.actor import Actor
from worker.review import actions, leases, queue, reads
from worker.review.actions import Answer
from worker.review.tables import Action
from worker.review.types import ItemFilter

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


def test_a_decided_field_is_held_by_nobody(site, item):
    """Whoever looks at it afterwards holds up nobody who corrects it."""
    decided = Answer(action=Action.ACCEPT, seen=True)
    actions.decide(Actor("ada"), item, decided, site.house.rt)

    assert (held(site, "bob", item), holder(site, item)) == (set(), None)


def test_what_somebody_gives_back_is_theirs_alone(site, item):
    """One field, or all that they hold: another's stays where it is."""
    other = next(each for name, each in site.items().items() if name != "total")
    held(site, "bob", other)
    with site.house.rt.transaction() as tx:
        queue.release_item(tx, item, "bob")
        leases.release_all(tx, "bob")

    assert (holder(site, item), holder(site, other)) == ("ada", None)
    with site.house.rt.transaction() as tx:
        queue.release_item(tx, item, "ada")
    assert holder(site, item) is None


def test_a_skip_is_for_the_one_who_skipped(site, item):
    """Others get the field; and who forgets their skips forgets nobody else's."""

    def next_of(who):
        with site.house.rt.transaction() as tx:
            found = queue.claim_item(tx, who, lease=LEASE, filters=ItemFilter(field="total"))
            leases.release_all(tx, who)
        return found and found.item_id

    for who in ("ada", "bob"):
        actions.skip(Actor(who), item, site.house.rt)
    assert [next_of(who) for who in ("ada", "bob", "eve")] == [None, None, item]

    with site.house.rt.transaction() as tx:
        leases.forget_skips(tx, "ada")
        assert [reads.skipped(tx, who) for who in ("ada", "bob")] == [0, 1]
    assert [next_of(who) for who in ("ada", "bob")] == [item, None]

    actions.decide(Actor("eve"), item, Answer(action=Action.ACCEPT, seen=True), site.house.rt)
    with site.house.rt.transaction() as tx:
        assert reads.skipped(tx, "bob") == 0
