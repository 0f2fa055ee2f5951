"""Why a reviewer's action is refused."""

from extractors.errors import SurefieldError


class ReviewConflict(SurefieldError):
    """Somebody else decided or holds this item."""

    code = "review_conflict"


class InvalidDecision(SurefieldError):
    """A reviewer's decision contradicts itself or the item."""

    code = "invalid_decision"
