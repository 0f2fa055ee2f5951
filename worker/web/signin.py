"""Signing in and out: by name and password, or by a link that works once."""

import secrets
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from worker import acting
from worker.accounts import attempts, passwords, store
from worker.accounts.attempts import KNOWN_FOR, TooManyTries
from worker.accounts.passwords import Checked
from worker.accounts.store import LONGEST_PASSWORD, InvalidPerson, Known, Person, normal
from worker.review import leases
from worker.store import security, transitions
from worker.tables.security import SecurityKind
from worker.web import problems
from worker.web.dependencies import MaybePerson, Site, SiteHere, Someone, csrf_of
from worker.web.hashing import TooManySignIns
from worker.web.templating import render

log = structlog.get_logger()
router = APIRouter()


@router.get("/sign-in")
def sign_in_page(
    request: Request, site: SiteHere, person: MaybePerson, next: str = "/"
) -> Response:
    """The form; whoever is signed in goes on."""
    if person is not None:
        return RedirectResponse(_ours(next), 303)
    return _form(request, site, next=next)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    site: SiteHere,
    name: Annotated[str, Form()],
    password: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Name and password; both wrong and unknown get the same words."""
    try:
        person = await _with_password(request, site, name, password)
    except (TooManyTries, TooManySignIns) as error:
        log.warning("sign_in_refused", address=_address(request), code=error.code)
        await run_in_threadpool(_note, site, SecurityKind.SIGN_IN_REFUSED)
        status = problems.status_of(error)
        return _form(request, site, next=next, name=name, problem=str(error), status=status)
    if person is None:
        problem = (
            "That name and password do not fit together. Try again, or ask for a sign-in link."
        )
        return _form(request, site, next=next, name=name, problem=problem, status=401)
    return await run_in_threadpool(_enter, request, site, person, _ours(next))


async def _with_password(request: Request, site: Site, name: str, password: str) -> Person | None:
    """The person whose name and password these are; None without a word about which of them was
    wrong.  The hash is computed while no transaction is open.

    Raises TooManyTries, TooManySignIns.
    """
    known = await run_in_threadpool(_look_up, request, site, name)
    checked = await site.hashing.run(
        passwords.check, None if known is None else known.password_hash, password[:LONGEST_PASSWORD]
    )
    if known is None or not checked.fits:
        # a name that nobody has may be a password, typed into the wrong field
        about = None if known is None else normal(name)
        await run_in_threadpool(_note, site, SecurityKind.SIGN_IN_FAILED, about)
        return None
    return await run_in_threadpool(_let_in, site, name, known, checked)


def _look_up(request: Request, site: Site, name: str) -> Known | None:
    with site.rt.transaction() as tx:
        cookie = request.cookies.get(site.known_cookie)
        place = attempts.place_of(tx, name, _address(request), cookie)
        attempts.note(tx, name, place)
    with site.rt.transaction() as tx:
        attempts.check(tx, name, place)
        return store.look_up(tx, name)


def _let_in(site: Site, name: str, known: Known, checked: Checked) -> Person | None:
    with site.rt.transaction() as tx:
        if checked.rehashed is not None:
            store.keep_hash(tx, known.user_id, checked.rehashed)
        attempts.succeeded(tx, name)
        return store.enabled(tx, known.user_id)


def _note(site: Site, kind: SecurityKind, about: str | None = None) -> None:
    with site.rt.transaction() as tx:
        security.note(tx, kind, about)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


@router.get("/sign-in/{secret}")
def link_page(request: Request, site: SiteHere, secret: str, next: str = "") -> Response:
    """A link only shows a button: mail scanners and previews that open it must not use it up."""
    return _with_visit(request, site, "signin_link.html", secret=secret, next=next)


@router.post("/sign-in/{secret}")
def use_link(
    request: Request, site: SiteHere, secret: str, next: Annotated[str, Form()] = ""
) -> Response:
    """The button behind the link.

    Whoever has no password yet is asked for one, unless the link leads elsewhere.
    """
    with site.rt.transaction() as tx:
        person = store.use_link(tx, secret)
    if person is None:
        problem = "This link was used already or is too old. Ask for a new one."
        return _form(request, site, next="/", problem=problem, status=401)
    to = _ours(next or ("/" if person.has_password else "/account"))
    return _enter(request, site, person, to)


@router.post("/sign-out")
def sign_out(request: Request, site: SiteHere, person: Someone) -> Response:
    """This browser forgets the person, and what they held is free for others."""
    with site.rt.transaction() as tx:
        store.close_browser(tx, request.cookies[site.cookie])
        security.note(tx, SecurityKind.SIGNED_OUT, person.name)
        leases.release_all(tx, person.name)
    response = RedirectResponse("/sign-in", 303)
    # page images that the browser kept, and what was typed and not sent
    response.headers["clear-site-data"] = '"cache", "storage"'
    response.delete_cookie(site.cookie, path="/", secure=site.secure, httponly=True, samesite="lax")
    return response


@router.get("/account")
def account_page(request: Request, person: Someone) -> Response:
    """One's own name, role and password."""
    return render(request, "account.html", problem="", person=person)


