"""A submission as it comes over a queue: which arguments there are, and what is wrong with others.

The message is the contract with people who do not write Python: docs/queue.md describes it.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
)

from extractors.errors import SurefieldError
from worker.intake.dead_letters import Letter
from worker.intake.errors import ClearPassword, InvalidSubmission
from worker.intake.sources import Request, decoded
from worker.intake.types import PRIORITY
from worker.mailboxes.types import Parcel

TASK = "surefield.submit"
QUEUE = "cpu"  # where submissions went until each upstream had a queue; read for one more release
MEND = "Send it again as docs/queue.md describes."


class Malformed(SurefieldError):
    """A message that cannot be read."""

    code = "malformed_message"


class UnknownTask(SurefieldError):
    """A Celery message for somebody else."""

    code = "unknown_task"


class EndsItsTaker(SurefieldError):
    """A message that was taken again and again, and never settled."""

    code = "ends_its_taker"


class SubmissionMessage(BaseModel):
    """The keyword arguments of ``surefield.submit``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    type: StrictStr = Field(description="Document type, such as `invoice`; `auto`: its words say.")
    upstream: StrictStr = Field(
        default="queue", description="May be left out; another one than the queue's is refused."
    )
    source: StrictStr | None = Field(
        default=None,
        repr=False,
        description="The path of a file on the workers' machines, in place of `content_base64`.",
    )
    content_base64: StrictStr | None = Field(
        default=None, repr=False, description="The file's bytes: PDF, PNG, JPEG or TIFF."
    )
    key: StrictStr | None = Field(
        default=None,
        description=(
            "Your own name for this document; the same key gives the same document. Without one the"
            " bytes and the type are the key."
        ),
        json_schema_extra={"maxLength": 200},
    )
    priority: StrictInt = Field(
        default=PRIORITY,
        description="Higher goes first.",
        json_schema_extra={"minimum": 0, "maximum": 9},
    )
    password_sealed: StrictStr | None = Field(
        default=None,
        repr=False,
        description=(
            "The password of an encrypted PDF: in UTF-8, in a sealed box of libsodium for the key"
            " that `surefield key public` prints, in base64."
        ),
    )
    password: StrictStr | None = Field(
        default=None,
        repr=False,
        description="The same, readable; refused unless SUREFIELD_CLEAR_PASSWORDS says otherwise.",
    )
    metadata: dict[str, Any] | None = Field(
        default=None, repr=False, description="Given back with the document."
    )
    deadline: AwareDatetime | None = Field(
        default=None,
        description=(
            "When its answer is wanted, as RFC 3339 writes it with an offset: of equal priority,"
            " sooner first."
        ),
    )


