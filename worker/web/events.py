"""The HTTP door for upstream systems that ask what became of their documents, or want to be
told.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from worker.delivery import events, trials, webhooks
from worker.delivery.tables import Kind, WebhookState
from worker.store import transitions
from worker.web.dependencies import SiteHere
from worker.web.doors import BEARER, Calling, Upstream, problems_of

LATEST = 2**63 - 1

router = APIRouter(prefix="/v1", tags=["events"], dependencies=[Depends(BEARER)])
WebhookId = Annotated[UUID, Path(description="The webhook's id.")]


class EventOut(BaseModel):
    """One thing that became of a document."""

    id: int = Field(description="Its place in the order of all.")
    type: str = Field(description="Such as `document.accepted`.")
    timestamp: datetime
    data: dict[str, Any] = Field(description="Ids, key, status and code of the document.")


class EventsOut(BaseModel):
    """Events, the oldest first."""

    events: list[EventOut]
    after: int = Field(description="What to send as `after` next time.")


class WebhookIn(BaseModel):
    """An address to be told at."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=2_000, description="Such as https://example.org/x.")
    events: list[Kind] | None = Field(
        None, min_length=1, max_length=len(Kind), description="Only these; without it all."
    )
    values: bool = Field(False, description="Send what the fields say, too.")


class TestOut(BaseModel):
    """What came back from the last test message."""

    waits: bool = Field(description="It is not sent yet.")
    at: datetime | None
    status: int | None = Field(description="Of HTTP; none where nobody answered.")
    error: str | None


class WebhookOut(BaseModel):
    """An address that is told."""

    webhook_id: UUID
    url: str
    events: list[Kind] | None
    values: bool
    state: WebhookState
    disabled_because: str | None
    waiting: int = Field(description="Messages that nobody took yet.")
    given_up: int = Field(description="Messages that nobody took within three days.")
    last_error: str | None
    test: TestOut | None = Field(description="None: it was never asked for.")


class DisableIn(BaseModel):
    """Why nothing is to be sent."""

    model_config = ConfigDict(extra="forbid")

    because: str = Field("", max_length=200, description="For whoever asks later.")


class SecretOut(BaseModel):
    """What messages are signed with; told this once."""

    webhook_id: UUID
    secret: str = Field(description="As Standard Webhooks spells it: `whsec_` and base64.")


class ReplayIn(BaseModel):
    """What to tell once more."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime = Field(description="Events from this time on; with its offset.")


@router.get("/events", response_model=EventsOut, responses=problems_of(), name="list_events")
def list_events(
    site: SiteHere,
    caller: Calling,
    after: Annotated[int, Query(ge=0, le=LATEST, description="Only events after this one.")] = 0,
    limit: Annotated[int, Query(ge=1, le=events.MOST)] = 100,
) -> EventsOut:
    """What became of your documents. Ask again with `after`: none is missed, none comes twice."""
    with site.rt.transaction() as tx:
        events.publish(tx)
    with site.rt.transaction() as tx:
        found = events.since(
            tx, after=after, upstream=caller.upstream, types=caller.document_types, limit=limit
        )
    return EventsOut(
        events=[EventOut.model_validate(one.as_json()) for one in found],
        after=found[-1].id if found else after,
    )


@router.get(
    "/webhooks", response_model=list[WebhookOut], responses=problems_of(), name="list_webhooks"
)
def list_webhooks(site: SiteHere, upstream: Upstream) -> list[WebhookOut]:
    """Your webhooks, and how they fare."""
    with site.rt.transaction() as tx:
        found = webhooks.rows(tx, upstream)
    return [_out(one) for one in found]


def _out(one: webhooks.WebhookRow) -> WebhookOut:
    waits = one.trial_wanted_at is not None
    return WebhookOut(
        webhook_id=one.webhook_id,
        url=one.url,
        events=None if one.kinds is None else [Kind(kind) for kind in one.kinds],
        values=one.with_values,
        state=one.state,
        disabled_because=one.disabled_because,
        waiting=one.waiting,
        given_up=one.given_up,
        last_error=one.last_error,
        test=TestOut(waits=waits, at=one.tried_at, status=one.trial_status, error=one.trial_error)
        if waits or one.tried_at is not None
        else None,
    )


@router.post(
    "/webhooks",
    response_model=SecretOut,
    status_code=201,
    responses=problems_of(),
    name="add_webhook",
)
def add_webhook(site: SiteHere, upstream: Upstream, wanted: WebhookIn) -> SecretOut:
    """Be told at an address of yours, from now on. Messages follow Standard Webhooks 1.0."""
    with site.rt.transaction() as tx:
        made, secret = webhooks.add(
            tx,
            upstream,
            wanted.url,
            by=transitions.upstream(upstream),
            kinds=wanted.events,
            with_values=wanted.values,
        )
    return SecretOut(webhook_id=made, secret=secret)


@router.post(
    "/webhooks/{webhook_id}/rotate",
    response_model=SecretOut,
    responses=problems_of(404),
    name="rotate_webhook",
)
def rotate_webhook(site: SiteHere, upstream: Upstream, webhook_id: WebhookId) -> SecretOut:
    """A new secret; for a day messages carry the old one's signature, too."""
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id, upstream)
        return SecretOut(webhook_id=webhook_id, secret=webhooks.rotate(tx, webhook_id))


@router.post(
    "/webhooks/{webhook_id}/replay",
    status_code=202,
    response_class=Response,
    responses=problems_of(404),
    name="replay_webhook",
)
def replay_webhook(
    site: SiteHere, upstream: Upstream, webhook_id: WebhookId, wanted: ReplayIn
) -> Response:
    """Be told once more what happened since then; ids of messages stay as they were."""
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id, upstream)
        webhooks.replay(tx, webhook_id, wanted.since)
    return Response(status_code=202)


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=202,
    response_class=Response,
    responses=problems_of(404),
    name="test_webhook",
)
def test_webhook(site: SiteHere, upstream: Upstream, webhook_id: WebhookId) -> Response:
    """Be sent a message of the type `webhook.test`, once; the list says what came back."""
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id, upstream)
        trials.want(tx, webhook_id)
    return Response(status_code=202)


@router.post(
    "/webhooks/{webhook_id}/disable",
    status_code=204,
    response_class=Response,
    responses=problems_of(404),
    name="disable_webhook",
)
def disable_webhook(
    site: SiteHere, upstream: Upstream, webhook_id: WebhookId, wanted: DisableIn
) -> Response:
    """Be told there nothing until it is enabled; what happens meanwhile can be replayed."""
    because = wanted.because.strip()
    by = transitions.upstream(upstream)
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id, upstream)
        webhooks.disable(tx, webhook_id, f"{by}: {because}" if because else f"by {by}")
    return Response(status_code=204)


@router.post(
    "/webhooks/{webhook_id}/enable",
    status_code=204,
    response_class=Response,
    responses=problems_of(404),
    name="enable_webhook",
)
def enable_webhook(site: SiteHere, upstream: Upstream, webhook_id: WebhookId) -> Response:
    """Be told there again; what waited goes on, and has three days from now."""
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id, upstream)
        webhooks.enable(tx, webhook_id)
    return Response(status_code=204)


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=204,
    response_class=Response,
    responses=problems_of(404),
    name="remove_webhook",
)
def remove_webhook(site: SiteHere, upstream: Upstream, webhook_id: WebhookId) -> Response:
    """Be told there no more."""
    with site.rt.transaction() as tx:
        webhooks.own(tx, webhook_id, upstream)
        webhooks.remove(tx, webhook_id)
    return Response(status_code=204)
