"""CLDR's locales, loaded once and only when a value is parsed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from extractors.errors import BrokenDocumentType

if TYPE_CHECKING:
    from babel import Locale


@lru_cache(maxsize=64)
def locale_of(name: str) -> Locale:
    """The locale of this name.

    Raises BrokenDocumentType when CLDR does not know it.
    """
    from babel import (  # here, so that a machine that only reads pages does not need it
        Locale,
        UnknownLocaleError,
    )

    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError) as error:
        raise BrokenDocumentType(
            f"{name!r} is not a locale. Give the document type one that CLDR knows, such as de_DE."
        ) from error
