"""``python -m worker`` is the command ``surefield``."""

from worker.cli import main

main()
