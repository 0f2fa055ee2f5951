"""Settings as people write them in an environment."""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from extractors.documents import Ask
from worker.errors import InvalidSetting
from worker.settings import Settings, problems
from worker.settings.table import environment_of, rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SUREFIELD_")]:
        monkeypatch.delenv(name)


def refused(**given: object) -> str:
    """Why these settings are refused."""
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    return " ".join(problems(caught.value))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30", 30),
        ("0.5", 0.5),
        ("PT2M", 120),
        ("00:00:07", 7),
        ("2m", 120),
        ("30 s", 30),
        ("1.5 h", 5400),
        ("250ms", 0.25),
        ("2 min", 120),
        ("1d", 86400),
    ],
)
def test_a_duration_may_be_written_as_people_write_it(monkeypatch, written, seconds):
    """A plain number means seconds; also ISO 8601 and clock form."""
    monkeypatch.setenv("SUREFIELD_CLAIM_LEASE", written)
    assert Settings().claim_lease == timedelta(seconds=seconds)


def test_a_misspelt_variable_names_the_nearest_setting(monkeypatch):
    """It would otherwise be ignored, and nobody would know."""
    monkeypatch.setenv("SUREFIELD_ACEPT_AT", "0.9")
    with pytest.raises(InvalidSetting, match=r"SUREFIELD_ACEPT_AT.*SUREFIELD_ACCEPT_AT"):
        Settings()


def test_variables_of_the_tests_are_no_settings(monkeypatch):
    """They are known, and ignored."""
    for name in ("CORPUS", "TEST_ITEMS", "BENCH_SLIPS", "SUPERVISED_BY"):
        monkeypatch.setenv(f"SUREFIELD_{name}", "x")
    assert Settings() == Settings()


def test_every_variable_that_the_repository_names_is_known():
    """A variable that is read somewhere, and would be refused, cannot be set."""
    ours = [ROOT / name for name in ("Makefile", ".ci/run", "README.md")]
    ours += [
        path
        for folder in ("worker", "extractors", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path not in (Path(__file__), ROOT / "tests/backends/test_registry.py")
    ]
    known = {row.variable for row in rows()} | {"SUREFIELD_CORPUS", "SUREFIELD_SUPERVISED_BY"}
    named = {
        name
        for path in ours
        for name in re.findall(r"\bSUREFIELD_[A-Z_]+\b(?!_)", path.read_text("utf-8"))
        if not name.startswith(("SUREFIELD_TEST_", "SUREFIELD_BENCH_")) and not name.endswith("_")
    }
    assert named <= known


def test_json_with_a_missing_bracket_is_one_sentence(monkeypatch):
    """It names the variable and the place."""
    monkeypatch.setenv("SUREFIELD_READERS", '{"invoice": {"backend": "vllm"')
    with pytest.raises(InvalidSetting, match=r"SUREFIELD_READERS is not JSON.*column"):
        Settings()


def test_an_empty_variable_is_not_set(monkeypatch):
    """As container tools write what was left out."""
    monkeypatch.setenv("SUREFIELD_BROKER_URL", "")
    assert Settings().broker_url is None


def test_an_option_of_another_engine_is_an_error_that_says_whose_it_is():
    """It would have no effect."""
    assert refused(server_url="http://gpu/v1") == (
        "SUREFIELD_SERVER_URL: The backend mllama has no such option. It is an option of: vllm."
    )


def test_an_option_of_no_reranker_at_all_says_which_one_has_it():
    """Nothing judges texts until a reranker is chosen."""
    assert "SUREFIELD_RERANKER to one of: server" in refused(reranker_style="tei")
    assert "It is an option of: server" in refused(reranker="cross-encoder", reranker_style="tei")


def test_an_unknown_engine_names_those_there_are():
    """Backends and rerankers alike."""
    assert "mllama, scripted, vllm" in refused(backend="gpt")
    assert "cross-encoder, server" in refused(reranker="bm25")


def test_a_served_model_must_be_named():
    """There is no default for what somebody else's server serves."""
    assert "SUREFIELD_MODEL: Field required" in refused(backend="vllm")


def test_a_value_out_of_bounds_names_its_variable():
    """Of the house, and of an engine."""
    assert "SUREFIELD_ACCEPT_AT" in refused(accept_at=2)
    assert "SUREFIELD_BATCH_PAGES" in refused(batch_pages=0)


def test_each_setting_says_where_it_came_from_and_hides_secrets(monkeypatch):
    """The environment, or the default."""
    monkeypatch.setenv("SUREFIELD_DATABASE_URL", "postgresql://user:hush@db/x")
    monkeypatch.setenv("SUREFIELD_REVIEW_LEASE", "5m")
    found = {row.variable: row for row in rows(Settings(), os.environ)}
    assert (found["SUREFIELD_REVIEW_LEASE"].value, found["SUREFIELD_REVIEW_LEASE"].source) == (
        "5 min",
        "environment",
    )
    assert found["SUREFIELD_ACCEPT_AT"].source == "default"
    assert not any("hush" in str(row) for row in found.values())


def test_settings_reach_a_child_process_as_they_are(monkeypatch):
    """What one process was told, the next one reads."""
    settings = Settings(
        database_url="postgresql://user:hush@db/x",
        claim_lease=timedelta(seconds=1.5),
        source_roots={"*": ("/a", "/b c"), "erp": ("https://files.example.org/out/",)},
        source_networks=("10.1.0.0/16",),
        ask_sender=frozenset({Ask.ENCRYPTED, Ask.TYPE}),
        decode_mode="fields",
        reranker="server",
        reranker_key="hush",
        readers={"invoice": {"backend": "vllm", "model": "m", "server_key": "hush"}},
    )
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_a_web_setting_stands_in_the_one_table():
    """And so does the form of the logs."""
    named = {row.variable for row in rows()}
    assert named >= {"SUREFIELD_WEB_PORT", "SUREFIELD_STAYS_SIGNED_IN", "SUREFIELD_LOG"}


def test_places_of_everybody_may_be_a_list(monkeypatch):
    """As they were before there were others."""
    monkeypatch.setenv("SUREFIELD_SOURCE_ROOTS", '["/srv/in", "s3://bucket/in"]')
    assert Settings().source_roots == {"*": ("/srv/in", "s3://bucket/in")}
    assert Settings(source_roots=(Path("/srv/in"),)).source_roots == {"*": ("/srv/in",)}


@pytest.mark.parametrize("given", ['["ftp://example.org/"]', '{"erp": ["https://me@x/"]}', '[""]'])
def test_a_place_that_can_hold_nothing_is_a_wrong_setting(monkeypatch, given):
    """Said at the start, and not with the first document."""
    monkeypatch.setenv("SUREFIELD_SOURCE_ROOTS", given)
    assert "SUREFIELD_SOURCE_ROOTS" in refused()
