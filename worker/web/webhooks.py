"""Who is told by webhook, and how that fares: for administrators."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from worker.accounts.store import Person
from worker.actor import Role
from worker.db import Tx
from worker.delivery import trials, webhooks
from worker.delivery.tables import Kind
from worker.delivery.webhooks import InvalidWebhook
from worker.store import transitions
from worker.web.dependencies import Site, SiteHere, at_least
from worker.web.templating import render

router = APIRouter(prefix="/webhooks")

Admin = Annotated[Person, Depends(at_least(Role.ADMIN))]
MOST_DAYS = 30


@router.get("", name="webhooks_page")
def webhooks_page(request: Request, site: SiteHere, person: Admin) -> Response:
    """Every webhook of every upstream."""
    return _page(request, site)


@router.post("", name="add_webhook_here")
def add_webhook_here(
    request: Request,
    site: SiteHere,
    person: Admin,
    upstream: Annotated[str, Form()],
    url: Annotated[str, Form()],
    kinds: Annotated[list[str] | None, Form()] = None,
    values: Annotated[bool, Form()] = False,
) -> Response:
    """Tell an address: the answer shows the secret, once."""
    by = transitions.person(person.name)
    try:
        with site.rt.transaction() as tx:
            _, secret = webhooks.add(
                tx, upstream.strip(), url.strip(), by=by, kinds=kinds or None, with_values=values
            )
    except InvalidWebhook as error:
        return _page(request, site, status=422, problem=str(error))
    return _page(request, site, secret=secret, secret_for=url.strip())


@router.post("/{webhook_id}/rotate", name="rotate_webhook_here")
def rotate_webhook_here(
    request: Request, site: SiteHere, person: Admin, webhook_id: UUID
) -> Response:
    """A new secret: the answer shows it, once."""
    with site.rt.transaction() as tx:
        url = webhooks.own(tx, webhook_id).url
        secret = webhooks.rotate(tx, webhook_id)
    return _page(request, site, secret=secret, secret_for=url)


@router.post("/{webhook_id}/replay", name="replay_webhook_here")
def replay_webhook_here(
    request: Request,
    site: SiteHere,
    person: Admin,
    webhook_id: UUID,
    days: Annotated[int, Form(ge=1, le=MOST_DAYS)],
) -> Response:
    """Tell once more what happened within so many days."""
    since = datetime.now(UTC) - timedelta(days=days)
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id)
        told = webhooks.replay(tx, webhook_id, since)
    return _page(request, site, said=f"{told} events are told once more.")


def _disable(tx: Tx, webhook_id: UUID, person: Person) -> None:
    webhooks.disable(tx, webhook_id, f"by {person.name}")


class Button(StrEnum):
    """What one press does; the last word of its address."""

    TEST = "test"
    DISABLE = "disable"
    ENABLE = "enable"
    REMOVE = "remove"


BUTTONS: Mapping[Button, Callable[[Tx, UUID, Person], None]] = {
    Button.TEST: lambda tx, webhook_id, _: trials.want(tx, webhook_id),
    Button.DISABLE: _disable,
    Button.ENABLE: lambda tx, webhook_id, _: webhooks.enable(tx, webhook_id),
    Button.REMOVE: lambda tx, webhook_id, _: webhooks.remove(tx, webhook_id),
}


@router.post("/{webhook_id}/{button}", name="press_webhook_button")
def press_webhook_button(
    request: Request, site: SiteHere, person: Admin, webhook_id: UUID, button: Button
) -> Response:
    """Try it, disable it, enable it, or forget it."""
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id)
        BUTTONS[button](tx, webhook_id, person)
    return RedirectResponse(request.url_for("webhooks_page"), 303)


def _page(request: Request, site: Site, *, status: int = 200, **values: str) -> Response:
    with site.rt.transaction() as tx:
        found = webhooks.rows(tx)
    empty = {"problem": "", "secret": "", "secret_for": "", "said": ""}
    return render(
        request,
        "webhooks.html",
        status=status,
        webhooks=found,
        kinds=list(Kind),
        most_days=MOST_DAYS,
        **{**empty, **values},
    )
