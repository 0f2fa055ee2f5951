"""Readings held against known truths."""
