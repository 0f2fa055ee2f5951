"""Why a submission is refused."""

from typing import Self

from extractors.errors import SurefieldError


class InvalidSubmission(SurefieldError):
    """A submission's arguments contradict each other or the rules."""

    code = "invalid_submission"


class KeyReused(InvalidSubmission):
    """The same upstream used the same key for other bytes or another document type."""

    code = "key_reused"


class ClearPassword(InvalidSubmission):
    """A message of a queue holds a password that everybody at the broker can read."""

    code = "clear_password"


class TooLarge(InvalidSubmission):
    """The file has more bytes than are taken."""

    code = "too_large"

    @classmethod
    def than(cls, most: int) -> Self:
        """A file with more than so many bytes."""
        return cls(f"The file has more than {most:,} bytes. Raise SUREFIELD_MAX_BYTES or split it.")


class TooManyWaiting(SurefieldError):
    """So many documents of this upstream wait that it is asked to come again later."""

    code = "too_many_waiting"
    retry = True


class SourceNotAllowed(InvalidSubmission):
    """``source`` lies outside the allowed roots."""

    code = "source_not_allowed"


class SourceUnavailable(SurefieldError):
    """``source`` cannot be read now: its machine or this one is what is wrong."""

    code = "source_unavailable"
    retry = True


class InboxUnavailable(SurefieldError):
    """Why a submission is refused cannot be written down now: its message must not be done."""

    code = "inbox_unavailable"
    retry = True
