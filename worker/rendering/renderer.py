"""Render files that strangers made in one warm child process that can be killed: no file can take
the worker with it.

The child streams pages and is at most one ahead of whoever consumes them, so that a thousand pages
need no more memory than one.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from extractors import errors
from extractors.errors import RenderCrashed, RenderTimeout, SurefieldError, UnsupportedFile
from extractors.sandbox.walls import NO_WALLS, Walls, walls_of
from extractors.types import Canvas
from worker.errors import RendererUnavailable, SandboxMissing
from worker.rendering.protocol import (
    MAX_PAYLOAD,
    NONSENSE,
    Buffer,
    RenderedPage,
    RenderLimits,
    largest_picture,
    pack,
    unpack,
    unpack_page,
)

__all__ = ["RenderLimits", "RenderedPage", "Renderer"]

log = structlog.get_logger()

# importing the PDF library takes 0.3 s; a machine that has just started its workers may need longer
START_SECONDS = 60.0
PIPE_BYTES = 1 << 20
ARENA_KEPT = 16 << 20  # bytes of a page's pictures; what a larger one took is given back
HOUSE = Path(__file__).resolve().parents[2]


_ERRORS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SurefieldError)
}


class Renderer:
    """One warm render child, replaced after any kill and after so many files.  One file at a time.

    Use it in the thread that made it, which must live as long as the child. A process that inherits
    a Renderer through a fork starts a child of its own.
    """

    def __init__(self, *, documents_per_child: int = 200, walls_required: bool = False) -> None:
        self.documents_per_child = documents_per_child
        self.walls_required = walls_required
        self.peak_mb = 0  # largest resident memory that any child reported
        self._child: _Child | None = None
        self._busy_in: int | None = None  # process in which a file is being rendered

    @property
    def child_pid(self) -> int | None:
        return self._child.process.pid if self._child else None

    def walls(self) -> Walls:
        """What is in force around the child, which is started where there is none.

        Raises RendererUnavailable; SandboxMissing where a wall is required and the kernel has none.
        """
        return self._ready_child().walls

    def render(
        self,
        data: bytes,
        *,
        canvas: Canvas,
        password: str | None = None,
        limits: RenderLimits,
        first: int = 1,
        waited_s: float = 0.0,
    ) -> Generator[RenderedPage]:
        """The file's pages, in order, as they are ready, from the ``first`` on.

        waited_s: seconds of the document's limit that were used up for the pages before

        Raises a SurefieldError that says what to do about the file.

        A consumer that stops early costs the child and nothing else.
        """
        if len(data) > MAX_PAYLOAD:
            raise UnsupportedFile(
                f"The file is larger than {MAX_PAYLOAD >> 20} MB. Split it, or scan at a lower"
                " resolution."
            )
        if self._busy_in == os.getpid():
            raise RuntimeError(
                "this Renderer is in the middle of another file: finish that one, or use a second"
                " Renderer"
            )
        self._busy_in = os.getpid()
        try:
            yield from self._render(
                data,
                {"password": password, "canvas": asdict(canvas), "limits": asdict(limits)},
                canvas,
                limits,
                first - 1,
                waited_s,
            )
        finally:
            self._busy_in = None

    def _render(
        self,
        data: bytes,
        request: Mapping[str, Any],
        canvas: Canvas,
        limits: RenderLimits,
        done: int,
        waited_s: float,
    ) -> Iterator[RenderedPage]:
        """The pages, from a second child where the first may have died of an earlier file."""
        while True:
            child = self._ready_child()
            try:
                with closing(
                    self._pages(
                        child, {**request, "first": done + 1}, data, canvas, limits, waited_s
                    )
                ) as pages:
                    for page in pages:
                        done = page.number
                        yield page
                return
            except RenderCrashed:
                if child.documents == 1:  # nothing came before: it is this file
                    raise

    def close(self) -> None:
        """End the child.  A closed renderer starts a fresh one when it is used again."""
        self._end_child()

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pages(
        self,
        child: "_Child",
        request: Mapping[str, Any],
        data: bytes,
        canvas: Canvas,
        limits: RenderLimits,
        waited_s: float,
    ) -> Generator[RenderedPage]:
        """Pages from this child, which lives on only if it says at the end that it is fit for
        another file.
        """
        again, most = False, largest_picture(canvas, limits)
        patience = _Patience(limits.page_seconds, limits.document_seconds, waited_s)
        child.documents += 1
        try:
            child.write(pack(request, data), patience)
            for number in count(request["first"]):
                header, payloads = child.answer(patience, most=most)
                if "end" in header:
                    break
                with patience.working():  # the worker writes the PNGs
                    page = unpack_page(header["page"], payloads, canvas=canvas, limits=limits)
                if page.number != number:
                    raise ValueError("a page is out of order")
                yield page
            end = header["end"]
            again = bool(end["again"]) and child.documents < self.documents_per_child
            self.peak_mb = max(self.peak_mb, int(end["peak_mb"]))
        except (EOFError, OSError) as error:
            raise child.post_mortem(limits) from error
        except NONSENSE as error:
            raise RenderCrashed(
                "The renderer answered nonsense about this file. Export it anew, and report the"
                " fault."
            ) from error
        finally:
            if not again:
                self._end_child()
        if end["error"] is not None:
            raise _ERRORS.get(str(end["error"]), RenderCrashed)(str(end["message"]))

    def _ready_child(self) -> "_Child":
        if self._child and (
            self._child.owner != os.getpid() or self._child.process.poll() is not None
        ):
            self._end_child()
        if self._child is None:
            self._child = self._walled(_Child.start())
        return self._child

    def _walled(self, child: "_Child") -> "_Child":
        """The fresh child, when its walls are enough."""
        if child.walls.whole:
            return child
        log.warning("render_child_without_sandbox", walls=child.walls.words)
        if self.walls_required:
            child.end()
            raise SandboxMissing(
                f"Files of strangers are not opened here: {child.walls.words}. Run on Linux 5.13 or"
                " newer with Landlock and seccomp, or set SUREFIELD_SANDBOX=available to do"
                " without."
            )
        return child

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child:
            child.end()


class _Patience:
    """How long the worker still waits, and works on what it got.

    A consumer may take its time between pages: that does not count.
    """

    def __init__(self, page_seconds: float, document_seconds: float, waited_s: float = 0.0) -> None:
        self.page_seconds = self.page_left = page_seconds
        self.document_seconds, self.document_left = document_seconds, document_seconds - waited_s

    def next_page(self) -> None:
        """Raises RenderTimeout when the document has used up its time."""
        self.page_left = self.page_seconds
        if self.document_left <= 0:
            raise self._document_timeout()

    @contextmanager
    def working(self) -> Iterator[None]:
        """What is done inside counts towards the document's time."""
        began = time.monotonic()
        yield
        self.document_left -= time.monotonic() - began

    def wait(self, poll: select.poll) -> None:
        """Until the pipe is ready, else RenderTimeout."""
        began = time.monotonic()
        ready = poll.poll(max(min(self.page_left, self.document_left), 0) * 1000)
        waited = time.monotonic() - began
        self.page_left -= waited
        self.document_left -= waited
        if ready:
            return
        if self.document_left <= self.page_left:
            raise self._document_timeout()
        raise RenderTimeout(
            f"A page was not rendered within {self.page_seconds:g} s. Export the file anew, or"
            " raise the limit."
        )

    def _document_timeout(self) -> RenderTimeout:
        return RenderTimeout(
            f"The file was not rendered within {self.document_seconds:g} s. Split it, or raise the"
            " limit."
        )


