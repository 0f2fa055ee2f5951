"""Files of our own that are damaged, odd or lie, against what a sure reader makes of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from extractors.documents.spec import DocumentType
from extractors.rendering.findings import Severity
from tests.cases.cases import Case
from tests.cases.house import Ended, House, written
from tests.cases.verdicts import Verdict, worst

# A file that goes no further and says why; each paper in it may become a document of its own.
REFUSED = frozenset({"refused", "failed", "split", "needs_input"})
Judgement = tuple[Verdict, str]


def judge_file(case: Case, house: House) -> tuple[Verdict, str]:
    """The verdict on a file, and what was not right for people."""
    findings = list(_findings(case, house))
    wrong = [f"{verdict}: {why}" for verdict, why in findings if verdict is not Verdict.RIGHT]
    return worst(verdict for verdict, _ in findings), "; ".join(wrong)


def _findings(case: Case, house: House) -> Iterator[Judgement]:
    said = case.said
    (spec,) = house.declared(said["type"])
    content = (case.folder / said["file"]).read_bytes()
    ended = house.read_file(content, spec.name, _answers(said["shows"], spec))
    shown = _values(said["shows"], spec)
    yield from _WANTS[said["want"]](ended, shown)
    for name in said.get("doubts", ()):
        if "doubt" not in ended.outcomes.get(name, {"doubt": True}):
            yield Verdict.WRONG, f"{name} is accepted unseen"
    if "misread" in said:
        yield from _traps(
            house.read_file(content, spec.name, _answers(said["misread"], spec)), shown
        )


def _answers(shows: Mapping[str, Any], spec: DocumentType) -> dict[int, str]:
    return {int(page): written(values, spec.fields) for page, values in shows.items()}


def _values(shows: Mapping[str, Any], spec: DocumentType) -> dict[str, str]:
    """Path -> text of everything that the pages show, rows numbered through all pages."""
    values: dict[str, str] = {}
    rows: dict[str, int] = {}
    for _, page in sorted(shows.items(), key=lambda item: int(item[0])):
        for name, value in page.items():
            if not isinstance(value, list):
                values.setdefault(name, value)
                continue
            for row in value:
                number = rows.get(name, 0)
                rows[name] = number + 1
                values |= {f"{name}[{number}].{member}": text for member, text in row.items()}
    return {path: text for path, text in values.items() if text is not None}


def _whole(ended: Ended, shown: Mapping[str, str]) -> Iterator[Judgement]:
    """Everything is accepted as the page shows it, and nothing is said of the file."""
    yield from _accepted(ended, shown)
    if ended.findings:
        yield Verdict.NEEDLESS, f"said of a sound file: {_codes(ended)}"


def _told(ended: Ended, shown: Mapping[str, str]) -> Iterator[Judgement]:
    """The same, and people are told one thing, which doubts nothing."""
    yield from _accepted(ended, shown)
    if not ended.findings:
        yield Verdict.WRONG, "nothing is said of the file"
    elif [finding.severity for finding in ended.findings] != [Severity.NOTE]:
        yield Verdict.NEEDLESS, f"more than a note: {_codes(ended)}"


def _codes(ended: Ended) -> str:
    return ", ".join(f"{finding.code} on page {finding.page}" for finding in ended.findings)


def _accepted(ended: Ended, shown: Mapping[str, str]) -> Iterator[Judgement]:
    """Every value is accepted as the page shows it, and so is every absence."""
    if ended.status in REFUSED:
        yield Verdict.CRASH, f"the file ended as {ended.status}: {ended.error}"
        return
    for path in sorted({*shown, *ended.outcomes}):
        outcome = ended.outcomes.get(path)
        if outcome is None:
            yield Verdict.WRONG, f"{path} is gone"
        elif "doubt" in outcome:
            yield Verdict.NEEDLESS, f"{path}: {outcome['doubt']}"
        elif outcome.get("text") != shown.get(path):
            yield Verdict.WRONG, f"{path}: shown {shown.get(path)!r}, accepted {dict(outcome)}"


def _lost(ended: Ended, shown: Mapping[str, str]) -> Iterator[Judgement]:
    """Nothing is accepted unseen, and the loss is named; refusing the file is right too."""
    if ended.status in REFUSED:
        return
    accepted = [path for path, outcome in ended.outcomes.items() if "doubt" not in outcome]
    if accepted or not ended.outcomes:
        yield Verdict.WRONG, f"accepted unseen: {', '.join(accepted)}"
    if all(finding.severity is not Severity.LOST for finding in ended.findings):
        yield Verdict.WRONG, "nobody is told what is lost"


def _refused(ended: Ended, shown: Mapping[str, str]) -> Iterator[Judgement]:
    """The file ends with a code and the mend, or each paper in it becomes a document."""
    if ended.status not in REFUSED:
        yield Verdict.WRONG, f"the file went on and ended as {ended.status}"
    elif ended.status != "split" and not ended.error:
        yield Verdict.WRONG, f"the file ended as {ended.status} without a word"


def _unproven(ended: Ended, shown: Mapping[str, str]) -> Iterator[Judgement]:
    """What the pages show is accepted or doubted, and nothing else is accepted."""
    for path, outcome in ended.outcomes.items():
        if "value" in outcome and outcome["text"] != shown.get(path):
            yield Verdict.WRONG, f"{path}: accepted {outcome['text']!r}"
        if "absent" in outcome and path in shown:
            yield Verdict.WRONG, f"{path}: accepted as absent"


def _traps(ended: Ended, shown: Mapping[str, str]) -> Iterator[Judgement]:
    """A reading that differs from the picture is never accepted."""
    for path, outcome in ended.outcomes.items():
        if "value" in outcome and outcome["text"] != shown.get(path):
            yield Verdict.WRONG, f"{path}: a misreading is accepted: {outcome['text']!r}"


_WANTS = {
    "whole": _whole,
    "told": _told,
    "lost": _lost,
    "refused": _refused,
    "unproven": _unproven,
}
