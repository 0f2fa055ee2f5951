"""Events over the broker: each is told once it can be seen, in order, and at least once."""

import json
import threading

import structlog
from sqlalchemy import func, select, text, update

from worker.delivery import events
from worker.delivery.asked import asked_in
from worker.delivery.tables import Event, EventRelay
from worker.mailboxes.types import Mailbox
from worker.runtime import Runtime

log = structlog.get_logger()

PAUSE_S = 0.5  # between two looks when there is nothing to tell
AWAY_S = 3.0  # while the broker or the database is away
AT_ONCE = 100

ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('surefield.events.broker'))")


def tell(rt: Runtime, mailbox: Mailbox) -> int:
    """Tell the next events; returns how many, 0 where somebody else does it at this moment.

    The first time, what happened before is left out.  Whoever is killed in between tells some
    again: their ids say so.

    Raises BrokerUnavailable, KeyUnusable: the same are told the next time.
    """
    with rt.transaction() as tx:
        if not tx.session.execute(ALONE).scalar_one():
            return 0
        told = tx.session.execute(select(EventRelay.told).where(EventRelay.id == 1)).scalar_one()
        if told is None:
            newest = tx.session.execute(select(func.max(Event.id))).scalar_one() or 0
            tx.session.execute(update(EventRelay).values(told=newest))
            return 0
        found = events.since(tx, after=told, limit=AT_ONCE)
        for one in found:
            said = one.as_json()
            said["data"] |= asked_in(tx, one, key_file=rt.key_file, web_url=rt.web_url)
            mailbox.tell(one.upstream, json.dumps(said).encode())
        if found:
            tx.session.execute(update(EventRelay).values(told=found[-1].id))
        return len(found)


def run(rt: Runtime, mailbox: Mailbox, stop: threading.Event) -> None:
    """Until told to stop; a broker or a database that is away is waited for."""
    while not stop.is_set():
        try:
            if not tell(rt, mailbox):
                stop.wait(PAUSE_S)
        except Exception as error:
            log.warning("events_wait", error=type(error).__name__, said=str(error)[:200])
            stop.wait(AWAY_S)
