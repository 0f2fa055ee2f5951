"""What a sender hears when it should come again later: 429 or 503, with a time."""

import errno
from dataclasses import replace

import pytest
from sqlalchemy import text

from tests.web.making import a_slip
from tests.web.test_api import problem
from worker.db import open_engine, open_sessions
from worker.web.app import create_app


@pytest.fixture
def sender(site):
    """Posts slips as an upstream to a site whose runtime is changed."""

    def make(upstream="erp", **changes):
        headers = site.key(upstream)
        plain = site.app.state.site
        rt = replace(plain.rt, **changes)
        app = create_app(
            rt,
            stays_signed_in=plain.stays_signed_in,
            signed_out_when_idle=plain.signed_out_when_idle,
            review_lease=plain.review_lease,
        )
        client = type(site.anybody())(app, raise_server_exceptions=False)
        site.clients.append(client)

        def post(content=None, *, key=None):
            return client.post(
                "/v1/documents",
                data={"document_type": "slip"},
                files={"file": ("slip.pdf", content or a_slip(), "application/pdf")},
                headers={**headers, **({"idempotency-key": key} if key else {})},
            )

        return post

    return make


def waits_s(answer) -> int:
    return int(answer.headers["retry-after"])


def test_a_sender_whose_documents_wait_is_asked_to_come_later(site, sender):
    """Past the bound, and no further than that; nothing of the refused one is kept."""
    post = sender(max_waiting=2)
    first = a_slip()
    assert [post(first, key="1").status_code, post(key="2").status_code] == [201, 201]
    before = site.house.everything()
    refused = post(key="3")
    assert "SUREFIELD_MAX_WAITING" in problem(refused, 429, "too_many_waiting")
    assert waits_s(refused) > 0
    assert site.house.everything() == before
    assert post(first, key="1").status_code == 200  # what was sent before adds nothing

    site.house.work()
    assert post(key="3").status_code == 201


def test_the_line_of_one_upstream_is_not_anothers(sender):
    """Whoever floods holds up only themselves."""
    bulk, other = sender("bulk", max_waiting=1), sender("erp", max_waiting=1)
    assert [bulk().status_code, bulk().status_code, other().status_code] == [201, 429, 201]


def test_a_database_that_is_away_is_said_with_503(site, sender):
    """By posting and by reading; nothing of its words reaches the sender."""
    engine = open_engine("postgresql://nobody:hunter2@127.0.0.1:1/none")
    post = sender(sessions=open_sessions(engine))
    answer = post()
    assert "hunter2" not in problem(answer, 503, "database_unavailable")
    assert waits_s(answer) > 0
    engine.dispose()


def test_statements_that_are_wrong_are_our_fault_and_tables_of_another_release_are_not(
    site, sender
):
    """500 for what no waiting mends, 503 for an upgrade that is under way."""
    post = sender()
    with site.house.rt.sessions.begin() as session:
        session.execute(text("ALTER TABLE submissions RENAME TO elsewhere"))
    answer = post()
    problem(answer, 503, "wrong_schema")
    assert waits_s(answer) > 0


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(errno.ENOSPC, 503, "machine_lacks"), (errno.EBADF, 500, "internal")],
)
def test_a_full_disk_is_said_with_503(sender, number, status, code):
    """Wherever it shows; another fault of ours stays one."""

    def broken(document_type):
        raise OSError(number, "it broke")

    answer = sender(caution=broken)()
    problem(answer, status, code)
    assert ("retry-after" in answer.headers) == (status == 503)


def test_blobs_that_are_away_are_said_with_503(site, sender, tmp_path):
    """A file stands where their folder should be."""
    blobs = site.house.rt.blobs
    blobs.url = str(tmp_path / "a file")
    (tmp_path / "a file").write_bytes(b"")
    answer = sender(blobs=blobs)()
    problem(answer, 503, "blobs_unavailable")
    assert waits_s(answer) > 0
