"""The commands, as they are typed, on a real Postgres."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, text

from extractors.triage.classify import Guess
from tests.factories import LEASE, a_document, a_page, begin
from worker import store
from worker.blobs import Blobs
from worker.cli import demo
from worker.cli.sql import harmless
from worker.tables.documents import Status


@pytest.fixture
def surefield(database_url, tmp_path):
    """Type a command; its output comes back."""

    def typed(*words: str, fails: bool = False, **env: str) -> str:
        environment = {
            **os.environ,
            "SUREFIELD_DATABASE_URL": database_url,
            "SUREFIELD_STATE_DIR": str(tmp_path),
            **env,
        }
        done = subprocess.run(
            [sys.executable, "-m", "worker", *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if fails else done.stdout

    return typed


def test_list_and_show_give_the_rows_as_json(db, surefield):
    """What a program needs to go on: ids, status, fields, scores and reasons."""
    document = a_document(db, status=Status.IN_REVIEW)
    listed = json.loads(surefield("list", "--json"))
    assert [row["document_id"] for row in listed] == [str(document.id)]
    shown = json.loads(surefield("show", str(document.id), "--json"))
    assert {field["field"] for field in shown["fields"]} == {"payee", "total"}


def test_a_person_clears_a_field_from_the_terminal(db, surefield):
    """List, decide, and the document's last item closes its review."""
    document = a_document(db, status=Status.IN_REVIEW)
    (item,) = json.loads(surefield("review", "list", "--json"))
    decided = json.loads(
        surefield(
            "review", "decide", item["item"], "--seen", "--text", "13.00", "--who", "ada", "--json"
        )
    )
    assert decided == {"document": str(document.id), "version": 2, "open": 0, "status": "reviewed"}
    assert "13.00" in surefield("show", str(document.id))


def test_a_second_decision_on_the_version_first_seen_is_a_conflict(db, surefield):
    """Nobody overwrites a colleague's decision without seeing it."""
    a_document(db, status=Status.IN_REVIEW)
    (item,) = json.loads(surefield("review", "list", "--json"))
    surefield("review", "decide", item["item"], "--seen", "--accept", "--who", "ada")
    assert "review_conflict" in surefield(
        "review",
        "decide",
        item["item"],
        "--seen",
        "--absent",
        "--version",
        "1",
        "--who",
        "bob",
        fails=True,
    )


def test_a_correction_that_is_no_amount_is_refused(db, surefield):
    """The kind's parser speaks before anything is stored."""
    a_document(db, status=Status.IN_REVIEW)
    (item,) = json.loads(surefield("review", "list", "--json"))
    assert "invalid_decision" in surefield(
        "review", "decide", item["item"], "--seen", "--text", "about twelve", fails=True
    )


def test_a_file_that_cannot_be_read_does_not_hold_up_the_others(surefield, tmp_path):
    """The good one is stored, the bad one is named with what to do, and the command says that
    something went wrong.
    """
    good = tmp_path / "good.pdf"
    good.write_bytes(b"%PDF-1.4")
    said = surefield("submit", str(tmp_path / "none.pdf"), str(good), "--type", "slip", fails=True)
    assert "none.pdf: unreadable_file" in said
    assert len(json.loads(surefield("list", "--json"))) == 1


def test_a_misspelt_type_is_said_at_once_with_the_ones_that_exist(surefield, tmp_path):
    """Before anything is stored."""
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    assert "invoice" in surefield(
        "submit", str(tmp_path / "a.pdf"), "--type", "inovice", fails=True
    )
    assert json.loads(surefield("list", "--json")) == []


def test_a_broken_document_type_names_its_file_and_what_to_mend(surefield, tmp_path):
    """One line, not a trace."""
    (tmp_path / "types").mkdir()
    broken = (
        "from extractors.documents.spec import DocumentModel\nclass Order(DocumentModel,"
        " name='order'):\n    x: str\n"
    )
    (tmp_path / "types" / "order.py").write_text(broken)
    said = surefield("types", fails=True, SUREFIELD_DOCUMENT_TYPES=str(tmp_path / "types"))
    assert "broken_document_type" in said
    assert "order.py" in said


def test_a_setting_out_of_bounds_names_its_variable(surefield):
    """The operator reads which one."""
    assert "SUREFIELD_ACCEPT_AT" in surefield("list", fails=True, SUREFIELD_ACCEPT_AT="1.5")


