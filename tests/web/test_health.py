"""What a load balancer and a monitor ask."""

from sqlalchemy import text

from tests.web.making import a_slip
from worker.pipeline import flow


def test_a_site_that_works_is_ready_and_healthy(site):
    """Without signing in."""
    anybody = site.anybody()
    assert anybody.get("/readyz").json() == {"status": "ok", "checks": {"database": "ok"}}
    found = anybody.get("/healthz")
    assert found.status_code == 200
    assert list(found.json()["checks"]) == [step.name for step in flow.FLOW]


def test_a_queue_that_nobody_serves_is_said_with_503(site):
    """The same words as the doctor's."""
    site.house.submit(a_slip())
    with site.house.rt.sessions.begin() as session:
        session.execute(text("UPDATE documents SET updated_at = now() - interval '1 hour'"))
    found = site.anybody().get("/healthz")
    assert found.status_code == 503
    assert "nobody serves the queue cpu" in found.json()["checks"]["render"]
    assert site.anybody().get("/readyz").status_code == 200


def test_a_site_without_its_tables_is_not_ready(site):
    """The database answers, but not with our tables."""
    with site.house.rt.sessions.begin() as session:
        session.execute(text("ALTER TABLE documents RENAME TO papers"))
    assert site.anybody().get("/readyz").status_code == 503
    assert site.anybody().get("/healthz").status_code == 503
