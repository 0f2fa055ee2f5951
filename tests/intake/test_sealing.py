"""A key file and what is sealed for it: made once, opened whole or not at all."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import sealing
from worker.sealing import KeyUnusable, SealedForAnother


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no key file"),
        (b"zz" * 32, "is no key file"),
        (b"ab" * 31, "is no key file"),
        (b"ab" * 33, "is no key file"),
        (b"\xff\xfe" * 32, "is no key file"),
        ("ä".encode() * 64, "is no key file"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_key_is_said_so_whoever_asks(tmp_path, content, says):
    """A damaged one is never made anew: what was sealed for it would be lost without a word."""
    path = tmp_path / "key"
    sealed = sealing.seal(sealing.make_key(tmp_path / "other"), b"content")
    path.mkdir() if content is None else path.write_bytes(content)

    for ask in (lambda: sealing.opened(path, sealed), lambda: sealing.make_key(path)):
        with pytest.raises(KeyUnusable, match=says) as error:
            ask()
        assert str(path) in str(error.value)
    assert path.is_dir() if content is None else path.read_bytes() == content


@pytest.mark.parametrize("change", [str.upper, "  {}\n\n".format, "{}\r\n".format])
def test_a_key_file_that_an_editor_touched_is_the_same_key(tmp_path, change):
    """Case and blanks around it say nothing."""
    path = tmp_path / "key"
    public = sealing.make_key(path)
    path.write_text(change(path.read_text("ascii")), "ascii")

    assert sealing.make_key(path) == public
    assert sealing.opened(path, sealing.seal(public, b"content")) == b"content"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_key_file_is_its_owners_alone_whatever_is_usual_on_the_machine(tmp_path, umask):
    """Its folder is made where there is none."""
    before = os.umask(umask)
    try:
        sealing.make_key(tmp_path / "a" / "b" / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "b" / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize(("name", "says"), [("x" * 300, "made"), ("file/key", "read")])
def test_where_no_file_can_be_the_error_names_it(tmp_path, name, says):
    """A name that is too long, or a file in the place of its folder."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyUnusable, match=f"cannot be {says}") as error:
        sealing.make_key(tmp_path / name)
    assert name in str(error.value)


@given(st.binary(max_size=300), st.data())
def test_what_was_sealed_is_opened_whole_or_not_at_all(tmp_path_factory, content, data):
    """A byte that changed, one that is missing and one too many are all told from the content."""
    path = tmp_path_factory.mktemp("keys") / "key"
    sealed = sealing.seal(sealing.make_key(path), content)
    assert sealing.opened(path, sealed) == content
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = bytearray(sealed)
    changed[at] ^= data.draw(st.integers(1, 255))
    for other in (bytes(changed), sealed[:at], sealed + b"x"):
        with pytest.raises(SealedForAnother):
            sealing.opened(path, other)
