"""Intake: a file comes in, once for each key."""
