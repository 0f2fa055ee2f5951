"""What a load balancer and a monitor ask."""

from datetime import timedelta

from sqlalchemy import text

from tests.audits.making import a_suspended_certificate
from tests.web.making import a_slip
from worker import store
from worker.pipeline import flow
from worker.store.types import Failure


def test_a_site_that_works_is_ready_and_healthy(site):
    """Without signing in."""
    anybody = site.anybody()
    assert anybody.get("/readyz").json() == {"status": "ok", "checks": {"database": "ok"}}
    found = anybody.get("/healthz")
    assert found.status_code == 200
    assert list(found.json()["checks"]) == [*(step.name for step in flow.FLOW), "certificates"]


def test_a_queue_that_nobody_serves_is_said_with_503(site):
    """The same words as the doctor's."""
    site.house.submit(a_slip())
    with site.house.rt.sessions.begin() as session:
        session.execute(text("UPDATE documents SET updated_at = now() - interval '1 hour'"))
    found = site.anybody().get("/healthz")
    assert found.status_code == 503
    assert "nobody serves the queue cpu" in found.json()["checks"]["render"]
    assert site.anybody().get("/readyz").status_code == 200


def test_a_stage_that_pauses_is_said_and_the_site_still_takes_documents(site):
    """Whoever balances loads must not take the door away because the model is away."""
    site.house.submit(a_slip())
    failure = Failure(code="backend_unavailable", message="Nobody answers. Start it.", retry=True)
    with site.house.rt.transaction() as tx:
        pause = timedelta(minutes=1)
        store.pauses.begin(tx, "render", failure, first=pause, probed=False)
    red, ready = site.anybody().get("/healthz"), site.anybody().get("/readyz")
    assert (red.status_code, ready.status_code) == (503, 200)
    assert "backend_unavailable: Nobody answers." in red.json()["checks"]["render"]
    assert ready.json()["checks"] == {
        "database": "ok",
        "stage render": "pauses: backend_unavailable: Nobody answers. Start it.",
    }

    with site.house.rt.transaction() as tx:
        assert store.pauses.end(tx, "render")
    assert site.anybody().get("/healthz").status_code == 200


def test_a_site_without_its_tables_is_not_ready(site):
    """The database answers, but not with our tables."""
    with site.house.rt.sessions.begin() as session:
        session.execute(text("ALTER TABLE documents RENAME TO papers"))
    assert site.anybody().get("/readyz").status_code == 503
    assert site.anybody().get("/healthz").status_code == 503


def test_a_certificate_that_an_alarm_suspended_is_told(site):
    """Monitors learn of it without a person who looks at a page."""
    with site.house.rt.transaction() as tx:
        a_suspended_certificate(tx)
    found = site.anybody().get("/healthz")

    assert found.status_code == 503
    assert "(slip) is suspended: many doubtful ones" in found.json()["checks"]["certificates"]
