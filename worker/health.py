"""Whether the work goes on: what waits at each stage, how long, and whether anybody takes it.

It is told from the rows alone, so that every door says the same, wherever the workers run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from extractors.errors import SurefieldError
from extractors.registry import Finding
from worker.pipeline import flow
from worker.runtime import Runtime

UNSERVED_AFTER = timedelta(seconds=45)  # more than a lease and a sweep: a killed worker is no fault
LONGEST_WORDS = 300

# What could be taken now, whether somebody holds a lease there, what came through lately, and why
# the stage pauses.
STAGE = """
WITH here AS (
    SELECT id, updated_at, next_attempt_at, lease_until, error_code, error_message
    FROM documents WHERE status = :at
), free AS (
    SELECT count(*) AS waiting, min(greatest(updated_at, coalesce(next_attempt_at, updated_at)))
        AS since
    FROM here WHERE (lease_until IS NULL OR lease_until < now())
        AND (next_attempt_at IS NULL OR next_attempt_at <= now())
        AND (NOT :by_page OR EXISTS (
            SELECT FROM pages p WHERE p.document_id = here.id AND p.status = 'rendered'
                AND (p.next_attempt_at IS NULL OR p.next_attempt_at <= now())
        ))
)
SELECT
    (SELECT count(*) FROM here) AS documents,
    free.waiting,
    extract(epoch FROM now() - free.since)::float AS oldest_s,
    EXISTS (SELECT FROM here WHERE lease_until > now()) OR EXISTS (
        SELECT FROM pages JOIN here ON here.id = pages.document_id
        WHERE :by_page AND pages.lease_until > now()
    ) AS held,
    EXISTS (
        SELECT FROM document_events WHERE from_status = :at AND at > now() - :lately
    ) AS moving,
    pause.code || ': ' || pause.message AS lacking,
    extract(epoch FROM now() - pause.since)::float AS paused_s,
    extract(epoch FROM greatest(pause.retry_at - now(), make_interval()))::float AS probe_in_s
FROM free LEFT JOIN stage_pauses pause ON pause.stage = :name
"""


ALARMED = """
SELECT left(id::text, 8) AS certificate, document_type, state, alarm
FROM certificates WHERE state IN ('suspended', 'broken') ORDER BY alarmed_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageHealth:
    """How one stage fares."""

    name: str
    queue: str
    documents: int  # that stand before it
    oldest: timedelta | None  # of those that could be taken now, the one that waits longest
    served: bool  # somebody holds one, or one went on a moment ago, or none waits for long
    lacking: str | None  # why it pauses: what the installation lacks
    paused: timedelta | None = None  # how long it pauses already
    probe_in: timedelta | None = None  # when it is tried again

    @property
    def finding(self) -> Finding:
        """The same in a sentence."""
        if self.lacking is not None and self.documents:
            since, again = _rounded(self.paused), _rounded(self.probe_in)
            why = self.lacking[:LONGEST_WORDS]
            return Finding(
                False,
                f"has paused for {since}, {self.documents} wait. {why} It is tried again in"
                f" {again}, and goes on by itself.",
            )
        waits = "" if self.oldest is None else f", the oldest for {_rounded(self.oldest)}"
        if not self.served:
            return Finding(
                False,
                f"nobody serves the queue {self.queue}: {self.documents} wait{waits}. Is its worker"
                " started, stopped, or restarted again and again? Look at its log.",
            )
        return Finding(True, f"{self.documents} wait{waits}" if self.documents else "nothing waits")


def stages(rt: Runtime) -> list[StageHealth]:
    """Every stage, in the order of the flow."""
    with rt.sessions() as session:
        found = []
        for step in flow.FLOW:
            asked = {
                "at": step.at.value,
                "by_page": step.queue == flow.GPU,
                "lately": UNSERVED_AFTER,
                "name": step.name,
            }
            row = session.execute(text(STAGE), asked).one()
            oldest = _long(row.oldest_s)
            long = oldest is not None and oldest > UNSERVED_AFTER
            found.append(
                StageHealth(
                    name=step.name,
                    queue=step.queue,
                    documents=row.documents,
                    oldest=oldest,
                    served=row.held or row.moving or not long,
                    lacking=row.lacking,
                    paused=_long(row.paused_s),
                    probe_in=_long(row.probe_in_s),
                )
            )
    return found


def findings(rt: Runtime) -> dict[str, Finding]:
    """Stage by stage."""
    return {stage.name: stage.finding for stage in stages(rt)}


def certificates(rt: Runtime) -> Finding:
    """No certificate was suspended by an alarm, or found broken."""
    with rt.sessions() as session:
        rows = session.execute(text(ALARMED)).all()
    if not rows:
        return Finding(True, "no alarm")
    told = [f"{row.certificate} ({row.document_type}) is {row.state}: {row.alarm}" for row in rows]
    return Finding(False, f"{'; '.join(told)}. See: surefield certify list, surefield recheck")


def _codes(kind: type[SurefieldError]) -> Iterator[str]:
    if kind.installation:
        yield kind.code
    for each in kind.__subclasses__():
        yield from _codes(each)


INSTALLATION_CODES = frozenset(_codes(SurefieldError))


def _long(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _rounded(waited: timedelta | None) -> str:
    seconds = 0.0 if waited is None else waited.total_seconds()
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"
