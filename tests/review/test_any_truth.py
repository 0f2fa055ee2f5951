"""From any reading to any truth, through the page's own routes.

Whatever the machine read, and however sure it was, a person can make the document's answer the
truth: rows added and removed, values corrected while they wait, after they were accepted and after
they were decided, the type named.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.web.making import TRUTH, a_backend, a_slip

AMOUNTS = st.integers(1, 9_999_99).map(lambda cents: f"{cents // 100:,}.{cents % 100:02d}")
WORDS = st.sampled_from(["Pens", "Paper, A4", "Delivery", "Ада", "株式会社", "x < y & z"])
VALUES = {
    "payee": st.sampled_from(["Foo Ltd", "Nordlicht Energie GmbH", "شركة النور"]),
    "date": st.sampled_from(["14/03/2026", "1/12/2025"]),
    "number": st.sampled_from(["RE-2026-0481", "A-17"]),
    "total": AMOUNTS,
    "currency": st.sampled_from(["EUR", "USD"]),
}
ROWS = st.lists(
    st.fixed_dictionaries({"description": st.none() | WORDS, "amount": st.none() | AMOUNTS}).filter(
        lambda row: any(row.values())
    ),
    max_size=4,
)
SLIPS = st.fixed_dictionaries(
    {**{name: st.none() | values for name, values in VALUES.items()}, "items": ROWS}
)
DOUBTS = st.dictionaries(
    st.sampled_from(["payee", "total", "items.amount", "items.description"]), st.floats(0.2, 0.99)
)


class Person:
    """Somebody before the page: they read what it shows, and send what it sends."""

    def __init__(self, site: Any, document: Any) -> None:
        self.site, self.document = site, document
        self.browser = site.sign_in()

    def shown(self) -> dict[str, Any]:
        """The answer as it stands, and what of it waits."""
        rows = self.site.house.rows(
            "SELECT r.name, r.ordinal, r.state, r.text, i.id AS item, i.version, i.state AS at"
            " FROM results r LEFT JOIN review_items i ON i.result_id = r.id"
            " WHERE r.document_id = :d AND r.removed_at IS NULL ORDER BY r.position, r.ordinal",
            d=self.document,
        )
        return {(row.name, row.ordinal): row for row in rows}

    def say(self, row: Any, wanted: str | None) -> None:
        """One field: by its item where it waits, else as a correction."""
        form = {"text": wanted or "", "seen": "true", "version": row.version or 1}
        if row.at == "open":
            same = row.state != "unreadable" and row.text == wanted
            action = "accept" if same else "absent" if wanted is None else "correct"
            text_ = wanted or "" if action == "correct" else ""
            answer = self.browser.post(
                f"/review/items/{row.item}/decide", {**form, "text": text_, "action": action}
            )
        else:
            action = "absent" if wanted is None else "correct"
            at = {"field": row.name, "ordinal": row.ordinal, "action": action}
            answer = self.browser.post(f"/documents/{self.document}/correct", {**form, **at})
        assert answer.status_code == 200, answer.text

    def fields(self, truth: dict[str, Any]) -> None:
        for (name, _), row in self.shown().items():
            wrong = row.state == "unreadable" or row.text != truth.get(name)
            if name in VALUES and (row.at == "open" or wrong):
                self.say(row, truth[name])

    def rows(self, truth: dict[str, Any]) -> None:
        """The rows that are there are kept where they are right, wherever they stand."""
        address = f"/documents/{self.document}/lists/items"
        found = self.browser.get(address, headers={"accept": "application/json"}).json()
        left = {row["was"]: row["cells"] for row in found["rows"]}
        sent = []
        for row in truth["items"]:
            cells = {name: value or "" for name, value in row.items()}
            was = next((was for was, there in left.items() if there == cells), None)
            left.pop(was, None)
            sent.append({"was": was, "cells": row})
        answer = self.browser.client.post(
            address,
            json={"rows": sent, "version": found["version"], "seen": True},
            headers={"x-csrf-token": self.browser.token},
        )
        assert answer.status_code == 200, answer.text

    def answer(self) -> dict[str, Any]:
        """What SQL says."""
        fields: dict[str, Any] = {}
        items: dict[int, dict[str, Any]] = {}
        for row in self.site.house.rows(
            "SELECT field, ordinal, text FROM reporting.field_outcomes WHERE document_id = :d",
            d=self.document,
        ):
            name, _, member = row.field.partition(".")
            if member:
                items.setdefault(row.ordinal, {})[member] = row.text
            elif name != "items":
                fields[name] = row.text
        return {**fields, "items": [items[ordinal] for ordinal in sorted(items)]}


@pytest.mark.parametrize("comes_as", ["slip", "auto"])
@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each try is a document: no shrinking
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(read=SLIPS, doubts=DOUBTS, first=SLIPS, then=SLIPS)
def test_any_reading_becomes_any_truth(make_site, comes_as, read, doubts, first, then):
    """And, once it rests, any other truth: every answer is what the person said last."""
    site = make_site()
    backend = a_backend(read, doubts=doubts)
    object.__setattr__(site.house.rt, "backend", lambda _: backend)
    site.house.announced.clear()
    content = a_slip({**TRUTH, "number": repr(read)[:20]}, words=comes_as == "slip")
    document = site.read(content, document_type=comes_as)
    person = Person(site, document)
    if comes_as == "auto":
        form = {"verdict": "other_type", "type": "slip", "seen": "true"}
        assert person.browser.post(f"/documents/{document}/verdict", form).status_code == 200
        site.house.work()
    before = person.answer()
    for truth in (first, then):
        person.fields(truth)
        person.rows(truth)
        person.fields(truth)
        assert person.answer() == truth
        assert site.house.status(document) == "reviewed"
    undone(person, site, before)


def undone(person: Person, site: Any, before: dict[str, Any]) -> None:
    """Taken back one by one, everything is again as it was read."""
    for _ in range(100):
        if person.browser.post("/review/undo").status_code == 422:
            break
        state = site.house.status(person.document)
        assert state in ("accepted", "in_review", "reviewed")
        if person.answer() == before and not standing(site, person.document):
            break
    assert person.answer() == before


def standing(site: Any, document: Any) -> bool:
    """Whether any decision of the document still stands."""
    with site.house.rt.transaction() as tx:
        return bool(
            tx.session.execute(
                text(
                    "SELECT count(*) FILTER (WHERE action <> 'undo')"
                    " - count(*) FILTER (WHERE action = 'undo') FROM review_decisions d"
                    " JOIN results r ON r.id = d.result_id WHERE r.document_id = :d"
                ),
                {"d": document},
            ).scalar_one()
        )