def arguments_of(parcel: Parcel) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """What a message says: a JSON object with the arguments, or the same as Celery writes it, in
    either of its protocols.

    Raises Malformed, UnknownTask; neither quotes anything of the message.
    """
    if (parcel.content_encoding or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii", "binary"):
        _malformed("its content encoding is not utf-8")
    try:
        said = json.loads(parcel.body.decode())
    except (ValueError, RecursionError):
        _malformed("its body is no JSON in UTF-8")
    if "task" in parcel.headers:
        if not isinstance(said, list) or not 2 <= len(said) <= 3:
            _malformed("its body is not [args, kwargs, …], as its header `task` promises")
        task, args, kwargs = parcel.headers["task"], said[0], said[1]
    elif isinstance(said, dict) and "task" in said:
        task, args, kwargs = said["task"], said.get("args") or [], said.get("kwargs") or {}
    else:
        task, args, kwargs = TASK, [], said
    if task != TASK:
        raise UnknownTask(f"The message names a task that there is none of. {MEND}")
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        _malformed("its arguments are no JSON object")
    return args, kwargs


def _malformed(why: str) -> NoReturn:
    raise Malformed(f"The message cannot be read: {why}. {MEND}") from None


def request_of(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    upstream: str | None = None,
    clear_passwords: bool = False,
) -> Request:
    """The submission that a message states.

    upstream:        whose queue it came by; None: the message's own word, on the one queue of
                     before
    clear_passwords: whether a password that is not sealed is taken

    Raises InvalidSubmission, which quotes no value of the message.
    """
    if args:
        raise InvalidSubmission(
            "A submission has keyword arguments only. Send them as kwargs, as docs/queue.md shows."
        )
    try:
        said = SubmissionMessage(**kwargs)
    except (ValidationError, TypeError) as error:
        raise InvalidSubmission(f"{_wrong(error)} Send what docs/queue.md shows.") from None
    named = "upstream" in said.model_fields_set
    if upstream is not None and named and said.upstream != upstream:
        raise InvalidSubmission(
            f"This queue takes documents of {upstream} alone, and the message names another"
            " upstream. Leave it out, or send it to that upstream's own queue."
        )
    if said.password is not None and said.password_sealed is not None:
        raise InvalidSubmission("Send the file's password once: leave out password.")
    if said.password is not None and not clear_passwords:
        raise ClearPassword(
            "The message holds a password that everybody who reads at the broker can read. Send it"
            " as password_sealed, as docs/queue.md shows, or over HTTP; and where it is in other"
            " use, change it. To take it all the same: SUREFIELD_CLEAR_PASSWORDS=true"
        )
    return Request(
        upstream=said.upstream if upstream is None else upstream,
        document_type=said.type,
        source=said.source,
        content=_decoded("content_base64", said.content_base64),
        key=said.key,
        priority=said.priority,
        password=said.password,
        password_sealed=_decoded("password_sealed", said.password_sealed),
        metadata=said.metadata or {},
        deadline=said.deadline,
    )


def _decoded(name: str, base64_: str | None) -> bytes | None:
    """Raises InvalidSubmission."""
    return None if base64_ is None else decoded(name, base64_)


def _wrong(error: ValidationError | TypeError) -> str:
    """Which arguments are wrong and why, without what they hold."""
    if isinstance(error, TypeError):
        return "The names of a submission's arguments are not text."
    known = set(SubmissionMessage.model_fields)
    said = []
    for one in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(one["loc"][0]) if one["loc"] else ""
        said.append(f"{name}: {one['msg']}." if name in known else "There is an unknown argument.")
    return " ".join(dict.fromkeys(said))


def content_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """A whole submission, to be sealed: what ``surefield dead-letters replay`` sends again."""
    said = {"task": TASK, "queue": QUEUE, "args": list(args), "kwargs": dict(kwargs)}
    return json.dumps(said, default=str).encode()


def letter_of(args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> Letter:
    """The dead letter of a submission that is refused, or broke something.

    Its digest and size are those of the arguments as compact JSON: [args, kwargs].
    """
    body = json.dumps([list(args), dict(kwargs)], separators=(",", ":"), default=str).encode()
    return _letter(body, error, queue=QUEUE, upstream=kwargs.get("upstream"), kwargs=kwargs)


def letter_of_parcel(parcel: Parcel, upstream: str | None, error: Exception) -> Letter:
    """The dead letter of a message that became no document.

    Its digest and size are those of its body as it was sent.
    """
    try:
        _, kwargs = arguments_of(parcel)
    except SurefieldError:
        kwargs = {}
    return _letter(parcel.body, error, queue=parcel.queue, upstream=upstream, kwargs=kwargs)


def plain(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """The same message once more, in its plain form; with arguments that have no place in it, in
    Celery's first protocol.
    """
    said = {"task": TASK, "args": list(args), "kwargs": dict(kwargs)} if args else dict(kwargs)
    return json.dumps(said).encode()


def content_of_parcel(parcel: Parcel) -> bytes:
    """The whole message, to be sealed; what was refused can be sent again (``kwargs``)."""
    try:
        args, kwargs = arguments_of(parcel)
        said = {"queue": parcel.queue, "args": list(args), "kwargs": dict(kwargs)}
    except SurefieldError:
        said = {"queue": parcel.queue, "body_base64": base64.b64encode(parcel.body).decode()}
    about = {
        "headers": dict(parcel.headers),
        "content_type": parcel.content_type,
        "content_encoding": parcel.content_encoding,
    }
    return json.dumps({**said, **about}, default=str, skipkeys=True).encode()


def _letter(
    body: bytes, error: Exception, *, queue: str, upstream: Any, kwargs: Mapping[str, Any]
) -> Letter:
    known = isinstance(error, SurefieldError)
    return Letter(
        digest=hashlib.sha256(body).hexdigest(),
        size=len(body),
        queue=queue,
        task=TASK if kwargs else None,
        upstream=_text(upstream),
        key=_text(kwargs.get("key")),
        code=error.code if isinstance(error, SurefieldError) else SurefieldError.code,
        message=str(error) if known else f"{type(error).__name__}. The worker's log has more.",
    )


def _text(name: Any) -> str | None:
    return name if isinstance(name, str) else None
