"""The document type of a case, declared as a user would: a Python file with a DocumentModel."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from extractors.documents import BUILT_IN, DocumentType, load
from extractors.errors import BrokenDocumentType

_HEAD = (
    "from extractors.documents import spec as field\n"
    "from extractors.documents.spec import DocumentModel, RowModel\n"
)
_OPTIONS = ("locale", "day_first", "called", "signs", "max_pages_read")
_FIELD_OPTIONS = ("required", "accept_at", "checksum", "choices", "sums")


class Refused(Exception):
    """The product does not take a document type, as soon as it is declared."""


def declare(given: str | Mapping[str, Any], folder: Path) -> DocumentType:
    """A built-in type by name, or the one that the case defines, written to ``folder``.

    Raises Refused.
    """
    if isinstance(given, str):
        return BUILT_IN[given]
    folder.mkdir(parents=True, exist_ok=True)
    name = given["name"]
    (folder / f"{name}.py").write_text(_HEAD + "\n\n" + "\n\n".join(_models(given)), "utf-8")
    try:
        return load(folder)[name]
    except BrokenDocumentType as error:
        raise Refused(str(error)) from error


def one_field(said: Mapping[str, Any]) -> dict[str, Any]:
    """The type of a case about one text: a paper with one field of the kind that it names."""
    field = {"name": "value", "kind": said["kind"], "description": "what is printed"}
    field |= {key: said[key] for key in ("checksum", "choices") if key in said}
    options = {"locale": said.get("locale", "en_US"), "day_first": bool(said.get("day_first"))}
    return {"name": "paper", **options, "fields": [field]}


def _models(given: Mapping[str, Any]) -> Iterator[str]:
    for field in given["fields"]:
        if field["kind"] == "group":
            yield _model(f"{field['name'].title()}Row(RowModel)", "A row.", field["members"])
    options = {key: given[key] for key in _OPTIONS if key in given}
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    title = given.get("title", given["name"].replace("_", " "))
    keywords = {"name": given["name"], "title": title, **options}
    head = ", ".join(["DocumentModel", *(f"{key}={v!r}" for key, v in keywords.items())])
    yield _model(f"Paper({head})", given.get("description", "A paper."), given["fields"])


def _model(head: str, about: str, fields: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"class {head}:", f"    {about!r}", "", *map(_field, fields)]
    return "\n".join(lines) + "\n"


def _field(given: Mapping[str, Any]) -> str:
    name, kind = given["name"], given["kind"]
    about = given.get("description", f"the {name.replace('_', ' ')}")
    options = {key: given[key] for key in _FIELD_OPTIONS if key in given}
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    said = ", ".join([repr(about), *(f"{key}={v!r}" for key, v in options.items())])
    annotation = f"list[{name.title()}Row]" if kind == "group" else "str | None"
    return f"    {name}: {annotation} = field.{kind}({said})"
