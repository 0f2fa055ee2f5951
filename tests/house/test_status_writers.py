"""One module writes ``documents.status``: whoever else would, fails here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRITER = "worker/store/transitions.py"
# What old databases hold gets another name, or a status that the older version knows.
RENAMES = {
    "migrations/versions/2026_11_22_document_types.py",
    "migrations/versions/2026_11_22_long_documents.py",
    "migrations/versions/2026_11_22_parts.py",
    "migrations/versions/2026_11_27_transitions.py",
    "migrations/versions/2026_11_27_evidence.py",
    "migrations/versions/2026_11_28_questions.py",
}
TABLES = {"Document", "DOCUMENTS"}
SQL = re.compile(
    r"\b(update\s+(only\s+)?(public\.)?documents\b.*?\bset\b.*?\bstatus\s*=[^=]"
    r"|(insert\s+into|merge\s+into)\s+(public\.)?documents\b)",
    re.IGNORECASE | re.DOTALL,
)


def writes(source: str) -> list[int]:
    """The lines of a module that write the status of a document, or make a document."""
    tree = ast.parse(source)
    return sorted({line for node in ast.walk(tree) for line in _lines(node)})


def _lines(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
        yield node.lineno
    if isinstance(node, ast.JoinedStr) and SQL.search(_text(node)):
        yield node.lineno
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else _name(node.func)
        about_documents = bool(node.args) and _name(node.args[0]) in TABLES
        if name in {"insert", "pg_insert", "Document"} and (about_documents or name == "Document"):
            yield node.lineno
        if name == "values" and _table_updated(node) in TABLES and _has_status(node):
            yield node.lineno
        if name == "setattr" and len(node.args) > 1 and _is(node.args[1], "status"):
            yield node.lineno
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets += [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
    for target in targets:
        if isinstance(target, ast.Attribute) and target.attr == "status":
            yield target.lineno


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _text(node: ast.JoinedStr) -> str:
    return "".join(part.value if isinstance(part, ast.Constant) else "?" for part in node.values)


def _table_updated(call: ast.Call) -> str:
    """The table of the ``update(...)`` at which a chain of calls begins."""
    inner: ast.AST = call
    while isinstance(inner, ast.Call | ast.Attribute):
        if isinstance(inner, ast.Call) and _name(inner.func) == "update" and inner.args:
            return _name(inner.args[0])
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return ""


def _has_status(values: ast.Call) -> bool:
    """The values may hold a status: they name it, or are not written out here."""
    names = {keyword.arg for keyword in values.keywords}
    written_out = all(isinstance(arg, ast.Dict) for arg in values.args)
    keys = [key for arg in values.args if isinstance(arg, ast.Dict) for key in arg.keys]
    spread = [k.value for k in values.keywords if k.arg is None]
    return (
        "status" in names
        or any(_is(key, "status") or (key is not None and _name(key) == "status") for key in keys)
        or None in keys
        or not written_out
        or any(not isinstance(each, ast.Dict) for each in spread)
    )


def _is(node: ast.AST | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def modules() -> list[Path]:
    return [path for folder in ("worker", "migrations") for path in (ROOT / folder).rglob("*.py")]


def test_only_one_module_writes_the_status_of_a_document() -> None:
    """So the table of moves is complete, and every move is noted."""
    writers = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := writes(path.read_text("utf-8")))
    }
    assert set(writers) - RENAMES == {WRITER}, writers


@pytest.mark.parametrize(
    "planted",
    [
        "update(Document).where(Document.id == a).values(status='failed')",
        "update(Document).values({'status': to, 'failures': 0}).returning(Document.id)",
        "update(Document).values({Document.status: to})",
        "update(Document).where(x).values(values)",
        "update(Document).values(**values)",
        "update(tables.Document).values(status=to)",
        "insert(Document).values(id=a)",
        "tx.session.add(Document(id=a))",
        "document.status = Status.FAILED",
        "setattr(document, 'status', to)",
        "text('UPDATE documents SET updated_at = now(), status = :to WHERE id = :id')",
        'f"update public.documents d\\nset status = {to}"',
        "text('INSERT INTO documents (id) VALUES (1)')",
    ],
)
def test_a_planted_writer_is_found(planted: str) -> None:
    """The walk above would be worth nothing if it missed one of the ways to write."""
    assert writes(planted) == [1]


@pytest.mark.parametrize(
    "harmless",
    [
        "update(Document).where(Document.status == at).values(lease_until=null())",
        "update(Page).values(status=PageStatus.READ)",
        "text('SELECT status FROM documents WHERE status = :at')",
        "select(Document.status)",
    ],
)
def test_reading_a_status_is_free(harmless: str) -> None:
    """Only writing belongs to one module."""
    assert writes(harmless) == []