class _Child:
    """The other process and the two pipes to it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._pipes = process.stdin, process.stdout
        self.owner = os.getpid()
        self.documents = 0
        self.walls = NO_WALLS
        self._arena, self._used = bytearray(), 0  # what the last answer lies in
        self._stdin, self._stdout = process.stdin.fileno(), process.stdout.fileno()
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(self._stdin, select.POLLOUT)
        self._readable.register(self._stdout, select.POLLIN)
        os.set_blocking(self._stdin, False)

    @classmethod
    def start(cls) -> "_Child":
        command = [sys.executable, "-P", "-m", "worker.rendering.child", str(os.getpid())]
        # Nothing of the worker's environment: its addresses and passwords are no business of a
        # process that opens strangers' files.
        environment = {
            name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ
        }
        environment |= {"PYTHONPATH": str(HOUSE), "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        environment["OPENBLAS_NUM_THREADS"] = "1"  # what it is loaded for needs no second thread
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
                pipesize=PIPE_BYTES,
            )
        except OSError as error:
            raise RendererUnavailable(
                f"The render child cannot be started ({error.strerror}). Check the machine's"
                " limits."
            ) from error
        child = cls(process)
        try:
            hello, _ = child.answer(_Patience(START_SECONDS, START_SECONDS))
            if "ready" not in hello:
                raise RendererUnavailable(
                    f"The render child cannot start ({hello.get('failed')}). Install the project's"
                    " packages again."
                )
            child.walls = walls_of(hello["walls"])
        except (EOFError, OSError, RenderTimeout, *NONSENSE) as error:
            child.end()
            raise RendererUnavailable(
                "The render child did not start. Look at what `python -c 'import pymupdf'` says."
            ) from error
        except BaseException:
            child.end()
            raise
        return child

    def write(self, pieces: Iterable[Buffer], patience: _Patience) -> None:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                patience.wait(self._writable)
                view = view[os.write(self._stdin, view) :]

    def answer(self, patience: _Patience, *, most: int = 0) -> tuple[dict[str, Any], list[Buffer]]:
        """The next frame, with payloads of at most so many bytes."""
        patience.next_page()
        return unpack(partial(self._read, patience), most=most)

    def _read(self, patience: _Patience, size: int) -> memoryview:
        if len(self._arena) < self._used + size:
            self._arena, self._used = bytearray(size), 0
        whole = view = memoryview(self._arena)[self._used : self._used + size]
        while view:
            patience.wait(self._readable)
            got = os.readv(self._stdout, [view])
            if not got:
                raise EOFError
            view = view[got:]
        self._used += size
        return whole

    def post_mortem(self, limits: RenderLimits) -> SurefieldError:
        """Why there is no answer any more."""
        code = self._kill()
        if code == -signal.SIGXCPU:
            return RenderTimeout(
                f"A page took more than {limits.page_seconds:g} s of computing. Export the file"
                " anew, or raise the limit."
            )
        cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return RenderCrashed(
            f"The renderer died on this file ({cause}; its memory limit is {limits.memory_mb} MB)."
            " Export it anew, or raise the limit."
        )

    def end(self) -> None:
        """Kill the whole group and leave no zombie.

        A process that inherited the child only lets go of it.
        """
        if self.owner == os.getpid():
            self._kill()
        else:
            self.process.returncode = 0  # not ours to wait for
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.close()

    def _kill(self) -> int:
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()
