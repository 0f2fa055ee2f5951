"""What is done to a house while documents go through it: lanes of faults, each in a thread, drawn
from one seed.
"""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import kombu
import psutil
import psycopg
from sqlalchemy.exc import SQLAlchemyError

from extractors.errors import SurefieldError
from tests.chaos import ledger, receiver
from tests.chaos.clients import a_document
from tests.chaos.house import House
from tests.chaos.ledger import Ledger
from tests.chaos.plan import KINDS, Plan
from worker import bootstrap
from worker.delivery import webhooks
from worker.delivery.tables import WebhookState
from worker.embedded.broker import broker_options
from worker.embedded.queues import conninfo
from worker.intake import actions, sources
from worker.pipeline.flow import CPU, GPU, WAKE_UPS

CHILDREN = (
    *("cpu-worker-1", "cpu-worker-2", "render child", "gpu-worker"),
    *("sweeper", "inbox", "deliverer", "web"),
)
POSTGRES_ONE_IN, BROKER_ONE_IN = 12, 8  # of the kills


@dataclass
class Faults:
    """The lanes, and how often each thing was done."""

    house: House
    plan: Plan
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    sent: int = 0  # documents of our own
    broke: list[str] = field(default_factory=list)  # faults of the tool itself
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """All lanes, until each has done what it has to; then nothing is wrong any more."""
        ending = [self._lane(name) for name in ("installation", "model", "receiver")]
        going_on = [self._lane(name) for name in ("kills", "messages")]
        for thread in (*ending, *going_on):
            thread.start()
        try:
            for thread in ending:
                thread.join()
        finally:
            self.stop.set()
            for thread in (*ending, *going_on):
                thread.join()

    def _lane(self, name: str) -> threading.Thread:
        work: Callable[[random.Random], None] = getattr(self, f"_{name}")
        rng = random.Random(f"{self.seed} {self.house.kind} {name}")

        def guarded() -> None:
            try:
                work(rng)
            except Exception as error:
                self.broke.append(f"{name}: {type(error).__name__}: {error}")

        return threading.Thread(target=guarded, name=name, daemon=True)

    def _installation(self, rng: random.Random) -> None:
        """The database and the blobs, one thing after the other."""
        faults: list[Callable[[], None]] = [
            *(lambda away=away: self._postgres_away(away) for away in self.plan.postgres_away_s),
            self._connections_used_up,
        ]
        if self.house.mounted:
            faults += [self._blobs_full, self._blobs_read_only]
        rng.shuffle(faults)
        for fault in faults:
            if self.stop.wait(rng.uniform(0.5, 2.0)):
                return
            fault()

    def _postgres_away(self, away_s: float) -> None:
        self.house.stop_postgres(away_s)
        self.done[f"Postgres stopped for {away_s:g} s"] += 1

    def _connections_used_up(self) -> None:
        """Take every connection that is left, and those of whoever has one."""
        url = self.house.settings.worker_database_url or self.house.settings.database_url
        assert url is not None
        until = time.monotonic() + self.plan.connections_used_up_s
        with self.house.database_lock, ExitStack() as held:
            taken = 0
            while time.monotonic() < until:
                try:
                    one = psycopg.connect(
                        conninfo(url.get_secret_value()),
                        application_name="chaos",
                        autocommit=True,
                        connect_timeout=5,
                    )
                except psycopg.OperationalError:
                    if taken:
                        self._end_others(held)
                    time.sleep(0.2)
                else:
                    held.callback(one.close)
                    self._first = one
                    taken += 1
        self.done["connections used up"] += 1
        self.done["  connections taken"] += taken

    def _end_others(self, held: ExitStack) -> None:
        others = (
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user"
            " and application_name <> 'chaos'"
        )
        with suppress(psycopg.Error):
            self._first.execute(others)

    def _blobs_full(self) -> None:
        ballast = self.house.fill_blobs()
        try:
            self.stop.wait(self.plan.blobs_wrong_s)
        finally:
            ballast.unlink()
        self.done["blobs full"] += 1

    def _blobs_read_only(self) -> None:
        while not self.house.mount_blobs("ro"):
            if self.stop.wait(0.02):
                return
        try:
            self.stop.wait(self.plan.blobs_wrong_s)
        finally:
            self.house.mount_blobs("rw")
        self.done["blobs read-only"] += 1

    def _model(self, rng: random.Random) -> None:
        self.stop.wait(rng.uniform(0.5, 5.0))
        self.house.model.kill()
        try:
            self.stop.wait(self.plan.model_away_s)
        finally:
            self.house.model.start()
        self.done[f"model server away for {self.plan.model_away_s:g} s"] += 1

    def _receiver(self, rng: random.Random) -> None:
        """It is away, answers with errors, is slow; one webhook is said to be gone."""
        faults: list[Callable[[], None]] = [
            self._receiver_away,
            lambda: self._answers(dict.fromkeys(KINDS, receiver.WRONG), "500"),
            lambda: self._answers(dict.fromkeys(KINDS, receiver.SLOW), "slowly"),
            lambda: self._answers({rng.choice(KINDS): receiver.TOO_SLOW}, "too late"),
            lambda: self._gone(rng.choice(KINDS)),
        ]
        rng.shuffle(faults)
        for fault in faults:
            if self.stop.wait(self.plan.between_receivers_s):
                return
            fault()

    def _receiver_away(self) -> None:
        self.house.receiver.kill()
        try:
            self.stop.wait(self.plan.receiver_away_s)
        finally:
            self.house.receiver.start()
        self.done[f"receiver away for {self.plan.receiver_away_s:g} s"] += 1

    def _answers(self, modes: dict[str, str], how: str) -> None:
        """So long, and until a message has met it."""
        until = time.monotonic() + self.plan.met_within_s
        before = self._met()
        self.house.modes(**modes)
        self._send_one(next(iter(modes)))
        self.stop.wait(self.plan.receiver_wrong_s)
        while self._met() == before and time.monotonic() < until and not self.stop.wait(0.2):
            pass
        self.house.modes()
        self.done[f"messages that the receiver answers {how}"] += self._met() - before

    def _met(self) -> int:
        return sum(1 for _ in ledger.read(receiver.otherwise(self.house.folder)))

    def _gone(self, kind: str) -> None:
        """410 switches the webhook off; its owner switches it on again, and has it replayed."""
        hook, until = self.house.hooks[kind], time.monotonic() + self.plan.met_within_s
        self.house.modes(**{kind: receiver.GONE})
        off = False
        self._send_one(kind)
        while not off and time.monotonic() < until and not self.stop.wait(0.2):
            off = self._is_off(kind)
        self.stop.wait(self.plan.receiver_wrong_s)  # what happens meanwhile waits for nobody
        self.house.modes()
        while off:
            try:
                with self.house.rt.transaction() as tx:
                    webhooks.enable(tx, hook)
                    webhooks.replay(tx, hook, self.house.began)
                break
            except SQLAlchemyError:
                time.sleep(0.5)
        self.done["receiver answers 410: switched off, on again, replayed"] += off

    def _send_one(self, kind: str) -> None:
        """One document more, so that there is something to tell."""
        self.sent += 1
        pdf = a_document("one more", self.sent, self.seed).pdf
        key = f"one more {self.sent}"
        request = sources.Request(upstream=kind, document_type="slip", content=pdf, key=key)
        while True:
            try:
                actions.submit(request, self.house.rt)
                return
            except (SQLAlchemyError, SurefieldError):
                time.sleep(0.5)

    def _is_off(self, kind: str) -> bool:
        try:
            with self.house.rt.transaction() as tx:
                [row] = webhooks.rows(tx, kind)
        except SQLAlchemyError:
            return False
        return row.state is WebhookState.DISABLED

    def _kills(self, rng: random.Random) -> None:
        """kill -9 of whichever is next."""
        while not self.stop.wait(rng.uniform(*self.plan.between_kills_s)):
            drawn = rng.random()
            victim = rng.choice(CHILDREN)
            if drawn < 1 / POSTGRES_ONE_IN:
                self.house.kill_postgres()
                self.done["kill -9: Postgres"] += 1
            elif drawn < 1 / POSTGRES_ONE_IN + 1 / BROKER_ONE_IN and self.house.broker is not None:
                self.house.kill_broker()
                self.done["kill -9: broker"] += 1
            else:
                self._kill(victim)

    def _kill(self, victim: str) -> None:
        # whoever ends in the moment in which one looks has been killed before
        with suppress(psutil.Error, ProcessLookupError):
            if (pid := self.house.pid_of(victim)) is not None:
                os.kill(pid, signal.SIGKILL)
                self.done[f"kill -9: {victim}"] += 1

    def _messages(self, rng: random.Random) -> None:
        """Wake-ups are dropped, doubled, and followed by nonsense."""
        kept = Ledger(self.house.folder / "wake-ups.ledger")
        connection = self._connection()
        while not self.stop.wait(rng.uniform(0.2, 0.8)):
            name = WAKE_UPS[rng.choice((CPU, GPU))]
            try:
                self._disturb(connection, name, rng, kept)
            except Exception:  # the broker is away: the next look finds it
                with suppress(Exception):
                    connection.release()
                connection = self._connection()
                self.stop.wait(0.5)
        with suppress(Exception):
            connection.release()

    def _connection(self) -> kombu.Connection:
        options = broker_options(bootstrap.broker_url(self.house.settings))
        return kombu.Connection(
            options["broker_url"], transport_options=options["broker_transport_options"]
        )

    def _disturb(
        self, connection: kombu.Connection, name: str, rng: random.Random, kept: Ledger
    ) -> None:
        channel = connection.default_channel
        found = kombu.Queue(name, kombu.Exchange(""), routing_key=name, channel=channel).get()
        what = rng.choice(("dropped", "doubled", "doubled", "malformed"))
        if found is not None:
            ours = str(found.headers.get("id")).startswith("nonsense")  # must come to its end
            if ours:
                found.requeue()
            elif what == "dropped":
                found.ack()
                self.done["wake-ups dropped"] += 1
            else:
                headers, kinds = dict(found.headers), (found.content_type, found.content_encoding)
                for _ in range(2):
                    self._publish(channel, name, found.body, headers, *kinds)
                found.ack()
                self.done["wake-ups doubled"] += 1
        if what == "malformed":
            key = f"nonsense {rng.random()}"
            body = json.dumps([[], {"queue": key}, {}]).encode()
            headers = {"task": "surefield.work", "id": key}
            self._publish(channel, name, body, headers, "application/json", "utf-8")
            kept.write(key=key, yes=True)
            self.done["wake-ups malformed"] += 1

    def _publish(
        self, channel: Any, name: str, body: bytes,
        headers: dict[str, object], content_type: str, content_encoding: str,
    ) -> None:  # fmt: skip
        message = channel.prepare_message(
            body,
            headers=headers,
            content_type=content_type,
            content_encoding=content_encoding,
            properties={"delivery_mode": 2},  # persistent
        )
        channel.basic_publish(message, exchange="", routing_key=name)
