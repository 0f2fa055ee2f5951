"""What may pass by itself while a submission is taken in, and how long it is waited for."""

import errno
from datetime import timedelta

import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, IntegrityError

from extractors.errors import SurefieldError
from worker.errors import BlobsUnavailable
from worker.intake.errors import InvalidSubmission
from worker.intake.outages import is_outage, until_it_passes


class OfOurs(SurefieldError):
    """It passes, it speaks of the installation, both, or neither."""

    code = "of_ours"

    def __init__(self, *, retry: bool, installation: bool) -> None:
        super().__init__("so it is")
        self.__dict__.update(retry=retry, installation=installation)


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (OfOurs(retry=True, installation=False), True),
        (OfOurs(retry=False, installation=True), True),
        (OfOurs(retry=False, installation=False), False),
        (InvalidSubmission("no"), False),
        (OSError(errno.ENOSPC, "full"), True),
        (OSError("whatever it is"), True),
        (MemoryError(), True),
        (DBAPIError("insert", {}, errors.AdminShutdown("")), True),
        (DBAPIError("insert", {}, errors.UndefinedTable("")), True),
        (DBAPIError("insert", {}, errors.InsufficientPrivilege("")), True),
        (IntegrityError("insert", {}, errors.UniqueViolation("")), False),
        (ValueError("no"), False),
    ],
)
def test_an_outage_is_of_the_installation_and_not_of_the_submission(error, outage):
    """Ours say so of themselves; the machine's and the database's are known by number."""
    assert is_outage(error) == outage


def away(tries):
    def work():
        tries.append(1)
        raise BlobsUnavailable("away")

    return work


@pytest.mark.parametrize(("patience_s", "most"), [(0.0, 1), (0.19, 1), (0.5, 2), (1.3, 3)])
def test_an_outage_is_waited_for_in_pauses_that_grow(patience_s, most):
    """0.2 seconds, then 0.4, then 0.8: no pause begins that would end too late."""
    tries = []

    with pytest.raises(BlobsUnavailable):
        until_it_passes(away(tries), patience=timedelta(seconds=patience_s))

    # a machine that stands still tries less often, and never more often
    assert 1 <= len(tries) <= most


def test_what_is_no_outage_is_tried_once_however_long_one_may_wait():
    """It would be the same again."""
    tries = []

    def refuses():
        tries.append(1)
        raise InvalidSubmission("no")

    with pytest.raises(InvalidSubmission):
        until_it_passes(refuses, patience=timedelta(hours=1))
    assert len(tries) == 1
