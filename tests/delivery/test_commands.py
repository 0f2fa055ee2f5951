"""Events and webhooks as they are typed."""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.delivery.test_events import a_house, read
from tests.pipeline.conftest import House, Make

HERE = {"SUREFIELD_WEBHOOK_NETWORKS": '["127.0.0.0/8"]'}


@pytest.fixture
def house(make_house: Make) -> House:
    """One document that was accepted."""
    made = a_house(make_house)
    read(made)
    return made


def test_events_are_printed_for_people_and_for_programs(house, surefield):
    """In the order in which they happened."""
    said = surefield("events")
    (one,) = [json.loads(line) for line in surefield("events", "--json").splitlines()]

    assert "document.accepted" in said
    assert one["data"]["document_id"] in said
    assert surefield("events", "--after", str(one["id"])) == ""
    assert surefield("events", "--upstream", "nobody") == ""


def test_followed_events_come_as_they_happen(house, surefield, database_url):
    """Until somebody stops it."""
    command = [sys.executable, "-m", "worker", "events", "--follow", "--json"]
    environment = {**os.environ, "SUREFIELD_DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "document.accepted"
        second = read(house)
        assert json.loads(process.stdout.readline())["data"]["document_id"] == str(second)
        process.terminate()


def test_a_webhook_from_beginning_to_end(house, surefield, receive, database_url, tmp_path):
    """Made, tried, told by the process that sends, rotated, off and on, replayed, removed."""
    environment = {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path),
    }
    receiver = receive()
    made = surefield("webhook", "add", "tests", receiver.url, "--who", "ada")
    words = dict(line.split() for line in made.splitlines())
    webhook = words["webhook"][:8]

    assert "SUREFIELD_WEBHOOK_NETWORKS" in printed(environment, "webhook", "test", webhook)
    assert "HTTP 204" in surefield("webhook", "test", webhook, **HERE)
    assert receiver.verified(words["secret"])[0]["type"] == "webhook.test"
    receiver.got.clear()

    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "deliverer"], env={**environment, **HERE}
    )
    try:
        read(house)
        until = time.monotonic() + 30
        while not receiver.got and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        process.terminate()
        process.wait()
    assert receiver.types()[-1] == "document.accepted"

    assert surefield("webhook", "rotate", webhook).startswith("secret  whsec_")
    surefield("webhook", "disable", webhook, "--because", "moves", "--who", "ada")
    (row,) = json.loads(surefield("webhook", "list", "--json"))
    assert (row["state"], row["disabled_because"]) == ("disabled", "ada: moves")
    assert "ada: moves" in surefield("webhook", "list")
    assert "enabled" in surefield("webhook", "enable", webhook)
    assert "events go out again" in surefield("webhook", "replay", webhook, "--since", "2020-01-31")
    assert "removed" in surefield("webhook", "remove", webhook)
    assert json.loads(surefield("webhook", "list", "--json")) == []


def printed(environment: dict[str, str], *words: str) -> str:
    """What is printed by a command that ends with an error of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "worker", *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 1
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "tests", "ftp://example.org"), "invalid_webhook"),
        (("add", "tests", "https://example.org", "--event", "nonsense"), "no event nonsense"),
        (("rotate", "ffff"), "not_found"),
    ],
)
def test_what_is_wrong_is_said_with_the_mend(house, surefield, words, says):
    """And nothing is made."""
    assert says in " ".join(surefield("webhook", *words, fails=True).split())
    assert json.loads(surefield("webhook", "list", "--json")) == []
