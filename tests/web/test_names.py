"""Under which names the site answers."""

import pytest

from worker.settings import Settings
from worker.web.serve import names_of


@pytest.fixture
def named(make_site):
    """A site that is called review.example.org."""
    return make_site(options={"names": frozenset({"review.example.org", "127.0.0.1"})})


@pytest.mark.parametrize(
    "host", ["review.example.org", "Review.Example.ORG", "review.example.org:8321", "127.0.0.1:80"]
)
def test_its_own_names_are_answered(named, host):
    """With a port or without, in any case."""
    assert named.anybody().get("/sign-in", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "review.example.org.evil.example", "", "evil.example:review.example.org"],
)
def test_another_name_is_refused_with_all_headers(named, host):
    """People and programs are told, and no link is made of it."""
    answer = named.anybody().get("/sign-in", headers={"host": host})
    assert answer.status_code == 400
    assert "SUREFIELD_PUBLIC_URL" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"

    program = named.anybody().get("/v1/documents", headers={"host": host})
    assert (program.status_code, program.json()["code"]) == (400, "unknown_host")


def test_probes_are_answered_by_any_name(named):
    """Load balancers ask by address."""
    assert named.anybody().get("/readyz", headers={"host": "10.0.0.7"}).status_code == 200


def test_a_site_that_nobody_named_answers_all(site):
    """It cannot know."""
    assert site.anybody().get("/sign-in", headers={"host": "any.example"}).status_code == 200


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, {"localhost", "127.0.0.1", "[::1]"}),
        ({"web_host": "10.0.0.7"}, {"localhost", "127.0.0.1", "[::1]", "10.0.0.7"}),
        ({"web_host": "0.0.0.0"}, None),
        ({"web_host": "::"}, None),
        (
            {"web_host": "0.0.0.0", "public_url": "https://Review.example.org:8443"},
            {"localhost", "127.0.0.1", "[::1]", "review.example.org"},
        ),
    ],
)
def test_the_names_follow_from_the_settings(settings, names):
    """Where it listens, and what people call it."""
    assert names_of(Settings(**settings)) == names
