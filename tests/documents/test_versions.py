"""A document type as data: what was defined comes back, and its hash names it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents import BUILT_IN
from extractors.documents.types import DocumentType, FieldSpec, Kind
from extractors.documents.versions import definition_of, type_of, version_of
from extractors.errors import BrokenDocumentType

names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
members = st.builds(
    FieldSpec, name=names, kind=st.sampled_from(sorted(set(Kind) - {Kind.GROUP})), description=names
)
fields = st.builds(
    FieldSpec,
    name=names,
    kind=st.sampled_from(sorted(Kind)),
    description=st.text(min_size=1),
    required=st.booleans(),
    accept_at=st.none() | st.floats(0, 1),
    choices=st.lists(names, max_size=3).map(tuple),
    members=st.lists(members, max_size=3).map(tuple),
)
types = st.builds(
    DocumentType,
    name=names,
    title=st.text(min_size=1),
    description=st.text(),
    fields=st.lists(fields, min_size=1, max_size=4).map(tuple),
    day_first=st.booleans(),
    called=st.lists(st.text(), max_size=2).map(tuple),
    signs=st.lists(st.tuples(st.text(), names), max_size=2).map(tuple),
)


@given(types)
def test_any_type_comes_back_from_its_definition(spec):
    """What is stored describes the whole type."""
    assert type_of(definition_of(spec)) == spec


@given(types, types)
def test_versions_are_equal_exactly_when_types_are(a, b):
    """The hash is of the definition and of nothing else."""
    assert (version_of(a) == version_of(b)) == (a == b)


def test_an_option_at_its_default_is_not_in_the_definition():
    """So an option that a later release adds changes no version that exists."""
    slip = BUILT_IN["slip"]
    assert "max_pages_read" not in definition_of(slip)
    assert "max_pages_read" in definition_of(replace(slip, max_pages_read=3))


def test_a_definition_that_is_none_is_refused_with_the_place():
    """For example one that a later release wrote."""
    broken = definition_of(BUILT_IN["slip"]) | {"fields": [{"name": "a", "kind": "colour"}]}
    with pytest.raises(BrokenDocumentType, match=r"fields\.0\.kind"):
        type_of(broken)
