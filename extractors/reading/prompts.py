"""Document type -> chat messages, and the answers that a model is trained to give.

Frozen: the demonstration model is trained on these very strings, and ``prompt_hash`` is stored with
        every reading.

Both decode modes share one prompt, image first, so that it is encoded once.  In ``json`` mode the
model writes the whole object.  In ``fields`` mode each field is a continuation of the same prompt
by a one-key object: ``{"date": `` is fed, the model writes the value, and the reading ends where
the value ends.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from extractors.documents.spec import DocumentType, FieldSpec, Kind

VERSION = 1


def instruction(spec: DocumentType) -> str:
    """The text of the user's message, after the image."""
    lines = [
        f"Read this {spec.title} into one JSON object. Copy text exactly as printed; null where the"
        " page shows none."
    ]
    lines += [f"{field.name}: {_described(field)}" for field in spec.fields]
    return "\n".join(lines)


def _described(field: FieldSpec) -> str:
    if field.kind is Kind.GROUP:
        members = "; ".join(f"{m.name}: {m.description}" for m in field.members)
        return f"{field.description} (list of {members})"
    if field.kind is Kind.CHOICE:
        return f"{field.description} (one of {', '.join(field.choices)})"
    return field.description


def messages(spec: DocumentType) -> list[dict[str, Any]]:
    """Chat messages for ``processor.apply_chat_template``; the image comes first."""
    return [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": instruction(spec)}],
        }
    ]


def field_prefix(name: str) -> str:
    """What is fed after the prompt so that the model continues with this field's value: ``{"date":
    ``.
    """
    return "{" + json.dumps(name, ensure_ascii=False) + ": "


def json_answer(spec: DocumentType, truth: Mapping[str, Any]) -> str:
    """The whole answer, keys in the spec's order, as ``json`` mode is trained to write it.

    truth: field name -> text as printed, None when absent; a group is a list of {member: text or
           None}.
    """
    ordered = {field.name: _ordered(field, truth.get(field.name)) for field in spec.fields}
    return json.dumps(ordered, ensure_ascii=False)


def field_answer(spec: DocumentType, truth: Mapping[str, Any], name: str) -> str:
    """The answer of one field's continuation, prefix included; it ends where the value ends."""
    value = json.dumps(_ordered(spec.field(name), truth.get(name)), ensure_ascii=False)
    return field_prefix(name) + value


def _ordered(field: FieldSpec, value: Any) -> Any:
    if field.kind is Kind.GROUP:
        return [
            {member.name: row.get(member.name) for member in field.members} for row in value or ()
        ]
    return value


def answer_schema(spec: DocumentType, *, max_rows: int = 200) -> dict[str, Any]:
    """JSON Schema of the answer: every value a string as printed or null, keys in order, nothing
    else.
    """
    return _object_schema(spec.fields, max_rows)


def _object_schema(fields: tuple[FieldSpec, ...], max_rows: int) -> dict[str, Any]:
    as_printed = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    properties = {
        field.name: (
            {
                "type": "array",
                "maxItems": max_rows,
                "items": _object_schema(field.members, max_rows),
            }
            if field.kind is Kind.GROUP
            else as_printed
        )
        for field in fields
    }
    return {
        "type": "object",
        "properties": properties,
        "required": [f.name for f in fields],
        "additionalProperties": False,
    }


def prompt_hash(spec: DocumentType, decode_mode: str) -> str:
    """16 hex digits that change whenever what the model is asked changes."""
    asked = json.dumps(
        [VERSION, decode_mode, instruction(spec), [f.name for f in spec.fields]], ensure_ascii=False
    )
    return hashlib.sha256(asked.encode()).hexdigest()[:16]
