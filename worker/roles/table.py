"""Every role of the database, and what it may do with every table.

Verbs are spelled as Postgres spells them in its own lists: r SELECT, a INSERT, w UPDATE, d DELETE.
Columns in brackets narrow a verb. What is not named here is denied, and a table without a line
fails a test.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

OWNER = "surefield_owner"  # owns all tables: migrations, and whoever runs commands on the machine
WORKER = "surefield_worker"  # reads, scores, routes, takes in and delivers
WEB = "surefield_web"  # the review page and the HTTP interface: no secret, no DDL
READER = "surefield_reader"  # a group: analysts' logins are its members
LOGINS = (OWNER, WORKER, WEB)
PROCESSES = (WORKER, WEB)

VERBS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
SCHEMAS = ("public", "reporting", "pgmq")
# connections that a role may have open at a time; of the 200 that the embedded server has
MOST_CONNECTIONS: Mapping[str, int] = {OWNER: 40, WORKER: 140, WEB: 30}
# longest statement of a session that asks for nothing else
STATEMENT_TIMEOUT: Mapping[str, str] = {WORKER: "60s", WEB: "30s"}


@dataclass(frozen=True, slots=True)
class Line:
    """What the two kinds of processes may do with one table."""

    worker: str = ""
    web: str = ""

    def of(self, role: str) -> str:
        """The verbs of a role."""
        return {WORKER: self.worker, WEB: self.web}.get(role, "")


# of a webhook, what is no secret
WEBHOOK = (
    "id,upstream,url,old_secret_until,kinds,with_values,state,disabled_because,trial_wanted_at,"
    "tried_at,trial_status,trial_error,made_by,made_at"
)

# of a question, what is no secret
QUESTION = (
    "id,document_id,generation,wanted,doubt,field,ordinal,text,page,asked_by,asked_at,expires_at,"
    "reminders,reminded_at,back,fails_with,fails_because,token_sha256,state,closed_at,closed_by,"
    "door,answer,file_sha256"
)

TABLES: Mapping[str, Line] = {
    "alembic_version": Line("r", "r"),
    # documents and what was read of them
    "documents": Line("r a w", "r a w"),
    "document_events": Line("r a", "r a"),
    "document_type_versions": Line("r a", "r a"),
    "submissions": Line("r a w", "r a w"),
    "classifications": Line("r a w", "r a w"),
    "pages": Line("r a w d", "r a w"),
    "render_findings": Line("r a d", "r a d"),  # of a scan that a better one replaces
    "einvoices": Line("r a w d", "r a d"),
    "readings": Line("r a", "r"),
    "fields": Line("r a w", "r"),
    "candidates": Line("r a", "r"),
    "witnesses": Line("r a", "r"),
    "scores": Line("r a", "r"),
    "results": Line("r a w", "r a w"),
    # what people say of them
    "review_items": Line("r a w", "r a w"),
    "review_answers": Line("r a", "r a"),
    "review_decisions": Line("r a", "r a"),
    "review_notes": Line("r", "r a"),
    "review_skips": Line("r", "r a w"),
    "document_verdicts": Line("r a", "r a"),
    "audits": Line("r a w", "r a w"),
    "audit_answers": Line("r", "r a"),
    "planted_errors": Line("", "r a w(outcome,answered_at)"),
    "certificates": Line("r w", "r w"),
    "document_draws": Line("r a", "r"),
    "routings": Line("r a", "r"),
    "fits": Line("r", "r"),  # fitted, and put in force, by whoever runs commands on the machine
    "fit_uses": Line("r", "r"),
    # what their senders are asked
    "questions": Line("r a w", f"r({QUESTION}) a w"),
    "question_tries": Line("", "r a d"),
    # what is told to upstreams
    "events": Line("r a", "r a"),  # whoever reads them publishes what is new
    "event_relay": Line("r w", "r w"),
    "webhooks": Line("r w", f"r({WEBHOOK}) a w d"),
    "deliveries": Line("r a w", "r a w"),
    # people and keys
    "users": Line("", "r a w"),
    "web_sessions": Line("", "r a w(used_at) d"),
    "known_browsers": Line("", "r a d"),
    "sign_in_links": Line("", "r a w d"),
    "sign_in_attempts": Line("", "r a d"),
    "api_keys": Line("r w", "r a w"),
    "security_events": Line("a", "a"),  # whoever does something says so, and reads nothing of it
    # secrets: who writes one may forget it; only who opens files reads it
    "secrets": Line("r a w d", "r(document_id) a w(sealed) d"),
    "installation": Line("r", "r(id,public_key)"),
    # the house itself
    "stage_pauses": Line("r a w d", "r a w d"),
    "dead_letters": Line("r a w d", "r a w d"),
}
# Tables of the queue inside Postgres come and go: both kinds send and settle messages.
QUEUE_TABLES = Line("r a w d", "r a w d")
VIEWS = Line("r", "r")

_RIGHT = re.compile(r"([rawd])(?:\(([a-z0-9_,]+)\))?")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one table, or on one column of it."""

    role: str
    schema: str
    table: str
    verb: str  # "SELECT"
    column: str | None = None  # None: all of them


def rights(role: str, schema: str, table: str, spelled: str) -> Iterator[Right]:
    """What is spelled, one by one."""
    for one in spelled.split():
        found = _RIGHT.fullmatch(one)
        assert found, one
        verb, columns = VERBS[found[1]], found[2]
        for column in columns.split(",") if columns else (None,):
            yield Right(role, schema, table, verb, column)


def line_of(schema: str, table: str) -> Line | None:
    """The line of a table or a view; None: nobody gave it one."""
    if schema == "public":
        return TABLES.get(table)
    return {"reporting": VIEWS, "pgmq": QUEUE_TABLES}.get(schema)
