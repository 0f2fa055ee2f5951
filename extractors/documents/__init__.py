"""Document types: those of the package, and those in a folder that the user names."""

import ast
import importlib.util
import sys
from pathlib import Path
from traceback import walk_tb

from extractors.documents.invoice import Invoice
from extractors.documents.receipt import Receipt
from extractors.documents.slip import Slip
from extractors.documents.spec import AUTO, Ask, DocumentModel, DocumentType
from extractors.errors import BrokenDocumentType, UnknownDocumentType

__all__ = ["AUTO", "BUILT_IN", "Ask", "DocumentType", "find", "load"]

BUILT_IN: dict[str, DocumentType] = {
    model.spec.name: model.spec for model in (Slip, Invoice, Receipt)
}


def load(folder: Path | None = None) -> dict[str, DocumentType]:
    """All document types by name: the package's own, then every ``*.py`` in ``folder``, which may
    override them.

    Raises BrokenDocumentType with the file and the reason; one broken file never hides behind
    another's success.
    """
    found = dict(BUILT_IN)
    for path in sorted(folder.glob("*.py")) if folder else ():
        found |= {spec.name: spec for spec in _types_in(path)}
    return found


def find(name: str, folder: Path | None = None) -> DocumentType:
    """The document type of this name.

    Raises UnknownDocumentType when there is none, naming those that exist.
    """
    types = load(folder)
    if name not in types:
        raise UnknownDocumentType(
            f"There is no document type {name!r}. Known: {', '.join(sorted(types))}. Add one in the"
            " folder SUREFIELD_DOCUMENT_TYPES names."
        )
    return types[name]


def _types_in(path: Path) -> list[DocumentType]:
    module_name = f"surefield_user_types.{path.stem}"
    module_spec = importlib.util.spec_from_file_location(module_name, path)
    if module_spec is None or module_spec.loader is None:
        raise BrokenDocumentType(f"{path} cannot be imported. It must be a Python file.")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_name] = module  # pydantic resolves annotations through it
    try:
        module_spec.loader.exec_module(module)
    except BrokenDocumentType as error:
        raise BrokenDocumentType(f"{path}{_line(path, error)}: {error}") from error
    except Exception as error:
        raise BrokenDocumentType(
            f"{path}{_line(path, error)}: {type(error).__name__}: {error}. Correct the file, or"
            " move it out of the folder."
        ) from error
    return [
        value.spec
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, DocumentModel)
        and value.__module__ == module_name
    ]


def _line(path: Path, error: Exception) -> str:
    """ ":12", the line of the user's file where the error arose; a field's own line where its name
    is known.  Empty when no line can be told.
    """
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f":{error.lineno}"
    frames = walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == str(path)]
    if not lines:
        return ""
    named = str(error).partition(":")[0].split(" ")[0].rpartition(".")
    return f":{_field_line(path, named[2]) or lines[-1]}" if named[1] else f":{lines[-1]}"


def _field_line(path: Path, field: str) -> int | None:
    """The line that declares a field of this name, when just one does."""
    declared = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == field
    ]
    return declared[0] if len(declared) == 1 else None
