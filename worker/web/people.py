"""Who may come in: for administrators."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from worker.accounts import store
from worker.accounts.store import InvalidPerson, Person
from worker.actor import Role
from worker.web.dependencies import Site, SiteHere, at_least
from worker.web.templating import render

router = APIRouter(prefix="/people")

Admin = Annotated[Person, Depends(at_least(Role.ADMIN))]
LINK_LASTS = timedelta(days=3)


@router.get("", name="people_page")
def people_page(request: Request, site: SiteHere, person: Admin) -> Response:
    """Everybody, and every key."""
    return _page(request, site)


@router.post("", name="add_person")
def add_person(
    request: Request,
    site: SiteHere,
    person: Admin,
    name: Annotated[str, Form()],
    role: Annotated[Role, Form()],
) -> Response:
    """Invite somebody: the answer shows their sign-in link, once."""
    try:
        with site.rt.transaction() as tx:
            added = store.add_person(tx, name, role)
            secret = store.make_link(tx, added.name, lasts=LINK_LASTS)
    except InvalidPerson as error:
        return _page(request, site, status=422, problem=str(error))
    return _page(
        request, site, link=site.address(request, "link_page", secret=secret), link_for=added.name
    )


@router.post("/{name}/link", name="link_for_person")
def link_for_person(request: Request, site: SiteHere, person: Admin, name: str) -> Response:
    """A new sign-in link for somebody who forgot the password."""
    with site.rt.transaction() as tx:
        secret = store.make_link(tx, name, lasts=LINK_LASTS)
    return _page(
        request, site, link=site.address(request, "link_page", secret=secret), link_for=name
    )


@router.post("/{name}/change", name="change_person")
def change_person(
    request: Request,
    site: SiteHere,
    person: Admin,
    name: str,
    role: Annotated[Role | None, Form()] = None,
    disabled: Annotated[bool | None, Form()] = None,
) -> Response:
    """Another role, or the door shut or opened.  Nobody shuts themselves out."""
    with site.rt.transaction() as tx:
        whose = store.person(tx, name)  # however the name is spelled
        if whose.user_id != person.user_id:
            store.change_person(tx, whose.name, role=role, disabled=disabled)
    if whose.user_id == person.user_id:
        return _page(
            request,
            site,
            status=422,
            problem="You cannot change your own rights. Ask another administrator.",
        )
    return RedirectResponse(request.url_for("people_page"), 303)


@router.post("/keys", name="add_key")
def add_key(
    request: Request, site: SiteHere, person: Admin, upstream: Annotated[str, Form()]
) -> Response:
    """A key for an upstream system: the answer shows it, once."""
    try:
        with site.rt.transaction() as tx:
            key = store.make_key(tx, upstream.strip())
    except InvalidPerson as error:
        return _page(request, site, status=422, problem=str(error))
    return _page(request, site, key=key, key_for=upstream.strip())


@router.post("/keys/{key_id}/revoke", name="revoke_key")
def revoke_key(request: Request, site: SiteHere, person: Admin, key_id: UUID) -> Response:
    """The key opens nothing from now on."""
    with site.rt.transaction() as tx:
        store.revoke_key(tx, key_id)
    return RedirectResponse(request.url_for("people_page"), 303)


def _page(request: Request, site: Site, *, status: int = 200, **values: str) -> Response:
    with site.rt.transaction() as tx:
        everybody, keys = store.people(tx), store.keys(tx)
    empty = {"problem": "", "link": "", "link_for": "", "key": "", "key_for": ""}
    return render(
        request,
        "people.html",
        status=status,
        everybody=everybody,
        keys=keys,
        roles=list(Role),
        **{**empty, **values},
    )
