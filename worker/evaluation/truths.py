"""What labelled documents truly say: JSON lines, a table (CSV), or the XML of e-invoices."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from extractors.documents.spec import DocumentType, Kind
from extractors.errors import SurefieldError
from extractors.rendering.einvoice import einvoice_of

JSON, CSV = "truth.jsonl", "truth.csv"
FILES = frozenset({".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff"})
CELL = re.compile(r"(?P<group>\w+)\[(?P<row>[1-9]\d{0,3})\]\.(?P<member>\w+)")

Key = tuple[str, int]  # path and ordinal, from 0


class InvalidTruth(SurefieldError):
    """What is known of documents cannot be understood."""

    code = "invalid_truth"


class Spelling(StrEnum):
    """How a truth is written."""

    PRINTED = "printed"  # as the page has it
    PLAIN = "plain"  # as XML has it: 2026-11-28, 1284.50, EUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one document says of the fields that somebody labelled."""

    values: Mapping[Key, str | None]  # None: the document does not have it
    lists: frozenset[str]  # groups of which every row is labelled
    spelling: Spelling = Spelling.PRINTED


def truths_of(folder: Path, spec: DocumentType, given: Path | None = None) -> dict[Path, Truth]:
    """The labelled documents of a folder, by name.

    given: where the truth is; without it ``truth.jsonl`` or ``truth.csv`` of the folder, else the
           XML beside each document

    Raises InvalidTruth with the line, and when nothing is labelled.
    """
    named = given or next((one for one in (folder / JSON, folder / CSV) if one.is_file()), None)
    if named is None:
        found = dict(_beside(folder, spec))
    else:
        reader = _of_table if named.suffix.lower() == ".csv" else _of_lines
        found = {}
        for at, (name, truth) in reader(named, spec):
            path = folder / name
            if not path.is_file():
                raise InvalidTruth(f"{named}, line {at}: there is no file {path}.")
            if any(path.samefile(other) for other in found):
                raise InvalidTruth(f"{named}, line {at}: {name} was named before. Keep one line.")
            found[path] = truth
    if not found:
        raise InvalidTruth(
            f"No document of {folder} is labelled. Write {JSON} (a line a file: "
            '{"file": "a.pdf", "truth": {"total": "12.50"}}) or '
            f"{CSV} (a column a field), or put the XML of each e-invoice beside it."
        )
    return found


def _of_lines(path: Path, spec: DocumentType) -> Iterator[tuple[int, tuple[str, Truth]]]:
    for at, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(
                line, object_pairs_hook=_each_once, parse_float=str
            )  # 12.50 stays 12.50
            said = row["truth"] if "truth" in row else _whole(row["pages"])
            yield at, (str(row["file"]), _of_mapping(said, spec))
        except InvalidTruth as error:
            raise InvalidTruth(f"{path}, line {at}: {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidTruth(
                f'{path}, line {at}: write an object like {{"file": "a.pdf", "truth":'
                f' {{"total": "12.50"}}}}; {type(error).__name__}: {error}'
            ) from error


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name stands twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, _ in pairs if [one for one, _ in pairs].count(name) > 1)
        raise InvalidTruth(f"{twice} stands there twice. Keep one.")
    return found


def _whole(pages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The truth of a document of one page."""
    if len(pages) != 1:
        raise InvalidTruth("The truth of several pages is no truth of a document. Write `truth`.")
    return pages[0]


def _of_mapping(said: Mapping[str, Any], spec: DocumentType) -> Truth:
    values: dict[Key, str | None] = {}
    lists = set()
    for name, one in said.items():
        field = next((each for each in spec.fields if each.name == name), None)
        if field is None:
            raise InvalidTruth(_unknown(name, spec))
        if field.kind is not Kind.GROUP:
            values[name, 0] = _said(one)
            continue
        lists.add(name)
        if not one:
            values[name, 0] = None
        for ordinal, row in enumerate(one or ()):
            for member, text in row.items():
                _check_member(f"{name}.{member}", spec)
                values[f"{name}.{member}", ordinal] = _said(text)
    return Truth(values=values, lists=frozenset(lists))


def _of_table(path: Path, spec: DocumentType) -> Iterator[tuple[int, tuple[str, Truth]]]:
    """A cell of a list is a column such as ``items[1].amount``; an empty one says that there is
    none.
    """
    rows = csv.DictReader(io.StringIO(_text(path), newline=""))
    columns = [name for name in rows.fieldnames or () if name != "file"]
    if "file" not in (rows.fieldnames or ()):
        raise InvalidTruth(f"{path}: the first line names the columns, `file` among them.")
    if len(set(columns)) < len(columns):
        raise InvalidTruth(f"{path}: a column is named twice. Keep one.")
    keys = {name: _key(name, spec) for name in columns}
    lists = frozenset(path_.partition(".")[0] for path_, _ in keys.values() if "." in path_)
    for row in rows:
        if None in row or None in row.values():  # more cells, or fewer
            raise InvalidTruth(
                f"{path}, line {rows.line_num}: the first line names {len(columns) + 1} columns,"
                " and this one has another number of cells. An empty cell says that the document"
                " does not have it."
            )
        given = {keys[name]: _said(row[name]) for name in columns}
        values = {key: text for key, text in given.items() if "." not in key[0] or text is not None}
        for group in lists:
            if not any(name.startswith(f"{group}.") for name, _ in values):
                values[group, 0] = None
        yield rows.line_num, (row["file"], Truth(values=values, lists=lists))


def _key(column: str, spec: DocumentType) -> Key:
    cell = CELL.fullmatch(column)
    if cell is None:
        if column not in {one.name for one in spec.fields if one.kind is not Kind.GROUP}:
            raise InvalidTruth(_unknown(column, spec))
        return column, 0
    path = f"{cell['group']}.{cell['member']}"
    _check_member(path, spec)
    return path, int(cell["row"]) - 1


def _beside(folder: Path, spec: DocumentType) -> Iterator[tuple[Path, Truth]]:
    for path in sorted(folder.iterdir()):
        xml = path.with_suffix(".xml")
        if path.suffix.lower() not in FILES or not xml.is_file():
            continue
        told = einvoice_of(xml.read_bytes())
        if told is None:
            raise InvalidTruth(f"{xml} is no e-invoice that can be understood.")
        values: dict[Key, str | None] = {}
        lists = set()
        for field in spec.fields:
            if field.kind is Kind.GROUP and field.einvoice == "lines" and told.lines:
                lists.add(field.name)
                for ordinal, line in enumerate(told.lines):
                    values |= {
                        (f"{field.name}.{member.name}", ordinal): said
                        for member in field.members
                        if (said := line.get(member.einvoice or ""))
                    }
            elif said := told.header.get(field.einvoice or ""):
                values[field.name, 0] = said
        yield path, Truth(values=values, lists=frozenset(lists), spelling=Spelling.PLAIN)


def _check_member(path: str, spec: DocumentType) -> None:
    if path not in spec.paths():
        raise InvalidTruth(_unknown(path, spec))


def _unknown(name: str, spec: DocumentType) -> str:
    known = ", ".join(one.name for one in spec.fields)
    return f"There is no field {name} in {spec.name}. It has: {known}."


def _said(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidTruth(f"{value!r} is no text. Write it as it is printed.")
    return str(value)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # line breaks within a cell stay
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidTruth(f"{path} cannot be read as UTF-8: {error}") from error
