"""One case against the product: the verdict, and what came for each of its paths."""

import json
import re
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.evidence.grounding import ground
from extractors.page.text import PageText
from extractors.triage.split import parts_of, sure
from tests.cases.cases import Case
from tests.cases.declared import Refused, one_field
from tests.cases.drawn import words_of
from tests.cases.files import judge_file
from tests.cases.house import Ended, House, answered, served, written
from tests.cases.verdicts import Came, Verdict, verdict_on, worst


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a case."""

    verdict: Verdict
    came: Mapping[str, Came]
    why: str  # for people: what was wanted and what came, where they differ


def judge(case: Case, house: House) -> Judged:
    """Put the case through the product."""
    if case.sort == "files":
        verdict, why = _guarded(case, house)
        return Judged(verdict, {"": {"file": case.id}}, why)
    try:
        came = _WAYS.get(case.sort, _read)(case, house)
    except Refused as error:
        came = {path: {"refused": str(error)[:120]} for path in case.wants}
    except Exception as error:  # whatever breaks is a crash of this case, and the next one goes on
        came = {path: {"crash": _crash(error)} for path in case.wants}
    came = {path: came.get(path, {"gone": True}) for path in case.wants}
    verdicts = {path: verdict_on(want, came[path]) for path, want in case.wants.items()}
    differing = [
        f"{path + ': ' * bool(path)}wanted {_json(case.wants[path])}, got {_json(came[path])}"
        for path, verdict in verdicts.items()
        if verdict is not Verdict.RIGHT
    ]
    return Judged(worst(verdicts.values()), came, "; ".join(differing))


def _guarded(case: Case, house: House) -> tuple[Verdict, str]:
    try:
        return judge_file(case, house)
    except Exception as error:
        return Verdict.CRASH, _crash(error)


def _crash(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__}: {str(error)[:100]} ({Path(where.filename).name}:{where.lineno})"
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _read(case: Case, house: House) -> dict[str, Came]:
    """Documents, lists and raw answers: from what the model says to what is accepted."""
    said = case.said
    (spec,) = house.declared(said["type"])
    if case.sort == "json":
        pages = {1: words_of(said.get("words", ()))}
        if "tokens" in said:
            answers = {1: served(said["raw"], said["tokens"])}
        else:
            answers = {1: answered(said["raw"], stop=said.get("stop", "end"))}
    else:
        pages = {int(number): words_of(words) for number, words in said["pages"].items()}
        answers = {
            int(number): answered(written(values, spec.fields))
            for number, values in said["answers"].items()
        }
    ended = _not_failed(house.read(spec, pages, answers))
    return {path: at(path, ended.outcomes) for path in case.wants}


def _value(case: Case, house: House) -> dict[str, Came]:
    """One text on a page without words."""
    (spec,) = house.declared(one_field(case.said))
    answer = answered(json.dumps({"value": case.said["text"]}, ensure_ascii=False))
    ended = _not_failed(house.read(spec, {1: ()}, {1: answer}))
    return {"": at("value", ended.outcomes)}


def _not_failed(ended: Ended) -> Ended:
    if ended.error is not None or not ended.outcomes:
        raise AssertionError(f"the document ended as {ended.status}: {ended.error}")
    return ended


def _place(case: Case, house: House) -> dict[str, Came]:
    """Where a page's words say a text."""
    (spec,) = house.declared(one_field(case.said))
    page = PageText(words_of(case.said["words"]))
    found = ground(case.said["text"], page, spec.field("value"), spec)
    if found is None:
        return {"": {"value": "cannot tell"}}
    if not found.found:
        return {"": {"doubt": "not_on_page"}}
    box = found.places[0][-1]
    return {"": {"value": "found", "box": [box.x0, box.y0, box.x1, box.y1]}}


def _type(case: Case, house: House) -> dict[str, Came]:
    """What triage makes of pages whose type is open, among the types of the case alone."""
    types = {spec.name: spec for spec in house.declared(*case.said["types"])}
    parts = parts_of([words_of(words) for words in case.said["pages"]], types)
    ranges = json.dumps([[part.first, part.last] for part in parts])
    names = "+".join(str(part.guess.document_type) for part in parts)
    doubtful = any(part.doubtful for part in parts)
    confidence = parts[0].guess.confidence or 0.0
    return {
        "parts": {"doubt": "doubtful"} if doubtful else {"value": ranges},
        "type": {"value": names}
        if sure(parts)
        else {"doubt": f"needs_type ({names} {confidence:.2f})"},
    }


_WAYS: dict[str, Callable[[Case, House], dict[str, Came]]] = {
    "values": _value,
    "grounding": _place,
    "classify": _type,
}


def at(path: str, outcomes: Mapping[str, Mapping[str, Any]]) -> Came:
    """What came at a path of a case.

    ``total``; ``lines[1].amount``; ``lines[1]``: any accepted value of that row speaks for it;
    ``lines[*]``: of any row; ``lines[Paper]``, ``lines[Paper].amount``: the row that has this text;
    ``lines[]``: the row that has no text.
    """
    asked = re.fullmatch(r"(\w+)\[(.*)\](?:\.(\w+))?", path)
    if asked is None:
        return _shown(outcomes.get(path, {"gone": True}))
    group, which, member = asked.groups()
    found = [
        outcome
        for row in _rows(group, which, outcomes)
        for name, outcome in row.items()
        if member in (None, name)
    ]
    if not found and "doubt" in outcomes.get(group, {}):
        return _shown(outcomes[group])  # no row is kept, and a person looks at the whole list
    accepted = next((one for one in found if "doubt" not in one), None)
    return _shown(accepted or (found[0] if found else {"gone": True}))


def _rows(
    group: str, which: str, outcomes: Mapping[str, Mapping[str, Any]]
) -> Sequence[Mapping[str, Mapping[str, Any]]]:
    """The rows of a group that a path asks for."""
    rows: dict[int, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for name, outcome in outcomes.items():
        if place := re.fullmatch(rf"{group}\[(\d+)\]\.(\w+)", name):
            rows[int(place[1])][place[2]] = outcome
    if which.isdigit():
        return [rows[int(which)]] if int(which) in rows else []
    if which == "*":
        return list(rows.values())
    texts = {n: {one.get("text") for one in row.values()} - {None} for n, row in rows.items()}
    return [row for n, row in rows.items() if (which in texts[n] if which else not texts[n])]


def _shown(outcome: Mapping[str, Any]) -> Came:
    return {key: value for key, value in outcome.items() if key != "text"}
