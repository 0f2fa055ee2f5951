"""RapidOCR: the better OCR engine, a warm child process that can be killed.

On 40 photographed receipts it finds 39 totals where Tesseract finds 28.  Its models come inside its
wheel, and nothing is fetched when it runs.  It works in a process of its own, so that no picture
takes the worker with it, and what a page needed goes back to the system after the page.
"""

import importlib.util
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from extractors.errors import OcrFailed
from extractors.page.ocr.types import MEMORY_MB, WALLS_REQUIRED, SeenWord, Size, size_px_of
from extractors.sandbox.walls import NO_WALLS, Walls, walls_of
from extractors.types import Box, Word

log = logging.getLogger(__name__)

NAME = "rapidocr"
PACKAGES = ("rapidocr", "onnxruntime")
START_SECONDS = 60.0  # the libraries take one second; a machine that just starts may need longer
_HOUSE = Path(__file__).resolve().parents[3]


def why_not() -> str | None:
    """Why pages cannot be recognised here, and what to do about it; None when they can."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    return (
        f"RapidOCR is not installed ({', '.join(missing)}). Install it: pip install"
        " 'surefield[ocr]'."
        if missing
        else None
    )


class RapidOcr:
    """One warm child.  A process that inherits it through a fork starts a child of its own."""

    name = NAME

    def __init__(
        self,
        *,
        timeout_s: float = 60.0,
        memory_mb: int = MEMORY_MB,
        walls_required: bool = False,
    ) -> None:
        self.timeout_s = timeout_s
        self.memory_mb = memory_mb
        self.walls_required = walls_required
        self._walls = NO_WALLS
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    @property
    def child_pid(self) -> int | None:
        """The child's, while there is one."""
        return self._child.pid if self._child else None

    def walls(self) -> Walls:
        """What is in force around the child, which is started where there is none.

        Raises OcrFailed.
        """
        self._ready()
        return self._walls

    def words_of(self, png: bytes, *, size_pt: Size) -> list[SeenWord]:
        """The words in a picture of a page, line by line from the top.

        Raises OcrFailed, when it is not installed too (see ``why_not``).
        """
        size_px = size_px_of(png)
        x, y = size_pt[0] / size_px[0], size_pt[1] / size_px[1]
        return [
            SeenWord(Word(text, Box(x0 * x, y0 * y, x1 * x, y1 * y)), confidence)
            for text, confidence, x0, y0, x1, y1 in self._asked(png, {"task": "page"})
        ]

    def texts_at(self, png: bytes, places: Sequence[Box], *, size_pt: Size) -> list[str]:
        """The places are read as they are; lines are not looked for.

        Raises OcrFailed.
        """
        if not places:
            return []
        size_px = size_px_of(png)
        x, y = size_px[0] / size_pt[0], size_px[1] / size_pt[1]
        boxes = [[box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y] for box in places]
        return [str(text) for text in self._asked(png, {"task": "places", "places": boxes})]

    def close(self) -> None:
        """End the child; a closed engine starts a fresh one when it is asked again."""
        child, self._child = self._child, None
        if child is None:
            return
        if self._owner == os.getpid():
            child.kill()
            child.wait()
        else:
            child.returncode = 0  # not ours to wait for
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def _asked(self, png: bytes, request: Mapping[str, Any]) -> list[Any]:
        fresh, began = self._child is None, time.monotonic()
        child = self._ready()
        said = self._within(self.timeout_s, child, {**request, "bytes": len(png)}, png)
        if said is None:
            code = child.poll()
            self.close()
            if not fresh and time.monotonic() - began < self.timeout_s:
                return self._asked(png, request)  # it may have died of an earlier page
            raise OcrFailed(
                f"RapidOCR ended without an answer (status {code}). It had {self.timeout_s:g} s and"
                f" {self.memory_mb} MB for the page. Raise SUREFIELD_PAGE_TIMEOUT or"
                " SUREFIELD_OCR_MEMORY_MB, or send a smaller picture."
            )
        if "failed" in said:
            raise OcrFailed(
                f"RapidOCR cannot read the page's picture ({said['failed']}). Render the document"
                " again."
            )
        found: list[Any] = said["found"]
        return found

    def _ready(self) -> "subprocess.Popen[bytes]":
        """The child, a fresh one where there is none that lives."""
        child = self._child
        if child is not None and (self._owner != os.getpid() or child.poll() is not None):
            self.close()
        if self._child is None:
            self._child = self._started()
        return self._child

    def _started(self) -> "subprocess.Popen[bytes]":
        if reason := why_not():
            raise OcrFailed(reason)
        # nothing of the worker's environment: its addresses and passwords are of no use there
        kept = ("LD_LIBRARY_PATH", "OMP_NUM_THREADS")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"PYTHONPATH": str(_HOUSE), "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-P", "-m", "extractors.page.ocr.rapidocr_child"]
        try:
            child = subprocess.Popen(
                [*command, str(self.memory_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise OcrFailed(
                f"RapidOCR cannot be started ({error.strerror}). Check the machine's limits."
            ) from error
        self._child, self._owner = child, os.getpid()
        hello = self._within(START_SECONDS, child)
        if hello is None or "failed" in hello:
            why = "no answer" if hello is None else hello["failed"]
            self.close()
            raise OcrFailed(
                f"RapidOCR cannot start ({why}). Install it again: pip install 'surefield[ocr]'."
            )
        self._walls = walls_of(hello["walls"])
        if not self._walls.whole:
            log.warning("RapidOCR works without its sandbox: %s", self._walls.words)
        if self.walls_required and not self._walls.whole:
            self.close()
            raise OcrFailed(WALLS_REQUIRED.format(walls=self._walls.words))
        return child

    def _within(
        self,
        seconds: float,
        child: "subprocess.Popen[bytes]",
        request: Mapping[str, Any] | None = None,
        payload: bytes = b"",
    ) -> dict[str, Any] | None:
        """The child's answer; None when it died, or was killed because its time was over."""
        assert child.stdin is not None
        assert child.stdout is not None
        clock = threading.Timer(seconds, child.kill)
        clock.daemon = True
        clock.start()
        try:
            if request is not None:
                child.stdin.write(json.dumps(request).encode() + b"\n" + payload)
                child.stdin.flush()
            line = child.stdout.readline()
        except OSError:
            line = b""
        finally:
            clock.cancel()
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:  # nothing, or a line that was cut when the child died
            child.kill()
            child.wait()
            return None
        return answer
