"""A message becomes a document, or a dead letter that says why it is none."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from extractors.errors import SurefieldError
from worker.intake import actions, dead_letters, messages
from worker.intake.dead_letters import Letter
from worker.intake.errors import InboxUnavailable
from worker.intake.outages import is_outage
from worker.mailboxes.types import TAKEN_MOST, Parcel
from worker.runtime import Runtime

log = structlog.get_logger()


def take_in(parcel: Parcel, upstream: str | None, rt: Runtime) -> None:
    """The document of a message, or its dead letter.

    upstream: whose queue it came by; None: it was taken too often, and is nobody's any more

    Raises what may pass by itself: the message is not done then.
    """
    try:
        if upstream is None or parcel.taken > TAKEN_MOST:
            raise messages.EndsItsTaker(
                f"The message was taken {TAKEN_MOST} times and never settled: it ends whoever"
                " takes it, or the database was away each time. Look at it (surefield dead-letters"
                " show), and send it again (replay)."
            )
        args, kwargs = messages.arguments_of(parcel)
        request = messages.request_of(
            args, kwargs, upstream=upstream, clear_passwords=rt.clear_passwords
        )
        actions.submit(request, rt)
    except Exception as error:
        if is_outage(error):
            raise
        letter = messages.letter_of_parcel(parcel, upstream, error)
        put_aside(letter, messages.content_of_parcel(parcel), error, rt)


def put_aside(letter: Letter, content: bytes, error: Exception, rt: Runtime) -> None:
    """Keep a dead letter, with the whole message sealed.

    Raises InboxUnavailable, BlobsUnavailable: the message is not done then.
    """
    try:
        dead_letters.put_aside(rt.transaction, rt.blobs, letter, content)
    except SQLAlchemyError as away:
        raise InboxUnavailable(
            f"The dead letter cannot be written ({type(away).__name__}). Look at the database,"
            " and whether it is migrated: surefield doctor."
        ) from away
    if isinstance(error, SurefieldError):
        log.error("submission_refused", code=error.code, digest=letter.digest)
    else:
        log.error("submission_broke", digest=letter.digest, exc_info=error)
