"""What every page may touch, and who is looking at it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import compare_digest
from typing import Annotated, ClassVar, cast

from fastapi import Depends, Request

from extractors.errors import SurefieldError
from worker import acting
from worker.accounts import store
from worker.accounts.store import Person
from worker.actor import Forbidden, Role
from worker.review.errors import InvalidDecision
from worker.review.tables import Action
from worker.runtime import Runtime
from worker.store import transitions
from worker.web.hashing import Hashing
from worker.web.turns import Rates, Turns

# what is said of one field; rows are sent with their list
FORM_ACTIONS = (Action.ACCEPT, Action.CORRECT, Action.ABSENT, Action.UNREADABLE, Action.UNDO)
UNATTENDED = frozenset({"/review/heartbeat"})  # what an open page sends of itself
FORM = "application/x-www-form-urlencoded"
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The runtime, and the few settings that pages need."""

    rt: Runtime
    public_url: str | None  # how people reach the site; None: as the request says
    stays_signed_in: timedelta
    signed_out_when_idle: timedelta
    review_lease: timedelta
    uploads: Turns
    hashing: Hashing
    rates: Rates

    @property
    def secure(self) -> bool:
        """The site is reached by https: its cookies say so."""
        return (self.public_url or "").startswith("https:")

    def address(self, request: Request, name: str, **parts: object) -> str:
        """The whole address of a page, to be read outside of the browser."""
        path = request.app.url_path_for(name, **parts)
        return (
            f"{self.public_url.rstrip('/')}{path}"
            if self.public_url
            else str(request.url_for(name, **parts))
        )

    @property
    def cookie(self) -> str:
        """The cookie's name; the prefix makes browsers refuse it from anywhere but this very
        host.
        """
        return "__Host-surefield" if self.secure else "surefield"

    @property
    def known_cookie(self) -> str:
        """The name of the cookie by which a browser is known in which somebody signed in before."""
        return f"{self.cookie}-known"


class NotSignedIn(SurefieldError):
    """Nobody is signed in on this browser."""

    code = "not_signed_in"


class ForgedRequest(SurefieldError):
    """A form came without the token of the page that it stands on."""

    code = "forged_request"

    HINT: ClassVar[str] = (
        "The page is older than your sign-in. Load it again; what you typed is kept."
    )


def site_of(request: Request) -> Site:
    return cast(Site, request.app.state.site)


SiteHere = Annotated[Site, Depends(site_of)]


def person_here(request: Request, site: SiteHere) -> Person | None:
    """Who is signed in on this browser; None for nobody."""
    secret = request.cookies.get(site.cookie)
    if not secret:
        return None
    with site.rt.transaction() as tx:
        used = request.url.path not in UNATTENDED
        found = store.browser_of(tx, secret, idle=site.signed_out_when_idle, used=used)
    request.state.person = found
    if found is not None:
        acting.is_(transitions.person(found.name))
    return found


MaybePerson = Annotated[Person | None, Depends(person_here)]


def signed_in(person: MaybePerson) -> Person:
    """Whoever is signed in.

    Raises NotSignedIn.
    """
    if person is None:
        raise NotSignedIn("Sign in first.")
    return person


Someone = Annotated[Person, Depends(signed_in)]


def at_least(role: Role) -> Callable[[Person], Person]:
    """A dependency: whoever is signed in, if they have the rights of this role.

    The dependency raises NotSignedIn, Forbidden.
    """

    def check(person: Someone) -> Person:
        if not person.may(role):
            raise Forbidden(
                f"This page is for the role {role.value}; yours is {person.role.value}. Ask an"
                " administrator for it."
            )
        return person

    return check


def limits(site: Site) -> dict[str, int]:
    """What pages on which fields are held must know: seconds between two signs of life."""
    return {"beat_s": max(1, int(site.review_lease.total_seconds() / 4))}


def lease_for(request: Request, site: Site) -> timedelta:
    """How long a page that shows an item holds it: no time at all where another site led to it.
    What the open page says of itself holds it then.
    """
    led_here = request.headers.get("sec-fetch-site") == "cross-site"
    return timedelta(0) if led_here else site.review_lease


def action_of(said: str) -> Action:
    """What a form says about a field.

    Raises InvalidDecision.
    """
    if said not in FORM_ACTIONS:
        raise InvalidDecision(
            f"There is no action {said[:40]!r}. Choose from: {', '.join(FORM_ACTIONS)}."
        )
    return Action(said)


def csrf_of(secret: str) -> str:
    """The token that pages of a browser carry: it proves that a form was sent from one of our
    pages, and tells nothing else.
    """
    return sha256(b"surefield csrf 1 " + secret.encode("utf-8", "surrogateescape")).hexdigest()


class InvalidText(SurefieldError):
    """A form holds what no database takes as text."""

    code = "invalid_text"


async def _plain_form(request: Request) -> None:
    """Raises InvalidText."""
    if request.headers.get("content-type", "").lower().startswith(FORM):
        form = await request.form(max_files=0, max_part_size=1_000_000)
        if any("\0" in name or "\0" in str(value) for name, value in form.multi_items()):
            raise InvalidText("The form holds a NUL. Type it anew.")


async def from_our_page(request: Request) -> None:
    """Raises ForgedRequest when a request that changes something was not sent from a page of
    ours.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    await _plain_form(request)
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForgedRequest("The request came from another site, and was refused.")
    secret = request.cookies.get(site_of(request).cookie, "")
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        # a script sends files, and the token ahead of them: without one no body is read
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            raise ForgedRequest(ForgedRequest.HINT)
        form = await request.form(max_files=0, max_part_size=1_000_000)
        given = str(form.get(CSRF_FIELD, ""))
    if not secret or not compare_digest(given.encode(), csrf_of(secret).encode()):
        raise ForgedRequest(ForgedRequest.HINT)
