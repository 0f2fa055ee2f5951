"""A document type is checked when it is declared: the error names what is wrong, where, and the
fix.
"""

import pytest

from extractors.documents import load
from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel
from extractors.errors import BrokenDocumentType

NOTE = '''from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel, RowModel


class Row(RowModel):
    name: str | None = field.text("what")
    amount: str | None = field.amount("how much")


class Note(DocumentModel, name="note", title="note"):
    """A note."""

    payee: str | None = field.text("who is paid")
    total: str | None = field.amount("the amount to pay", required=True)
    rows: list[Row] = field.group("the rows")
'''


def declared(**options):
    class Paper(DocumentModel, name="paper", **options):
        """A paper."""

        total: str | None = field.amount("the amount")

    return Paper.spec


@pytest.mark.parametrize(
    "locale", ["en_US", "de-DE", "en_KW", "en-SA", "zh_Hant_TW", "es-419", "sv"]
)
def test_language_and_territory_are_looked_up_apart(locale):
    """CLDR has no English of Kuwait; papers in English come from there all the same."""
    assert declared(locale=locale).locale == locale


@pytest.mark.parametrize(
    "locale", ["xx_YY", "en_QQ", "english", "", "de__DE", "en_US_x_y", "../de"]
)
def test_a_locale_that_does_not_exist_is_refused(locale):
    """Before a page is read, with an example of the right form."""
    with pytest.raises(BrokenDocumentType, match=r"paper.*is not a locale.*de_DE"):
        declared(locale=locale)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"locales": "de_DE"}, r"no option locales\. Did you mean 'locale'"),
        ({"signs": {"$": "USDX"}}, r"'USDX' is not a currency"),
        ({"max_pages_read": 0}, r"max_pages_read is 0"),
        ({"looks": 3}, r"looks is 3"),
        ({"looks": -1}, r"looks is -1"),
        ({"look_kind": "hard"}, r"Take 'free' or 'forced'"),
        ({"look_below": 1.5}, r"look_below is 1.5"),
        ({"max_pages": 0}, r"max_pages is 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, said):
    """By name, and with what was probably meant."""
    with pytest.raises(BrokenDocumentType, match=said):
        declared(**options)


@pytest.mark.parametrize("option", ["equals", "distinct"])
@pytest.mark.parametrize(("name", "is_other"), [("net", True), ("total", False), ("tax", False)])
def test_a_field_is_compared_with_another_one_that_there_is(option, name, is_other):
    """Never with itself: it would always, or never, have the same value."""

    def made():
        class Paper(DocumentModel, name="paper"):
            """A paper."""

            net: str | None = field.amount("without tax")
            total: str | None = field.amount("the amount", **{option: (name,)})

        return Paper.spec

    if is_other:
        assert getattr(made().field("total"), option) == (name,)
    else:
        with pytest.raises(BrokenDocumentType, match=f"total: {option} names '{name}'"):
            made()


def test_a_day_is_after_another_days_field_and_not_after_its_own():
    with pytest.raises(BrokenDocumentType, match="due: after names 'due'"):

        class Paper(DocumentModel, name="paper"):
            """A paper."""

            due: str | None = field.date("when it is paid", after="due")


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_threshold_may_be_each_end_of_its_range(bound):
    """0 accepts whatever is scored, and 1 only what is certain."""

    class Paper(DocumentModel, name="paper"):
        """A paper."""

        total: str | None = field.amount("the amount", accept_at=bound)

    assert Paper.spec.field("total").accept_at == bound


def test_every_member_of_a_row_is_checked(tmp_path):
    """The second as well as the first."""
    wrong = NOTE.replace('field.amount("how much")', 'field.amount("how much", accept_at=2)')
    (tmp_path / "note.py").write_text(wrong)
    with pytest.raises(BrokenDocumentType, match=r"note\.rows\.amount: accept_at is 2"):
        load(tmp_path)


def test_what_a_sign_means_may_be_written_as_a_mapping():
    """The type keeps it as sorted pairs, so that equal types are equal."""
    assert declared(signs={"kr": "SEK", "$": "CAD"}).signs == (("$", "CAD"), ("kr", "SEK"))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("required=True", "requird=True", 14, "Did you mean 'required'"),
        ("required=True", "accept_at=1.5", 14, "accept_at is 1.5"),
        ("required=True", "sums='rows.name'", 14, "sums 'rows.name'"),
        ('title="note"', 'title="note", locale="xx_YY"', 10, "is not a locale"),
        ('field.text("who is paid")', 'field.identifier("n", checksum="ibn")', 13, "no checksum"),
        ('field.text("who is paid")', "field.txt('who')", 13, "AttributeError"),
        ("class Note(", "class Note((", None, "SyntaxError"),
    ],
)
def test_an_error_in_a_users_file_names_file_and_line(tmp_path, old, new, line, said):
    """Whoever wrote the file finds the place at once."""
    (tmp_path / "note.py").write_text(NOTE.replace(old, new))
    with pytest.raises(BrokenDocumentType) as error:
        load(tmp_path)
    assert f"note.py:{line or ''}" in str(error.value)
    assert said in str(error.value)
