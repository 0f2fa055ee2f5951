"""Texts, identifiers, choices, yes and no."""

from extractors.documents.checksums import CHECKSUMS, compact
from extractors.documents.spec import DocumentType, FieldSpec
from extractors.errors import BrokenDocumentType
from extractors.normalise.characters import folded, tidy
from extractors.normalise.value import Unclear, Value

_MAX_IDENTIFIER = 120
# typesetting's hyphens; dashes may mean something else and stay
_HYPHENS = str.maketrans("\u2010\u2011", "--")

# What a ticked and an empty box look like in print, then words by language.
_YES_MARKS = frozenset(("x", "☒", "☑", "✓", "✔", "✗", "✘", "⊠", "[x]", "(x)", "1"))
_NO_MARKS = frozenset(("☐", "□", "[]", "()", "[ ]", "( )", "0"))
_YES_WORDS = {
    "en": "yes y true checked", "de": "ja wahr", "fr": "oui vrai", "es": "si verdadero", "it": "si vero", "pt": "sim",
    "nl": "ja", "sv": "ja", "nb": "ja", "da": "ja", "fi": "kylla", "pl": "tak", "cs": "ano", "ru": "да", "tr": "evet",
    "ar": "نعم", "ja": "はい", "zh": "是", "hi": "हा",
}  # fmt: skip
_NO_WORDS = {
    "en": "no n false unchecked", "de": "nein falsch", "fr": "non faux", "es": "no falso", "it": "no falso", "pt": "nao",
    "nl": "nee", "sv": "nej", "nb": "nei", "da": "nej", "fi": "ei", "pl": "nie", "cs": "ne", "ru": "нет", "tr": "hayir",
    "ar": "لا", "ja": "いいえ", "zh": "否", "hi": "नही",
}  # fmt: skip


def text(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """The text itself, NFC, with single spaces."""
    return Value(kind=field.kind, value=tidy(text))


def boolean(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """Yes or no by mark or word, in English and the document type's language."""
    said = folded(tidy(text))
    languages = ("en", spec.locale.partition("_")[0])
    yes = _YES_MARKS.union(*(_YES_WORDS.get(language, "").split() for language in languages))
    no = _NO_MARKS.union(*(_NO_WORDS.get(language, "").split() for language in languages))
    if (said in yes) == (said in no):
        raise Unclear("not_yes_or_no")
    return Value(kind=field.kind, value=said in yes)


def choice(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """The one choice that the text is, case and accents apart."""
    said = tidy(text)
    if said in field.choices:
        return Value(kind=field.kind, value=said)
    alike = [choice for choice in field.choices if folded(choice) == folded(said)]
    if len(alike) != 1:
        raise Unclear("not_a_choice")
    return Value(kind=field.kind, value=alike[0])


def identifier(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """The identifier without spaces, as printed otherwise; with a checksum also without its other
    separators, in capitals.

    Raises BrokenDocumentType when the field names a checksum that there is none of.
    """
    bare = tidy(text).translate(_HYPHENS).replace(" ", "")
    if field.checksum is None:
        return Value(kind=field.kind, value=bare)
    if field.checksum not in CHECKSUMS:
        known = ", ".join(sorted(CHECKSUMS))
        raise BrokenDocumentType(
            f"{spec.name}.{field.name}: no checksum {field.checksum!r}. Known: {known}. Add it to"
            " CHECKSUMS in the type's file."
        )
    compacted = compact(bare)
    if len(compacted) > _MAX_IDENTIFIER or not CHECKSUMS[field.checksum](compacted):
        raise Unclear("checksum_failed")
    return Value(kind=field.kind, value=compacted)
