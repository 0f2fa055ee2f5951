"""Parts of the docs that the code knows better: printed here, pasted between marks, held by a test.

``python -m tests.house.generate views|settings|features`` writes them into the pages.
"""

import sys
import tempfile
from pathlib import Path

import psycopg

from extractors.decision.features import FEATURES, Way
from worker.embedded.postgres import EmbeddedPostgres
from worker.migrate import migrate
from worker.settings.table import markdown

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- generated: python -m tests.house.generate {} -->", "<!-- end -->"

COLUMNS = """
SELECT c.relname, obj_description(c.oid), a.attname, col_description(c.oid, a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE n.nspname = 'reporting' AND c.relkind = 'v' ORDER BY c.relname, a.attnum
"""


def views(url: str) -> str:
    """Every view of the schema ``reporting``, with what its comments say."""
    lines: list[str] = []
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql", 1)) as connection:
        for view, about, column, comment in connection.execute(COLUMNS):
            heading = f"### `reporting.{view}`"
            if heading not in lines:
                lines += [*([""] if lines else []), heading, "", about or "", ""]
                lines += ["| column | meaning |", "|---|---|"]
            lines.append(f"| `{column}` | {(comment or '').replace('|', '/')} |")
    return "\n".join(lines)


def features() -> str:
    """The table of what the combined score looks at."""
    ways = {Way.UP: "never lowers the score", Way.DOWN: "never raises it", Way.EITHER: "is a kind"}
    lines = ["| feature | what it is | range | where nothing was measured | more of it |"]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| `{name}` | {one.what} | {one.range} | {one.missing} | {ways[one.way]} |"
        for name, one in FEATURES.items()
    ]
    return "\n".join(lines)


def between(page: str, name: str) -> str:
    """What stands between the marks of a page."""
    begin = BEGIN.format(name)
    return page[page.index(begin) + len(begin) : page.index(END)].strip()


def pasted(page: str, name: str, text: str) -> str:
    """The page with this between its marks."""
    begin = BEGIN.format(name)
    head, tail = page[: page.index(begin) + len(begin)], page[page.index(END) :]
    return f"{head}\n\n{text}\n\n{tail}"


def main(name: str) -> None:
    """Write one generated part into its page."""
    if name == "settings":
        page = DOCS / "reference.md"
        text = page.read_text("utf-8")
        page.write_text(text[: text.index("| variable")] + markdown() + "\n")
        return
    if name == "features":
        page = DOCS / "confidence.md"
        page.write_text(pasted(page.read_text("utf-8"), "features", features()))
        return
    with tempfile.TemporaryDirectory(prefix="surefield-docs-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        url = server.start()
        try:
            migrate(url)
            page = DOCS / "reporting.md"
            page.write_text(pasted(page.read_text("utf-8"), "views", views(url)))
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
