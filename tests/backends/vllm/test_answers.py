"""What becomes of real answers: bytes, log-probabilities, ends."""

import json
from itertools import pairwise
from typing import Any

import pytest

from extractors.backends.vllm.tokens import UNKNOWN_ID
from extractors.errors import ModelNotLoadable, RequestRefused
from extractors.reading.answer_parser import fields_of
from extractors.types import FieldState, Generation, StopReason
from tests.backends.vllm import tokenizer
from tests.backends.vllm.conftest import SPEC, a_page
from tests.backends.vllm.server import body_of, ok, recorded

# the answer that the recorded second request held
READ_BACK = '{"invoice_number": "INV-2041", "total": null, "visible": true}'


def first_answer(text: str = READ_BACK, finish_reason: str = "stop") -> dict[str, Any]:
    """A recorded answer under a grammar, with the text of the recorded second request put into
    it.
    """
    body = body_of("raw_so_json")
    body["choices"][0]["message"]["content"] = text
    body["choices"][0]["finish_reason"] = finish_reason
    return body


def only_generation(backend: Any) -> Generation:
    (answer,) = backend.answer([a_page()], SPEC)
    (generation,) = answer.generations
    return generation


def content_of(name: str) -> str:
    text: str = body_of(name)["choices"][0]["message"]["content"]
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tokenizer.save(tmp_path_factory.mktemp("tokenizer")))


@pytest.mark.parametrize(
    "name",
    ["raw_free", "raw_temp07", "raw_guided_json_legacy", "raw_top0", "misc_allowed_token_ids"],
)
def test_tokens_spell_the_answer_byte_for_byte(replaying, name):
    """Joined, the traces are the answer's text, also where the server's own bytes leave something
    out.
    """
    backend, _ = replaying(recorded(name), grammar=False)

    assert only_generation(backend).text == content_of(name).encode()


def test_a_character_without_an_end_shares_its_trace_with_the_next_token(replaying):
    """The server says nothing of what such a token spells; together the two are no surer than
    either of them.
    """
    backend, _ = replaying(recorded("raw_free"), grammar=False)
    told = body_of("raw_free")["choices"][0]["logprobs"]["content"]

    generation = only_generation(backend)

    (shared,) = [token for token in generation.tokens if "\ufffd" in token.text.decode()]
    assert shared.text == "\ufffd ".encode()
    assert shared.logprob == pytest.approx(told[5]["logprob"] + told[6]["logprob"])
    assert len(generation.tokens) == len(told) - 1


def test_with_the_tokenizer_every_token_has_its_own_bytes(replaying, folder):
    """Ids say what the text cannot: the token that ends inside a character spells that one byte."""
    backend, server = replaying(recorded("raw_free_tokids"), grammar=False, tokenizer=folder)
    ids = body_of("raw_free_tokids")["choices"][0]["token_ids"]

    generation = only_generation(backend)

    assert [token.token_id for token in generation.tokens] == ids
    assert generation.tokens[5].text == b"\xf8"
    assert generation.text.decode("utf-8", "replace") == content_of("raw_free_tokids")
    assert all(one.token_id >= 0 and one.text for token in generation.tokens for one in token.top)
    assert server.asked[0].body["return_tokens_as_token_ids"] is True


def test_another_models_tokenizer_is_noticed(replaying, folder):
    """Bytes that are not those of the answer's text are never taken for evidence."""
    body = body_of("raw_free_tokids")
    body["choices"][0]["message"]["content"] = "something else"
    backend, _ = replaying(ok(body), grammar=False, tokenizer=folder)

    with pytest.raises(ModelNotLoadable, match="another answer"):
        backend.answer([a_page()], SPEC)


