"""The Celery app: thin tasks over ``flow.py``.  The only module that knows Celery.

CPU worker: ``celery -A worker.tasks worker -Q cpu``. The GPU worker is ``worker.gpu``: the same app
with a model.
"""

import sys
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
from sqlalchemy.exc import SQLAlchemyError

from extractors.backends import Backend
from extractors.errors import SurefieldError
from worker import bootstrap
from worker import log as logs
from worker.consumer import guarded
from worker.embedded.broker import broker_options
from worker.intake import actions, dead_letters, messages
from worker.intake.errors import InboxUnavailable
from worker.intake.outages import is_outage, until_it_passes
from worker.pipeline import flow
from worker.runtime import Runtime, no_backend
from worker.settings import LogForm, Settings, problems
from worker.tables.documents import Status

log = structlog.get_logger()
HIDDEN = "(hidden)"
# how long a submission is held while something is away, before the broker has it again
PATIENCE = timedelta(seconds=8)

Announce = Callable[[UUID, Status], None]


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
    """Raises ValueError when a wake-up does not name exactly one document."""
    if args or set(kwargs) != {"document_id"}:
        raise ValueError("a wake-up has one argument, document_id")
    UUID(str(kwargs["document_id"]))


def _can_be_called(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises ValueError at an argument whose name Celery has taken for its own functions."""
    if "self" in kwargs:
        raise ValueError("no argument is called self")


CHECKS = {messages.TASK: _can_be_called} | {
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
        return bootstrap.runtime(settings, announce=announcer(app), backend=backend)

    app.conf.worker_consumer = guarded(bootstrap.dead_letter_keeper(settings), CHECKS)
    for step in flow.FLOW:
        for name in (step.task, *flow.RENAMED.get(step.name, ())):
            _add_stage(app, step, name, runtime)
    _add_submit(app, runtime)

    def close(**_: object) -> None:
        """End this process's render child with it."""
        if runtime.cache_info().currsize:
            bootstrap.close(runtime())

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


def announcer(app: Celery) -> Announce:
    """What wakes the stage that takes documents at a status.

    A message that cannot be sent is lost, not the work: the sweeper looks.
    """

    def announce(document_id: UUID, status: Status) -> None:
        step = flow.STEP_AT.get(status)
        if step is None:
            return
        try:
            app.send_task(
                step.task,
                kwargs={"document_id": str(document_id)},
                queue=step.queue,
                retry=False,
                ignore_result=True,
            )
        except (OperationalError, OSError) as error:
            log.warning(
                "announce_failed",
                document_id=str(document_id),
                stage=step.name,
                error=type(error).__name__,
            )

    return announce


def _add_stage(app: Celery, step: flow.Step, name: str, runtime: Callable[[], Runtime]) -> None:
    @app.task(name=name, base=QuietTask)  # type: ignore[untyped-decorator]  # celery is untyped
    def stage(*, document_id: str) -> None:
        flow.advance(UUID(document_id), step.at, runtime())


def _add_submit(app: Celery, runtime: Callable[[], Runtime]) -> None:
    @app.task(name="surefield.submit", base=QuietTask, bind=True, typing=False)  # type: ignore[untyped-decorator]  # celery is untyped
    def submit_task(self: Any, *args: Any, **kwargs: Any) -> None:
        """Take one document from an upstream system; see docs/upstream.md for the message.

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
        actions.submit(messages.request_of(args, kwargs), rt)
    except Exception as error:
        if is_outage(error):
            raise
        letter = messages.letter_of(args, kwargs, error)
        try:
            with rt.transaction() as tx:
                dead_letters.keep(tx, letter)
        except SQLAlchemyError as away:
            raise InboxUnavailable(
                f"The dead letter cannot be written ({type(away).__name__}). Look at the database,"
                " and whether it is migrated: surefield doctor."
            ) from away
        if isinstance(error, SurefieldError):
            log.error("submission_refused", code=error.code, digest=letter.digest)
        else:
            log.exception("submission_broke", digest=letter.digest)
