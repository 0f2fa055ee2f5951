"""How many documents of one upstream may wait before it is asked to come later."""

import pytest

from tests.pipeline.conftest import House, a_pdf, make_house, renderer  # noqa: F401  fixtures
from worker.intake import actions, sources
from worker.intake.errors import TooManyWaiting


def send(house: House, upstream: str, key: str | None, content: bytes) -> bool:
    """Submit to a line of two; whether a document was made."""
    request = sources.Request(upstream=upstream, document_type="slip", key=key, content=content)
    return actions.submit(request, house.rt, most_waiting=2).created


def test_a_full_line_takes_what_it_has_already_and_nothing_else(make_house) -> None:
    """A key that another upstream sent is a new one; other upstreams have lines of their own."""
    house = make_house()
    pdf = a_pdf("Foo Ltd A-17")
    assert [send(house, "erp", key, pdf) for key in ("a", "b")] == [True, True]
    assert send(house, "shop", "x", pdf)
    assert not send(house, "erp", "a", pdf)
    for key in ("x", "c", None):
        with pytest.raises(TooManyWaiting, match="SUREFIELD_MAX_WAITING"):
            send(house, "erp", key, pdf)
    house.work()
    assert send(house, "erp", "x", pdf)