def test_free_log_probabilities_are_kept_as_they_came(replaying):
    """Greedy and without a grammar they are the model's own, so one request is enough."""
    backend, server = replaying(recorded("raw_top0"), grammar=False)
    told = body_of("raw_top0")["choices"][0]["logprobs"]["content"]

    assert [token.logprob for token in only_generation(backend).tokens] == [
        token["logprob"] for token in told
    ]
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", ["raw_temp07", "raw_free", "misc_allowed_token_ids"])
def test_alternatives_come_most_likely_first(replaying, name):
    """The server puts the chosen token first, wherever it ranks."""
    backend, _ = replaying(recorded(name), grammar=False)

    for token in only_generation(backend).tokens:
        assert len(token.top) <= 5
        assert all(a.logprob >= b.logprob for a, b in pairwise(token.top))
        assert token.entropy >= 0.0


def test_a_chosen_token_that_was_not_the_best_stands_behind_the_best(replaying):
    """In the recording 'y' was forced upon a model that wanted ' address'."""
    backend, _ = replaying(recorded("misc_allowed_token_ids"), grammar=False)

    first = only_generation(backend).tokens[0]

    assert (first.text, first.logprob) == (b"y", -11.481468200683594)
    assert first.top[0].text == b" address"
    assert first.top[0].token_id == UNKNOWN_ID


def test_an_answer_without_alternatives_is_still_an_answer(replaying):
    """A server may be asked for none, or give none: the chosen token is then the only one told
    of.
    """
    backend, _ = replaying(recorded("raw_top0"), grammar=False)

    assert all(
        [one.logprob for one in token.top] == [token.logprob]
        for token in only_generation(backend).tokens
    )


@pytest.mark.parametrize("ending", [{}, {"token": "", "bytes": []}], ids=["named", "empty"])
def test_the_end_of_turn_spells_nothing(replaying, ending):
    """It stands among the tokens, under its name or without one, but not in the answer."""
    body = body_of("raw_so_choice")
    for token in body["choices"][0]["logprobs"]["content"]:
        token["top_logprobs"] = []  # the recording is of a mask, which is another test's business
    body["choices"][0]["logprobs"]["content"][-1] |= ending
    backend, _ = replaying(ok(body), grammar=False)

    generation = only_generation(backend)

    assert [token.text for token in generation.tokens] == [b"y", b"e", b"s", b""]
    assert [token.token_id for token in generation.tokens] == [88, 68, 82, 394]
    assert generation.stop_reason is StopReason.END


def test_an_answer_under_a_grammar_is_read_back_for_its_raw_log_probabilities(replaying):
    """The mask made the first token certain (-0.0026); the model itself gave it -7.43."""
    backend, server = replaying(ok(first_answer()), recorded("twopass"))
    masked = body_of("raw_so_json")["choices"][0]["logprobs"]["content"][0]["logprob"]

    generation = only_generation(backend)

    assert masked > -0.01
    assert generation.tokens[0].text == b'{"'
    assert generation.tokens[0].logprob == pytest.approx(-7.4317, abs=1e-4)
    assert generation.text == READ_BACK.encode()
    assert generation.stop_reason is StopReason.END
    second = server.asked[1].body
    assert second["messages"][-1] == {"role": "assistant", "content": READ_BACK}
    assert second["messages"][:-1] == server.asked[0].body["messages"]
    assert (
        second["continue_final_message"],
        second["add_generation_prompt"],
        second["max_tokens"],
    ) == (True, False, 1)
    assert "response_format" not in second


def test_what_was_read_back_becomes_fields(replaying):
    """The value's tokens carry the raw numbers, and an absent field is absent."""
    backend, _ = replaying(ok(first_answer()), recorded("twopass"))
    (answer,) = backend.answer([a_page()], SPEC)

    number, total, visible = fields_of(answer, SPEC)

    assert (number.state, number.text) == (FieldState.VALUE, "INV-2041")
    assert b"".join(token.text for token in number.tokens) == b'INV-2041",'
    assert min(token.logprob for token in number.tokens) == pytest.approx(-15.12396, abs=1e-4)
    assert (total.state, visible.state) == (FieldState.ABSENT, FieldState.VALUE)


def test_sampled_answers_are_read_back_too(replaying):
    """Temperature and penalties are in the numbers of some servers, and nothing in an answer
    tells.
    """
    backend, server = replaying(
        ok(first_answer()), recorded("twopass"), grammar=False, temperature=0.1
    )

    only_generation(backend)

    assert len(server.asked) == 2


