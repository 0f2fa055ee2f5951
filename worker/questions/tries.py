"""How often links may be opened: counted by link and by address, apart from signing in."""

from datetime import timedelta

from sqlalchemy import delete, func, insert, or_, select

from extractors.errors import SurefieldError
from worker.accounts.store import sha256_of
from worker.db import Tx
from worker.tables.questions import QuestionTry

WINDOW = timedelta(minutes=15)
MOST_OF_A_LINK, MOST_FROM_AN_ADDRESS = 60, 120  # requests within the window


class TooManyQuestionTries(SurefieldError):
    """Links were opened too often from one address, or one link was."""

    code = "too_many_tries"
    retry = True


def note(tx: Tx, token: str, address: str) -> None:
    """Count one request, before it is looked at; old ones are forgotten.

    To be committed by itself: a request that is refused counts all the same.
    """
    tx.session.execute(delete(QuestionTry).where(QuestionTry.tried_at < func.now() - 2 * WINDOW))
    tx.session.execute(
        insert(QuestionTry).values(token_sha256=sha256_of(token), address=address[:100])
    )


def check(tx: Tx, token: str, address: str) -> None:
    """Raises TooManyQuestionTries when this link, or this address, was tried too often within the
    window.
    """
    token_sha256, address = sha256_of(token), address[:100]
    of_link, of_address = QuestionTry.token_sha256 == token_sha256, QuestionTry.address == address
    counts = tx.session.execute(
        select(func.count().filter(of_link), func.count().filter(of_address)).where(
            QuestionTry.tried_at > func.now() - WINDOW, or_(of_link, of_address)
        )
    ).one()
    if counts[0] > MOST_OF_A_LINK or counts[1] > MOST_FROM_AN_ADDRESS:
        raise TooManyQuestionTries(
            f"This was opened too often. Wait {WINDOW.seconds // 60} minutes, and open the link"
            " again."
        )
