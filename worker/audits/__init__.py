"""Audits: people look at rows that were drawn beforehand, whatever became of them."""