def test_a_template_that_begins_answers_elsewhere_is_refused(replaying):
    """Where the second prompt does not repeat the first, nobody knows which tokens are the
    answer's.
    """
    second = body_of("twopass")
    second["prompt_token_ids"][3] = 7
    backend, _ = replaying(ok(first_answer()), ok(second))

    with pytest.raises(ModelNotLoadable, match="template"):
        backend.answer([a_page()], SPEC)


@pytest.mark.parametrize("missing", ["prompt_logprobs", "prompt_token_ids"])
def test_a_server_that_cannot_read_back_is_refused(replaying, missing):
    """It ignores what it does not know, with a 200; masked numbers are never taken instead."""
    second = {**body_of("twopass"), missing: None}
    backend, _ = replaying(ok(first_answer()), ok(second))

    with pytest.raises(ModelNotLoadable):
        backend.answer([a_page()], SPEC)


@pytest.mark.parametrize(
    "name", ["raw_so_json", "raw_rf_json", "raw_so_json_trunc", "raw_so_choice"]
)
def test_numbers_taken_after_a_mask_are_refused(replaying, name):
    """A server that masks what it was not asked to mask gives itself away by -9999."""
    backend, _ = replaying(recorded(name), grammar=False)

    with pytest.raises(ModelNotLoadable, match="raw_logprobs"):
        backend.answer([a_page()], SPEC)


def test_logits_are_not_taken_for_log_probabilities(replaying):
    """A server in raw_logits mode writes logits, which may be positive, into the same place."""
    body = body_of("raw_free")
    for token in body["choices"][0]["logprobs"]["content"]:
        for one in (token, *token["top_logprobs"]):
            one["logprob"] += 10.9
    backend, _ = replaying(ok(body), grammar=False)

    with pytest.raises(ModelNotLoadable, match="raw_logprobs"):
        backend.answer([a_page()], SPEC)


def test_an_answer_without_log_probabilities_is_refused(replaying):
    """Some servers leave them out; without them nothing could ever be accepted, and nobody would
    know why.
    """
    body = body_of("raw_free")
    body["choices"][0]["logprobs"] = None
    backend, _ = replaying(ok(body), grammar=False)

    with pytest.raises(ModelNotLoadable, match="log-probabilities"):
        backend.answer([a_page()], SPEC)


def _read_back_of_the_cut_answer() -> dict[str, Any]:
    """The recorded second answer, as far as the cut one goes: ``{"invoice_number"``."""
    second = body_of("twopass")
    kept = 71 + 4
    quote = {"1": {"logprob": -3.0, "rank": 4, "decoded_token": '"'}}
    second["prompt_token_ids"] = [*second["prompt_token_ids"][:kept], 1]
    second["prompt_logprobs"] = [*second["prompt_logprobs"][:kept], quote]
    return second


@pytest.mark.parametrize("name", ["raw_so_json", "raw_so_json_trunc"])
def test_a_grammar_that_allows_endless_spaces_ends_as_cut_short(replaying, name):
    """Nothing of such an answer is a value: every field says that it was truncated."""
    first = body_of(name) | {"prompt_token_ids": body_of("raw_so_json")["prompt_token_ids"]}
    backend, server = replaying(ok(first), ok(_read_back_of_the_cut_answer()))

    (answer,) = backend.answer([a_page()], SPEC)

    assert answer.generations[0].stop_reason is StopReason.LENGTH
    assert server.asked[1].body["messages"][-1]["content"] == '{"invoice_number"'
    assert {(field.state, field.problem) for field in fields_of(answer, SPEC)} == {
        (FieldState.UNREADABLE, "truncated")
    }


