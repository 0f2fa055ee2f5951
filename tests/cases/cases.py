"""Cases as they are written down: one a line, and what each of them wants by path."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Want = Mapping[str, Any]
SORTS = ("values", "grounding", "documents", "lists", "classify", "json", "files")
FILES = Path("files", "files.jsonl")


@dataclass(frozen=True, slots=True)
class Case:
    """One small input with the one right outcome."""

    id: str
    group: str
    sort: str  # the name of its file: "values", "documents", ...
    said: Mapping[str, Any]  # the whole line
    folder: Path  # where the line stands

    def __str__(self) -> str:
        return self.id

    @property
    def wants(self) -> dict[str, Want]:
        """Everything that the case wants, by path; "" for the one value of a value or a place."""
        want = self.said["want"]
        if self.sort == "values":
            return {"": want}
        if self.sort == "grounding":
            found = {"value": "found", **({"box": want["box"]} if "box" in want else {})}
            return {"": found if want["found"] else {"doubt": True}}
        if self.sort == "classify":
            return {key: _sorted(key, want[key]) for key in ("parts", "type") if key in want}
        return dict(want)


class BrokenCase(Exception):
    """A line that is no case."""


def read(folder: Path) -> Iterator[Case]:
    """All cases of a folder, its ``files/`` included; of one file where it is one.

    Raises BrokenCase with the line.
    """
    if folder.is_file():
        paths = [folder]
    else:
        paths = sorted(folder.glob("*.jsonl"))
        paths += [folder / FILES] if (folder / FILES).is_file() else []
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if line.strip():
                yield _case(path, number, line)


def _case(path: Path, number: int, line: str) -> Case:
    try:
        said = json.loads(line)
        if path.stem == "files":
            return Case(said["file"], f"files: {said['kind']}", "files", said, path.parent)
        sort = next((sort for sort in SORTS if path.stem.startswith(sort)), None)
        if sort is None:
            raise BrokenCase(f"{path}: name the file after what its cases are: {', '.join(SORTS)}")
        return Case(said["id"], said["group"], sort, said, path.parent)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenCase(f"{path}:{number}: {type(error).__name__}: {error}") from error


def _sorted(key: str, want: Any) -> Want:
    """{"type": "invoice"}, {"type": {"doubt": true}}, {"parts": [[1, 2]]} -> as for any value."""
    if isinstance(want, dict):
        if key == "parts" and "value" in want:
            return {**want, "value": json.dumps(want["value"])}
        return want
    return {"value": json.dumps(want) if key == "parts" else want}
