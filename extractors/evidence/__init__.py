"""Witnesses: what the page and the document say about a value."""
