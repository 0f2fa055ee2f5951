"""Templates, and how text from documents is shown: always as text."""

import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from worker.actor import Role
from worker.review.tables import Action
from worker.web.dependencies import Site, csrf_of

HERE = Path(__file__).parent
LONGEST = 2_000  # characters shown of one text
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}
# joiners shape Persian and Hindi; a soft hyphen is no trick
HARMLESS = frozenset("\n\t\u200c\u200d\u00ad")

DONE = {  # a decision in the past tense
    Action.ACCEPT: "accepted",
    Action.CORRECT: "corrected",
    Action.ABSENT: "marked as absent",
    Action.UNREADABLE: "marked as unreadable",
    Action.ROWS: "set the rows right",
    Action.REMOVE: "removed this row",
    Action.UNDO: "taken back",
    None: "noted",
}


def visible(text: object) -> Markup:
    """Text in which signs that hide, or that turn the reading direction, are named instead of
    obeyed; a long one is cut.
    """
    shown = str(text)
    more = len(shown) - LONGEST
    html = Markup("").join(_sign(c) for c in shown[:LONGEST])
    return (
        html + Markup(' <span class="cut">… {} more characters</span>').format(f"{more:,}")
        if more > 0
        else html
    )


def _sign(c: str) -> Markup:
    if c not in HARMLESS and unicodedata.category(c) in HIDDEN:
        return Markup('<span class="sign">U+{}</span>').format(f"{ord(c):04X}")
    return Markup.escape(c)


def ago(moment: datetime | timedelta | None) -> str:
    """How long ago, as briefly as one says it."""
    if moment is None:
        return "–"
    seconds = (
        moment if isinstance(moment, timedelta) else datetime.now(UTC) - moment
    ).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def percent(score: float | None) -> str:
    return "not scored" if score is None else f"{score:.2f}"


def label(name: str) -> str:
    """A field's name for people: ``items.unit_price`` is "items · unit price"."""
    return " · ".join(part.replace("_", " ") for part in name.split("."))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.lstrip_blocks = True
    environment.filters |= {"visible": visible, "ago": ago, "percent": percent, "label": label}
    environment.globals |= {"version_of": _version_of, "DONE": DONE}
    return environment


def _version_of(name: str) -> str:
    """Changes when a static file does, so that browsers may keep the old one for ever."""
    return f"{int((HERE / 'static' / name).stat().st_mtime):x}"


TEMPLATES = _environment()


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page or a part of one."""
    site = cast(Site, request.app.state.site)
    secret = request.cookies.get(site.cookie, "")
    person = getattr(request.state, "person", None)
    about = {
        "request": request,
        "me": person,
        "csrf": csrf_of(secret) if secret else "",
        "Role": Role,
        "here": request.url.path,
    }
    return HTMLResponse(TEMPLATES.get_template(template).render({**about, **values}), status)
