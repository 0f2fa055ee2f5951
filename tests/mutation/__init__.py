"""Faults planted one at a time: which of them the tests notice.

``python -m tests.mutation --help``; ``make mutation`` prepares what it needs.
"""
