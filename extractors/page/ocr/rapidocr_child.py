"""The child that runs RapidOCR: pictures on standard input, words on standard output.

A request is a line of JSON, then the picture's bytes; an answer is a line of JSON.  It ends with
standard input, and before the first picture it shuts itself in.  Run by ``rapidocr.py``, with the
most memory in MB as its argument.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

from extractors.sandbox import limits
from extractors.sandbox.syscalls import THREADS
from extractors.sandbox.walls import raise_walls

MAX_SIDE = 1280  # pixels: a larger picture takes longer and shows no more of usual print
DETECT_SIDE = 960  # pixels, in which lines are looked for
STANDING = 1.5  # a line that is so much higher than wide runs downwards
NARROW, WIDE = frozenset("iljtfr.,:;'|!()[]/- "), frozenset("mw@%")
LEAST_SIDE = 4  # pixels of a place that may hold print


def main() -> None:
    """Answer until standard input ends."""
    requests, answers = _pipes()
    limit = int(sys.argv[1]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        engine = _engine(int(os.environ.get("OMP_NUM_THREADS") or 1))
        _rehearse(engine)
    except Exception as error:
        _say(answers, {"failed": type(error).__name__})
        return
    _say(answers, {"ready": True, "walls": raise_walls(THREADS).as_told()})
    while line := requests.readline():
        request = json.loads(line)
        picture = requests.read(request["bytes"])
        if len(picture) < request["bytes"]:
            return
        try:
            found = list(TASKS[request["task"]](engine, picture, request))
            _say(answers, {"found": found})
        except Exception as error:  # its own words may quote the page
            _say(answers, {"failed": type(error).__name__})
        del picture
        limits.give_memory_back()


def _engine(threads: int) -> Any:
    """The engine with the models of its wheel, named by path so that none is ever fetched."""
    import cv2
    import rapidocr

    cv2.setNumThreads(threads)
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,  # a page is turned as a whole or not at all
            "Global.max_side_len": MAX_SIDE,
            "Global.text_score": 0.0,  # how sure is sure enough, the caller knows
            "Det.model_path": _model(models, "det"),
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECT_SIDE,
            "Rec.model_path": _model(models, "rec"),
            # each line at its own width: padding them to one took 1.6 times as long
            "Rec.rec_batch_num": 1,
            "Rec.rec_img_shape": [3, 48, 64],
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _rehearse(engine: Any) -> None:
    """Read a picture of our own: what the libraries load when they first need it is loaded then,
    and behind the walls it could not be.
    """
    import cv2
    import numpy as np

    paper = np.full((120, 480, 3), 255, np.uint8)
    cv2.putText(paper, "Total 12.50", (20, 80), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (0, 0, 0), 4)
    picture = cv2.imencode(".png", paper)[1].tobytes()
    for task, request in (("page", {}), ("places", {"places": [[0, 0, 480, 120]]})):
        list(TASKS[task](engine, picture, request))


def _model(models: Path, task: str) -> str:
    return str(next(models.glob(f"*_{task}_*.onnx")))


def _page(engine: Any, picture: bytes, request: Any) -> Iterator[list[Any]]:
    """[text, confidence, x0, y0, x1, y1] of each word, in pixels."""
    seen = engine(_pixels(picture))
    if seen.txts is None or seen.boxes is None:
        return
    for text, confidence, corners in zip(seen.txts, seen.scores, seen.boxes, strict=True):
        for word, box in _words(text, [(float(x), float(y)) for x, y in corners]):
            yield [word, min(max(float(confidence), 0.0), 1.0), *box]


def _places(engine: Any, picture: bytes, request: Any) -> Iterator[str]:
    """The text at each place; none where the place is too small for any."""
    page = _pixels(picture)
    height, width = page.shape[:2]
    cuts = []
    for x0, y0, x1, y1 in request["places"]:
        left, top = max(int(x0), 0), max(int(y0), 0)
        right, bottom = max(min(round(x1), width), left), max(min(round(y1), height), top)
        cut = page[top:bottom, left:right]
        cuts.append(_laid(cut) if min(cut.shape[:2]) >= LEAST_SIDE else ())
    some = [way for ways in cuts for way in ways]
    texts = iter(engine.recognize_txt(some).txts if some else ())
    for ways in cuts:
        yield "\n".join(str(next(texts)).strip() for _ in ways).strip()


TASKS = {"page": _page, "places": _places}


def _pixels(picture: bytes) -> Any:
    import cv2
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("no picture")
    return pixels


def _laid(cut: Any) -> tuple[Any, ...]:
    """The cut as it may be read: one that is higher than wide runs down the page, or up."""
    import numpy as np

    if cut.shape[0] < STANDING * cut.shape[1]:
        return (cut,)
    return np.rot90(cut), np.rot90(cut, 3)


def _words(
    text: str, corners: list[tuple[float, float]]
) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """The words of a line, each with its share of the line's length, as wide as print usually is.

    corners: of the line, clockwise from the top left
    """
    a, b, c, d = corners  # top left, top right, bottom right, bottom left
    if abs(d[1] - a[1]) >= STANDING * abs(b[0] - a[0]):  # it runs downwards
        a, b, c, d = b, c, d, a
    reach = [0.0, *accumulate(map(_width, text))]
    at = 0
    for word in text.split():
        at = text.index(word, at)
        ends = reach[at] / reach[-1], reach[at + len(word)] / reach[-1]
        at += len(word)
        points = [_between(p, q, end) for end in ends for p, q in ((a, b), (d, c))]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        yield word, (min(xs), min(ys), max(xs), max(ys))


def _width(letter: str) -> float:
    """Of a letter in most typefaces, the digits' width being 1."""
    if letter in NARROW:
        return 0.5
    return 1.3 if letter.isupper() or letter in WIDE else 1.0


def _between(p: tuple[float, float], q: tuple[float, float], share: float) -> tuple[float, float]:
    return p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for the answers alone: whatever else prints goes nowhere."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return requests, answers


def _say(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
