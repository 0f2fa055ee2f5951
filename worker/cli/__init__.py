"""The command ``surefield``: the composition root."""

from worker.cli.app import main

__all__ = ["main"]
