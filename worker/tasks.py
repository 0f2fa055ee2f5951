"""The Celery app: thin tasks over ``flow.py``.  The only module that knows Celery.

CPU worker: ``celery -A worker.tasks worker -Q cpu``. The GPU worker is ``worker.gpu``: the same app
with a model.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import Celery, Task, signals
from celery.worker.request import Request
from kombu.exceptions import OperationalError

from extractors.backends import Backend
from worker import bootstrap
from worker.embedded.broker import broker_options
from worker.intake import actions, sources
from worker.pipeline import flow
from worker.runtime import Runtime, no_backend
from worker.settings import Settings
from worker.tables.documents import Status

log = structlog.get_logger()
HIDDEN = "(hidden)"


@cache
def settings() -> Settings:
    """Read once a process."""
    return Settings()


app = Celery("surefield")
app.config_from_object(
    {**broker_options(bootstrap.broker_url(settings())), "task_default_queue": flow.CPU}
)


class QuietRequest(Request):  # type: ignore[misc]  # celery is untyped
    """A task message whose arguments never reach a log: a submission's hold a file and perhaps a
    password.
    """

    def __init__(self, message: Any, headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(message, headers=headers, **kwargs)
        self._argsrepr = self._kwargsrepr = HIDDEN


class QuietTask(Task):  # type: ignore[misc]  # celery is untyped
    """A task whose messages carry no readable copy of their arguments."""

    Request = QuietRequest

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """Send, with the arguments' readable copy hidden."""
        return super().apply_async(*args, **{**options, "argsrepr": HIDDEN, "kwargsrepr": HIDDEN})


_open_backends: Callable[[Settings], Callable[[str], Backend]] | None = None


def use_backends(opener: Callable[[Settings], Callable[[str], Backend]]) -> None:
    """Give this process the models; called where the GPU worker starts, before any task."""
    global _open_backends
    _open_backends = opener


@cache
def runtime() -> Runtime:
    """This process's runtime, built after the fork at the first task."""
    backend = _open_backends(settings()) if _open_backends else no_backend
    return bootstrap.runtime(settings(), announce=announce, backend=backend)


def announce(document_id: UUID, status: Status) -> None:
    """Wake the stage that takes documents at this status.

    A message that cannot be sent is lost, not the work: the sweeper looks.
    """
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


def _task_of(step: flow.Step, name: str) -> None:
    @app.task(name=name, base=QuietTask)  # type: ignore[untyped-decorator]  # celery is untyped
    def stage(*, document_id: str) -> None:
        step.run(UUID(document_id), runtime())


for _step in flow.FLOW:
    for _name in (_step.task, *flow.RENAMED.get(_step.name, ())):
        _task_of(_step, _name)


@app.task(name="surefield.submit", base=QuietTask)  # type: ignore[untyped-decorator]  # celery is untyped
def submit_task(
    *,
    type: str,
    upstream: str = "queue",
    source: str | None = None,
    content_base64: str | None = None,
    key: str | None = None,
    priority: int = 0,
    password: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Take one document from an upstream system; see the README for the message."""
    actions.submit(
        sources.Request(
            upstream=upstream,
            document_type=type,
            source=source,
            content=None if content_base64 is None else sources.decoded(content_base64),
            key=key,
            priority=priority,
            password=password,
            metadata=metadata or {},
        ),
        runtime(),
    )


@signals.worker_process_shutdown.connect  # type: ignore[untyped-decorator]  # celery is untyped
@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def _close(**_: object) -> None:
    """End this process's render child with it."""
    if runtime.cache_info().currsize:
        bootstrap.close(runtime())
