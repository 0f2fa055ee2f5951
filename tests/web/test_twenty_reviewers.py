"""Many people at one queue."""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from tests.benchmarks.review import FIELDS, QUEUE
from tests.web.test_review_page import card_of

PEOPLE, ITEMS = 20, int(os.environ.get("SUREFIELD_TEST_ITEMS", "200"))


def test_twenty_reviewers_decide_every_item_exactly_once(site):
    """None is held by two at a time, none is decided twice, none is left, every document is
    finished.
    """
    for statement in QUEUE.split(";"):
        with site.house.rt.transaction() as tx:
            tx.session.execute(text(statement), {"documents": ITEMS // FIELDS, "fields": FIELDS})
    holders: dict[str, str] = {}
    twice: list[str] = []
    lock = threading.Lock()
    browsers = [site.sign_in(f"reviewer {number}") for number in range(PEOPLE)]

    def work(browser) -> int:
        done = 0
        with browser.client:  # one event loop for all of this person's requests
            while item := card_of(browser.get("/review").text):
                with lock:
                    if holders.setdefault(item, browser.name) != browser.name:
                        twice.append(item)
                assert browser.decide(item, "accept").status_code == 200
                done += 1
        return done

    with ThreadPoolExecutor(PEOPLE) as pool:
        done = list(pool.map(work, browsers))

    decided = Counter(each.item_id for each in site.decisions())
    assert twice == []
    assert sum(done) == len(decided) == ITEMS
    assert set(decided.values()) == {1}
    assert site.house.rows("SELECT 1 FROM documents WHERE status <> 'reviewed'") == []
