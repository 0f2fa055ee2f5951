"""Certificates for tests that are not about how one is made."""

from worker.db import Tx

SUSPENDED = """
INSERT INTO certificates (document_type, family, band, conditions, fingerprint, method, alpha,
    delta, missed, thresholds, size, state, planned_by, tested_at, threshold, alarmed_at, alarm,
    changed_at)
VALUES ('slip', 'rest', 'fair', 'c', 'f', 'm', 0.01,
    0.05, 0.1, '{0.9}', 500, 'suspended', 'ada', now(), 0.9, now(), 'many doubtful ones',
    now())
"""


def a_suspended_certificate(tx: Tx) -> None:
    """Of slips; its alarm says "many doubtful ones"."""
    tx.session.connection().exec_driver_sql(SUSPENDED)