def test_sql_answers_from_the_views_and_from_nothing_else(db, surefield):
    """The reader's role: no table, no write, and no second statement behind a COMMIT."""
    a_document(db, status=Status.IN_REVIEW)
    assert json.loads(surefield("sql", "SELECT count(*) AS n FROM field_outcomes", "--json")) == [
        {"n": 2}
    ]
    for query in (
        "SELECT * FROM public.secrets",
        "DELETE FROM public.results",
        "COMMIT; DROP TABLE public.scores",
    ):
        assert "bad_question" in surefield("sql", query, fails=True)


def said_by(database_url, tmp_path, *words, **env):
    """Both outputs in the order of a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "worker", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "SUREFIELD_DATABASE_URL": database_url,
            "SUREFIELD_STATE_DIR": str(tmp_path),
            **env,
        },
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_type_that_the_model_was_not_made_for_is_said_first(db, database_url, tmp_path):
    """By submit before anything is stored, by list and show before their rows; with what to do."""
    paper = tmp_path / "a.pdf"
    paper.write_bytes(b"%PDF-1.7")
    said = said_by(database_url, tmp_path, "submit", str(paper), "--type", "invoice")
    first, *_ = said.splitlines()
    assert "was made for slip and nothing else" in first
    assert "SUREFIELD_MODEL" in first
    assert "docs/models.md" in first
    document = a_document(db, status=Status.IN_REVIEW)
    with db.begin() as session:
        session.execute(text("UPDATE readings SET in_domain = false"))
        session.execute(
            text("UPDATE documents SET document_type = 'invoice' WHERE id = :id"),
            {"id": document.id},
        )
    for words in (("list",), ("show", str(document.id))):
        lines = said_by(database_url, tmp_path, *words).splitlines()
        assert "was made for slip and nothing else" in lines[0]
        assert sum("was made for" in line for line in lines) == 1
    other = {"SUREFIELD_BACKEND": "vllm", "SUREFIELD_SERVER_URL": "http://gpu:8000/v1"}
    said = said_by(
        database_url, tmp_path, "show", str(document.id), SUREFIELD_MODEL="some/model", **other
    )
    assert f"surefield reread {document.id}" in said.splitlines()[0]


@pytest.mark.parametrize("type_", ["slip", "auto"])
def test_nothing_is_said_of_what_the_model_was_made_for(db, database_url, tmp_path, type_):
    """Nor of a file whose type is still to be found."""
    paper = tmp_path / "a.pdf"
    paper.write_bytes(b"%PDF-1.7")
    a_document(db, status=Status.IN_REVIEW)
    a_document(db)
    said = said_by(database_url, tmp_path, "submit", str(paper), "--type", type_)
    assert "made for" not in said + said_by(database_url, tmp_path, "list")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-12.50", "-12.50"),
        ("+1.234,50", "+1.234,50"),
        ("-1e-05", "-1e-05"),
        ("Foo = Bar", "Foo = Bar"),
        ("", ""),
        (None, None),
    ],
)
def test_no_text_becomes_a_formula(text, written):
    """Documents come from strangers; numbers stay as they are."""
    assert harmless(text) == written


def test_sql_writes_csv_as_postgres_does(db, surefield):
    """NULL is nothing, an empty text is quoted; an answer without rows still has its head."""
    query = (
        "SELECT 1.50 AS number, NULL AS none, '' AS empty, 'a \"b\", c' AS text, true AS yes,"
        " '{\"a\": 1}'::jsonb AS json, ARRAY[1, 2] AS list, interval '26 hours' AS time"
    )
    assert surefield("sql", "--csv", query) == (
        "number,none,empty,text,yes,json,list,time\n"
        '1.50,,"","a ""b"", c",t,"{""a"": 1}","{1,2}",26:00:00\n'
    )
    assert surefield("sql", "--csv", "SELECT document_id, code FROM documents") == (
        "document_id,code\n"
    )
    assert "Choose one" in surefield("sql", "--csv", "--json", "SELECT 1", fails=True)
    assert "bad_question" in surefield("sql", "--csv", "SELECT * FROM public.users", fails=True)


def test_a_query_that_runs_too_long_is_ended(surefield):
    """And the message names the setting."""
    said = surefield("sql", "SELECT pg_sleep(60)", fails=True, SUREFIELD_QUERY_TIMEOUT="0.2")
    assert "bad_question" in said
    assert "SUREFIELD_QUERY_TIMEOUT" in said


def test_an_analyst_gets_a_login_in_one_command(db, surefield):
    """Its address is printed once and works in any client; removed, it lets nobody in."""
    a_document(db, status=Status.FAILED)
    name = f"ada_{uuid4().hex[:8]}"
    address = surefield("analyst", "add", name).strip()

    with psycopg.connect(address) as client:
        assert client.execute("SELECT session_user, code FROM documents").fetchall() == [
            (name, "unreadable_file")
        ]
    listed = json.loads(surefield("analyst", "list", "--json"))
    assert [each for each in listed if each["name"] == name] == [
        {"name": name, "connections": 0, "timeout": "300000"}
    ]
    assert "bad_login" in surefield("analyst", "add", name, fails=True)
    surefield("analyst", "remove", name)
    assert "not_found" in surefield("analyst", "remove", name, fails=True)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address)


def test_doctor_finds_a_model_folder_without_weights(surefield, tmp_path):
    """And says which setting to look at."""
    (tmp_path / "model").mkdir()
    environment = {"SUREFIELD_MODEL": str(tmp_path / "model")}
    done = subprocess.run(
        [sys.executable, "-m", "worker", "doctor"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    assert done.returncode == 1
    assert "broken" in done.stdout


def test_without_a_database_a_worker_says_what_to_set(tmp_path):
    """The 3 a.m. operator gets a sentence."""
    environment = {
        name: value for name, value in os.environ.items() if name != "SUREFIELD_DATABASE_URL"
    }
    done = subprocess.run(
        [sys.executable, "-c", "from worker.tasks import app"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    assert "SUREFIELD_DATABASE_URL is not set" in done.stderr


def test_a_person_says_what_a_document_is_from_the_terminal(db, surefield):
    """List what is open, see what it is most like, and say it; an unknown type and a second answer
    are refused.
    """
    document = a_document(db, document_type="auto")
    with begin(db) as tx:
        held = store.documents.claim(
            tx, document.id, at=Status.SUBMITTED, stage="render", lease=LEASE
        )
        store.pages.save_pages(tx, held, [a_page()])
        store.documents.finish(tx, held, to=Status.UNTRIAGED, page_count=1)
        held = store.documents.claim(
            tx, document.id, at=Status.UNTRIAGED, stage="triage", lease=LEASE
        )
        store.classifications.save_guess(
            tx, held, Guess(document_type="invoice", confidence=0.41, fits={"invoice": 0.5})
        )
        store.documents.finish(tx, held, to=Status.NEEDS_TYPE)

    (open_,) = json.loads(surefield("review", "types", "--json"))
    assert (open_["document_id"], open_["likeliest"], open_["confidence"]) == (
        str(document.id),
        "invoice",
        0.41,
    )
    assert "Most like invoice" in surefield("show", str(document.id))
    assert "unknown_document_type" in surefield(
        "review", "type", str(document.id), "inovice", fails=True
    )
    surefield("review", "type", str(document.id), "receipt", "--who", "ada")
    assert json.loads(surefield("list", "--json"))[0]["document_type"] == "receipt"
    assert "review_conflict" in surefield("review", "type", str(document.id), "invoice", fails=True)


def test_a_file_may_come_without_a_type(surefield, tmp_path):
    """Its words will say what it is."""
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.4")
    surefield("submit", str(tmp_path / "paper.pdf"), "--type", "auto")
    assert json.loads(surefield("list", "--json"))[0]["document_type"] == "auto"


def test_a_person_parts_a_file_from_the_terminal(db, surefield):
    """By pages and types; pages that cannot be read and types that there are not are refused."""
    document = a_document(db, document_type="auto")
    with begin(db) as tx:
        held = store.documents.claim(
            tx, document.id, at=Status.SUBMITTED, stage="render", lease=LEASE
        )
        store.pages.save_pages(tx, held, [a_page(1), a_page(2)])
        store.documents.finish(tx, held, to=Status.UNTRIAGED, page_count=2)
        held = store.documents.claim(
            tx, document.id, at=Status.UNTRIAGED, stage="triage", lease=LEASE
        )
        store.documents.finish(tx, held, to=Status.NEEDS_TYPE)
    assert "1-2=invoice" in surefield(
        "review", "split", str(document.id), "one=invoice", fails=True
    )
    assert "unknown_document_type" in surefield(
        "review", "split", str(document.id), "1=invoice", "2=letter", fails=True
    )
    assert "2 documents" in surefield(
        "review", "split", str(document.id), "1=invoice", "2=receipt", "--who", "ada"
    )
    assert json.loads(surefield("list", "--json", "--status", "split"))[0]["document_id"] == str(
        document.id
    )


def test_deciding_unseen_prints_the_reading_and_asks_to_look(db, surefield, tmp_path):
    """What was read, of which file and page, and the command that shows it; nothing is kept."""
    document = a_document(db, status=Status.IN_REVIEW, filename="slip.pdf")
    (item,) = json.loads(surefield("review", "list", "--json"))
    said = surefield("review", "decide", item["item"], "--accept", fails=True)
    assert "total reads '12.50'" in said
    assert "file: slip.pdf, page 1" in said
    assert f"surefield review page {document.id} 1" in said
    assert "not_seen" in said
    surefield("review", "decide", item["item"], "--accept", "--seen", "--who", "ada")
    with db() as session:
        assert session.execute(text("SELECT seen FROM review_answers")).scalars().all() == [True]


def test_a_page_can_be_written_to_a_file_and_looked_at(db, surefield, tmp_path):
    """The image that people see, by its number."""
    image = b"\x89PNG page"
    view = Blobs(tmp_path / "blobs").put(image)
    document = a_document(db, status=Status.IN_REVIEW)
    with begin(db) as tx:
        tx.session.execute(text("UPDATE pages SET view_sha256 = :view"), {"view": view})
    to = tmp_path / "page.png"
    assert surefield("review", "page", str(document.id), "1", "--to", str(to)).strip() == str(to)
    assert to.read_bytes() == image
    assert "no page 2" in surefield("review", "page", str(document.id), "2", fails=True)


def test_one_reviewer_does_not_undo_anothers_decision_on_the_command_line(db, surefield):
    """The terminal has the rule of the page: a manager may."""
    a_document(db, status=Status.IN_REVIEW)
    (item,) = json.loads(surefield("review", "list", "--json"))
    surefield("review", "decide", item["item"], "--seen", "--accept", "--who", "ada")
    assert "forbidden" in surefield(
        "review", "decide", item["item"], "--undo", "--who", "bob", fails=True
    )
    surefield("user", "add", "eve", "--role", "manager")
    undone = json.loads(
        surefield("review", "decide", item["item"], "--undo", "--who", "eve", "--json")
    )
    assert undone["status"] == "in_review"


def test_a_text_for_a_list_is_refused_in_words(db, surefield):
    """A list is corrected by its rows, and whoever types a text is told so."""
    document = a_document(db, status=Status.IN_REVIEW)
    with begin(db) as tx:
        tx.session.execute(
            text(
                "UPDATE results SET name = 'items', kind = 'group' WHERE name = 'total' AND"
                " document_id = :id"
            ),
            {"id": document.id},
        )
    (item,) = json.loads(surefield("review", "list", "--json"))
    said = surefield("review", "decide", item["item"], "--seen", "--text", "x", fails=True)
    assert "A list has no text of its own" in said


READING = (
    ("list",),
    ("review", "list"),
    ("review", "types"),
    ("user", "list"),
    ("key", "list"),
    ("sql", "SELECT 1"),
    ("analyst", "list"),
    ("analyst", "add", "ada"),
    ("show", "abcd"),
    ("review", "decide", "abcd", "--accept"),
    ("retry", "abcd"),
)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_reads_never_migrates(surefield, empty_database_url, words):
    """It says what to run, and leaves the database as it is."""
    said = surefield(*words, fails=True, SUREFIELD_DATABASE_URL=empty_database_url)
    assert "wrong_schema" in said
    assert "surefield migrate" in said
    engine = create_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_database_of_a_newer_version_is_said_in_a_sentence(db, surefield):
    """By commands that read, and by migrate."""
    with db.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    for words in (("list",), ("migrate",)):
        assert "upgrade Surefield" in surefield(*words, fails=True)


def test_a_database_that_is_away_is_one_sentence(surefield):
    """At once, and with what to look at."""
    said = surefield(
        "list", fails=True, SUREFIELD_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none"
    )
    assert "database_unavailable" in said
    assert "SUREFIELD_DATABASE_URL" in said
    assert len(said.splitlines()) == 1


def test_an_id_may_be_its_first_characters(db, surefield):
    """Of a document, an item, a key; what fits several is refused with them."""
    document = a_document(db, status=Status.IN_REVIEW)
    short = str(document.id)[:8]
    assert json.loads(surefield("show", short, "--json"))["document_id"] == str(document.id)
    (item,) = json.loads(surefield("review", "list", "--document", short, "--json"))
    surefield("review", "decide", item["item"][:8], "--seen", "--text", "13.00", "--who", "ada")
    assert "is no id" in surefield("show", "nonsense", fails=True)
    assert "is no id" in surefield("show", "c92", fails=True)
    assert "There is no document" in surefield("show", "00000000", fails=True)
    with db.begin() as session:
        for number in (1, 2):
            session.execute(
                text(
                    "INSERT INTO api_keys (id, upstream, hint, key_sha256) VALUES"
                    f" ('abcdef00-0000-4000-8000-00000000000{number}', 'erp', 'h',"
                    f" '{str(number) * 64}')"
                )
            )
    assert "several keys" in surefield("key", "revoke", "abcdef", fails=True)


def test_failed_documents_are_brought_back_by_code(db, surefield):
    """After the setting is mended."""
    document = a_document(db)
    with begin(db) as tx:
        store.documents.end(
            tx,
            [document.id],
            error_code="model_not_loadable",
            error_message="No folder.",
            by="worker",
            stage="extract",
        )
    assert "0 of 0" in surefield("retry", "--code", "encrypted_pdf")
    assert "1 of 1" in surefield("retry", "--code", "model_not_loadable", "--who", "ada")
    assert json.loads(surefield("list", "--json"))[0]["status"] == "submitted"
    assert "--code" in surefield("retry", fails=True)


def test_the_version_is_said(surefield):
    """Also where settings are wrong."""
    assert surefield("--version", SUREFIELD_ACCEPT_AT="9").startswith("surefield ")


def test_settings_are_shown_with_their_source_and_without_secrets(surefield):
    """The value in force."""
    said = surefield(
        "settings",
        SUREFIELD_ACCEPT_AT="0.8",
        SUREFIELD_RERANKER="server",
        SUREFIELD_RERANKER_KEY="hush",
    )
    assert "0.8" in said
    assert "environment" in said
    assert "hush" not in said


def test_a_taken_port_is_named_with_its_holder_before_anything_starts(surefield, tmp_path):
    """Neither workers nor a page of somebody else."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        said = surefield("up", fails=True, SUREFIELD_WEB_PORT=port)
    assert "port_taken" in said
    assert f"process {os.getpid()}" in said
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("typed", "path", "said"),
    [
        ("/opt/x/bin/surefield", "/opt/x/bin", "surefield"),
        ("/opt/x/bin/surefield", "/usr/bin", "/opt/x/bin/surefield"),
        ("/opt/x/worker/__main__.py", "/opt/x/bin", f"{sys.executable} -m worker"),
    ],
)
def test_the_demos_last_line_names_the_command_as_it_was_typed(
    tmp_path, monkeypatch, typed, path, said
):
    """Wherever it was installed, and whether or not it is on the path."""
    for name in ("opt/x/bin", "usr/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "opt/x/bin/surefield").touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [f"{tmp_path}{typed}"])
    monkeypatch.setenv("PATH", f"{tmp_path}{path}")
    assert demo.command() == said.replace("/opt", f"{tmp_path}/opt")


def test_rows_are_set_right_on_the_command_line(db, surefield):
    """Edited, removed, moved and added in one answer; the rows and their sums are printed."""
    document = a_document(db, status=Status.IN_REVIEW)
    rows = ("review", "rows", str(document.id), "items")
    assert "--seen" in surefield("review", "rows", "--help")
    assert "not_seen" in surefield(*rows, "--add", '{"amount": "3.00"}', fails=True)
    for cells in ('{"description": "[b]Pens", "amount": "3.00"}', '{"amount": "4.00"}'):
        surefield(*rows, "--add", cells, "--seen", "--who", "ada")
    shown = surefield(*rows)
    assert "[b]Pens" in shown
    assert "amount: 7.00" in shown
    done = surefield(
        *rows, "--set", "2.description=Ink", "--move", "2:1", "--seen", "--who", "ada", "--json"
    )
    found = json.loads(done)
    assert [row["cells"] for row in found["rows"]] == [
        {"description": "Ink", "amount": "4.00"},
        {"description": "[b]Pens", "amount": "3.00"},
    ]
    version = ("--version", "0" * 16)
    assert "review_conflict" in surefield(
        *rows, "--remove", "1", "--seen", "--who", "ada", *version, fails=True
    )
    left = surefield(*rows, "--remove", "1", "--seen", "--who", "ada", "--json")
    assert [row["cells"]["amount"] for row in json.loads(left)["rows"]] == ["3.00"]
    assert "no row '9'" in surefield(*rows, "--remove", "9", "--seen", fails=True)


def test_an_accepted_value_is_corrected_on_the_command_line(db, surefield):
    """By document and field, as `surefield show` writes them."""
    document = a_document(db, status=Status.ACCEPTED)
    at = ("review", "correct", str(document.id))
    said = surefield(*at, "total", "--text", "13.00", "--seen", "--who", "ada")
    assert "reviewed" in said
    assert "not_seen" in surefield(*at, "payee", "--absent", fails=True)
    assert "no field" in surefield(*at, "items.amount[2]", "--absent", "--seen", fails=True)
    assert "names no row" in surefield(*at, "items[x]", "--absent", "--seen", fails=True)
    fields = json.loads(surefield("show", str(document.id), "--json"))["fields"]
    assert {each["field"]: each["text"] for each in fields}["total"] == "13.00"


def test_a_whole_document_is_judged_on_the_command_line(db, surefield):
    """One word, which document it is a duplicate of, and back."""
    original, document = (a_document(db, status=Status.IN_REVIEW) for _ in range(2))
    at = ("review", "verdict", str(document.id))
    assert "not_seen" in surefield(*at, "--not-ours", fails=True)
    assert "exactly one" in surefield(*at, "--not-ours", "--illegible", fails=True)
    of = ("--duplicate-of", str(original.id), "--seen", "--who", "ada")
    assert "rejected" in surefield(*at, *of)
    shown = json.loads(surefield("show", str(document.id), "--json"))
    assert (shown["status"], shown["error_code"]) == ("rejected", "duplicate")
    assert str(original.id) in shown["error_message"]
    assert "in_review" in surefield(*at, "--undo", "--who", "ada")


def test_documents_are_read_again_from_the_terminal(db, surefield):
    """One by its id, all of a type, or all since a day; what is on its way is refused."""
    document = a_document(db, status=Status.IN_REVIEW)
    waiting = a_document(db)

    assert "1 documents" in surefield("reread", str(document.id), "--who", "ada")
    assert "not_at_rest" in surefield("reread", str(document.id), fails=True)
    assert "not_at_rest" in surefield("rescore", str(waiting.id), fails=True)
    assert "not_found" in surefield("reroute", str(UUID(int=0)), fails=True)
    assert json.loads(surefield("review", "list", "--json")) == []
    events = json.loads(
        surefield(
            "sql",
            "SELECT actor, code, to_status FROM document_events WHERE stage = 'again'",
            "--json",
        )
    )
    assert events == [{"actor": "person:ada", "code": "reread", "to_status": "untriaged"}]

    for _ in range(2):
        a_document(db, status=Status.ACCEPTED)
    assert "0 documents" in surefield("reroute", "--type", "slip", "--since", "2999-01-01")
    assert "2 documents" in surefield("rescore", "--since", "2020-01-01")
    assert "0 documents" in surefield("reroute", "--type", "slip")


def test_answering_again_needs_to_know_what(surefield):
    """Nothing named would mean everything; both would mean nobody knows what."""
    assert "--type" in surefield("reread", fails=True)
    assert "--type" in surefield("reread", str(UUID(int=0)), "--type", "slip", fails=True)


def test_documents_are_cancelled_on_the_command_line(db, surefield):
    """Those that have come to rest stay, and are named."""
    waits, rests = a_document(db), a_document(db, status=Status.ACCEPTED)
    said = surefield("cancel", str(waits.id)[:8], str(rests.id))
    assert f"{waits.id} cancelled" in said
    assert f"{rests.id} rests already" in said
    shown = [json.loads(surefield("show", str(one.id), "--json")) for one in (waits, rests)]
    assert [(one["status"], one["error_code"]) for one in shown] == [
        ("rejected", "cancelled"),
        ("accepted", None),
    ]
    assert "not_found" in surefield("cancel", str(UUID(int=0)), fails=True)


def test_a_key_for_some_types_is_made_on_the_command_line(db, surefield):
    """A type that there is not is said at once."""
    surefield("key", "add", "erp", "--type", "invoice", "--type", "slip", "--per-minute", "60")
    assert "invoice, slip; 60 a minute" in " ".join(surefield("key", "list").split())
    assert "unknown_document_type" in surefield("key", "add", "erp", "--type", "inv", fails=True)
