"""The page of measures: what is accepted and wrong, for managers."""

import pytest

from tests.audits.making import a_suspended_certificate
from tests.web.conftest import MakeSite, SiteInTest
from tests.web.making import TRUTH, a_slip
from worker.actor import Role


@pytest.fixture
def drawn(make_site: MakeSite) -> SiteInTest:
    """One slip that is drawn whole, and each row by itself."""
    site = make_site(changes={"audit_rate": 1.0, "audit_documents": 1.0})
    site.house.submit(a_slip(TRUTH))
    site.house.work()
    return site


@pytest.mark.parametrize(
    ("role", "status"), [(Role.REVIEWER, 403), (Role.MANAGER, 200), (Role.ADMIN, 200)]
)
def test_only_managers_see_measures(site: SiteInTest, role: Role, status: int) -> None:
    """And only they are led there."""
    ada = site.sign_in("ada", role)

    assert ada.get("/measures").status_code == status
    assert ('href="/measures"' in ada.get("/documents").text) is (status == 200)


def test_a_house_that_measured_nothing_says_so(site: SiteInTest) -> None:
    """What is not measured is no 0."""
    page = site.sign_in("ada", Role.MANAGER).get("/measures").text

    assert "No accepted field was drawn yet." in page
    assert "No such document was drawn yet." in page
    assert "Nothing is promised yet" in page
    assert "0 of 0 planted errors. Until 100 were shown, certificates take it that" in page


def test_rows_and_documents_are_told_apart_with_their_bounds(drawn: SiteInTest) -> None:
    """One wrong row makes its document wrong; what nobody judged is not measured."""
    ada = drawn.sign_in("ada", Role.MANAGER)
    assert ada.get("/measures").text.count("not measured") == 2
    (audit,) = drawn.house.rows(
        "SELECT a.id FROM audits a JOIN results r ON r.id = a.result_id WHERE r.name = 'total'"
    )
    said = {"action": "correct", "text": "1,284.60", "seen": "true", "compared": "true"}
    ada.post(f"/audits/{audit.id}", said)

    page = ada.get("/measures").text

    assert page.count("100.00 %") == 2
    assert "not measured" not in page


def test_every_certificate_stands_there_with_its_state(drawn: SiteInTest) -> None:
    """Also one that an alarm suspended."""
    with drawn.house.rt.transaction() as tx:
        a_suspended_certificate(tx)

    page = drawn.sign_in("ada", Role.MANAGER).get("/measures").text

    assert "slip, rest, fair" in page
    assert "suspended" in page
