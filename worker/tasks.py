"""The Celery app: thin tasks over ``flow.py``.  The only module that knows Celery.

CPU worker: ``celery -A worker.tasks worker -Q cpu``. The GPU worker is ``worker.gpu``: the same app
with a model.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import Celery, Task, signals
from celery.exceptions import Reject
from celery.worker.request import Request
from kombu.exceptions import OperationalError
from pydantic import ValidationError

from extractors.backends import Backend
from extractors.errors import SurefieldError
from extractors.sandbox.limits import bound_memory
from worker import bootstrap
from worker import log as logs
from worker.consumer import guarded
from worker.embedded import unprivileged
from worker.embedded.broker import broker_options
from worker.intake import actions, messages
from worker.intake.outages import is_outage, until_it_passes
from worker.intake.taking import put_aside
from worker.pipeline import flow
from worker.runtime import Runtime, no_backend
from worker.settings import LogForm, Settings, problems
from worker.tables.documents import Status

log = structlog.get_logger()
HIDDEN = "(hidden)"
# how long a submission is held while something is away, before the broker has it again
PATIENCE = timedelta(seconds=8)

WAKE_UP = "surefield.work"
# how long a queue that was full counts as full: whoever answers what waits there looks again
STAYS_FULL_S = 0.05

Announce = Callable[[UUID, Status], None]
Wake = Callable[[str], None]


class QuietRequest(Request):  # type: ignore[misc]  # celery is untyped
    """A task message whose arguments never reach a log: a submission's hold a file and perhaps a
    password.

    It is taken when it comes: Celery drops what has expired, and holds what is for later in memory
    where a broker counts it as a killed worker's.
    """

    def __init__(self, message: Any, headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(message, headers=headers, **kwargs)
        self._argsrepr = self._kwargsrepr = HIDDEN
        self._eta = self._expires = None


class QuietTask(Task):  # type: ignore[misc]  # celery is untyped
    """A task whose messages carry no readable copy of their arguments."""

    Request = QuietRequest

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """Send, with the arguments' readable copy hidden."""
        return super().apply_async(*args, **{**options, "argsrepr": HIDDEN, "kwargsrepr": HIDDEN})


