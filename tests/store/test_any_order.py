"""Whatever happens in whatever order: documents move as the table says, and every move is noted."""

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import (
    LEASE,
    MadeDocument,
    _ground,
    _render,
    _score,
    a_field,
    a_reading,
    a_submission,
    begin,
    page_claims,
    results_of,
)
from worker import store
from worker.db import Tx
from worker.errors import ClaimLost, NotAtRest
from worker.intake import store as intake
from worker.pipeline import again
from worker.pipeline.again import Again
from worker.pipeline.flow import STEP_AT
from worker.review import carry, document_types, history, reads, undo
from worker.review import store as review
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.tables import Action, ItemState
from worker.review.types import Decision
from worker.runtime import Runtime
from worker.store.types import Claim, Failure, SortedPage
from worker.tables.documents import ALLOWED, Document, Status
from worker.tables.results import Outcome

Sessions = sessionmaker[Session]
ATTEMPTS = 5
SAID = [Action.ACCEPT, Action.CORRECT, Action.ABSENT, Action.UNREADABLE, Action.UNDO]
SELDOM = st.integers(0, 9).map(lambda n: n == 0)
SOME = st.sampled_from(["12.50", "13.50", "99.99"])


class AnyOrder(RuleBasedStateMachine):
    """A few documents, and everything that may happen to them."""

    documents = Bundle("documents")
    claims = Bundle("claims")

    def __init__(self, db: Sessions) -> None:
        super().__init__()
        self.db = db
        self.ids: list[UUID] = []
        self.rt = cast(Runtime, SimpleNamespace(transaction=lambda: begin(db)))

    @initialize(target=documents)
    def one(self) -> MadeDocument:
        return self.submitted()

    @initialize(target=documents, says=SOME)
    def another(self, says: str) -> MadeDocument:
        """One that waits for a person already."""
        made = self.submitted()
        self.work(made, 5, says, False, False)
        return made

    def submitted(self) -> MadeDocument:
        sent = a_submission()
        with begin(self.db) as tx:
            document_id = intake.submit(tx, sent).document_id
        self.ids.append(document_id)
        return MadeDocument(document_id, sent.sha256, sent.document_type)

    @rule(
        document=documents,
        stages=st.integers(1, 7),
        says=SOME,
        sure=st.booleans(),
        asks=st.booleans(),
    )
    def work(self, document: MadeDocument, stages: int, says: str, sure: bool, asks: bool) -> None:
        """The next stages do their work, whichever they are."""
        for _ in range(stages):
            self.work_once(document, says, sure, asks)

    def work_once(self, document: MadeDocument, says: str, sure: bool, asks: bool) -> None:
        at = self.status(document)
        if at in STEP_AT and at is not Status.RENDERED and self.is_held(document):
            return
        if at is Status.SUBMITTED:
            _render(self.db, document, 2)
        elif at is Status.UNTRIAGED:
            self.triage(document, asks)
        elif at is Status.RENDERED:
            self.read(document, says)
        elif at is Status.EXTRACTED:
            _ground(self.db, document)
        elif at is Status.GROUNDED:
            _score(self.db, document)
        elif at is Status.SCORED:
            self.route(document, sure)

    @rule(target=claims, document=documents)
    def claim_and_die(self, document: MadeDocument) -> Claim | None:
        """A worker takes it, and its lease runs out."""
        at = self.status(document)
        with begin(self.db) as tx:
            held = store.documents.claim(
                tx,
                document.id,
                at=at,
                stage="tests",
                lease=timedelta(seconds=-1),
                max_attempts=ATTEMPTS,
            )
        return held if at in STEP_AT else None

    @rule(held=consumes(claims), for_good=SELDOM)
    def fail(self, held: Claim | None, for_good: bool) -> None:
        """The worker that seemed dead says that its attempt failed; it may be too late."""
        if held is None:
            return
        failure = Failure(code="missing_blob", message="Gone.", retry=not for_good)
        try:
            with begin(self.db) as tx:
                store.documents.fail(tx, held, failure, backoff=timedelta(0), max_attempts=ATTEMPTS)
        except ClaimLost:
            return

    @rule(document=documents, for_good=SELDOM)
    def fail_pages(self, document: MadeDocument, for_good: bool) -> None:
        """A page cannot be read now, or ever."""
        failure = Failure(code="missing_blob", message="Gone.", retry=not for_good)
        if self.status(document) is Status.RENDERED:
            with begin(self.db) as tx:
                store.pages.fail_pages(
                    tx, page_claims(tx, document.id)[:1], failure, backoff=timedelta(0)
                )

    @rule()
    def sweep(self) -> None:
        with begin(self.db) as tx:
            store.sweep.expire_leases(tx, backoff=timedelta(0), max_attempts=ATTEMPTS)

    @rule(document=documents, action=st.sampled_from(SAID), typed=SOME)
    def decide(self, document: MadeDocument, action: Action, typed: str) -> None:
        """A person decides, or takes back, the total; perhaps too late."""
        with begin(self.db) as tx:
            found = reads.items_of(tx, document.id).get(("total", 0))
        if found is None:
            return
        item_id, version, _ = found
        correct = action is Action.CORRECT
        decision = Decision(
            item_id=item_id,
            version=version,
            who="ada",
            action=action,
            text=typed if correct else None,
            value=typed if correct else None,
        )
        try:
            with begin(self.db) as tx:
                if action is Action.UNDO:
                    undo.take_back(tx, item_id, version=version, who="ada")
                else:
                    review.decide(tx, decision)
        except (ReviewConflict, InvalidDecision):  # too late, or nothing there to accept
            return

    @rule(document=documents)
    def name_its_type(self, document: MadeDocument) -> None:
        if self.status(document) is Status.NEEDS_TYPE and not self.was_named(document):
            with begin(self.db) as tx:
                document_types.choose_type(tx, document.id, "slip", who="ada")

    @rule(
        document=documents,
        how=st.sampled_from([*Again]),
        stages=st.sampled_from([0, 5, 6]),
        says=SOME,
        sure=st.booleans(),
    )
    def answer_again(
        self, document: MadeDocument, how: Again, stages: int, says: str, sure: bool
    ) -> None:
        """A further answer begins, and often is made at once."""
        try:
            again.one(self.rt, document.id, how, by="person:ada")
        except NotAtRest:
            return
        self.work(document, stages, says, sure, False)

    # what the stages do, with the tests' evidence

    def triage(self, document: MadeDocument, asks: bool) -> None:
        with begin(self.db) as tx:
            held = self.claim(tx, document, Status.UNTRIAGED)
            if asks and not self.was_named(document):
                store.documents.finish(tx, held, to=Status.NEEDS_TYPE)
                return
            pages = [SortedPage(number=number, read=True) for number in (1, 2)]
            store.pages.sort_pages(tx, held, pages)
            store.documents.finish(tx, held, to=Status.RENDERED)

    def read(self, document: MadeDocument, says: str) -> None:
        fields = [a_field("payee", "Ada"), a_field("total", says)]
        with begin(self.db) as tx:
            claims = page_claims(tx, document.id)
            readings = [(held, a_reading(held.number, fields)) for held in claims]
            store.pages.save_readings(tx, readings)

    def route(self, document: MadeDocument, sure: bool) -> None:
        with begin(self.db) as tx:
            held = self.claim(tx, document, Status.SCORED)
            review_it: frozenset[str] = frozenset() if sure else frozenset({"total"})
            results = carry.carried_over(
                results_of(tx, document.id, review=review_it),
                carry.earlier_answer(tx, document.id),
                known=lambda name: True,
            )
            store.results.save_results(tx, held, results)
            waiting = review.open_review(tx, held)
            decided = history.keep_carried(tx, results)
            seen = Status.REVIEWED if decided else Status.ACCEPTED
            store.documents.finish(tx, held, to=Status.IN_REVIEW if waiting else seen)

    def claim(self, tx: Tx, document: MadeDocument, at: Status) -> Claim:
        held = store.documents.claim(
            tx, document.id, at=at, stage=STEP_AT[at].name, lease=LEASE, max_attempts=9
        )
        assert held is not None
        return held

    def status(self, document: MadeDocument) -> Status:
        with begin(self.db) as tx:
            return tx.session.get_one(Document, document.id).status

    def is_held(self, document: MadeDocument) -> bool:
        """Its attempts are used up: only the sweeper may touch it."""
        with begin(self.db) as tx:
            row = tx.session.get_one(Document, document.id)
            return row.failures + (row.lease_until is not None) >= ATTEMPTS

    def was_named(self, document: MadeDocument) -> bool:
        return bool(
            self.rows("SELECT 1 FROM classifications WHERE document_id = :id", id=document.id)
        )

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.db() as session:
            return list(session.execute(text(query), {"ids": self.ids, **values}))

    @invariant()
    def the_events_are_a_chain_of_allowed_moves(self) -> None:
        chains: dict[UUID, list[Any]] = defaultdict(list)
        for row in self.rows(
            "SELECT * FROM document_events WHERE document_id = ANY(:ids) ORDER BY id"
        ):
            chains[row.document_id].append(row)
        for row in self.rows("SELECT id, status, updated_at FROM documents WHERE id = ANY(:ids)"):
            chain = chains[row.id]
            ends = [None, *(each.to_status for each in chain)]
            assert [each.from_status for each in chain] == ends[:-1]
            assert ends[-1] == row.status
            assert chain[-1].at == row.updated_at
            for each in chain:
                came_from = None if each.from_status is None else Status(each.from_status)
                assert each.to_status in ALLOWED[came_from]
            for before, after in pairwise(chain):
                assert after.duration == max(after.at - before.at, timedelta(0))

    @invariant()
    def every_answered_document_has_one_answer_a_field(self) -> None:
        counted = self.rows(
            "SELECT d.id, d.status, (SELECT array_agg(r.name ORDER BY r.name) FROM results r WHERE"
            " r.document_id = d.id AND r.generation = d.generation) AS names FROM documents d"
            " WHERE d.id = ANY(:ids)"
        )
        for row in counted:
            if row.status in {Status.ACCEPTED, Status.IN_REVIEW, Status.REVIEWED}:
                assert row.names == ["payee", "total"]
            assert row.names in (None, ["payee", "total"])

    @invariant()
    def people_are_asked_about_the_current_answer_only(self) -> None:
        rows = self.rows(
            "SELECT d.status, r.generation = d.generation AS is_current, r.decision, i.state FROM"
            " documents d JOIN results r ON r.document_id = d.id JOIN review_items i ON i.result_id"
            " = r.id WHERE d.id = ANY(:ids)"
        )
        for row in rows:
            if row.state == ItemState.OPEN:
                assert (row.status, row.is_current) == (Status.IN_REVIEW, True)
                assert row.decision == Outcome.REVIEW
        waits = "SELECT count(*) FROM documents d WHERE d.id = ANY(:ids) AND status = 'in_review'"
        none = "AND NOT EXISTS (SELECT FROM review_items i WHERE"
        is_open = "i.document_id = d.id AND i.state = 'open')"
        assert self.rows(f"{waits} {none} {is_open}")[0][0] == 0

    @invariant()
    def what_a_person_decided_is_never_overruled_by_a_machine(self) -> None:
        """The last word of a person about the total stands, or is asked about."""
        rows = self.rows(
            "SELECT r.decision, r.text, r.earlier_id, (SELECT action || ' ' || coalesce(p.text, '')"
            " FROM review_decisions p JOIN results o ON o.id = p.result_id WHERE o.document_id ="
            " d.id AND o.name = 'total' ORDER BY p.id DESC LIMIT 1) AS last FROM documents d JOIN"
            " results r ON r.document_id = d.id AND r.generation = d.generation AND r.name ="
            " 'total' WHERE d.id = ANY(:ids)"
        )
        for row in rows:
            if row.last is None or row.last.startswith("undo"):
                continue
            if row.decision == Outcome.REVIEWED and row.last.startswith("correct"):
                assert row.last == f"correct {row.text}"
            assert row.decision != Outcome.ACCEPTED


def test_any_order_of_events_moves_documents_as_the_table_says(db: Sessions) -> None:
    """Claims, failures, decisions, undos, further answers and sweeps, interleaved at random."""
    run_state_machine_as_test(
        lambda: AnyOrder(db),
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
