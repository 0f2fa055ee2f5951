"""A whole installation of real processes, whose every part can be killed and started again; on
ports and in folders of its own, and gone at the end.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

import kombu
import redis
from pydantic import SecretStr
from sqlalchemy import text

from extractors.documents import Ask
from extractors.page.ocr.engines import Engine
from tests.chaos import model
from tests.chaos.plan import DELIVERY_LIMIT, KINDS, Plan
from tests.embedded.processes import ROOT, end_group, eventually, free_port, private_folder
from tests.faults.work import quick_settings, upstream
from tests.services.servers import Server, postgres_server, rabbitmq_server, redis_server
from worker.accounts import store as accounts
from worker.cli import local
from worker.delivery import webhooks
from worker.embedded.orphans import end, mark_of, marked
from worker.embedded.postgres import EmbeddedPostgres
from worker.mailboxes.amqp import DEAD, QUORUM
from worker.mailboxes.names import queue_of
from worker.pipeline.flow import WAKE_UPS
from worker.runtime import Runtime
from worker.settings import Settings
from worker.settings.table import environment_of

BLOBS_MB = 1_000
SMALL = 4_096  # bytes of the ballast's last pieces


@dataclass
class Process:
    """A process of ours that can be killed and started again."""

    argv: list[str]
    env: dict[str, str]
    log: Path
    running: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """In a group of its own, so that Ctrl-C is for us alone."""
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                [sys.executable, *self.argv],
                cwd=ROOT,
                env={**os.environ, **self.env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
            )

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self.running is not None:
            end_group(self.running)


@dataclass(kw_only=True)
class House:
    """What runs, and how to reach it."""

    kind: str
    folder: Path
    settings: Settings  # with the database that answers
    rt: Runtime  # as the owner of the database
    up: Process
    model: Process
    receiver: Process
    postgres: Server | None  # None: the embedded one
    broker: Server | None  # None: the queue is in Postgres
    hooks: dict[str, UUID]  # by the client's kind
    mounted: bool  # the blobs are a file system of their own
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    database_lock: threading.Lock = field(default_factory=threading.Lock)
    broker_lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def blobs(self) -> Path:
        """The store's folder."""
        return Path(self.settings.blobs)

    def pid_of(self, victim: str) -> int | None:
        """The process to kill, by what it is; None where it does not run now."""
        if victim == "render child":
            children = [
                one.pid
                for worker in marked(mark_of(self.settings.state_dir, "cpu-worker"))
                for one in worker.children()
                if "rendering.child" in " ".join(one.cmdline())
            ]
            return secrets.choice(children) if children else None
        found = list(marked(mark_of(self.settings.state_dir, f"{victim}\n")))
        inner = {one.pid for one in found}
        return next((one.pid for one in found if one.ppid() not in inner), None)

    def kill_postgres(self) -> None:
        """kill -9 of the server; whoever looks after it starts it again."""
        with self.database_lock:
            if self.postgres is not None:
                self.postgres.restart()
                return
            pid = EmbeddedPostgres(self.settings.state_dir).pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                eventually(EmbeddedPostgres(self.settings.state_dir).answers, within_s=60)

    def stop_postgres(self, away_s: float) -> None:
        """Stop the server in order, and start it again after so long."""
        with self.database_lock:
            if self.postgres is not None:
                assert self.postgres.process is not None
                self.postgres.process.send_signal(signal.SIGINT)  # a fast shutdown
                self.postgres.process.wait(60)
                time.sleep(away_s)
                self.postgres.start()
                return
            embedded = EmbeddedPostgres(self.settings.state_dir)
            assert self.up.running is not None
            self.up.running.send_signal(signal.SIGSTOP)  # it would start the server at once
            try:
                pid = embedded.pid
                if pid is not None:
                    os.kill(pid, signal.SIGINT)
                time.sleep(away_s)
            finally:
                self.up.running.send_signal(signal.SIGCONT)
            eventually(embedded.answers, within_s=60)

    def kill_broker(self) -> None:
        """kill -9 of the broker, started again."""
        assert self.broker is not None
        with self.broker_lock:
            self.broker.restart()

    def fill_blobs(self) -> Path:
        """Leave no byte to the blobs; returns what takes the room."""
        ballast = self.blobs / "ballast"
        with ballast.open("wb") as file:
            size = 1 << 26
            while size >= SMALL:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
                except OSError:
                    size //= 2
        return ballast

    def mount_blobs(self, how: str) -> bool:
        """``ro`` or ``rw``; False where a file is open for writing."""
        mount = subprocess.run(
            ["mount", "-o", f"remount,{how}", str(self.blobs)], capture_output=True, check=False
        )
        return mount.returncode == 0

    def held(self, word: str) -> int:
        """Wake-ups with this word that wait, or that the broker keeps for a worker that was killed:
        it gives them to another one when their time is over.
        """
        if self.kind == "redis":
            assert self.broker is not None
            with redis.Redis.from_url(self.broker.url) as client:
                lists = [client.lrange(name, 0, -1) for name in set(WAKE_UPS.values())]
                lists.append(client.hvals("unacked"))
            return sum(word.encode() in one for many in lists for one in many)
        if self.kind == "pgmq":
            count = "SELECT count(*) FROM pgmq.q_{} WHERE message::text LIKE :word"
            with self.rt.sessions() as session:
                found = [
                    session.execute(text(count.format(name)), {"word": f"%{word}%"}).scalar_one()
                    for name in set(WAKE_UPS.values())
                ]
            return sum(map(int, found))
        return 0

    def modes(self, **modes: str) -> None:
        """How the receiver answers on each path from now on."""
        new = self.folder / "modes.new"
        new.write_text(json.dumps(modes))
        new.replace(self.folder / "modes.json")