def _names_a_document(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises ValueError when a wake-up of the version before does not name exactly one document."""
    if args or set(kwargs) != {"document_id"}:
        raise ValueError("such a wake-up has one argument, document_id")
    UUID(str(kwargs["document_id"]))


def _names_a_queue(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises ValueError when a wake-up does not name exactly one queue."""
    if args or set(kwargs) != {"queue"} or kwargs["queue"] not in flow.QUEUES:
        raise ValueError("a wake-up has one argument, queue")


def _can_be_called(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises ValueError at an argument whose name Celery has taken for its own functions."""
    if "self" in kwargs:
        raise ValueError("no argument is called self")


CHECKS = {messages.TASK: _can_be_called, WAKE_UP: _names_a_queue} | {
    name: _names_a_document
    for step in flow.FLOW
    for name in (step.task, *flow.RENAMED.get(step.name, ()))
}


def create_celery(
    settings: Settings,
    *,
    backends: Callable[[Settings], Callable[[str], Backend]] | None = None,
) -> Celery:
    """The app of these settings, with every task; nothing connects yet.

    backends: the models, where this process has them
    """
    app = Celery("surefield", set_as_current=False)
    app.config_from_object(
        {**broker_options(bootstrap.broker_url(settings)), "task_default_queue": flow.CPU}
    )

    @cache
    def runtime() -> Runtime:
        """This process's runtime, built after the fork at the first task."""
        backend = backends(settings) if backends else no_backend
        wake = waker(app)
        return bootstrap.runtime(settings, announce=announcer(wake), wake=wake, backend=backend)

    app.conf.worker_consumer = guarded(bootstrap.dead_letter_keeper(settings), CHECKS)
    for step in flow.FLOW:  # wake-ups of the version before name a document
        for name in (step.task, *flow.RENAMED.get(step.name, ())):
            _add_stage(app, step, name, runtime)
    _add_wake_up(app, runtime)
    _add_submit(app, runtime)

    def close(**_: object) -> None:
        """End this process's render child with it."""
        if runtime.cache_info().currsize:
            bootstrap.close(runtime())

    signals.celeryd_after_setup.connect(_hears_wake_ups(app), weak=False)
    signals.worker_process_shutdown.connect(close, weak=False)
    signals.worker_shutdown.connect(close, weak=False)
    return app


def app_of_this_process(
    backends: Callable[[Settings], Callable[[str], Backend]] | None = None,
) -> Celery:
    """The app of a worker, by its environment; what is wrong there ends the process with a
    sentence.
    """
    try:
        settings = Settings()
        logs.configure(json=settings.log is LogForm.JSON)
        unprivileged.leave_root(settings.state_dir, settings.blobs, allowed=settings.allow_root)
        if backends is None:  # a model plans its own memory
            bound_memory(settings.worker_memory_mb)
        return create_celery(settings, backends=backends)
    except ValidationError as error:
        sys.exit("\n".join(f"invalid_setting: {said}" for said in problems(error)))
    except SurefieldError as error:
        sys.exit(f"{error.code}: {error}")


def __getattr__(name: str) -> Any:
    """``app``, made when ``celery -A worker.tasks`` asks: whoever imports the module needs no
    settings.
    """
    if name != "app":
        raise AttributeError(name)
    globals()["app"] = app_of_this_process()
    return globals()["app"]


def waker(app: Celery) -> Wake:
    """What wakes a worker of a queue, unless a handful of wake-ups waits there already.

    A message that cannot be sent is lost, not the work: the sweeper looks.
    """
    full_at = dict.fromkeys(flow.QUEUES, float("-inf"))

    def wake(queue: str) -> None:
        if time.monotonic() - full_at[queue] < STAYS_FULL_S:
            return
        name = flow.WAKE_UPS[queue]
        try:
            with app.producer_or_acquire() as producer:
                if _waiting(app, producer, name) >= flow.HANDFUL:
                    full_at[queue] = time.monotonic()
                    return
                app.send_task(
                    WAKE_UP,
                    kwargs={"queue": queue},
                    queue=name,
                    retry=False,
                    ignore_result=True,
                    producer=producer,
                )
        except (OperationalError, OSError) as error:
            log.warning("wake_up_not_sent", queue=queue, error=type(error).__name__)

    return wake


def _waiting(app: Celery, producer: Any, name: str) -> int:
    """How many messages wait in this queue, which is made where it is missing."""
    queue, channel = app.amqp.queues[name], producer.channel
    declared = channel.queue_declare(
        queue=queue.name,
        durable=queue.durable,
        exclusive=queue.exclusive,
        auto_delete=queue.auto_delete,
        arguments=channel.prepare_queue_arguments(queue.queue_arguments or {}),
    )
    return int(declared.message_count)


def announcer(wake: Wake) -> Announce:
    """What is told of each document that moved: it wakes the queue in which it waits now."""

    def announce(document_id: UUID, status: Status) -> None:
        step = flow.STEP_AT.get(status)
        if step is not None:
            wake(step.queue)

    return announce


def _add_wake_up(app: Celery, runtime: Callable[[], Runtime]) -> None:
    @app.task(name=WAKE_UP, base=QuietTask)  # type: ignore[untyped-decorator]  # celery is untyped
    def work(*, queue: str) -> None:
        flow.work(queue, runtime())


def _hears_wake_ups(app: Celery) -> Callable[..., None]:
    """A worker of a queue takes the wake-ups for it, too, wherever they wait."""

    def add(instance: Any, **_: object) -> None:
        if instance.app is app:
            taken = set(app.amqp.queues.consume_from)
            for queue, name in flow.WAKE_UPS.items():
                if queue in taken and name not in taken:
                    app.amqp.queues.select_add(name)

    return add


def _add_stage(app: Celery, step: flow.Step, name: str, runtime: Callable[[], Runtime]) -> None:
    @app.task(name=name, base=QuietTask)  # type: ignore[untyped-decorator]  # celery is untyped
    def stage(*, document_id: str) -> None:
        flow.advance(UUID(document_id), step.at, runtime())


def _add_submit(app: Celery, runtime: Callable[[], Runtime]) -> None:
    @app.task(name="surefield.submit", base=QuietTask, bind=True, typing=False)  # type: ignore[untyped-decorator]  # celery is untyped
    def submit_task(self: Any, *args: Any, **kwargs: Any) -> None:
        """Take one document from an upstream system; see docs/queue.md for the message.

        The message leaves the broker only when it is a row: a document, or a dead letter that says
        why it is none.
        """
        try:
            until_it_passes(lambda: _take_in(args, kwargs, runtime()), patience=PATIENCE)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("submission_waits", error=type(error).__name__)
            raise Reject(type(error).__name__, requeue=True) from error


def _take_in(args: tuple[Any, ...], kwargs: dict[str, Any], rt: Runtime) -> None:
    """The document of a message, or its dead letter.

    Raises what may pass by itself: the message is not done then.
    """
    try:
        request = messages.request_of(args, kwargs, clear_passwords=rt.clear_passwords)
        actions.submit(request, rt)
    except Exception as error:
        if is_outage(error):
            raise
        letter = messages.letter_of(args, kwargs, error)
        put_aside(letter, messages.content_of(args, kwargs), error, rt)