@router.post("/account")
async def change_password(
    request: Request,
    site: SiteHere,
    person: Someone,
    new: Annotated[str, Form()],
    old: Annotated[str, Form()] = "",
) -> Response:
    """A new password; the old one is asked for if there is one, and every other browser is signed
    out.
    """
    try:
        if person.has_password and not await _with_password(request, site, person.name, old):
            raise InvalidPerson("That is not your present password.")
        hashed = await site.hashing.run(passwords.hashed, store.usable_password(new))
    except (InvalidPerson, TooManyTries, TooManySignIns) as error:
        return render(request, "account.html", status=422, problem=str(error), person=person)

    def keep() -> None:
        with site.rt.transaction() as tx:
            store.set_password(tx, person.user_id, hashed)

    await run_in_threadpool(keep)
    return await run_in_threadpool(_enter, request, site, person, "/")


def _form(request: Request, site: Site, *, status: int = 200, **values: Any) -> Response:
    return _with_visit(
        request,
        site,
        "signin.html",
        status=status,
        **{"name": "", "problem": "", "next": "/", **values},
    )


def _with_visit(
    request: Request, site: Site, template: str, *, status: int = 200, **values: Any
) -> Response:
    """A page for a browser that is not signed in; it gets a cookie, so that the form can be told
    from a forged one.
    """
    visit = request.cookies.get(site.cookie) or secrets.token_urlsafe(32)
    response = render(request, template, status=status, **{**values, "csrf": csrf_of(visit)})
    _keep(response, site, visit)
    return response


def _enter(request: Request, site: Site, person: Person, to: str) -> Response:
    """Sign this browser in, with a cookie that nobody has seen before; who was signed in here is
    not any more.
    """
    before = request.cookies.get(site.cookie)
    with site.rt.transaction() as tx:
        if before:
            store.close_browser(tx, before)
        secret = store.open_browser(tx, person.user_id, lasts=site.stays_signed_in)
        known = attempts.know(tx, person.user_id)
        acting.is_(transitions.person(person.name))
        security.note(tx, SecurityKind.SIGNED_IN, person.name)
    response = RedirectResponse(to, 303)
    _keep(response, site, secret)
    _set(response, site, site.known_cookie, known, KNOWN_FOR)
    log.info("signed_in", who=person.name)
    return response


def _keep(response: Response, site: Site, secret: str) -> None:
    _set(response, site, site.cookie, secret, site.stays_signed_in)


def _set(response: Response, site: Site, name: str, secret: str, lasts: timedelta) -> None:
    response.set_cookie(
        name,
        secret,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=site.secure,
        httponly=True,
        samesite="lax",
    )


def _ours(address: str) -> str:
    """Where to go next, if it is a page of ours."""
    parts = urlsplit(address)
    ours = (
        not parts.scheme
        and not parts.netloc
        and address.startswith("/")
        and not address.startswith(("//", "/\\"))
    )
    return address if ours and address.isprintable() else "/"
