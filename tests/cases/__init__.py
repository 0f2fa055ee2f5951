"""Cases: what comes in, and what must come of it.

``python -m tests.cases FOLDER`` judges any folder of them (README.md of the folder's format is
``data/README.md``); ``make test`` judges those in ``data/`` against ``open.txt``.
"""
