"""Why a reviewer's action is refused."""

from extractors.errors import SurefieldError
from worker.review.types import Decision


class ReviewConflict(SurefieldError):
    """Somebody else decided or holds this item."""

    code = "review_conflict"
    mine: Decision | None = None  # what this person had decided, to be shown beside the first


class InvalidDecision(SurefieldError):
    """A reviewer's decision contradicts itself or the item."""

    code = "invalid_decision"


class NotSeen(InvalidDecision):
    """A decision rests on a page that the person has not seen."""

    code = "not_seen"


class InvalidRows(InvalidDecision):
    """Rows that a list cannot have."""

    code = "invalid_rows"