@contextmanager
def house(kind: str, plan: Plan, seed: int) -> Iterator[House]:
    """Everything up, with an upstream, a key, a queue and a webhook for each kind of client."""
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        postgres = None if kind == "pgmq" else stack.enter_context(postgres_server())
        broker: Server | None = None
        if kind == "rabbitmq":
            broker = stack.enter_context(rabbitmq_server())
        elif kind == "redis":
            broker = stack.enter_context(redis_server(fsync="always"))
        state = folder / "state"
        mounted = _mount(state / "blobs", stack)
        ports = {name: free_port() for name in ("web", "model", "receiver")}
        base = _settings(state, plan, ports, postgres, broker)
        ready = stack.enter_context(local.database(base, migrates=True))
        rt = stack.enter_context(upstream(ready))
        if broker is not None and kind == "rabbitmq":
            _low_limits(broker.url)
        found = House(
            kind=kind,
            folder=folder,
            settings=ready,
            rt=rt,
            up=Process(["-m", "worker", "up"], environment_of(base), folder / "up.log"),
            model=Process(
                ["-m", "tests.chaos.model", str(ports["model"])], {}, folder / "model.log"
            ),
            receiver=Process(
                ["-m", "tests.chaos.receiver", str(ports["receiver"]), str(folder)],
                {},
                folder / "receiver.log",
            ),
            postgres=postgres,
            broker=broker,
            hooks={},
            mounted=mounted,
        )
        _register(found, plan, ports, seed)
        found.modes()
        for process in (found.model, found.receiver):
            process.start()
            stack.callback(process.kill)
        stack.callback(_end, found)
        found.up.start()
        eventually(lambda: _is_up(found), within_s=120)
        yield found


def _settings(
    state: Path, plan: Plan, ports: dict[str, int], postgres: Server | None, broker: Server | None
) -> Settings:
    return quick_settings(
        state,
        backend="vllm",
        model=model.NAME,
        server_url=f"http://127.0.0.1:{ports['model']}/v1",
        grammar=False,
        ocr=Engine.OFF,
        ask_sender=frozenset({Ask.ENCRYPTED}),
        claim_lease=plan.lease,
        patience=plan.patience,
        sweep_every=plan.sweep_every,
        webhook_networks=(ip_network("127.0.0.0/8"),),
        web_port=ports["web"],
        database_url=None if postgres is None else SecretStr(postgres.url),
        broker_url=None if broker is None else SecretStr(broker.url),
    )


def _mount(blobs: Path, stack: ExitStack) -> bool:
    """A small file system for the blobs, which can be filled; False where nobody may mount one."""
    blobs.mkdir(parents=True)
    options = f"size={BLOBS_MB}m,mode=0755"
    command = ["mount", "-t", "tmpfs", "-o", options, "surefield-chaos", str(blobs)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    unmount = ["umount", "-l", str(blobs)]
    stack.callback(lambda: subprocess.run(unmount, check=False, capture_output=True))
    return True


def _low_limits(url: str) -> None:
    """The clients' queues, as an administrator makes them who allows fewer deliveries."""
    low = {**QUORUM, "x-delivery-limit": DELIVERY_LIMIT}
    with kombu.Connection(url) as connection:
        channel = connection.default_channel
        channel.exchange_declare(DEAD, "fanout", durable=True, auto_delete=False)
        channel.queue_declare(
            DEAD, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
        channel.queue_bind(DEAD, DEAD)
        for kind in KINDS:
            channel.queue_declare(queue_of(kind), durable=True, auto_delete=False, arguments=low)


def _register(found: House, plan: Plan, ports: dict[str, int], seed: int) -> None:
    signs = {}
    with found.rt.transaction() as tx:
        keys = {kind: accounts.make_key(tx, kind) for kind in KINDS}
        for kind in KINDS:
            address = f"http://127.0.0.1:{ports['receiver']}/{kind}"
            found.hooks[kind], signs[kind] = webhooks.add(tx, kind, address, by="chaos")
    (found.folder / "secrets.json").write_text(json.dumps(signs))
    said = {
        "seed": seed,
        "web": f"http://127.0.0.1:{ports['web']}",
        "key": keys["http"],
        "documents": plan.documents // len(KINDS),
        "lasts_s": plan.lasts_s,
    }
    (found.folder / "clients.json").write_text(json.dumps(said))


def _is_up(found: House) -> bool:
    assert found.up.running is not None
    assert found.up.running.poll() is None, found.up.log.read_text(errors="replace")[-3000:]
    return "Surefield is up" in found.up.log.read_text(errors="replace")


def _end(found: House) -> None:
    """In order, and what does not end in order is killed."""
    running = found.up.running
    if running is not None and running.poll() is None:
        running.send_signal(signal.SIGCONT)
        running.terminate()
        try:
            running.wait(40)
        except subprocess.TimeoutExpired:
            running.kill()
    end(mark_of(found.settings.state_dir))


def client(found: House, kind: str) -> Process:
    """The process of one client, not started yet."""
    return Process(
        ["-m", "tests.chaos.clients", kind, str(found.folder)],
        environment_of(found.settings),
        found.folder / f"{kind}.log",
    )
