"""Fits in the database: kept, listed, put in force and taken back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.decision.combined import Prior
from worker.db import Tx
from worker.errors import NotFound
from worker.fits.tables import Fit, FitUse
from worker.fits.types import FitState, Kept, Live

log = structlog.get_logger()

# Of each type, model and decode mode: what is in force, and the newest that never was.
LIVE = text("""
SELECT DISTINCT ON (v.state, coalesce(v.document_type, ''), v.fingerprint, v.decode_mode)
    v.method, v.state, v.document_type, f.weights
FROM reporting.fits AS v
JOIN public.fits AS f ON f.id = v.fit
WHERE v.state IN ('in_force', 'shadow')
  AND (v.document_type IS NULL OR v.document_type = :document_type)
ORDER BY v.state, coalesce(v.document_type, ''), v.fingerprint, v.decode_mode, v.fitted_at DESC
""")
IN_FORCE = text("""
SELECT method FROM reporting.fits
WHERE state = 'in_force' AND (document_type IS NULL OR document_type = :document_type)
ORDER BY document_type NULLS LAST, method
""")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('surefield.fits'))")
LISTED = text("SELECT * FROM reporting.fits ORDER BY fitted_at DESC, fit")


def save(tx: Tx, row: Mapping[str, Any]) -> UUID:
    """Keep a fit, and return its id; the same weights of the same type are kept once."""
    made = (
        pg_insert(Fit)
        .values(**row)
        .on_conflict_do_nothing(
            index_elements=[Fit.method, text("coalesce(document_type, '')")],
        )
        .returning(Fit.id)
    )
    found = tx.session.execute(made).scalar_one_or_none()
    if found is None:
        same = select(Fit.id).where(
            Fit.method == row["method"],
            Fit.document_type.is_not_distinct_from(row["document_type"]),
        )
        found = tx.session.execute(same).scalar_one()
    return found


def live(tx: Tx, document_type: str) -> list[Live]:
    """Those whose scores are computed for documents of this type.

    Weights of a release with other features mean nothing here: there is no score by them, and what
    ships decides.
    """
    rows = tx.session.execute(LIVE, {"document_type": document_type})
    found = []
    for row in rows:
        try:
            found.append(Live(method=row.method, prior=Prior.model_validate(row.weights)))
        except ValidationError:
            log.warning("fit_not_understood", method=row.method, state=row.state)
    return found


def in_force(tx: Tx, document_type: str) -> list[str]:
    """The methods that decide for this type, its own before those of all types."""
    return list(tx.session.execute(IN_FORCE, {"document_type": document_type}).scalars())


def listed(tx: Tx) -> list[Kept]:
    """All of them, the newest first."""
    return [
        Kept(**{**row._mapping, "state": FitState(row.state)}) for row in tx.session.execute(LISTED)
    ]


def kept(tx: Tx, fit_id: UUID, *, lock: bool = False) -> Kept:
    """One of them.

    lock: no other fit is put in force or taken back until the transaction ends

    Raises NotFound.
    """
    if lock:
        tx.session.execute(ALONE)
    found = next((one for one in listed(tx) if one.fit == fit_id), None)
    if found is None:
        raise NotFound(f"There is no fit {fit_id}. See: surefield fit --list")
    return found


def say(tx: Tx, fit_id: UUID, *, decides: bool, who: str, because: str | None) -> None:
    """It decides from now on, or no more."""
    tx.session.execute(
        insert(FitUse).values(fit_id=fit_id, decides=decides, who=who, because=because)
    )
