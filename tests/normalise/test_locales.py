"""Locales: a language and a territory, together in CLDR or not."""

import pytest

from extractors.errors import BrokenDocumentType
from extractors.normalise.locales import check_locale, language_of, locale_of, territory_of


@pytest.mark.parametrize(
    ("name", "language", "territory"),
    [
        ("de_DE", "de", "DE"),
        ("de-DE", "de", "DE"),
        ("en_KW", "en", "KW"),
        ("en-SA", "en", "SA"),
        ("zh-Hant-TW", "zh", "TW"),
        ("sr_Latn_RS", "sr", "RS"),
        ("en-US-u-ca-gregory", "en", "US"),
        ("de", "de", None),
    ],
)
def test_language_and_territory_are_known_apart(name, language, territory):
    """CLDR has no English of Kuwait, and papers are written in it."""
    check_locale(name)

    assert (language_of(name), territory_of(name)) == (language, territory)
    assert locale_of(name).language == language


@pytest.mark.parametrize("name", ["xx_YY", "en_YY", "", "english", "d", "en US", "de_DE_", "🇩🇪"])
def test_what_is_no_locale_is_an_error_of_the_document_type(name):
    """It is named, with an example of a right one."""
    with pytest.raises(BrokenDocumentType, match="is not a locale"):
        check_locale(name)
