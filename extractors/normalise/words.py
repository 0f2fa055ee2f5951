"""Texts, choices, yes and no."""

import re

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.normalise.characters import folded, mixes_scripts, parts_capitals, tidy
from extractors.normalise.locales import language_of
from extractors.normalise.marks import CIRCLES, chosen, ticked
from extractors.normalise.placeholders import repeats_without_end, stands_for_nothing
from extractors.normalise.value import Unclear, Value
from extractors.normalise.yes_no import meanings

_ENDS = " .:;,!"
_JOINTS = re.compile(r"[\s_]+|(?<=\w)[-\u2013](?=\w)")


def text(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """The text itself, NFC, with single spaces."""
    said = tidy(text)
    refuse_what_says_nothing(said)
    if parts_capitals(text):
        raise Unclear("ambiguous_hyphen")
    return Value(kind=field.kind, value=said)


def refuse_what_says_nothing(said: str) -> None:
    """Raises Unclear for placeholders, for what repeats without end, and for misread alphabets."""
    if stands_for_nothing(said):
        raise Unclear("placeholder")
    if len(said) >= 32 and repeats_without_end(said):
        raise Unclear("endless_repetition")
    if mixes_scripts(said):
        raise Unclear("mixed_scripts")


def boolean(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """Yes or no by mark or word, in English and the document type's language."""
    said = tidy(text)
    language = language_of(spec.locale)
    if said in CIRCLES and language in ("ja", "ko", "zh"):
        raise Unclear("not_yes_or_no")
    known = meanings(language)
    means = ticked(said)
    if means is None:
        word = chosen(said)
        means = known.get(folded((said if word is None else word).strip(_ENDS)))
    if means is None:
        raise Unclear("not_yes_or_no")
    return Value(kind=field.kind, value=means)


def choice(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """The one choice that the text is; case, accents, spaces and hyphens apart."""
    said = tidy(text)
    found = _named(said, field.choices)
    if found is None and (word := chosen(said)) is not None:
        found = _named(word, field.choices)
    if found is None:
        raise Unclear("not_a_choice")
    return Value(kind=field.kind, value=found)


def _named(said: str, choices: tuple[str, ...]) -> str | None:
    """The one choice of this name: the very same, or the only one that is alike."""
    if said in choices:
        return said
    for alike in (folded, _joined):
        found = [choice for choice in choices if alike(choice) == alike(said.strip(_ENDS))]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _joined(text: str) -> str:
    """One spelling for "Net 30" and "net30", "pre-paid" and "prepaid"."""
    return _JOINTS.sub("", folded(text))
