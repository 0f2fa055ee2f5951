"""Who acts: a person with a role.  Areas and doors share it, so that each door has one rule."""

from dataclasses import dataclass
from enum import StrEnum

from extractors.errors import SurefieldError

SENDER = "sender ("  # begins the name of an upstream that answers


class Role(StrEnum):
    """What a person may do; each role may do all that the one before may."""

    REVIEWER = "reviewer"  # decides fields, undoes their own decisions
    MANAGER = "manager"  # hands files in, sees everybody's pace, undoes anybody's decision
    ADMIN = "admin"  # invites people, takes rights away

    def covers(self, role: "Role") -> bool:
        """Whether this role has all rights of ``role``."""
        order = list(Role)
        return order.index(self) >= order.index(role)


def sender(upstream: str) -> str:
    """The name under which an upstream's answers to questions are kept; no person has such a
    name.
    """
    return f"{SENDER}{upstream})"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, as the rules of what people may do see them."""

    name: str
    role: Role = Role.REVIEWER


class Forbidden(SurefieldError):
    """The person has no right to do this."""

    code = "forbidden"
