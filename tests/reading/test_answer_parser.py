"""An answer's bytes become fields, and every value is spelled by exactly its own tokens."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from extractors.reading import json_offsets
from extractors.reading.answer_parser import fields_of
from extractors.reading.prompts import field_answer, json_answer
from extractors.types import (
    FieldReading,
    FieldState,
    Generation,
    PageAnswer,
    StopReason,
    TokenTrace,
)

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
values = st.none() | storable
truths = st.fixed_dictionaries(
    dict.fromkeys(("payee", "date", "number", "total", "currency"), values)
    | {
        "items": st.lists(
            st.fixed_dictionaries({"description": values, "amount": values}), max_size=3
        )
    }
)


def generation(
    *pieces: bytes | str, stop: StopReason = StopReason.END, forced: int = 0
) -> Generation:
    """A token for each piece; each token's log-probability tells which one it is."""
    tokens = tuple(
        TokenTrace(
            token_id=n,
            text=p.encode() if isinstance(p, str) else p,
            logprob=-float(n),
            forced=n < forced,
        )
        for n, p in enumerate(pieces)
    )
    return Generation(tokens=tokens, stop_reason=stop)


def read(
    *pieces: bytes | str, stop: StopReason = StopReason.END, spec=Slip.spec
) -> dict[tuple[str, int], FieldReading]:
    answer = PageAnswer(page=1, generations=(generation(*pieces, stop=stop),), decode_mode="json")
    return {(f.name, f.ordinal): f for f in fields_of(answer, spec)}


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """``data`` in pieces, cut anywhere, also within a character."""
    edges = [0, *sorted({c for c in cuts if 0 < c < len(data)}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def pieces_of(reading: FieldReading) -> list[bytes]:
    return [t.text for t in reading.tokens]


def expected(truth: dict) -> dict[tuple[str, int], str | None]:
    flat = {(k, 0): v for k, v in truth.items() if k != "items"}
    return flat | {
        (f"items.{k}", n): v for n, row in enumerate(truth["items"]) for k, v in row.items()
    }


@given(truths, st.lists(st.integers(0, 400)), st.booleans())
def test_any_answer_reads_the_same_however_its_bytes_are_split(truth, cuts, ascii_only):
    """Tokens may cut a character, an escape or a key anywhere; the values are what JSON says they
    are.
    """
    text = json.dumps(json.loads(json_answer(Slip.spec, truth)), ensure_ascii=ascii_only)
    readings = read(*split(text.encode(), cuts))
    for place, value in expected(truth).items():
        reading = readings[place]
        if value is None:
            assert (reading.state, reading.text, reading.problem) == (FieldState.ABSENT, None, None)
        elif not value.strip():
            assert (reading.state, reading.problem) == (FieldState.UNREADABLE, "empty")
        else:
            assert (reading.state, reading.text, reading.problem) == (FieldState.VALUE, value, None)
    if not truth["items"]:
        assert readings["items", 0].state is FieldState.ABSENT


@given(truths, st.lists(st.integers(0, 400)), st.booleans())
def test_the_tokens_of_a_value_spell_exactly_its_bytes(truth, cuts, ascii_only):
    """Counted byte by byte: the tokens that hold a byte of the value, and the one that holds the
    byte after it.
    """
    written = {
        k: json.dumps(truth[k], ensure_ascii=ascii_only).encode()
        for k in ("payee", "date", "number", "total", "currency")
    }
    pieces = split(
        b"{" + b", ".join(f'"{k}": '.encode() + v for k, v in written.items()) + b"}", cuts
    )
    owners = [n for n, piece in enumerate(pieces) for _ in piece]
    readings = read(*pieces)
    at = 1
    for name, printed in written.items():
        at += len(f'"{name}": ')
        quote = printed[:1] == b'"'
        start, end = at + quote, at + len(printed) - quote
        holders = sorted(set(owners[start:end]))
        ending = [] if owners[end] in holders else [owners[end]]
        reading = readings[name, 0]
        assert [t.token_id for t in reading.tokens] == holders + ending
        assert reading.ends is bool(ending)
        at += len(printed) + len(", ")


@given(truths, st.integers(0, 400), st.lists(st.integers(0, 400)))
def test_a_cut_answer_never_gives_a_wrong_value(truth, length, cuts):
    """What was read before the cut is right; everything else is unreadable, and nothing is
    invented.
    """
    data = json_answer(Slip.spec, truth).encode()
    kept = data[: min(length, len(data) - 1)]
    readings = read(*split(kept, cuts), stop=StopReason.LENGTH)
    right = expected(truth)
    for place, reading in readings.items():
        if reading.state is FieldState.VALUE:
            assert reading.text == right[place]
        elif reading.state is FieldState.ABSENT and place in right:
            assert right[place] is None
    if any(name.startswith("items") for name, _ in readings) and len(kept) < len(data) - 1:
        assert readings["items", 0].state is FieldState.UNREADABLE
        assert readings["items", 0].problem in ("truncated", "unparsable")
    assert {"payee", "date", "number", "total", "currency"} <= {name for name, _ in readings}


@given(st.binary(max_size=60), st.lists(st.integers(0, 60)))
def test_no_bytes_whatever_break_the_reader(data, cuts):
    """A model may write anything; every path of the document type is answered for all the same."""
    readings = read(*split(data, cuts))
    names = {name.partition(".")[0] for name, _ in readings}
    assert {f.name for f in Slip.spec.fields} <= names


@given(st.text('{}[]",:\\u0aelnutrfs 1.-', max_size=60))
def test_what_the_standard_library_reads_is_read_the_same(text):
    """On anything that is one JSON object, this reader and the standard library's agree."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    node = json_offsets.read(text.encode())
    if isinstance(value, dict) and text.lstrip().startswith("{"):
        assert node is not None
        assert node.problem is None
        assert dict(plain(node)) == {k: simple(v) for k, v in value.items()}


def plain(node: json_offsets.Node) -> list:
    return [(key, of(value)) for key, value in node.entries]


def of(node: json_offsets.Node) -> object:
    if node.kind is json_offsets.Kind.OBJECT:
        return dict(plain(node))
    if node.kind is json_offsets.Kind.ARRAY:
        return [of(item) for item in node.items]
    if node.kind is json_offsets.Kind.NUMBER:
        return float(node.text or "")
    if node.kind is json_offsets.Kind.BOOLEAN:
        return node.text == "true"
    return node.text


def simple(value: object) -> object:
    if isinstance(value, dict):
        return {k: simple(v) for k, v in value.items()}
    if isinstance(value, list):
        return [simple(v) for v in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def test_a_token_that_merges_a_value_with_its_delimiter_is_value_and_ending():
    """Byte-level pieces such as ``50",`` are both; counting them once is enough."""
    reading = read(
        '{"payee": "',
        "A",
        '", "date": null, "number": null, "total": "1',
        ",204.",
        '50", "',
        'currency": null, "items": []}',
    )
    assert pieces_of(reading["total", 0]) == [
        b'", "date": null, "number": null, "total": "1',
        b",204.",
        b'50", "',
    ]
    assert reading["total", 0].ends is False
    assert pieces_of(reading["payee", 0]) == [b"A", b'", "date": null, "number": null, "total": "1']
    assert reading["payee", 0].ends is True


def test_an_absent_field_is_proved_by_its_null_and_what_ends_it():
    """The tokens that spell null carry the model's belief that the field is not there."""
    reading = read(
        '{"payee":',
        " nu",
        "ll",
        ", ",
        '"date": null, "number": null, "total": null, "currency": null, "items": []}',
    )
    assert reading["payee", 0].state is FieldState.ABSENT
    assert pieces_of(reading["payee", 0]) == [b" nu", b"ll", b", "]


def test_an_empty_list_is_absent_under_the_groups_own_name():
    """An empty group has no rows to hang evidence on."""
    reading = read(
        '{"payee": null, "date": null, "number": null, "total": null, "currency": null, "items": ',
        "[",
        "]",
        "}",
        "",
    )
    assert reading["items", 0].state is FieldState.ABSENT
    assert pieces_of(reading["items", 0]) == [b"[", b"]", b"}"]


def test_the_end_of_turn_ends_a_value_that_nothing_else_does():
    """A number that ends with the generation is ended by the token that spells nothing."""
    answer = PageAnswer(
        page=1, generations=(generation('{"total": ', "12", ".5", b""),), decode_mode="fields"
    )
    [reading] = [f for f in fields_of(answer, Slip.spec) if f.name == "total"]
    assert (reading.state, reading.text) == (FieldState.VALUE, "12.5")
    assert pieces_of(reading) == [b"12", b".5", b""]
    assert reading.ends is True


@pytest.mark.parametrize(
    ("printed", "text", "problem"),
    [
        ("12.50", "12.50", None),
        ("-3e2", "-3e2", None),
        ("true", "true", None),
        ("false", "false", None),
        ('"\\u00e9\\ud83d\\ude42\\n\\/"', "é🙂\n/", None),
        ('"\\ud83d alone"', "\ufffd alone", "unparsable"),
        ('"nul \\u0000"', "nul \ufffd", "unparsable"),
        ('"bad \\x escape"', "bad \\x escape", "unparsable"),
        ('"raw\tcontrol"', "raw\tcontrol", "unparsable"),
        ('""', "", "empty"),
        ('"  "', "  ", "empty"),
        ("1.204,50", "1.204", "unparsable"),
        ("1 204", "1", "unparsable"),
        ("007", "007", "unparsable"),
        ("nul", "nul", "unparsable"),
        ('{"amount": "3"}', None, "unparsable"),
        ('["3"]', None, "unparsable"),
        ('"He said "hi" to"', "He said ", "unparsable"),
    ],
)
def test_how_a_value_may_be_written(printed, text, problem):
    """Right values of any JSON type are taken as written; whatever is damaged is kept for a person,
    and never accepted.
    """
    reading = read('{"payee": ', printed, ', "date": null}')["payee", 0]
    assert (reading.text, reading.problem) == (text, problem)
    assert reading.state is (FieldState.VALUE if problem is None else FieldState.UNREADABLE)


def test_bytes_that_are_no_utf8_are_shown_and_never_accepted():
    """Half a character at the end of a string is damage."""
    reading = read(b'{"payee": "Z\xc3", "date": null}')["payee", 0]
    assert (reading.text, reading.state) == ("Z\ufffd", FieldState.UNREADABLE)


def test_a_repeated_key_is_not_decided_by_order():
    """Two answers for one field are none."""
    reading = read('{"total": "', "1", '", "total": "', "2", '"}')["total", 0]
    assert (reading.state, reading.problem) == (FieldState.UNREADABLE, "repeated_key")


def test_a_second_answer_spoils_the_first():
    """'Wait, actually ...': nobody can say which one is meant."""
    readings = read('{"payee": "A", "total": "1"} or rather {"payee": "A", "total": "2"}')
    assert readings["total", 0].problem == "repeated_answer"
    assert {r.state for r in readings.values()} == {FieldState.UNREADABLE}


def test_prose_around_an_answer_is_no_damage():
    """A code fence before and after does not change what the answer says."""
    reading = read("```json\n", '{"payee": "A"', "}\n```")
    assert (reading["payee", 0].state, reading["payee", 0].text) == (FieldState.VALUE, "A")


def test_an_unknown_key_is_reported_and_not_dropped():
    """A model that invents a field is telling something about itself."""
    readings = read(
        '{"payee": "A", "colour": "red", "items": [{"description": "x", "amount": "1", "tax":'
        ' "2"}]}'
    )
    assert (readings["colour", 0].problem, readings["colour", 0].text) == ("unknown_key", "red")
    assert readings["items.tax", 0].problem == "unknown_key"


def test_a_key_that_is_not_there_is_missing_and_not_absent():
    """Silence is not the statement that the page has no such field."""
    assert read('{"payee": "A"}')["total", 0].problem == "missing"


def test_a_truncated_list_keeps_its_rows_and_warns_about_itself():
    """Rows after the cut are unknown, so nothing about the list may be accepted."""
    readings = read(
        '{"items": [{"description": "x", "amount": "1"}, {"description": "y", "am',
        stop=StopReason.LENGTH,
    )
    assert (readings["items", 0].state, readings["items", 0].problem) == (
        FieldState.UNREADABLE,
        "truncated",
    )
    assert readings["items.description", 0].text == "x"
    assert readings["items.amount", 1].problem == "truncated"
    assert readings["items", 0].stop_reason is StopReason.LENGTH


def test_a_row_that_is_no_object_is_unreadable():
    """A list of bare strings has no members."""
    readings = read('{"items": ["x", {"description": "y", "amount": null}]}')
    assert readings["items.description", 0].problem == "unparsable"
    assert readings["items.description", 1].text == "y"


def test_a_stutter_of_brackets_does_not_exhaust_the_stack():
    """Greedy decoding loops; the reader must not."""
    assert read('{"items": ' + "[" * 5000)["items", 0].state is FieldState.UNREADABLE


@given(truths, st.lists(st.integers(0, 60)))
def test_both_decode_modes_read_the_same_values(truth, cuts):
    """One generation a field, ended where the value ends, says what the whole object says."""
    whole = read(json_answer(Slip.spec, truth))
    parts = tuple(
        generation(*split(field_answer(Slip.spec, truth, f.name).encode(), cuts))
        for f in Slip.spec.fields
    )
    apart = fields_of(PageAnswer(page=1, generations=parts, decode_mode="fields"), Slip.spec)
    assert [(f.name, f.ordinal, f.state, f.text) for f in apart] == [
        (f.name, f.ordinal, f.state, f.text) for f in whole.values()
    ]


def test_skeleton_tokens_are_never_evidence():
    """What was fed was not chosen."""
    parts = (
        generation('{"total": ', '"', "1", '"', forced=1),
        generation('{"date": ', "null", forced=1),
    )
    readings = {
        f.name: f
        for f in fields_of(PageAnswer(page=1, generations=parts, decode_mode="fields"), Slip.spec)
    }
    assert pieces_of(readings["total"]) == [b"1", b'"']
    assert pieces_of(readings["date"]) == [b"null"]
    assert readings["date"].ends is False
    assert readings["payee"].problem == "missing"


def test_a_skeleton_token_after_null_is_not_its_ending():
    """A forced delimiter says nothing about the value before it."""
    tokens = [
        TokenTrace(token_id=n, text=t, logprob=-1.0, forced=f)
        for n, (t, f) in enumerate(
            [
                (b'{"payee": ', True),
                (b"null", False),
                (b', "date": ', True),
                (b"null", False),
                (b"}", True),
            ]
        )
    ]
    answer = PageAnswer(
        page=1,
        generations=(Generation(tokens=tuple(tokens), stop_reason=StopReason.END),),
        decode_mode="json",
    )
    readings = {f.name: f for f in fields_of(answer, Slip.spec)}
    assert pieces_of(readings["payee"]) == [b"null"]


def test_a_field_cut_short_in_fields_mode_is_truncated():
    """Each continuation has a budget of its own."""
    parts = (
        generation('{"total": ', '"', "1,2", stop=StopReason.LENGTH, forced=1),
        generation('{"number": ', "12", stop=StopReason.LENGTH, forced=1),
    )
    readings = {
        f.name: f
        for f in fields_of(PageAnswer(page=1, generations=parts, decode_mode="fields"), Slip.spec)
    }
    assert (readings["total"].problem, readings["total"].text) == ("truncated", "1,2")
    assert readings["number"].problem == "truncated"


@pytest.mark.parametrize("second", ['"1"', '"2"', "null"])
def test_a_key_that_is_answered_twice_in_fields_mode_is_not_decided_by_order(second):
    """Nobody knows which of the two is meant, even where they say the same."""
    parts = (
        generation('{"total": ', '"1"', forced=1),
        generation('{"total": ', second, forced=1),
        generation('{"number": ', '"7"', forced=1),
    )
    readings = {
        f.name: f
        for f in fields_of(PageAnswer(page=1, generations=parts, decode_mode="fields"), Slip.spec)
    }
    assert (readings["total"].state, readings["total"].problem) == (
        FieldState.UNREADABLE,
        "repeated_key",
    )
    assert readings["number"].text == "7"


def test_an_answer_without_a_generation_says_nothing():
    """Every field is missing; none is absent."""
    readings = fields_of(PageAnswer(page=1, generations=(), decode_mode="json"), Invoice.spec)
    assert {f.problem for f in readings} == {"missing"}
    assert all(not f.tokens and math.isfinite(f.ordinal) for f in readings)
