"""The site over a real Postgres, real page images and a backend that doubts, with people who are
signed in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.pipeline.conftest import House, Make, make_house, renderer  # noqa: F401  fixtures
from tests.web.making import a_backend, a_slip
from worker.accounts import store
from worker.actor import Role
from worker.roles.table import WEB
from worker.web.app import create_app
from worker.web.dependencies import csrf_of

# how long things last on the site of a test
ONE_DAY = {
    "stays_signed_in": timedelta(hours=24),
    "signed_out_when_idle": timedelta(hours=24),
    "review_lease": timedelta(minutes=2),
}
PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """A person's browser: keeps the cookie, sends the token of our pages."""

    client: TestClient
    name: str

    @property
    def token(self) -> str:
        return csrf_of(self.client.cookies.get("surefield") or "")

    def get(self, url: str, **more: Any) -> Any:
        return self.client.get(url, **more)

    def post(self, url: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        headers = {
            "x-csrf-token": self.token,
            "accept": "application/json",
            **more.pop("headers", {}),
        }
        return self.client.post(
            url, data=data or {}, headers=headers, follow_redirects=False, **more
        )

    def decide(
        self, item: Any, action: str, text: str = "", *, version: int = 1, **more: Any
    ) -> Any:
        return self.post(
            f"/review/items/{item}/decide",
            {"version": version, "action": action, "text": text, "seen": "true", "took_ms": 900},
            **more,
        )


@dataclass
class SiteInTest:
    """The site, the house behind it, and doors to it."""

    house: House
    app: FastAPI
    clients: list[TestClient] = field(default_factory=list)

    def anybody(self) -> TestClient:
        """A browser that nobody is signed in on."""
        client = TestClient(self.app, raise_server_exceptions=False)
        self.clients.append(client)
        return client

    def sign_in(self, name: str = "ada", role: Role = Role.REVIEWER) -> Browser:
        """A browser with this person signed in; the person is made when new."""
        rt = self.house.rt
        with rt.transaction() as tx:
            known = {each.name: each for each in store.people(tx)}
            person = known.get(name) or store.add_person(tx, name, role)
            secret = store.open_browser(tx, person.user_id, lasts=timedelta(hours=1))
        client = self.anybody()
        client.cookies.set("surefield", secret)
        return Browser(client, name)

    def key(self, upstream: str = "erp") -> dict[str, str]:
        """The headers of an upstream with a new key."""
        with self.house.rt.transaction() as tx:
            return {"authorization": f"Bearer {store.make_key(tx, upstream)}"}

    def read(self, content: bytes | None = None, **request: Any) -> UUID:
        """A slip, submitted and worked through."""
        document = self.house.submit(a_slip() if content is None else content, **request)
        self.house.work()
        return document

    def items(self, document: UUID | None = None) -> dict[str, UUID]:
        """The open items by field."""
        rows = self.house.rows(
            "SELECT r.name, i.id FROM review_items i JOIN results r ON r.id = i.result_id WHERE"
            " i.state = 'open' AND (CAST(:d AS uuid) IS NULL OR i.document_id = :d) ORDER BY"
            " r.position DESC",
            d=document,
        )
        return {row.name: row.id for row in rows}

    def decisions(self) -> list[Any]:
        return self.house.rows("SELECT * FROM review_decisions ORDER BY id")


MakeSite = Callable[..., SiteInTest]


@pytest.fixture
def make_site(make_house: Make, as_role: Any) -> MakeSite:
    """A site whose model says and doubts these things; keywords for ``create_app`` go to
    ``options``.  It has the rights of the web and no others.
    """

    def make(
        truth: Any = None,
        *,
        options: dict[str, Any] | None = None,
        changes: dict[str, Any] | None = None,
        **line: Any,
    ) -> SiteInTest:
        house = make_house(backend=a_backend(truth, **line), **(changes or {}))
        rt = replace(house.rt, sessions=as_role(WEB))
        return SiteInTest(house, create_app(rt, **{**ONE_DAY, **(options or {})}))

    return make


@pytest.fixture
def site(make_site: MakeSite) -> SiteInTest:
    """A site with a doubt about each slip's total and date."""
    return make_site(doubts={"total": 0.41, "date": 0.62})
