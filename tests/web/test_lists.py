"""Lists set right over HTTP, as JSON."""

from tests.web.making import TRUTH


def send(browser, document, rows, to="", **more):
    """What the page sends."""
    return browser.client.post(
        f"/documents/{document}/lists/items{to}",
        json={"rows": rows, "seen": True, **more},
        headers={"x-csrf-token": browser.token},
    )


def shown(browser, document):
    return browser.get(
        f"/documents/{document}/lists/items", headers={"accept": "application/json"}
    ).json()


def test_rows_come_and_go_as_json(site):
    """Read, changed, sent with the version that was read; the second of two gets a conflict."""
    document = site.read()
    ada = site.sign_in()
    found = shown(ada, document)
    assert [row["cells"] for row in found["rows"]] == TRUTH["items"]
    rows = [{"was": 1, "cells": found["rows"][1]["cells"]}, {"cells": {"amount": "2.00"}}]
    answer = send(ada, document, rows, version=found["version"])
    assert (answer.status_code, answer.json()["status"]) == (200, "in_review")
    after = shown(ada, document)
    assert [row["cells"]["amount"] for row in after["rows"]] == ["184.50", "2.00"]
    assert after["sums"] == [{"member": "amount", "total": "186.50", "printed": {}, "agrees": None}]
    late = send(ada, document, [], version=found["version"])
    assert (late.status_code, late.json()["code"]) == (409, "review_conflict")


def test_rows_are_checked_while_one_types(site):
    """What each cell means, and what the column adds up to."""
    document = site.read()
    rows = [{"cells": {"amount": "1,000.00"}}, {"cells": {"amount": "many"}}]
    said = send(site.sign_in(), document, rows, to="/check").json()
    assert said["rows"][0]["amount"] == {"fits": True, "message": "1000.00"}
    assert said["rows"][1]["amount"]["fits"] is False
    assert said["sums"][0]["total"] is None


def test_rows_that_make_no_sense_are_a_problem_in_json(site):
    """Whoever sends JSON reads JSON."""
    document = site.read()
    ada = site.sign_in()
    for rows, code in (
        ([{"cells": {"amount": "many"}}], "invalid_rows"),
        ([{"was": 7, "cells": {}}], "invalid_rows"),
        ([{"cells": {"amount": 3}}], "invalid_request"),
    ):
        answer = send(ada, document, rows)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert send(ada, document, [], seen=False).json()["code"] == "not_seen"
    assert site.anybody().get(f"/documents/{document}/lists/items").status_code == 401
    assert ada.get(f"/documents/{document}/lists/lines").status_code == 422
