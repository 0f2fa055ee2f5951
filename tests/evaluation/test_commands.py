"""Evaluating documents of one's own, as it is typed: the real pipeline and the bundled model."""

import csv
import json
from pathlib import Path

import pytest

from extractors.backends.scripted import Line
from extractors.demo.slips import write_slips
from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.delivery.conftest import make_house, make_site, renderer, site  # noqa: F401  fixtures
from tests.pipeline.conftest import TRUTH, Make, a_pdf
from worker.actor import Actor
from worker.audits import actions, store
from worker.audits.actions import Said
from worker.review.tables import Action

SLIPS = 6


def test_slips_are_read_and_held_against_each_form_of_truth(surefield, tmp_path):
    """JSON lines and a table say the same; pictures are drawn; reviewers see nothing of it."""
    folder, pictures = tmp_path / "slips", tmp_path / "pictures"
    truth = write_slips(SLIPS, 11, folder, level=0)
    said = surefield(
        "evaluate", str(folder), "--type", "slip", "--json", "--pictures", str(pictures)
    )
    found = json.loads(said)["all"]

    assert found[0]["name"] == "all"
    assert {"total", "payee"} <= {one["name"] for one in found}
    assert found[0]["right"] / found[0]["answers"] > 0.9
    assert found[0]["accepted"] > 0
    assert {path.name for path in pictures.iterdir()} == {"reliability.svg", "risk.svg"}

    table = as_table(truth)
    again = json.loads(
        surefield("evaluate", str(folder), "--type", "slip", "--truth", str(table), "--json")
    )["all"]
    totals = [next(one for one in rows if one["name"] == "total") for rows in (found, again)]
    assert totals[0] == totals[1]
    assert json.loads(surefield("list", "--json")) == []


def as_table(truth: Path) -> Path:
    """The totals of JSON lines as CSV."""
    rows = [json.loads(line) for line in truth.read_text("utf-8").splitlines()]
    path = truth.parent / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "total"])
        for row in rows:
            writer.writerow([row["file"], row["pages"][0].get("total") or ""])
    return path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Say what to evaluate on"),
        (("--demo", "--from-reviews"), "Say what to evaluate on"),
        ((".",), "Say what the documents are"),
        (("--from-reviews",), "Nobody has judged a drawn field yet"),
    ],
)
def test_what_is_missing_is_said(db, surefield, words, says):
    """Before anything is read."""
    assert says in " ".join(surefield("evaluate", *words, fails=True).split())


def test_what_people_found_of_drawn_fields_is_told(make_house: Make, surefield):
    """Accepted fields that were audited, and none that nobody looked at."""
    house = make_house(Line(truth={**TRUTH, "date": "14/04/2026"}), audit_rate=1.0)
    house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    with house.rt.transaction() as tx:
        waiting = {one.field: one.audit_id for one in store.list_waiting(tx, limit=50)}
    for field, text in (("total", "12.60"), ("number", "A-17")):
        said = Said(action=Action.CORRECT, text=text, seen=True, compared=True)
        actions.answer(Actor("ada"), waiting[field], said, house.rt)

    found = json.loads(surefield("evaluate", "--from-reviews", "--json"))["all"]
    assert {one["name"]: (one["answers"], one["right"], one["accepted"]) for one in found} == {
        "all": (2, 1, 2),
        "number": (1, 1, 1),
        "total": (1, 0, 1),
    }
    assert "wrong among them" in surefield("evaluate", "--from-reviews", "--type", "slip")
    surefield("evaluate", "--from-reviews", "--type", "invoice", fails=True)


def test_thresholds_say_what_each_would_accept(make_house: Make, surefield):
    """Of drawn fields, those that nobody judged among them; unjudged ones bound nothing."""
    house = make_house(Line(truth={**TRUTH, "date": "14/04/2026"}), audit_rate=1.0)
    house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    with house.rt.transaction() as tx:
        (audit,) = [one for one in store.list_waiting(tx, limit=50) if one.field == "total"]
    said = Said(action=Action.CORRECT, text="12.60", seen=True, compared=True)
    actions.answer(Actor("ada"), audit.audit_id, said, house.rt)

    rows = json.loads(surefield("thresholds", "slip", "--json"))
    by_family = {(one["family"], one["threshold"]): one for one in rows}
    money, rest = by_family["money", 0.9], by_family["rest", 0.9]
    assert (money["accepted"], money["judged"], money["wrong"]) == (1.0, 1, 1)
    assert money["at_most"] == 1.0
    assert (rest["accepted"], rest["judged"], rest["at_most"]) == (1.0, 0, None)
    assert by_family["rest", 0.999]["accepted"] < 1.0
    assert "breaks the promise half of the time" in " ".join(
        surefield("thresholds", "slip").split()
    )
    assert "There is no document type" in surefield("thresholds", "nonsense", fails=True)