def test_a_cut_answer_that_leaves_no_room_to_read_it_back_gives_no_values(replaying):
    """It filled the model's whole context; the page goes to a person rather than failing for
    ever.
    """
    backend, _ = replaying(ok(first_answer(finish_reason="length")), recorded("raw_toolong"))
    (answer,) = backend.answer([a_page()], SPEC)

    assert answer.generations == (Generation(tokens=(), stop_reason=StopReason.LENGTH),)
    assert {field.state for field in fields_of(answer, SPEC)} == {FieldState.UNREADABLE}


def test_a_whole_answer_that_cannot_be_read_back_is_an_error(replaying):
    """Nothing was cut, so something is wrong that a person must mend."""
    backend, _ = replaying(ok(first_answer()), recorded("raw_toolong"))

    with pytest.raises(RequestRefused):
        backend.answer([a_page()], SPEC)


def test_an_ignored_grammar_gives_no_values(replaying):
    """A server that does not know the field it was sent answers freely, with a 200: what it says is
    no object of ours.
    """
    backend, _ = replaying(recorded("raw_guided_json_legacy"), grammar=False)
    (answer,) = backend.answer([a_page()], SPEC)

    assert {field.state for field in fields_of(answer, SPEC)} == {FieldState.UNREADABLE}


def test_an_empty_answer_is_cut_short_or_ended_but_no_error(replaying):
    """Nothing was said, so there is nothing to read back."""
    backend, server = replaying(ok(first_answer("")))

    generation = only_generation(backend)

    assert (generation.tokens, generation.stop_reason, len(server.asked)) == ((), StopReason.END, 1)


def test_a_raw_control_character_makes_one_value_unreadable(replaying):
    """A grammar was seen to let one through; JSON forbids it, and the other fields are not lost
    with it.
    """
    text = '{"invoice_number": "INV\x072041", "total": null, "visible": true}'
    second = body_of("twopass")
    # where the recording has a hyphen
    second["prompt_logprobs"][71 + 7]["12"]["decoded_token"] = "\x07"
    backend, _ = replaying(ok(first_answer(text)), ok(second))
    (answer,) = backend.answer([a_page()], SPEC)

    number, total, visible = fields_of(answer, SPEC)

    assert number.state is FieldState.UNREADABLE
    assert (total.state, visible.state) == (FieldState.ABSENT, FieldState.VALUE)


def test_a_text_that_its_tokens_do_not_spell_has_no_evidence_and_is_said_once(replaying, caplog):
    """When the server's account does not add up, its numbers are those of other characters: each
    value keeps its text and has no token to be scored by.
    """
    body = body_of("raw_top0")
    body["choices"][0]["message"]["content"] = json.dumps({"total": "12.50"})
    backend, _ = replaying(ok(body), ok(body), grammar=False)

    for _ in range(2):
        (answer,) = backend.answer([a_page()], SPEC)
        (total,) = (one for one in fields_of(answer, SPEC) if one.name == "total")
        assert (total.text, total.tokens) == ("12.50", ())
    said = [one for one in caplog.records if one.message == "tokens_do_not_spell_the_answer"]
    assert len(said) == 1


def test_an_answer_is_held_against_another_page(replaying):
    """The prompt is counted once more, and the answer read back; nothing is written."""
    backend, server = replaying(
        ok(first_answer()), recorded("twopass"), ok(first_answer("x")), recorded("twopass")
    )
    answers = backend.answer([a_page()], SPEC)

    (again,) = backend.scored([a_page(7)], answers, SPEC)

    assert again.page == 7
    assert again.generations == answers[0].generations  # the same numbers were recorded
    counted, back = (one.body for one in server.asked[2:])
    assert counted["max_tokens"] == back["max_tokens"] == 1
    assert back["messages"][-1] == {"role": "assistant", "content": READ_BACK}
    assert "response_format" not in counted


def test_an_answer_without_evidence_is_held_against_nothing(replaying):
    """An empty answer takes no second request; and no page takes none at all."""
    backend, server = replaying(ok(first_answer("")), ok(first_answer("x")))
    answers = backend.answer([a_page()], SPEC)

    assert backend.scored([a_page()], answers, SPEC)[0].generations[0].tokens == ()
    assert backend.scored([], [], SPEC) == []
    assert len(server.asked) == 2
