"""Versions of a document type: a definition as data, and the hash that names it.

A type changes while documents of it wait.  What was read, decided and shown refers to the version
it was made under, so that it can be shown and explained however the type changed since.  A stored
version is data: nothing of it is ever executed.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from extractors.documents.types import DocumentType
from extractors.errors import BrokenDocumentType

_ADAPTER = TypeAdapter(DocumentType)


def definition_of(spec: DocumentType) -> dict[str, Any]:
    """The type as JSON-able data.

    Options that have their default are left out, so that an option that a later release adds
    changes no version that exists.
    """
    definition: dict[str, Any] = _ADAPTER.dump_python(spec, mode="json", exclude_defaults=True)
    return definition


@lru_cache(maxsize=256)
def version_of(spec: DocumentType) -> str:
    """The sha256, in hexadecimal, of the type's definition: equal types have equal versions."""
    canonical = json.dumps(definition_of(spec), sort_keys=True, ensure_ascii=False)
    return sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def type_of(definition: Mapping[str, Any]) -> DocumentType:
    """The document type that a stored definition describes.

    Raises BrokenDocumentType when it is no definition, for example one of a later release.
    """
    try:
        return _ADAPTER.validate_python(definition)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BrokenDocumentType(
            f"A stored document type cannot be understood ({where}: {first['msg']}). It was written"
            " by a later release: use that release."
        ) from error
