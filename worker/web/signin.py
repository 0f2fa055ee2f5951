"""Signing in and out: by name and password, or by a link that works once."""

import secrets
from typing import Annotated, Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from worker.accounts import store
from worker.accounts.store import InvalidPerson, Person, TooManyTries
from worker.review import leases
from worker.web.dependencies import MaybePerson, Site, SiteHere, Someone, csrf_of
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
def sign_in(
    request: Request,
    site: SiteHere,
    name: Annotated[str, Form()],
    password: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Name and password; both wrong and unknown get the same words."""
    address = request.client.host if request.client else "unknown"
    with site.rt.transaction() as tx:
        store.note_attempt(tx, name, address)
    try:
        with site.rt.transaction() as tx:
            store.check_attempts(tx, name, address)
    except TooManyTries as error:
        log.warning("sign_in_refused", address=address)
        return _form(request, site, next=next, name=name, problem=str(error), status=429)
    with site.rt.transaction() as tx:
        person = store.with_password(tx, name, password)
    if person is None:
        problem = (
            "That name and password do not fit together. Try again, or ask for a sign-in link."
        )
        return _form(request, site, next=next, name=name, problem=problem, status=401)
    return _enter(site, person, _ours(next))


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
    return _enter(site, person, _ours(next or ("/" if person.has_password else "/account")))


@router.post("/sign-out")
def sign_out(request: Request, site: SiteHere, person: Someone) -> Response:
    """This browser forgets the person, and what they held is free for others."""
    with site.rt.transaction() as tx:
        store.close_browser(tx, request.cookies[site.cookie])
        leases.release_all(tx, person.name)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(site.cookie, path="/", secure=site.secure, httponly=True, samesite="lax")
    return response


@router.get("/account")
def account_page(request: Request, person: Someone) -> Response:
    """One's own name, role and password."""
    return render(request, "account.html", problem="", person=person)


@router.post("/account")
def change_password(
    request: Request,
    site: SiteHere,
    person: Someone,
    new: Annotated[str, Form()],
    old: Annotated[str, Form()] = "",
) -> Response:
    """A new password; the old one is asked for if there is one, and every other browser is signed
    out.
    """
    address = request.client.host if request.client else "unknown"
    try:
        if person.has_password:
            with site.rt.transaction() as tx:
                store.note_attempt(tx, person.name, address)
            with site.rt.transaction() as tx:
                store.check_attempts(tx, person.name, address)
                if store.with_password(tx, person.name, old) is None:
                    raise InvalidPerson("That is not your present password.")
        with site.rt.transaction() as tx:
            store.set_password(tx, person.user_id, new)
    except (InvalidPerson, TooManyTries) as error:
        return render(request, "account.html", status=422, problem=str(error), person=person)
    return _enter(site, person, "/")


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


def _enter(site: Site, person: Person, to: str) -> Response:
    """Sign this browser in, with a cookie that nobody has seen before."""
    with site.rt.transaction() as tx:
        secret = store.open_browser(tx, person.user_id, lasts=site.stays_signed_in)
    response = RedirectResponse(to, 303)
    _keep(response, site, secret)
    log.info("signed_in", who=person.name)
    return response


def _keep(response: Response, site: Site, secret: str) -> None:
    age = int(site.stays_signed_in.total_seconds())
    response.set_cookie(
        site.cookie,
        secret,
        max_age=age,
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
