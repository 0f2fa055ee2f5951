"""Views as numbered SQL files.

A file is never edited once it is merged: a change is the next number.
"""

from importlib.resources import files

SCHEMA = "reporting"


def view_sql(name: str, *, version: int) -> str:
    """The statements that create one version of a view, its comments included."""
    return (
        files(__package__ or __name__)
        .joinpath(f"{name}.{version:04d}.sql")
        .read_text(encoding="utf-8")
    )
