"""CLDR's locales, loaded once and only when a value is parsed.

A locale is a language and, mostly, a territory.  CLDR lacks many pairs that papers are written in
(English in Kuwait or Saudi Arabia), so the two are taken apart: the language gives names and number
signs, the territory the currency and the calendar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from extractors.errors import BrokenDocumentType

if TYPE_CHECKING:
    from babel import Locale

_EXTENSION = re.compile(r"[-_][a-zA-Z0-9][-_].*")  # BCP 47: "en-US-u-ca-gregory"
_LANGUAGE, _SCRIPT = re.compile("[a-z]{2,3}"), re.compile("[A-Za-z]{4}")
_TERRITORY = re.compile("[A-Za-z]{2}|[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Known:
    """What CLDR knows of a locale's name."""

    language: str  # "en"
    territory: str | None  # "KW"; None when the name has none
    cldr: Locale  # the pair itself where CLDR has it, else the language


@lru_cache(maxsize=256)
def known(name: str) -> Known:
    """The parts of a locale's name, written as ``de_DE`` or, as in BCP 47, ``de-DE``.

    Raises BrokenDocumentType when CLDR knows no such language or no such territory.
    """
    from babel import Locale, UnknownLocaleError  # here: a machine that only reads pages lacks it

    language, script, territory = _subtags(name)
    for tags in ((language, script, territory), (language, territory), (language, script)):
        try:
            cldr = Locale.parse("_".join(filter(None, tags)))
        except (UnknownLocaleError, ValueError):
            continue
        if territory is not None and territory not in Locale("en").territories:
            break
        return Known(cldr.language, territory or cldr.territory, cldr)
    raise BrokenDocumentType(
        f"{name!r} is not a locale. Give the document type one that CLDR knows, such as de_DE."
    )


def locale_of(name: str) -> Locale:
    """CLDR's locale for this name, without the territory where CLDR lacks the pair.

    Raises BrokenDocumentType when CLDR does not know it.
    """
    return known(name).cldr


def territory_of(name: str) -> str | None:
    """The territory of this name, also where CLDR lacks the pair; None when it names none.

    Raises BrokenDocumentType when CLDR does not know it.
    """
    return known(name).territory


def language_of(name: str) -> str:
    """The language of this name.

    Raises BrokenDocumentType when CLDR does not know it.
    """
    return known(name).language


def check_locale(name: str) -> None:
    """Refuse a locale that no value can be parsed with, before any page is read.

    Raises BrokenDocumentType when CLDR does not know it.  Where babel is not installed no value
    is parsed, and only the form of the name is looked at.
    """
    try:
        known(name)
    except ImportError:
        _subtags(name)


def _subtags(name: str) -> tuple[str, str | None, str | None]:
    """Language, script and territory by their form."""
    bare = _EXTENSION.sub("", name.partition(".")[0].partition("@")[0])
    language, *rest = re.split("[-_]", bare)
    script = next((tag.title() for tag in rest if _SCRIPT.fullmatch(tag)), None)
    territory = next((tag.upper() for tag in rest if _TERRITORY.fullmatch(tag)), None)
    strange = [tag for tag in rest if not tag or not tag.isascii() or not tag.isalnum()]
    if not _LANGUAGE.fullmatch(language.lower()) or strange:
        raise BrokenDocumentType(
            f"{name!r} is not a locale. Give the document type one that CLDR knows, such as de_DE."
        )
    return language.lower(), script, territory
